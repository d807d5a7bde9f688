/* What MarsDB and REST accept of a machine, a PDU or a GitLab instance, each message that carries it accepts too: a longer value would cost
 * a daemon its whole configuration, and any machine may register itself under a name of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libbus/messages.h"
#include "libgateway/shared_bounds.h"
#include "libmars/fields.h"
#include "libmars/marsdb.h"

#define FARM_NAME_MAX 63
#define NAME_MAX_     128 /* of an entry of MarsDB */
#define PORT_ID_MAX   64
#define TAG_MAX       255
#define ITEM_MAX      1024 /* of an ACL's list */
#define NUMBER_MAX    10   /* digits of the number in a full name */

static const struct mars_field *mars_field(const struct mars_object *object, const char *name)
{
	const struct mars_field *field = mars_field_find(object, name, strlen(name));

	if (!field)
		fail_msg("%s has no field %s", object->name, name);
	return field;
}

static const struct bus_field *bus_field(const struct bus_body *body, const char *name)
{
	const struct bus_field *field = body->fields;

	while (field->kind != BUS_FIELDS_END && strcmp(field->name, name) != 0)
		field++;
	if (field->kind == BUS_FIELDS_END)
		fail_msg("%s has no field %s", body->name, name);
	return field;
}

static void each_field_fits_the_messages_that_carry_it(void **state)
{
	static const struct {
		const struct mars_object *object;
		const struct bus_body *body;
		const char *name;
		size_t item_max; /* of a list's; 0: it is none */
	} rows[] = {
		{&mars_dut_object, &bus_body_dut, "base_name", 0},
		{&mars_dut_object, &bus_body_dut, "local_tty_device", 0},
		{&mars_dut_object, &bus_body_dut, "comment", 0},
		{&mars_dut_object, &bus_body_dut, "firmware_boot_time", 0},
		{&mars_dut_object, &bus_body_dut, "boot_sequence_power", 0},
		{&mars_dut_object, &bus_body_dut, "tags", TAG_MAX},
		{&mars_dut_object, &bus_body_dut, "manual_tags", TAG_MAX},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "url", 0},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "registration_token", 0},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "access_token", 0},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "group_id", 0},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "project_id", 0},
		{&mars_gitlab_object, &bus_body_gitlab_instance, "maximum_timeout", 0},
		{&mars_dut_gitlab_object, &bus_body_gitlab_entry, "token", 0},
		{&mars_dut_gitlab_object, &bus_body_gitlab_entry, "runner_id", 0},
		{&mars_acl_rules_object, &bus_body_gitlab_rules, "users", ITEM_MAX},
		{&mars_acl_rules_object, &bus_body_gitlab_rules, "projects", ITEM_MAX},
		{&mars_acl_rules_object, &bus_body_gitlab_rules, "projects_in_groups", ITEM_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mars_field *field = mars_field(rows[i].object, rows[i].name);
		const struct bus_field *carried = bus_field(rows[i].body, rows[i].name);

		if (carried->max < field->max || carried->text_max < rows[i].item_max)
			fail_msg("%s.%s: up to %g are accepted, and %g carried", rows[i].body->name, rows[i].name, field->max,
				 carried->max);
	}
}

static void names_fit_the_messages_that_carry_them(void **state)
{
	const size_t full_name = FARM_NAME_MAX + 1 + (size_t)mars_field(&mars_dut_object, "base_name")->max + 1 + NUMBER_MAX;
	const struct {
		const struct bus_body *body;
		const char *name;
		size_t max;
	} rows[] = {
		{&bus_body_dut, "full_name", full_name},
		{&bus_body_boot_dut, "hostname", full_name},
		{&bus_body_gitlab_dut, "full_name", full_name},
		{&bus_body_gitlab_runner_status, "description", full_name},
		{&bus_body_dut, "id", NAME_MAX_},
		{&bus_body_boot_dut, "id", NAME_MAX_},
		{&bus_body_gitlab_dut, "id", NAME_MAX_},
		{&bus_body_console, "id", NAME_MAX_},
		{&bus_body_pdu_config, "name", NAME_MAX_},
		{&bus_body_pdu_config, "config", PDU_CONFIG_MAX},
		{&bus_body_port_config, "port", PORT_ID_MAX},
		{&bus_body_port_set, "port", PORT_ID_MAX},
		{&bus_body_job_go, "port", PORT_ID_MAX},
		{&bus_body_gitlab_instance, "name", NAME_MAX_},
	};

	assert_true(full_name <= DUT_FULL_NAME_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bus_field(rows[i].body, rows[i].name)->max < (double)rows[i].max)
			fail_msg("%s.%s: a name may have %zu bytes", rows[i].body->name, rows[i].name, rows[i].max);
}

/* The automatic ones, the manual ones and the farm's. */
static void all_tags_of_a_machine_fit_the_messages_that_carry_them(void **state)
{
	const double all = mars_field(&mars_dut_object, "tags")->max + mars_field(&mars_dut_object, "manual_tags")->max + 1;

	assert_true(bus_field(&bus_body_job_go, "machine_tags")->max >= all);
	assert_true(bus_field(&bus_body_gitlab_dut, "tags")->max >= all);
}

static void a_configuration_of_a_pdu_that_no_message_carries_is_refused(void **state)
{
	static char text[PDU_CONFIG_MAX + 200];
	struct gw_errors errs = {0};
	struct mars_db *db;
	int n = snprintf(text, sizeof(text), "pdus:\n  P: {driver: snmp, config: {hostname: ");

	memset(text + n, 'h', PDU_CONFIG_MAX - 15); /* {"hostname":""} */
	strcpy(text + n + PDU_CONFIG_MAX - 15, "}}\n");
	db = mars_db_parse(text, strlen(text), "db.yaml", NULL, &errs);
	assert_non_null(db);
	mars_db_destroy(db);
	strcpy(text + n + PDU_CONFIG_MAX - 15, "h}}\n");
	assert_null(mars_db_parse(text, strlen(text), "db.yaml", NULL, &errs));
	assert_string_equal(errs.v[0].text, "db.yaml:2:29: pdus.P.config: 65537 bytes, as JSON, are too many; accepted: up to 65536");
	gw_errors_finish(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_fits_the_messages_that_carry_it),
		cmocka_unit_test(names_fit_the_messages_that_carry_them),
		cmocka_unit_test(all_tags_of_a_machine_fit_the_messages_that_carry_them),
		cmocka_unit_test(a_configuration_of_a_pdu_that_no_message_carries_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
