#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/field_changes.h"
#include "libmars/marsdb.h"

#define DUT "52:54:00:00:00:01"

static struct mars_db *parse(const char *text)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(text, strlen(text), "db.yaml", NULL, &errs);

	if (!db)
		fail_msg("%s", errs.v[0].text);
	return db;
}

static void add(cJSON *list, const struct mars_db *a, const struct mars_db *b, const struct mars_change *change)
{
	const char *name = change->name;

	if (change->what == MARS_PDU)
		field_changes_add(list, &mars_pdu_object, change->fields, mars_db_find_pdu(a, name), mars_db_find_pdu(b, name));
	else if (change->what == MARS_DUT)
		field_changes_add(list, &mars_dut_object, change->fields, mars_db_find_dut(a, name), mars_db_find_dut(b, name));
	else
		field_changes_add(list, &mars_gitlab_object, change->fields, mars_db_find_gitlab(a, name), mars_db_find_gitlab(b, name));
}

/* "NAME: LOADED -> FILE\n" for each; what is not shown: "NAME\n". */
static void assert_differs(const char *before, const char *after, const char *expected)
{
	struct mars_db *a = parse(before), *b = parse(after);
	struct mars_changes changes = {0};
	cJSON *list = cJSON_CreateArray(), *row;
	char text[8192] = "";
	size_t used = 0;

	mars_db_diff(a, b, &changes);
	for (size_t i = 0; i < changes.n; i++)
		add(list, a, b, &changes.v[i]);
	cJSON_ArrayForEach(row, list)
	{
		const char *loaded = cJSON_GetStringValue(cJSON_GetObjectItem(row, "loaded"));

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(row, "name")));
		used += (size_t)snprintf(text + used, sizeof(text) - used, loaded ? ": %s -> %s\n" : "\n", loaded,
					 cJSON_GetStringValue(cJSON_GetObjectItem(row, "file")));
	}
	assert_string_equal(text, expected);
	cJSON_Delete(list);
	mars_changes_finish(&changes);
	mars_db_destroy(a);
	mars_db_destroy(b);
}

#define INSTANCE "gitlab: {fdo: {url: 'https://g.example'}, 'a.b': {url: 'https://h.example'}}\n"
#define A_DUT    INSTANCE "duts:\n  '" DUT "':\n    tags: [a]\n"

static void plain_fields_have_both_values(void **state)
{
	assert_differs(A_DUT, A_DUT "    pdu_off_delay: 1.5\n    comment: x\n    is_retired: true\n",
		       "pdu_off_delay: 30 -> 1.5\nis_retired: false -> true\ncomment: none -> x\n");
	assert_differs(A_DUT, INSTANCE "duts:\n  '" DUT "':\n    tags: [b, c]\n", "tags: [a] -> [b, c]\n");
}

static void a_runners_entry_is_told_field_by_field(void **state)
{
	assert_differs(A_DUT "    gitlab:\n      fdo: {runner_id: 7, acl: {allow: {users: [me]}}}\n",
		       A_DUT
		       "    gitlab:\n      fdo: {runner_id: 8, exposed: false, acl: {allow: {users: [me, you]}, deny: {projects: [p]}}}\n",
		       "gitlab.fdo.exposed: true -> false\ngitlab.fdo.runner_id: 7 -> 8\ngitlab.fdo.acl.deny.projects: [] -> [p]\n"
		       "gitlab.fdo.acl.allow.users: [me] -> [me, you]\n");
}

static void an_entry_that_comes_is_told_with_what_it_says(void **state)
{
	assert_differs(A_DUT, A_DUT "    gitlab:\n      a.b: {exposed: false, token: canary}\n",
		       "gitlab.'a.b': none -> given\ngitlab.'a.b'.token: none -> given\ngitlab.'a.b'.exposed: true -> false\n");
	assert_differs(A_DUT "    gitlab:\n      fdo: {token: canary}\n", A_DUT, "gitlab.fdo: given -> none\n");
	assert_differs(A_DUT "    gitlab: {fdo: {}, a.b: {}}\n", A_DUT "    gitlab: {a.b: {}, fdo: {}}\n",
		       "gitlab: in this order -> in another\n");
}

static void a_secret_shows_only_whether_there_is_one(void **state)
{
	assert_differs(A_DUT "    gitlab:\n      fdo: {token: canary-1}\n", A_DUT "    gitlab:\n      fdo: {token: canary-2}\n",
		       "gitlab.fdo.token\n");
	assert_differs("gitlab:\n  fdo: {url: 'https://g.example', registration_token: canary-1, access_token: canary-2}\n",
		       "gitlab:\n  fdo: {url: 'https://g.example', registration_token: canary-3}\n",
		       "registration_token\naccess_token: given -> none\n");
}

static void an_instances_rules_and_gateway_runner_are_told(void **state)
{
	assert_differs("gitlab:\n  fdo: {url: 'https://g.example'}\n",
		       "gitlab:\n  fdo:\n    url: https://g.example\n    acl: {deny: {projects_in_groups: [g/h]}}\n"
		       "    gateway_runner: {token: canary, acl: {allow: {users: [me]}}}\n",
		       "acl.deny.projects_in_groups: [] -> [g/h]\ngateway_runner: none -> given\ngateway_runner.token: none -> given\n"
		       "gateway_runner.acl.allow.users: [] -> [me]\n");
}

static void of_a_pdus_configuration_just_where_it_is_shows(void **state)
{
	assert_differs(
		"pdus:\n  P:\n    driver: snmp\n    config: {hostname: 10.0.0.1, community: canary-1, port: 161, ports: [canary-2]}\n",
		"pdus:\n  P:\n    driver: snmp\n    config: {hostname: 10.0.0.2, community: canary-3, ports: [], auth: {key: canary-4}}\n",
		"config.hostname: 10.0.0.1 -> 10.0.0.2\nconfig.community\nconfig.port: 161 -> none\nconfig.ports\nconfig.auth: none -> "
		"given\n");
	assert_differs("pdus:\n  P:\n    driver: snmp\n    config: {hostname: 'http://me:canary@h'}\n",
		       "pdus:\n  P:\n    driver: snmp\n    config: {hostname: h}\n", "config.hostname\n");
	assert_differs("pdus:\n  P:\n    driver: snmp\n    config: {hostname: h}\n",
		       "pdus:\n  P:\n    driver: snmp\n    config: {hostname: {canary: 1}}\n", "config.hostname\n");
	assert_differs("pdus:\n  P:\n    driver: snmp\n    config: {Hostname: h}\n",
		       "pdus:\n  P:\n    driver: snmp\n    config: {hostname: h}\n",
		       "config.Hostname: given -> none\nconfig.hostname: none -> h\n");
	assert_differs("pdus:\n  P:\n    driver: snmp\n    config: {a: 1, b: 2}\n",
		       "pdus:\n  P:\n    driver: snmp\n    config: {b: 2, a: 1}\n", "config: in this order -> in another\n");
}

static void of_a_long_list_the_items_that_differ_are_shown(void **state)
{
	char before[8192], after[8192], many[4000] = "";

	for (int i = 0; i < 300; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "tag-%d, ", i);
	snprintf(before, sizeof(before), "duts:\n  '" DUT "': {tags: [%sold]}\n", many);
	snprintf(after, sizeof(after), "duts:\n  '" DUT "': {tags: [%snew, newer]}\n", many);
	assert_differs(before, after, "tags: [..., old] -> [..., new, newer]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_fields_have_both_values),
		cmocka_unit_test(a_runners_entry_is_told_field_by_field),
		cmocka_unit_test(an_entry_that_comes_is_told_with_what_it_says),
		cmocka_unit_test(a_secret_shows_only_whether_there_is_one),
		cmocka_unit_test(an_instances_rules_and_gateway_runner_are_told),
		cmocka_unit_test(of_a_pdus_configuration_just_where_it_is_shows),
		cmocka_unit_test(of_a_long_list_the_items_that_differ_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
