#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/discovery.h"

static const struct decode_row {
	const char *json, *error; /* NULL: accepted */
	struct discovery_ask ask;
} decode_rows[] = {
	{"{\"pdu\": \"VPDU\", \"port_id\": \"10\"}", NULL, {"VPDU", "10", 150}},
	{"{\"pdu\": \"VPDU\", \"port_id\": 10, \"timeout\": 60}", NULL, {"VPDU", "10", 60}},
	{"{\"pdu\": \"VPDU\", \"pdu_port_id\": 0, \"timeout\": \"2.5\"}", NULL, {"VPDU", "0", 2.5}},
	{"{\"port_id\": 1}", "pdu: it is missing; accepted: the name of a PDU", {{0}}},
	{"{\"pdu\": \"VPDU\"}", "port_id: it is missing; accepted: the id of a port", {{0}}},
	{"{\"pdu\": 7, \"port_id\": 1}", "pdu: accepted: a text of 1 to 128 bytes", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1.5}", "port_id: accepted: a text of 1 to 128 bytes, or a number", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"timeout\": 0}", "timeout: accepted: a number of seconds above 0, up to 86400", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"timeout\": \"soon\"}", "timeout: accepted: a number of seconds above 0, up to 86400", {{0}}},
	{"{}", "pdu: it is missing; accepted: the name of a PDU", {{0}}},
	{"{\"pdu\": \"\", \"port_id\": 1}", "pdu: accepted: a text of 1 to 128 bytes", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": null}", "port_id: accepted: a text of 1 to 128 bytes, or a number", {{0}}},
	{"{\"pdu\": \"V\", \"pdu_port_id\": -1}", "pdu_port_id: accepted: a text of 1 to 128 bytes, or a number", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"pdu_port_id\": 1}", "pdu_port_id: port_id is given too; accepted: one of the two", {{0}}},
	{"{\"pdu\": \"V\", \"pdu_port_id\": 1, \"port_id\": 2}", "port_id: pdu_port_id is given too; accepted: one of the two", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"timeout\": null}", "timeout: accepted: a number of seconds above 0, up to 86400", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"timeout\": \"nan\"}", "timeout: accepted: a number of seconds above 0, up to 86400", {{0}}},
	{"{\"pdu\": \"V\", \"port_id\": 1, \"timeout\": 86401}", "timeout: accepted: a number of seconds above 0, up to 86400", {{0}}},
	{"{\"pdu\": \"V\", \"port\": 1}", "'port' is not a field of a discovery; accepted: pdu, port_id, timeout", {{0}}},
};

static void an_ask_is_decoded_or_its_field_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(decode_rows) / sizeof(decode_rows[0]); i++) {
		struct discovery_ask ask;
		struct gw_error err = {0};
		cJSON *json = cJSON_Parse(decode_rows[i].json);

		assert_int_equal(discovery_ask_decode(json, &ask, &err), decode_rows[i].error == NULL);
		if (decode_rows[i].error) {
			assert_string_equal(err.text, decode_rows[i].error);
		} else {
			assert_string_equal(ask.pdu, decode_rows[i].ask.pdu);
			assert_string_equal(ask.port, decode_rows[i].ask.port);
			assert_true(ask.timeout == decode_rows[i].ask.timeout);
		}
		cJSON_Delete(json);
	}
}

static const struct allowed_row {
	struct discovery_facts facts;
	const char *error;
} allowed_rows[] = {
	{{.state = "OFF"}, NULL},
	{{.state = "UNKNOWN"}, NULL},
	{{.state = "OFF", .running = "port 3 of VPDU"}, "a discovery goes on already, at port 3 of VPDU"},
	{{.state = "OFF", .assigned = "lab-box-1"}, "port 1 of VPDU is that of the machine lab-box-1"},
	{{.state = "OFF", .reserved = true}, "port 1 of VPDU is reserved"},
	{{.state = "OFF", .running = "port 3 of VPDU", .ending = true},
	 "the last discovery, at port 3 of VPDU, ends once its port is OFF; try again"},
	{{.state = "REBOOT"}, NULL},
	{{.state = "UNKNOWN", .alarm = true}, "port 1 of VPDU could not be switched OFF yet; it is tried until it is"},
	{{.state = "ON"}, "port 1 of VPDU is ON already; switch it off first"},
};

static void a_port_that_is_in_use_is_not_discovered(void **state)
{
	struct discovery_ask ask = {"VPDU", "1", 150};

	for (size_t i = 0; i < sizeof(allowed_rows) / sizeof(allowed_rows[0]); i++) {
		struct gw_error err = {0};

		assert_int_equal(discovery_allowed(&ask, &allowed_rows[i].facts, &err), allowed_rows[i].error == NULL);
		if (allowed_rows[i].error)
			assert_string_equal(err.text, allowed_rows[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ask_is_decoded_or_its_field_is_named),
		cmocka_unit_test(a_port_that_is_in_use_is_not_discovered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
