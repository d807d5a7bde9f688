#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/fields.h"
#include "libmars/marsdb.h"

static void show(const struct gw_errors *errs)
{
	for (size_t i = 0; i < errs->n; i++)
		print_error("%s\n", errs->v[i].text);
}

static struct mars_db *good(const char *text)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);

	show(&errs);
	assert_non_null(db);
	return db;
}

static struct mars_db *sample(void)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_read(TEST_DATA "/mars/sample.yaml", NULL, &errs);

	show(&errs);
	assert_non_null(db);
	assert_int_equal(mars_db_warnings(db)->n, 0);
	return db;
}

static void assert_strings(const struct mars_strings *strings, const char *joined)
{
	char got[512] = "";

	for (size_t i = 0; i < strings->n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "", strings->v[i]);
	assert_string_equal(got, joined);
}

static void the_samples_pdus_are_read(void **state)
{
	struct mars_db *db = sample();
	const struct mars_pdu *apc = mars_db_find_pdu(db, "APC"), *vpdu = mars_db_find_pdu(db, "VPDU");

	assert_int_equal(mars_db_pdu_count(db), 2);
	assert_ptr_equal(mars_db_pdu(db, 0), apc);
	assert_string_equal(apc->driver, "apc_masterswitch");
	assert_string_equal(apc->config, "{\"hostname\":\"10.0.0.2\"}");
	assert_string_equal(vpdu->driver, "vpdu");
	assert_string_equal(vpdu->config, "{\"hostname\":\"localhost:9191\"}");
	assert_int_equal(vpdu->reserved_port_ids.n, 0);
	assert_null(mars_db_find_pdu(db, "apc"));
	mars_db_destroy(db);
}

static void every_field_of_the_samples_dut_is_read(void **state)
{
	struct mars_db *db = sample();
	const struct mars_dut *dut = mars_db_find_dut(db, "de:ad:be:ef:ca:fe");
	const struct mars_dut_gitlab *gitlab;

	assert_non_null(dut);
	assert_string_equal(dut->base_name, "gfx9");
	assert_string_equal(dut->mac_address, "de:ad:be:ef:ca:fe");
	assert_string_equal(dut->ip_address, "192.168.0.42");
	assert_strings(&dut->tags, "amdgpu:architecture:GCN5.1 amdgpu:family:RV amdgpu:codename:RENOIR amdgpu:gfxversion:gfx9 amdgpu:APU "
				   "amdgpu:pciid:0x1002:0x1636");
	assert_strings(&dut->manual_tags, "freesync_display");
	assert_string_equal(dut->local_tty_device, "ttyUSB0");
	assert_string_equal(dut->pdu, "APC");
	assert_string_equal(dut->pdu_port_id, "1");
	assert_true(dut->pdu_off_delay == 30);
	assert_true(dut->ready_for_service);
	assert_false(dut->is_retired);
	assert_string_equal(dut->first_seen, "2021-12-22 16:57:08.146275");
	assert_null(dut->comment);
	assert_true(dut->firmware_boot_time == -1 && dut->boot_sequence_power == -1);
	gitlab = mars_dut_gitlab_find(dut, "freedesktop");
	assert_null(gitlab->token);
	assert_true(gitlab->exposed);
	assert_int_equal(gitlab->runner_id, 4242);
	assert_strings(&gitlab->acl.deny.users, "bad_user");
	assert_strings(&gitlab->acl.allow.projects, "gfx-ci/ci-tron");
	assert_strings(&gitlab->acl.allow.projects_in_groups, "gfx-ci");
	assert_null(mars_dut_gitlab_find(dut, "gitlab.com"));
	mars_db_destroy(db);
}

static void every_field_of_the_samples_gitlab_instance_is_read(void **state)
{
	struct mars_db *db = sample();
	const struct mars_gitlab *g = mars_db_find_gitlab(db, "freedesktop");

	assert_ptr_equal(mars_db_gitlab(db, 0), g);
	assert_string_equal(g->url, "https://gitlab.freedesktop.org/");
	assert_string_equal(g->registration_token, "glpat-registration");
	assert_string_equal(g->access_token, "glpat-access");
	assert_string_equal(g->runner_type, "group_type");
	assert_int_equal(g->group_id, 17);
	assert_int_equal(g->project_id, -1);
	assert_true(g->expose_runners);
	assert_int_equal(g->maximum_timeout, 21600);
	assert_strings(&g->acl.deny.users, "known_miner");
	assert_false(mars_acl_has_allow(&g->acl));
	assert_true(g->gateway_runner.given && g->gateway_runner.exposed);
	assert_string_equal(g->gateway_runner.token, "glrt-gateway");
	assert_int_equal(g->gateway_runner.runner_id, 4243);
	assert_true(mars_acl_has_allow(&g->gateway_runner.acl));
	mars_db_destroy(db);
}

static void an_entry_with_nothing_in_it_has_the_defaults(void **state)
{
	struct mars_db *db = good("gitlab:\n  g:\n    url: https://g.example\nduts:\n  52:54:00:00:00:01:\n");
	const struct mars_dut *dut = mars_db_dut(db, 0);
	const struct mars_gitlab *g = mars_db_gitlab(db, 0);

	assert_string_equal(dut->base_name, "unknown");
	assert_true(dut->pdu_off_delay == 30);
	assert_false(dut->ready_for_service || dut->is_retired);
	assert_null(dut->pdu);
	assert_int_equal(dut->tags.n, 0);
	assert_string_equal(g->runner_type, "instance_type");
	assert_int_equal(g->maximum_timeout, 21600);
	assert_int_equal(g->group_id, -1);
	assert_true(g->expose_runners);
	assert_false(g->gateway_runner.given);
	assert_int_equal(g->gateway_runner.runner_id, -1);
	mars_db_destroy(db);
}

static void duts_are_found_by_id_mac_ip_and_port(void **state)
{
	struct mars_db *db = good("pdus: {P: {driver: dummy}, Q: {driver: dummy}}\n"
				  "duts:\n"
				  "  rack-1: {mac_address: \"52:54:00:AA:BB:01\", ip_address: 10.42.0.11, pdu: P, pdu_port_id: 7}\n"
				  "  \"52:54:00:AA:BB:02\": {ip_address: 10.42.0.12, pdu: Q, pdu_port_id: left outlet}\n");

	assert_string_equal(mars_db_find_dut(db, "rack-1")->mac_address, "52:54:00:aa:bb:01");
	assert_string_equal(mars_db_find_dut_by_mac(db, "52:54:00:Aa:bB:01")->id, "rack-1");
	assert_string_equal(mars_db_find_dut_by_mac(db, "52:54:00:aa:bb:02")->id, "52:54:00:AA:BB:02");
	assert_string_equal(mars_db_find_dut_by_ip(db, "10.42.0.12")->id, "52:54:00:AA:BB:02");
	assert_string_equal(mars_db_find_dut_by_port(db, "P", "7")->id, "rack-1");
	assert_string_equal(mars_db_find_dut_by_port(db, "Q", "left outlet")->id, "52:54:00:AA:BB:02");
	assert_null(mars_db_find_dut_by_port(db, "Q", "7"));
	assert_null(mars_db_find_dut(db, "52:54:00:aa:bb:02")); /* an id is as written */
	assert_null(mars_db_find_dut_by_mac(db, "52:54:00"));
	assert_null(mars_db_find_dut(db, NULL));
	mars_db_destroy(db);
}

static void values_may_be_written_as_yaml_allows(void **state)
{
	struct mars_db *db = good(
		"pdus:\n"
		"  P: &p {driver: dummy, config: {ports: [a, 'true', 1.5, null, 007, yes], x: \"\\\"\"}, reserved_port_ids: [1, '2', "
		"left]}\n"
		"  Q: *p\n"
		"duts:\n"
		"  52:54:00:00:00:01: {is_retired: on, pdu_off_delay: 0.5, comment: \"two\\nlines\", pdu: P, pdu_port_id: '007'}\n"
		"  ? 52:54:00:00:00:02\n"
		"  : comment: |\n"
		"      a block\n"
		"    tags: [é, \"a b\"]\n");
	const struct mars_dut *one = mars_db_dut(db, 0), *two = mars_db_dut(db, 1);

	assert_string_equal(mars_db_pdu(db, 0)->config, "{\"ports\":[\"a\",\"true\",1.5,null,\"007\",true],\"x\":\"\\\"\"}");
	assert_true(mars_pdu_port_reserved(mars_db_pdu(db, 1), "2"));
	assert_false(mars_pdu_port_reserved(mars_db_pdu(db, 1), "3"));
	assert_true(one->is_retired && one->pdu_off_delay == 0.5);
	assert_string_equal(one->comment, "two\nlines");
	assert_string_equal(one->pdu_port_id, "007");
	assert_string_equal(two->comment, "a block\n");
	assert_strings(&two->tags, "é a b");
	mars_db_destroy(db);
}

static void an_empty_file_is_an_empty_database(void **state)
{
	static const char *const empty[] = {"", "# nothing yet\n", "---\n", "{}\n", "null\n", "duts:\npdus: {}\ngitlab: ~\n"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		struct mars_db *db = good(empty[i]);

		assert_int_equal(mars_db_dut_count(db) + mars_db_pdu_count(db) + mars_db_gitlab_count(db), 0);
		mars_db_destroy(db);
	}
}

static void fields_of_older_databases_are_warned_about(void **state)
{
	struct mars_db *db = good("jobs: {}\nduts:\n  52:54:00:00:00:01:\n    hidden: false\n");

	assert_int_equal(mars_db_warnings(db)->n, 2);
	assert_string_equal(mars_db_warnings(db)->v[0].text,
			    "mars_db.yaml:1:1: jobs: known from older databases, and not used any more; it may be removed");
	assert_string_equal(mars_db_warnings(db)->v[1].text, "mars_db.yaml:4:5: duts.'52:54:00:00:00:01'.hidden: known from older "
							     "databases, and not used any more; it may be removed");
	mars_db_destroy(db);
}

static void an_insecure_gitlab_needs_the_option(void **state)
{
	static const char text[] = "gitlab:\n  g:\n    url: http://g.example\n";
	const struct mars_options allow = {.allow_insecure_urls = true};
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);

	assert_null(db);
	assert_string_equal(errs.v[0].text, "mars_db.yaml:3:10: gitlab.g.url: 'http://g.example' is not a URL; accepted: https://..., "
					    "without a user (http:// with GITLAB_ALLOW_INSECURE)");
	gw_errors_finish(&errs);
	db = mars_db_parse(text, strlen(text), "mars_db.yaml", &allow, &errs);
	assert_non_null(db);
	mars_db_destroy(db);
}

static void a_file_that_is_not_there_cannot_be_read(void **state)
{
	struct gw_errors errs = {0};

	assert_null(mars_db_read("/no/such/mars_db.yaml", NULL, &errs));
	assert_string_equal(errs.v[0].text, "cannot open /no/such/mars_db.yaml: No such file or directory");
	assert_int_equal(errs.v[0].kind, GW_NOT_FOUND);
	gw_errors_finish(&errs);
	assert_null(mars_db_read("/", NULL, &errs));
	assert_string_equal(errs.v[0].text, "/ is not a file");
	gw_errors_finish(&errs);
}

/* --- What differs ------------------------------------------------------------------------------------------------------------------- */

static const char *changes_text(const struct mars_changes *changes, char *out, size_t size)
{
	static const char *const whats[] = {"pdu", "dut", "gitlab"}, *const kinds[] = {"+", "-", "~"};
	const struct mars_object *const objects[] = {&mars_pdu_object, &mars_dut_object, &mars_gitlab_object};

	out[0] = '\0';
	for (size_t i = 0; i < changes->n; i++) {
		const struct mars_change *c = &changes->v[i];

		snprintf(out + strlen(out), size - strlen(out), "%s%s%s %s", i ? "; " : "", kinds[c->kind], whats[c->what], c->name);
		for (size_t f = 0; f < objects[c->what]->n; f++)
			if (c->fields & (1U << f))
				snprintf(out + strlen(out), size - strlen(out), " %s", objects[c->what]->fields[f].name);
	}
	return out;
}

static void assert_diff(const char *before, const char *after, const char *want)
{
	struct mars_db *a = good(before), *b = good(after);
	struct mars_changes changes = {0};
	char text[512];

	mars_db_diff(a, b, &changes);
	assert_string_equal(changes_text(&changes, text, sizeof(text)), want);
	mars_changes_finish(&changes);
	mars_db_destroy(a);
	mars_db_destroy(b);
}

#define PDU_P "pdus: {P: {driver: dummy}}\n"
#define DUT_1 "52:54:00:00:00:01"

static void a_diff_names_what_was_added_removed_and_changed(void **state)
{
	assert_diff(PDU_P, PDU_P, "");
	assert_diff("", PDU_P "duts: {" DUT_1 ": {}}\n", "+pdu P; +dut " DUT_1);
	assert_diff(PDU_P "duts: {" DUT_1 ": {pdu: P}}\n", "", "-dut " DUT_1 "; -pdu P");
	assert_diff("duts: {" DUT_1 ": {tags: [a], comment: x}}\n", "duts: {" DUT_1 ": {tags: [a, b], comment: y}}\n",
		    "~dut " DUT_1 " tags comment");
	assert_diff("gitlab: {g: {url: https://g}}\n", "gitlab: {g: {url: https://g, gateway_runner: {}}}\n", "~gitlab g gateway_runner");
	assert_diff("gitlab: {g: {url: https://g}}\n", "gitlab: {g: {url: https://g, acl: {deny: {users: [u]}}}}\n", "~gitlab g acl");
}

/* --- Rules between fields and entries ----------------------------------------------------------------------------------------------- */

static bool is_accepted(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool is_accepted(const char *fmt, ...)
{
	struct gw_errors errs = {0};
	struct mars_db *db;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);
	assert_int_equal(db == NULL, errs.n > 0);
	gw_errors_finish(&errs);
	mars_db_destroy(db);
	return db != NULL;
}

/* What PyYAML's dump makes of a datetime and a date, and what its loader takes for one. */
static void a_date_is_as_pyyaml_writes_it(void **state)
{
	static const char *const good_dates[] = {"2021-12-22 16:57:08.146275", "2021-12-22 16:57:08", "2021-12-22 16:57:08.146275+00:00",
						 "2021-12-22 16:57:08-05:30",  "2021-12-22",          "2021-12-22T16:57:08Z",
						 "'2024-02-29 00:00:00'",      "2000-02-29"};
	static const char *const bad_dates[] = {
		"2021-02-29", "1900-02-29", "2021-04-31",          "2021-13-01",          "2021-00-10",       "0000-01-01",
		"22.12.2021", "1640192228", "2021-12-22 24:00:00", "2021-12-22 16:57:60", "2021-12-22 16:57", "2021-12-22 16:57:08 CET",
		"[]"};

	for (size_t i = 0; i < sizeof(good_dates) / sizeof(good_dates[0]); i++)
		if (!is_accepted("duts: {" DUT_1 ": {first_seen: %s}}\n", good_dates[i]))
			fail_msg("%s was refused", good_dates[i]);
	for (size_t i = 0; i < sizeof(bad_dates) / sizeof(bad_dates[0]); i++)
		if (is_accepted("duts: {" DUT_1 ": {first_seen: %s}}\n", bad_dates[i]))
			fail_msg("%s was accepted", bad_dates[i]);
}

static void a_runner_type_needs_the_id_of_its_own_kind(void **state)
{
	assert_true(is_accepted("gitlab: {g: {url: https://g, runner_type: instance_type}}\n"));
	assert_false(is_accepted("gitlab: {g: {url: https://g, runner_type: group_type}}\n"));
	assert_false(is_accepted("gitlab: {g: {url: https://g, runner_type: group_type, project_id: 1}}\n"));
	assert_true(is_accepted("gitlab: {g: {url: https://g, runner_type: group_type, group_id: 1}}\n"));
	assert_false(is_accepted("gitlab: {g: {url: https://g, runner_type: project_type}}\n"));
	assert_false(is_accepted("gitlab: {g: {url: https://g, runner_type: project_type, group_id: 1}}\n"));
	assert_true(is_accepted("gitlab: {g: {url: https://g, runner_type: project_type, project_id: 1}}\n"));
}

static void a_port_is_one_machines_whether_a_number_or_a_text(void **state)
{
	static const char two[] = "pdus: {P: {driver: dummy}, Q: {driver: dummy}}\n"
				  "duts: {" DUT_1 ": {pdu: P, pdu_port_id: %s}, 52:54:00:00:00:02: {pdu: %s, pdu_port_id: %s}}\n";
	char text[512];

	snprintf(text, sizeof(text), two, "1", "P", "'1'");
	assert_false(is_accepted("%s", text));
	snprintf(text, sizeof(text), two, "1", "Q", "1");
	assert_true(is_accepted("%s", text));
	snprintf(text, sizeof(text), two, "1", "P", "2");
	assert_true(is_accepted("%s", text));
}

static void layout_comments_and_order_are_no_change(void **state)
{
	assert_diff("duts:\n  " DUT_1 ":\n    tags: [a]\n    is_retired: false\n",
		    "# a farm\nduts: {'" DUT_1 "': {is_retired: no, tags: [\"a\"]}}\n", "");
}

/* --- Who may run jobs --------------------------------------------------------------------------------------------------------------- */

static struct mars_acl acl(char **deny_users, size_t nd, char **allow_groups, size_t na)
{
	return (struct mars_acl){.deny = {.users = {deny_users, nd}}, .allow = {.projects_in_groups = {allow_groups, na}}};
}

static void rules_decide_who_may_run_jobs(void **state)
{
	char name[] = "bad", path[] = "gfx-ci", *bad[] = {name}, *group[] = {path};
	struct mars_acl none = {0}, own = acl(bad, 1, group, 1), denies = acl(bad, 1, NULL, 0), allows = acl(NULL, 0, group, 1);

	assert_true(mars_acl_allows(NULL, NULL, "u", "p"));
	assert_true(mars_acl_allows(&none, &none, "u", "p"));
	assert_false(mars_acl_allows(&own, NULL, "bad", "gfx-ci/x")); /* deny comes before allow */
	assert_true(mars_acl_allows(&own, NULL, "u", "gfx-ci/x"));
	assert_true(mars_acl_allows(&own, NULL, "u", "gfx-ci/sub/x"));
	assert_false(mars_acl_allows(&own, NULL, "u", "gfx-ci-evil/x"));
	assert_false(mars_acl_allows(&none, &denies, "u", "p"));           /* rules, but none matches */
	assert_true(mars_acl_allows(&allows, &denies, "bad", "gfx-ci/x")); /* the DUT's come first */
	assert_false(mars_acl_allows(&allows, &denies, "bad", "other/x"));
}

static void a_mac_address_is_read_in_any_case(void **state)
{
	char mac[18];

	assert_true(mars_mac_decode("52:54:00:AB:cd:0F", 17, mac));
	assert_string_equal(mac, "52:54:00:ab:cd:0f");
	assert_false(mars_mac_decode("52-54-00-AB-cd-0F", 17, mac));
	assert_false(mars_mac_decode("52:54:00:AB:cd:0g", 17, mac));
	assert_false(mars_mac_decode("52:54:00:AB:cd:0", 16, mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_samples_pdus_are_read),
		cmocka_unit_test(every_field_of_the_samples_dut_is_read),
		cmocka_unit_test(every_field_of_the_samples_gitlab_instance_is_read),
		cmocka_unit_test(an_entry_with_nothing_in_it_has_the_defaults),
		cmocka_unit_test(duts_are_found_by_id_mac_ip_and_port),
		cmocka_unit_test(values_may_be_written_as_yaml_allows),
		cmocka_unit_test(an_empty_file_is_an_empty_database),
		cmocka_unit_test(fields_of_older_databases_are_warned_about),
		cmocka_unit_test(an_insecure_gitlab_needs_the_option),
		cmocka_unit_test(a_file_that_is_not_there_cannot_be_read),
		cmocka_unit_test(a_diff_names_what_was_added_removed_and_changed),
		cmocka_unit_test(a_date_is_as_pyyaml_writes_it),
		cmocka_unit_test(a_runner_type_needs_the_id_of_its_own_kind),
		cmocka_unit_test(a_port_is_one_machines_whether_a_number_or_a_text),
		cmocka_unit_test(layout_comments_and_order_are_no_change),
		cmocka_unit_test(rules_decide_who_may_run_jobs),
		cmocka_unit_test(a_mac_address_is_read_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
