#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/watch_lines.h"
#include "executorctl/watch_picture.h"
#include "executorctl/width.h"

static char got[4096];

static void on_line(void *owner, const char *line)
{
	size_t used = strlen(got);

	snprintf(got + used, sizeof(got) - used, "%s\n", line);
}

static const char farm[] = "{\"duts\":{\"d1\":{\"id\":\"d1\",\"full_name\":\"lab-box-1\",\"state\":\"IDLE\",\"comment\":null,\"tags\":["
			   "\"a\"],\"training\":{\"state\":\"IDLE\"}}},"
			   "\"pdus\":{\"APC\":{\"state\":\"OK\",\"error\":null,\"ports\":{\"1\":{\"state\":\"OFF\",\"reserved\":false,"
			   "\"last_polled\":null}}}},"
			   "\"jobs\":{},\"discover\":{},\"event_id\":10}";

static struct farm_view view;

static int begin(void **state)
{
	view = (struct farm_view){0};
	farm_view_take(&view, cJSON_Parse(farm), NULL, NULL);
	return 0;
}

static int end(void **state)
{
	farm_view_finish(&view);
	return 0;
}

static const char *told(const char *name, uint64_t id, const char *json)
{
	cJSON *data = cJSON_Parse(json);

	assert_non_null(data);
	got[0] = '\0';
	farm_view_event(&view, name, id, data, on_line, NULL);
	cJSON_Delete(data);
	return got;
}

static void each_change_is_a_line(void **state)
{
	assert_string_equal(
		told("step", 11,
		     "{\"dut\":\"d1\",\"full_name\":\"lab-box-1\",\"from\":\"IDLE\",\"to\":\"QUEUED\",\"cause\":\"job=user-1\"}"),
		"lab-box-1 IDLE -> QUEUED job=user-1\n");
	assert_string_equal(told("dut", 12,
				 "{\"id\":\"d1\",\"full_name\":\"lab-box-1\",\"state\":\"QUEUED\",\"comment\":\"loud\",\"tags\":[\"a\","
				 "\"b\"],\"training\":{}}"),
			    "lab-box-1 comment: - -> loud\nlab-box-1 tags: a -> a, b\n"); /* the state was told already */
	assert_string_equal(
		told("job", 13, "{\"id\":\"user-1\",\"job_id\":\"mine\",\"full_name\":\"lab-box-1\",\"dut\":\"d1\",\"state\":\"running\"}"),
		"lab-box-1 job user-1 (mine): running\n");
	assert_string_equal(told("job", 14,
				 "{\"id\":\"user-1\",\"full_name\":\"lab-box-1\",\"dut\":\"d1\",\"state\":\"ended\",\"status\":\"PASS\","
				 "\"seconds\":6.25,\"reason\":\"session_end matched\"}"),
			    "lab-box-1 job user-1: PASS after 6.2 s: session_end matched\n");
	assert_string_equal(told("pdu", 15,
				 "{\"name\":\"APC\",\"pdu\":{\"state\":\"ERROR\",\"error\":\"no "
				 "route\",\"ports\":{\"1\":{\"state\":\"ON\",\"reserved\":true,\"last_polled\":\"x\"}}}}"),
			    "PDU APC OK -> ERROR: no route\nport APC/1 state: OFF -> ON\nport APC/1 reserved: no -> yes\n");
	assert_string_equal(told("discovery", 16, "{\"pdu\":\"APC\",\"port_id\":\"2\"}"), "discovery at APC/2 goes on\n");
	assert_string_equal(told("discovery", 17, "{}"), "discovery at APC/2 is over\n");
	assert_string_equal(told("database", 18, "{\"error\":\"mars_db.yaml:1:1: bad\"}"),
			    "the database is not in use as it is on disk: mars_db.yaml:1:1: bad\n");
	assert_string_equal(told("database", 19, "{\"error\":null}"), "the database is in use as it is on disk\n");
	assert_string_equal(told("dut_gone", 20, "{\"id\":\"d1\"}"), "lab-box-1 is gone\n");
	assert_string_equal(told("dut", 21, "{\"id\":\"d2\",\"full_name\":\"lab-box-2\",\"state\":\"TRAINING\"}"),
			    "lab-box-2 is new: TRAINING\n");
	assert_string_equal(told("pdu_gone", 22, "{\"name\":\"APC\"}"), "PDU APC is gone\n");
}

#define ALARM "{\"pdu\":\"APC\",\"port_id\":\"1\",\"dut\":null,\"text\":\"port 1 of APC could not be switched OFF yet\"}"

static void alarms_and_pinned_ports_are_told_once_and_shown_until_they_are_over(void **state)
{
	struct picture picture = {0};
	char *text;

	assert_string_equal(told("alarms", 11, "{\"alarms\":[" ALARM "],\"pinned_ports\":[]}"),
			    "ALARM: port 1 of APC could not be switched OFF yet\n");
	assert_string_equal(told("alarms", 12, "{\"alarms\":[" ALARM "],\"pinned_ports\":[{\"pdu\":\"APC\",\"port_id\":\"2\"}]}"),
			    "port APC/2 is pinned: ON until it is switched OFF\n");
	text = picture_draw(&picture, view.state, NULL, false, 80, 10);
	assert_non_null(strstr(text, "ALARM: port 1 of APC could not be switched OFF yet"));
	free(text);
	assert_string_equal(told("alarms", 13, "{\"alarms\":[]}"), "");
	assert_string_equal(told("alarms", 14, "{\"alarms\":[],\"pinned_ports\":[]}"), "the alarm of port APC/1 is over\n");
	text = picture_draw(&picture, view.state, NULL, false, 80, 10);
	assert_null(strstr(text, "ALARM"));
	free(text);
}

static void training_loops_are_told_once(void **state)
{
	told("dut", 11, "{\"id\":\"d1\",\"full_name\":\"n\",\"training\":{\"boot_loop_counts\":100,\"loops\":[{\"status\":\"PASS\"}]}}");
	assert_string_equal(told("dut", 12,
				 "{\"id\":\"d1\",\"full_name\":\"n\",\"training\":{\"boot_loop_counts\":100,\"loops\":[{\"status\":"
				 "\"PASS\"},{\"status\":\"FAIL\"}]}}"),
			    "n training: loop 2 of 100: FAIL\n");
}

static void events_that_the_state_has_already_are_not_told_twice(void **state)
{
	assert_string_equal(told("dut", 10, "{\"id\":\"d1\",\"full_name\":\"old\",\"state\":\"RETIRED\"}"), "");
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(view.state, "duts"), "d1"), "state")),
		"IDLE");
}

static void after_a_gap_the_differences_are_told(void **state)
{
	cJSON *state_now = cJSON_Parse(farm);

	cJSON_ReplaceItemInObject(cJSON_GetObjectItem(cJSON_GetObjectItem(state_now, "duts"), "d1"), "comment", cJSON_CreateString("new"));
	got[0] = '\0';
	farm_view_take(&view, state_now, on_line, NULL);
	assert_string_equal(got, "lab-box-1 comment: - -> new\n");
}

static void what_makes_no_sense_changes_nothing(void **state)
{
	assert_string_equal(told("dut", 11, "{\"name\":1}"), "");
	assert_string_equal(told("pdu", 12, "{\"name\":\"X\",\"pdu\":[]}"), "");
	assert_string_equal(told("step", 13, "{\"to\":5}"), "  ->  \n");
	assert_string_equal(told("unknown", 14, "{}"), "");
	assert_string_equal(told("dut_gone", 15, "{}"), "");
	farm_view_take(&view, cJSON_Parse("{\"duts\":5}"), NULL, NULL); /* an odd server */
	assert_string_equal(told("dut", 16, "{\"id\":\"d1\",\"full_name\":\"x\",\"state\":\"IDLE\"}"), "x is new: IDLE\n");
}

static void escape_sequences_are_not_shown(void **state)
{
	assert_string_equal(told("step", 11, "{\"full_name\":\"x\\u001b[2J\",\"from\":\"A\",\"to\":\"B\",\"cause\":\"\"}"),
			    "x?[2J A -> B \n");
}

/* ---- the picture ---- */

static char *drawn(const struct picture *picture, const char *lost, size_t width, size_t height)
{
	return picture_draw(picture, view.state, lost, false, width, height);
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void the_picture_has_machines_and_the_last_changes(void **state)
{
	struct picture picture = {0};
	char *text;

	picture_note(&picture, "lab-box-1 IDLE -> QUEUED");
	text = drawn(&picture, NULL, 100, 24);
	assert_memory_equal(text, "\033[H1 machines, 1 IDLE\033[K\n", strlen("\033[H1 machines, 1 IDLE\033[K\n"));
	assert_non_null(strstr(text, "ID  NAME       STATE  TRAINING  JOB  READY  PORT  IP  TAGS  COMMENT\033[K\n"));
	assert_non_null(strstr(text, "\nlab-box-1 IDLE -> QUEUED\033[K\033[J"));
	free(text);
	picture_finish(&picture);
}

static void the_picture_never_grows_beyond_the_terminal(void **state)
{
	struct picture picture = {0};
	char id[32], json[200];

	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "note %d", i);
		picture_note(&picture, id);
		snprintf(json, sizeof(json), "{\"id\":\"m%d\",\"full_name\":\"machine-%d\",\"state\":\"IDLE\"}", i, i);
		told("dut", 100 + (uint64_t)i, json);
	}
	for (size_t height = 1; height < 40; height++) {
		char *text = drawn(&picture, "gone", 80, height);

		assert_true(count_lines(text) <= height);
		assert_true(height < 3 || strstr(text, "LOST: gone; trying again"));
		assert_true(height < 10 || (strstr(text, "... and ") && strstr(text, "note 199")));
		free(text);
	}
	picture_finish(&picture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_change_is_a_line, begin, end),
		cmocka_unit_test_setup_teardown(alarms_and_pinned_ports_are_told_once_and_shown_until_they_are_over, begin, end),
		cmocka_unit_test_setup_teardown(training_loops_are_told_once, begin, end),
		cmocka_unit_test_setup_teardown(events_that_the_state_has_already_are_not_told_twice, begin, end),
		cmocka_unit_test_setup_teardown(after_a_gap_the_differences_are_told, begin, end),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_changes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(escape_sequences_are_not_shown, begin, end),
		cmocka_unit_test_setup_teardown(the_picture_has_machines_and_the_last_changes, begin, end),
		cmocka_unit_test_setup_teardown(the_picture_never_grows_beyond_the_terminal, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
