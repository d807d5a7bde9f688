/* What pdud keeps on the disk, and what it makes of a damaged file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pdud/records.h"

#define T(text) ((char *)(text)) /* bodies own their texts; these are only lent */

static void what_is_written_is_read_again(void **state)
{
	char *jobs[] = {T("4"), T("5")};
	struct port_record ports[] = {
		{T("APC"), T("1"), T("17"), false, false, OFF_UNKNOWN, 1.7e9},
		{T("APC"), T("2"), NULL, true, false, 123456789, 0},
		{T("VPDU"), T("label \"x\""), NULL, false, true, OFF_UNKNOWN, 0.5},
	};
	struct records r = {.version = RECORDS_VERSION, .boot_id = T("b"), .revoked = {jobs, 2}, .ports = {ports, 3}}, *again;
	struct gw_error err = {0};
	char *text = records_encode(&r, &err);

	assert_non_null(text);
	again = records_decode(text, strlen(text), &err);
	assert_non_null(again);
	assert_string_equal(again->boot_id, "b");
	assert_string_equal(again->revoked.v[1], "5");
	assert_int_equal(again->ports.n, 3);
	for (int i = 0; i < 3; i++) {
		struct port_record *p = &again->ports.v[i];
		assert_string_equal(p->pdu, ports[i].pdu);
		assert_string_equal(p->port, ports[i].port);
		assert_true(p->job ? strcmp(p->job, ports[i].job) == 0 : !ports[i].job);
		assert_int_equal(p->owed, ports[i].owed);
		assert_int_equal(p->pinned, ports[i].pinned);
		assert_int_equal(p->off_since_ms, ports[i].off_since_ms);
		assert_true(p->last_shutdown == ports[i].last_shutdown);
	}
	bus_body_free(&records_body, again);
	free(text);
}

static void a_damaged_file_is_refused_with_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "it is empty; accepted: a JSON object"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[],\"por", "not JSON: line 1, column 42: unexpected 'p'"},
		{"{\"version\":2,\"boot_id\":\"b\",\"revoked\":[],\"ports\":[]}", "version: 2 is out of bounds; accepted: 1 to 1"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[]}", "ports: needed"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[],\"ports\":[],\"x\":1}", "x: not a field of 'records'"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[],\"ports\":[{\"pdu\":\"A\"}]}", "ports[0]: port: needed"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[],\"ports\":[{\"pdu\":\"A\",\"port\":\"1\",\"owed\":1,\"pinned\":false,"
		 "\"off_since_ms\":-1,\"last_shutdown\":0}]}",
		 "ports[0]: owed: not true or false"},
		{"{\"version\":1,\"boot_id\":\"b\",\"revoked\":[],\"ports\":[{\"pdu\":\"A\",\"port\":\"1\",\"owed\":true,\"pinned\":false,"
		 "\"off_since_ms\":-2,\"last_shutdown\":0}]}",
		 "ports[0]: off_since_ms: -2 is out of bounds; accepted: -1 to 9.0072e+15"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err = {0};
		assert_null(records_decode(rows[i].text, strlen(rows[i].text), &err));
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_string_equal(err.text, rows[i].error);
	}
}

static void the_configuration_is_kept_as_it_was_said(void **state)
{
	struct msg_port_config port = {.port = T("3"), .min_off_ms = 1500, .reserved = true, .assigned = true};
	struct msg_pdu_config pdu = {.name = T("APC"), .driver = T("vpdu"), .config = T("{\"hostname\":\"h\"}"), .ports = {&port, 1}};
	struct msg_pdu_configure body = {.capability_key = T("00"), .pdus = {&pdu, 1}}, *again;
	struct gw_error err = {0};
	char *text = configuration_encode(&body, &err);

	assert_non_null(text);
	again = configuration_decode(text, strlen(text), &err);
	assert_non_null(again);
	assert_string_equal(again->pdus.v[0].config, "{\"hostname\":\"h\"}");
	assert_int_equal(again->pdus.v[0].ports.v[0].min_off_ms, 1500);
	assert_true(again->pdus.v[0].ports.v[0].reserved);
	assert_true(again->pdus.v[0].ports.v[0].assigned);
	bus_body_free(&bus_body_pdu_configure, again);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_damaged_file_is_refused_with_what_is_wrong),
		cmocka_unit_test(the_configuration_is_kept_as_it_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
