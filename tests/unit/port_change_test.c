#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/rest_pdu.h"

static const struct decode_row {
	const char *json, *error; /* NULL: accepted */
	struct port_change change;
} decode_rows[] = {
	{"{\"state\": \"on\"}", NULL, {.has_state = true, .on = true}},
	{"{\"state\": \"OFF\"}", NULL, {.has_state = true}},
	{"{\"reserved\": true}", NULL, {.has_reserved = true, .reserved = true}},
	{"{\"reserved\": \"True\"}", NULL, {.has_reserved = true, .reserved = true}},
	{"{\"reserved\": \"false\"}", NULL, {.has_reserved = true}},
	{"{\"min_off_time\": 1.5}", NULL, {.has_min_off = true, .min_off_ms = 1500}},
	{"{\"state\": \"up\"}", "state: 'up' is not a port's state; accepted: on, off", {0}},
	{"{\"state\": null}", "state: this is not a port's state; accepted: on, off", {0}},
	{"{\"state\": \"on\", \"reserved\": null}", "reserved: this is not a boolean; accepted: true, false", {0}},
	{"{\"reserved\": \"yes\"}", "reserved: this is not a boolean; accepted: true, false", {0}},
	{"{\"min_off_time\": \"5\"}", "min_off_time: accepted: a number of seconds from 0 to 3600", {0}},
	{"{\"min_off_time\": 3601}", "min_off_time: accepted: a number of seconds from 0 to 3600", {0}},
	{"{\"state\": true}", "state: this is not a port's state; accepted: on, off", {0}},
	{"{\"reserved\": 1}", "reserved: this is not a boolean; accepted: true, false", {0}},
	{"{\"min_off_time\": -1}", "min_off_time: accepted: a number of seconds from 0 to 3600", {0}},
	{"{\"min_off_time\": 1e300}", "min_off_time: accepted: a number of seconds from 0 to 3600", {0}},
	{"{\"label\": \"x\"}", "'label' is not a field of a port; accepted: state, reserved, min_off_time", {0}},
	{"{}", "nothing is to be changed; accepted: state, reserved, min_off_time", {0}},
};

static void a_change_is_decoded_or_its_field_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(decode_rows) / sizeof(decode_rows[0]); i++) {
		struct port_change change;
		struct gw_error err = {0};
		cJSON *json = cJSON_Parse(decode_rows[i].json);

		assert_int_equal(port_change_decode(json, &change, &err), decode_rows[i].error == NULL);
		if (decode_rows[i].error)
			assert_string_equal(err.text, decode_rows[i].error);
		else
			assert_memory_equal(&change, &decode_rows[i].change, sizeof(change));
		cJSON_Delete(json);
	}
}

/* The example in the reference text is `{"reserved": True}`. */
static void pythons_booleans_are_read_as_jsons(void **state)
{
	static const char *const rows[][2] = {
		{"{\"reserved\": True}", "{\"reserved\": true}"},
		{"{\"reserved\":False, \"state\": \"off\"}", "{\"reserved\":false, \"state\": \"off\"}"},
		{"{\"reserved\": True\n}", "{\"reserved\": true\n}"},
		{"{\"state\": \"\\\"True \"}", "{\"state\": \"\\\"True \"}"},
		{"{\"True\": Truely}", "{\"True\": Truely}"},
		{"True", "True"},
		{"\"\\", "\"\\"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = port_change_text(rows[i][0], strlen(rows[i][0]));

		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

#define ON                                                                                                                                 \
	{                                                                                                                                  \
		.has_state = true, .on = true                                                                                              \
	}
#define OFF                                                                                                                                \
	{                                                                                                                                  \
		.has_state = true                                                                                                          \
	}
#define RESERVE                                                                                                                            \
	{                                                                                                                                  \
		.has_reserved = true, .reserved = true                                                                                     \
	}
#define UNRESERVE                                                                                                                          \
	{                                                                                                                                  \
		.has_reserved = true                                                                                                       \
	}
#define MIN_OFF                                                                                                                            \
	{                                                                                                                                  \
		.has_min_off = true, .min_off_ms = 5000                                                                                    \
	}

static const struct allowed_row {
	struct port_facts facts;
	struct port_change change;
	const char *error; /* NULL: allowed */
} allowed_rows[] = {
	{{.pdu = "P", .port = "1"}, ON, NULL},
	{{.pdu = "P", .port = "1"}, RESERVE, NULL},
	{{.pdu = "P", .port = "1", .reserved = true}, ON, "port 1 of P is reserved; un-reserve it first"},
	{{.pdu = "P", .port = "1", .reserved = true}, MIN_OFF, "port 1 of P is reserved; un-reserve it first"},
	{{.pdu = "P", .port = "1", .reserved = true}, UNRESERVE, NULL},
	{{.pdu = "P", .port = "1", .reserved = true}, {.has_reserved = true, .has_state = true, .on = true}, NULL},
	{{.pdu = "P", .port = "1", .dut = "lab-box-1", .dut_in_service = true},
	 OFF,
	 "port 1 of P is that of the machine lab-box-1; retire it to switch the port by hand"},
	{{.pdu = "P", .port = "1", .dut = "lab-box-1", .dut_in_service = true}, MIN_OFF, NULL},
	{{.pdu = "P", .port = "1", .dut = "lab-box-1"}, ON, NULL}, /* retired */
	{{.pdu = "P", .port = "1", .dut = "lab-box-1"}, RESERVE, "port 1 of P is that of the machine lab-box-1, so it cannot be reserved"},
	{{.pdu = "P", .port = "1", .dut = "lab-box-1"}, MIN_OFF, NULL},
	{{.pdu = "P", .port = "1", .dut = "lab-box-1", .dut_in_service = true, .reserved = true},
	 UNRESERVE,
	 NULL}, /* an edit put it there */
	{{.pdu = "P", .port = "1"},
	 {.has_reserved = true, .reserved = true, .has_state = true},
	 "state: port 1 of P is to be reserved, so it cannot be switched; send one of the two"},
	{{.pdu = "P", .port = "1", .discovered = "discovery-1"}, MIN_OFF, NULL},
	{{.pdu = "P", .port = "1", .discovered = "discovery-1"}, RESERVE, "a discovery goes on at port 1 of P; cancel it first"},
	{{.pdu = "P", .port = "1", .discovered = "discovery-1"}, OFF, "a discovery goes on at port 1 of P; cancel it first"},
};

static void a_port_in_use_or_reserved_is_left_alone(void **state)
{
	for (size_t i = 0; i < sizeof(allowed_rows) / sizeof(allowed_rows[0]); i++) {
		struct gw_error err = {0};

		assert_int_equal(port_change_allowed(&allowed_rows[i].facts, &allowed_rows[i].change, &err), allowed_rows[i].error == NULL);
		if (allowed_rows[i].error) {
			assert_string_equal(err.text, allowed_rows[i].error);
			assert_int_equal(err.kind, GW_REFUSED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_decoded_or_its_field_is_named),
		cmocka_unit_test(pythons_booleans_are_read_as_jsons),
		cmocka_unit_test(a_port_in_use_or_reserved_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
