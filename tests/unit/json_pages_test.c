/* What REST has printed: kept while it is true, printed anew in pieces, told apart by its ETag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/executord.h"
#include "executord/json.h"

#define MANY 2000 /* their list is large enough for a memfd */

static char *database(size_t n)
{
	char *text = gw_strdup("pdus:\n  APC: {driver: dummy, config: {ports: [a]}}\n  B: {driver: dummy, config: {ports: [a]}}\nduts:\n");
	size_t len = strlen(text);

	text = gw_realloc(text, len + n * 64 + 1);
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "  '52:54:00:00:%02zx:%02zx': {base_name: box}\n", i / 256, i % 256);
	return text;
}

static struct executord *farm(size_t n)
{
	struct executord *ex = gw_calloc(1, sizeof(*ex));
	struct gw_errors errs = {0};
	char *text = database(n);

	ex->database.db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);
	assert_non_null(ex->database.db);
	snprintf(ex->settings.farm, sizeof(ex->settings.farm), "lab");
	registry_start(ex);
	free(text);
	return ex;
}

static void farm_end(struct executord *ex)
{
	registry_finish(ex);
	mars_db_destroy(ex->database.db);
	free(ex);
}

static char *etag_of(const struct http_shared *page)
{
	return gw_strdup(http_shared_etag(page));
}

static void assert_shows(const struct http_shared *page, const char *begin, const char *within)
{
	char *text = http_shared_text(page);
	cJSON *json = cJSON_Parse(text);

	assert_non_null(json);
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	assert_non_null(strstr(text, within));
	assert_int_equal(text[strlen(text) - 1], '\n');
	cJSON_Delete(json);
	free(text);
}

static void lists_hold_their_pieces_in_order(void **state)
{
	struct executord *ex = farm(2);

	assert_shows(json_duts_page(ex), "{\"duts\":{\"52:54:00:00:00:00\":{\"id\":\"52:54:00:00:00:00\",", "},\"52:54:00:00:00:01\":{");
	assert_shows(json_machines_page(ex), "{\"machines\":{\"52:54:00:00:00:00\":{", "},\"52:54:00:00:00:01\":{");
	assert_shows(json_pdus_page(ex), "{\"pdus\":{\"APC\":{\"ports\":{}", "},\"B\":{");
	assert_shows(json_full_state(ex, NULL), "{\"pdus\":{\"APC\":{", "}},\"discover\":{},\"jobs\":{},");
	farm_end(ex);
	ex = farm(0);
	assert_shows(json_duts_page(ex), "{\"duts\":{}}", "");
	farm_end(ex);
}

static void nothing_is_printed_anew_while_nothing_changes(void **state)
{
	struct executord *ex = farm(2);
	struct http_shared *duts = json_duts_page(ex), *pdus = json_pdus_page(ex), *dut = json_dut_answer(ex->registry.duts[0]);

	assert_ptr_equal(json_duts_page(ex), duts);
	assert_ptr_equal(json_pdus_page(ex), pdus);
	assert_ptr_equal(json_dut_answer(ex->registry.duts[0]), dut);
	registry_pdu_changed(ex, ex->registry.pdus[0]);
	assert_ptr_equal(json_duts_page(ex), duts); /* no DUT of it has */
	farm_end(ex);
}

static void a_change_of_one_dut_prints_that_one_alone(void **state)
{
	struct executord *ex = farm(MANY);
	char *before = etag_of(json_duts_page(ex)), *of_state = etag_of(json_full_state(ex, NULL));
	char *of_dut = etag_of(json_dut_answer(ex->registry.duts[7]));
	const char *other = ex->registry.duts[8]->printed.text;

	ex->registry.duts[7]->state = DUT_IDLE;
	registry_dut_changed(ex, ex->registry.duts[7]);
	assert_shows(json_duts_page(ex), "{\"duts\":{", "\"52:54:00:00:00:07\":{\"id\":\"52:54:00:00:00:07\",\"state\":\"IDLE\"");
	assert_ptr_equal(ex->registry.duts[8]->printed.text, other);
	assert_string_not_equal(http_shared_etag(json_duts_page(ex)), before);
	assert_string_not_equal(http_shared_etag(json_full_state(ex, NULL)), of_state);
	assert_string_not_equal(http_shared_etag(json_dut_answer(ex->registry.duts[7])), of_dut);
	ex->registry.duts[7]->state = DUT_WAIT_FOR_CONFIG;
	registry_dut_changed(ex, ex->registry.duts[7]);
	assert_string_equal(http_shared_etag(json_duts_page(ex)), before); /* the same bytes again */
	free(before);
	free(of_state);
	free(of_dut);
	farm_end(ex);
}

static void an_answer_under_way_outlives_the_change(void **state)
{
	struct executord *ex = farm(2);
	struct http_shared *sent = http_shared_hold(json_dut_answer(ex->registry.duts[0]));
	char *text;

	registry_dut_changed(ex, ex->registry.duts[0]);
	text = http_shared_text(sent);
	assert_non_null(strstr(text, "\"state\":\"WAIT_FOR_CONFIG\""));
	free(text);
	http_shared_release(sent);
	farm_end(ex);
}

static void the_full_state_has_an_etag_that_time_does_not_change(void **state)
{
	struct executord *ex = farm(2);
	char *before = etag_of(json_full_state(ex, NULL));
	struct http_shared *page = json_full_state(ex, NULL);

	assert_int_equal(strncmp(before, "W/\"", 3), 0);
	ex->registry.full_state.second -= 5; /* it was printed then */
	assert_shows(json_full_state(ex, NULL), "{\"pdus\":", "\"now\":\"20");
	assert_ptr_not_equal(json_full_state(ex, NULL), page);
	assert_string_equal(http_shared_etag(json_full_state(ex, NULL)), before);
	free(before);
	farm_end(ex);
}

static void the_full_state_changes_with_the_discovery_and_events(void **state)
{
	struct executord *ex = farm(2);
	char *before = etag_of(json_full_state(ex, NULL)), *during;

	ex->discovery.phase = DISCOVERY_LISTENING;
	snprintf(ex->discovery.ask.pdu, sizeof(ex->discovery.ask.pdu), "APC");
	snprintf(ex->discovery.ask.port, sizeof(ex->discovery.ask.port), "1");
	ex->discovery.deadline = 5000;
	assert_shows(json_full_state(ex, NULL), "{\"pdus\":", "\"discover\":{\"pdu\":\"APC\",\"port_id\":\"1\",");
	assert_shows(json_full_state(ex, NULL), "{\"pdus\":", "\"expires_in\":5}");
	during = etag_of(json_full_state(ex, NULL));
	assert_string_not_equal(during, before);
	ex->discovery.deadline = 4000;
	ex->registry.full_state.second = 0;
	assert_shows(json_full_state(ex, NULL), "{\"pdus\":", "\"expires_in\":4}");
	assert_string_equal(http_shared_etag(json_full_state(ex, NULL)), during);
	ex->discovery.phase = DISCOVERY_NONE;
	assert_string_equal(http_shared_etag(json_full_state(ex, NULL)), before);
	ex->events.last++;
	assert_string_not_equal(http_shared_etag(json_full_state(ex, NULL)), before);
	free(before);
	free(during);
	farm_end(ex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_hold_their_pieces_in_order),
		cmocka_unit_test(nothing_is_printed_anew_while_nothing_changes),
		cmocka_unit_test(a_change_of_one_dut_prints_that_one_alone),
		cmocka_unit_test(an_answer_under_way_outlives_the_change),
		cmocka_unit_test(the_full_state_has_an_etag_that_time_does_not_change),
		cmocka_unit_test(the_full_state_changes_with_the_discovery_and_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
