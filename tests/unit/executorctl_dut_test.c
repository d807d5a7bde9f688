#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/dut.h"

/* The body, or the reason. */
static const char *change(const char *field, const char *a, const char *b)
{
	static char text[600];
	const char *values[] = {a, b};
	struct gw_error err = {0};
	cJSON *json = dut_change(field, values, (size_t)(a != NULL) + (b != NULL), &err);
	char *printed = json ? cJSON_PrintUnformatted(json) : NULL;

	snprintf(text, sizeof(text), "%s", printed ? printed : err.text);
	if (!json)
		assert_int_equal(err.kind, GW_BAD_INPUT);
	free(printed);
	cJSON_Delete(json);
	return text;
}

static void values_take_their_fields_type(void **state)
{
	assert_string_equal(change("comment", "a loud", "fan"), "{\"comment\":\"a loud fan\"}");
	assert_string_equal(change("comment", NULL, NULL), "{\"comment\":null}");
	assert_string_equal(change("is_retired", "Yes", NULL), "{\"is_retired\":true}");
	assert_string_equal(change("ready_for_service", "false", NULL), "{\"ready_for_service\":false}");
	assert_string_equal(change("pdu_off_delay", "2.5", NULL), "{\"pdu_off_delay\":2.5}");
	assert_string_equal(change("manual_tags", "a,b", "c"), "{\"manual_tags\":[\"a\",\"b\",\"c\"]}");
	assert_string_equal(change("manual_tags", NULL, NULL), "{\"manual_tags\":[]}");
	assert_string_equal(change("firmware_boot_time", NULL, NULL), "{\"firmware_boot_time\":null}");
}

static void what_is_no_value_is_said(void **state)
{
	assert_string_equal(change("is_retired", "maybe", NULL), "dut: is_retired: 'maybe' is not one of true, false");
	assert_string_equal(change("is_retired", "true", "true"), "dut: is_retired: 'true' is not one of true, false");
	assert_string_equal(change("pdu_off_delay", "soon", NULL), "dut: pdu_off_delay: 'soon' is not a number of seconds");
	assert_string_equal(change("pdu_off_delay", "inf", NULL), "dut: pdu_off_delay: 'inf' is not a number of seconds");
	assert_string_equal(change("base_name", "x", NULL),
			    "dut: 'base_name' is not a field that can be set; accepted: manual_tags, pdu_off_delay, "
			    "ready_for_service, is_retired, comment, firmware_boot_time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_take_their_fields_type),
		cmocka_unit_test(what_is_no_value_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
