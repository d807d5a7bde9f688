#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/rest_fields.h"
#include "libmars/fields.h"

#define PATCHABLE "manual_tags, pdu_off_delay, ready_for_service, is_retired, comment, firmware_boot_time"
#define CREATABLE                                                                                                                          \
	"id, base_name, mac_address, ip_address, tags, manual_tags, local_tty_device, ready_for_service, is_retired, firmware_boot_time"

static const struct row {
	unsigned who;
	const char *json, *error; /* NULL: accepted */
} rows[] = {
	{MARS_BY_PATCH, "{\"comment\": \"a note\", \"pdu_off_delay\": 2.5, \"is_retired\": true, \"manual_tags\": [\"x\"]}", NULL},
	{MARS_BY_PATCH, "{\"comment\": null}", NULL},
	{MARS_BY_PATCH, "{\"firmware_boot_time\": null}", NULL},
	{MARS_BY_CREATE, "{\"base_name\": \"b\", \"tags\": [], \"mac_address\": \"52:54:00:00:00:01\", \"local_tty_device\": null}", NULL},
	{MARS_BY_PATCH, "{}", "nothing is to be set; the body is an empty object"},
	{MARS_BY_PATCH, "{\"tags\": []}", "'tags' is not a field that can be set here; accepted: " PATCHABLE},
	{MARS_BY_PATCH, "{\"id\": \"x\"}", "'id' is not a field that can be set here; accepted: " PATCHABLE},
	{MARS_BY_CREATE, "{\"pdu\": \"APC\"}", "'pdu' is not a field that can be set here; accepted: " CREATABLE},
	{MARS_BY_PATCH, "{\"comment\": 3}", "comment: accepted: a text of 0 to 4096 bytes, or null"},
	{MARS_BY_PATCH, "{\"is_retired\": 1}", "is_retired: accepted: true or false"},
	{MARS_BY_PATCH, "{\"is_retired\": null}", "is_retired: accepted: true or false"},
	{MARS_BY_PATCH, "{\"pdu_off_delay\": -1}", "pdu_off_delay: accepted: a number of seconds from 0 to 3600"},
	{MARS_BY_PATCH, "{\"manual_tags\": \"x\"}", "manual_tags: accepted: a list of at most 1024 texts"},
	{MARS_BY_PATCH, "{\"manual_tags\": [\"a\", \"b,c\"]}",
	 "manual_tags[1]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it"},
	{MARS_BY_CREATE, "{\"mac_address\": \"52:54\"}", "mac_address: accepted: a MAC address, as 52:54:00:11:22:0a"},
	{MARS_BY_CREATE, "{\"ip_address\": \"300.1.1.1\"}", "ip_address: accepted: an IPv4 address, or null"},
	{MARS_BY_CREATE, "{\"id\": \"discover\"}", "id: a machine cannot be called 'discover'"},
	{MARS_BY_CREATE, "{\"id\": \"\"}", "id: accepted: a text of 1 to 128 bytes without `/` and control characters"},
	{MARS_BY_CREATE, "{\"id\": null}", "id: accepted: a text of 1 to 128 bytes without `/` and control characters"},
	{MARS_BY_CREATE, "{\"id\": \"a\\nb\"}", "id: accepted: a text of 1 to 128 bytes without `/` and control characters"},
	{MARS_BY_CREATE, "{\"base_name\": null}", "base_name: accepted: a text of 1 to 128 bytes"},
	{MARS_BY_CREATE, "{\"base_name\": \"\"}", "base_name: accepted: a text of 1 to 128 bytes"},
	{MARS_BY_CREATE, "{\"local_tty_device\": 3}", "local_tty_device: accepted: a text of 0 to 128 bytes, or null"},
	{MARS_BY_CREATE, "{\"mac_address\": null}", "mac_address: accepted: a MAC address, as 52:54:00:11:22:0a"},
	{MARS_BY_CREATE, "{\"ip_address\": 7}", "ip_address: accepted: an IPv4 address, or null"},
	{MARS_BY_CREATE, "{\"tags\": null}", NULL}, /* none, as in the file */
	{MARS_BY_CREATE, "{\"tags\": {}}", "tags: accepted: a list of at most 1024 texts"},
	{MARS_BY_CREATE, "{\"tags\": [\"\"]}",
	 "tags[0]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it"},
	{MARS_BY_CREATE, "{\"tags\": [\"a\", 1]}",
	 "tags[1]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it"},
	{MARS_BY_CREATE, "{\"ready_for_service\": \"true\"}", "ready_for_service: accepted: true or false"},
	{MARS_BY_PATCH, "{\"firmware_boot_time\": true}", "firmware_boot_time: accepted: a number of seconds from 0 to 86400"},
	{MARS_BY_PATCH, "{\"pdu_off_delay\": null}", "pdu_off_delay: accepted: a number of seconds from 0 to 3600"},
	{MARS_BY_PATCH, "{\"bogus\": 1}", "'bogus' is not a field that can be set here; accepted: " PATCHABLE},
	{MARS_BY_CREATE, "{\"id\": \"\\u001b[31m\"}", "id: accepted: a text of 1 to 128 bytes without `/` and control characters"},
	{MARS_BY_CREATE, "{\"base_name\": \"a\\nb\"}", "base_name: it has a control character; accepted: a text without"},
	{MARS_BY_CREATE, "{\"base_name\": \"../x\"}", "base_name: accepted: a text without `/`, since the full name in URLs is made of it"},
	{MARS_BY_PATCH, "{\"comment\": \"\\u001b[31m\"}", "comment: it has a control character; accepted: a text without"},
	{MARS_BY_CREATE, "{\"local_tty_device\": \"\\u009b2J\"}", "local_tty_device: it has a control character; accepted: a text without"},
	{MARS_BY_PATCH, "{\"manual_tags\": [\"a\\u001bc\"]}",
	 "manual_tags[0]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it"},
	{MARS_BY_PATCH, "{\"comment\": \"a\\n\\tb\"}", NULL},
	{MARS_BY_CREATE, "{\"id\": \"a/b\"}", "id: accepted: a text of 1 to 128 bytes without `/` and control characters"},
};

static void a_body_is_decoded_or_its_field_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rest_fields fields;
		struct gw_error err = {0};
		cJSON *json = cJSON_Parse(rows[i].json);

		if (rest_fields_decode(&fields, json, rows[i].who, &err) != (rows[i].error == NULL))
			fail_msg("%s: %s", rows[i].json, err.text);
		assert_string_equal(err.text, rows[i].error ? rows[i].error : "");
		rest_fields_finish(&fields);
		cJSON_Delete(json);
	}
}

static bool is_in(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* The lists are those of the reference text: what it marks as MANUAL or AUTO is not for REST to set. */
static void each_field_of_a_dut_is_for_its_lists_alone(void **state)
{
	static const char *const create[] = {
		"base_name",         "tags",       "manual_tags",        "mac_address", "ip_address", "local_tty_device",
		"ready_for_service", "is_retired", "firmware_boot_time", NULL};
	static const char *const patch[] = {"comment",       "firmware_boot_time", "is_retired", "manual_tags",
					    "pdu_off_delay", "ready_for_service",  NULL};
	static const struct {
		unsigned who;
		const char *const *names;
	} lists[] = {{MARS_BY_CREATE, create}, {MARS_BY_PATCH, patch}};

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < mars_dut_object.n; i++) {
			const char *name = mars_dut_object.fields[i].name;
			cJSON *json = cJSON_CreateObject();
			struct rest_fields fields;
			struct gw_error err = {0};
			char unknown[100];

			cJSON_AddItemToObject(json, name, cJSON_CreateObject()); /* no field's value, so a known one is refused for that */
			assert_false(rest_fields_decode(&fields, json, lists[l].who, &err));
			snprintf(unknown, sizeof(unknown), "'%s' is not a field that can be set here", name);
			if (is_in(lists[l].names, name) == (strncmp(err.text, unknown, strlen(unknown)) == 0))
				fail_msg("%s of list %zu: %s", name, l, err.text);
			rest_fields_finish(&fields);
			cJSON_Delete(json);
		}
}

static void values_are_what_the_body_says(void **state)
{
	struct rest_fields fields;
	struct gw_error err = {0};
	cJSON *json = cJSON_Parse("{\"id\": \"m\", \"tags\": [\"a\", \"b\"], \"ip_address\": null, \"firmware_boot_time\": 3}");

	assert_true(rest_fields_decode(&fields, json, MARS_BY_CREATE, &err));
	assert_string_equal(fields.id, "m");
	assert_int_equal(fields.n, 3);
	assert_int_equal(rest_fields_find(&fields, "tags")->n, 2);
	assert_string_equal(rest_fields_find(&fields, "tags")->texts[1], "b");
	assert_int_equal(rest_fields_find(&fields, "ip_address")->type, MARS_VALUE_NULL);
	assert_true(rest_fields_find(&fields, "firmware_boot_time")->number == 3);
	assert_null(rest_fields_find(&fields, "comment"));
	rest_fields_finish(&fields);
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_decoded_or_its_field_is_named),
		cmocka_unit_test(each_field_of_a_dut_is_for_its_lists_alone),
		cmocka_unit_test(values_are_what_the_body_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
