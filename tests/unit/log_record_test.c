#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "libgateway/log.h"
#include "libgateway/log_record.h"
#include "libgateway/utf8.h"

static struct log_record record_of(const char *text)
{
	return (struct log_record){.at = {1769860800, 123456789}, .level = "warning", .priority = -1, .program = "bootsd", .text = text};
}

static const char *json_of(const char *text)
{
	static char line[LOG_RECORD_MAX + 1];
	struct log_record record = record_of(text);

	line[log_print_json(line, &record)] = '\0';
	return line;
}

static void a_text_record_is_a_line_with_time_daemon_and_level(void **state)
{
	char line[LOG_RECORD_MAX + 1];
	struct log_record record = record_of("a\nb\x1b[2J\x7f");

	line[log_print_text(line, &record)] = '\0';
	assert_string_equal(line, "2026-01-31T12:00:00.123Z bootsd warning: a?b?[2J?\n");
}

static void journald_gets_a_level_and_has_the_time_itself(void **state)
{
	char line[LOG_RECORD_MAX + 1];
	struct log_record record = record_of("text");

	record.priority = 4;
	line[log_print_text(line, &record)] = '\0';
	assert_string_equal(line, "<4>text\n");
	line[log_print_json(line, &record)] = '\0';
	assert_int_equal(strncmp(line, "<4>{\"time\":", 11), 0);
}

static void a_json_record_has_its_parts_as_fields(void **state)
{
	assert_string_equal(json_of("job=user-1 dut=52:54:00:11:22:00: 3 files deployed"),
			    "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"warning\",\"daemon\":\"bootsd\",\"job\":\"user-1\","
			    "\"dut\":\"52:54:00:11:22:00\",\"message\":\"job=user-1 dut=52:54:00:11:22:00: 3 files deployed\"}\n");
}

static const struct {
	const char *text, *job, *dut;
} named[] = {
	{"nothing here", NULL, NULL},
	{"job=j1 the firmware took 3 s", "j1", NULL},
	{"job=j1: a text", "j1", NULL},
	{"dut=farm-x86-1 IDLE -> QUEUED event=JOB_ACCEPTED job=17 job_id=x", "17", "farm-x86-1"},
	{"dut=farm-x86-1 RUNNING -> IDLE event=JOB_ENDED by hand", NULL, "farm-x86-1"},
	/* What a job, a machine or a client says names nothing. */
	{"job=j1 job=j2 dut=d2", "j1", NULL},
	{"job=j1: dut=d2", "j1", NULL},
	{"job=j1 it says dut=d2 event=X job=j3", "j1", NULL},
	{"dut=d1: event=X job=j3", NULL, "d1"},
	{"dhcp: job=j3", NULL, NULL},
	{"job= dut=", NULL, NULL},
	{"job=", NULL, NULL},
};

static const char *field(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static void assert_same(const char *found, const char *expected, const char *text)
{
	if (!found != !expected || (found && strcmp(found, expected) != 0))
		fail_msg("'%s': '%s' instead of '%s'", text, found ? found : "nothing", expected ? expected : "nothing");
}

static void only_the_words_that_are_ours_name_a_job_or_a_machine(void **state)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		cJSON *json = cJSON_Parse(json_of(named[i].text));

		assert_non_null(json);
		assert_same(field(json, "job"), named[i].job, named[i].text);
		assert_same(field(json, "dut"), named[i].dut, named[i].text);
		assert_string_equal(field(json, "message"), named[i].text);
		cJSON_Delete(json);
	}
}

static void what_json_cannot_hold_is_escaped(void **state)
{
	assert_non_null(strstr(json_of("a\"b\\c\n\t\x01\x7f"), "\"message\":\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"}\n"));
	assert_non_null(strstr(json_of("caf\xc3\xa9 \xf0\x9f\x98\x80"), "\"message\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}\n"));
	assert_non_null(strstr(json_of("\xff\xc0\xaf\xed\xa0\x80 cut \xe2\x82"),
			       "\"message\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd cut \\ufffd\\ufffd\"}\n"));
}

/* Any bytes: a line, UTF-8, an object, and what was UTF-8 comes out as it went in. */
static void random_texts_come_back_out_of_their_json(void **state)
{
	unsigned seed = 20260131;

	for (int round = 0; round < 20000; round++) {
		char text[64];
		size_t n = (size_t)(rand_r(&seed) % 63);
		const char *line;
		cJSON *json;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(1 + rand_r(&seed) % (round % 2 ? 255 : 127));
		text[n] = '\0';
		line = json_of(text);
		json = cJSON_Parse(line);
		assert_non_null(json);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_int_equal(utf8_prefix(line, strlen(line)), strlen(line));
		if (utf8_prefix(text, n) == n)
			assert_string_equal(field(json, "message"), text);
		cJSON_Delete(json);
	}
}

static void a_text_beyond_the_limit_is_cut(void **state)
{
	static char text[2 * LOG_TEXT_MAX];
	const char *line;

	memset(text, '\x01', sizeof(text) - 1);
	line = json_of(text);
	assert_true(strlen(line) > 6 * (LOG_TEXT_MAX - 1));
	assert_true(strlen(line) <= LOG_RECORD_MAX);
	assert_string_equal(line + strlen(line) - 4, "1\"}\n");
}

/* ---- to standard error ---- */

static void logged(char *out, size_t size, const char *journal, const char *format)
{
	int old = dup(STDERR_FILENO), pipes[2];
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	if (strcmp(journal, "ours") == 0) {
		struct stat st;
		char stream[64];

		fstat(STDERR_FILENO, &st);
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
		setenv("JOURNAL_STREAM", stream, 1);
	} else {
		setenv("JOURNAL_STREAM", journal, 1);
	}
	log_init("pdud", "info");
	log_format(format);
	log_debug("not shown");
	log_error("port %d is on fire", 7);
	dup2(old, STDERR_FILENO);
	close(old);
	close(pipes[1]);
	n = read(pipes[0], out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
}

static void levels_are_for_journald_only_if_standard_error_is_its_stream(void **state)
{
	char line[512];

	logged(line, sizeof(line), "ours", "text");
	assert_string_equal(line, "<3>port 7 is on fire\n");
	logged(line, sizeof(line), "1:1", "text");
	assert_non_null(strstr(line, "Z pdud error: port 7 is on fire\n"));
	assert_int_equal(line[0], '2');
	logged(line, sizeof(line), "", "json");
	assert_int_equal(line[0], '{');
	assert_non_null(strstr(line, "\"level\":\"error\",\"daemon\":\"pdud\",\"message\":\"port 7 is on fire\"}\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_record_is_a_line_with_time_daemon_and_level),
		cmocka_unit_test(journald_gets_a_level_and_has_the_time_itself),
		cmocka_unit_test(a_json_record_has_its_parts_as_fields),
		cmocka_unit_test(only_the_words_that_are_ours_name_a_job_or_a_machine),
		cmocka_unit_test(what_json_cannot_hold_is_escaped),
		cmocka_unit_test(random_texts_come_back_out_of_their_json),
		cmocka_unit_test(a_text_beyond_the_limit_is_cut),
		cmocka_unit_test(levels_are_for_journald_only_if_standard_error_is_its_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
