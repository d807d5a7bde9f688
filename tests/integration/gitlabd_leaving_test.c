/* gitlabd with a real GitLab's rules (tests/harness/gitlab.py): machines that go or are no longer exposed, the gateway's runner, and
 * orphans. This test is executord. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/gitlab.h"

#define A  "http://localhost:9001/"
#define ID "52:54:00:00:00:01"
#define X1 "farm-x86-1"

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", NULL});
	return 0;
}

/* One DUT with a runner on `a`. */
static void one_runner(const char *runner_type)
{
	gl_add_instance("a", A, runner_type);
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
}

/* ---- what is no longer exposed ---- */

static void exposed_false_unregisters_and_drops_the_token(void **state)
{
	one_runner("project_type");
	gl_set(gl_entry(ID, "a"), "exposed", "false");
	gl_tell_dut(ID);
	gl_await_runners("a", 0);
	gl_until_no_token(ID, "a");
	assert_int_equal(gl_number(gl_entry(ID, "a"), "runner_id"), -1);
	gl_set(gl_entry(ID, "a"), "exposed", "true");
	gl_tell_dut(ID);
	gl_until_token(ID, "a");
	gl_await_runners("a", 1);
}

static void a_retired_machine_keeps_its_runner_and_leaves_the_configuration(void **state)
{
	one_runner("project_type");
	gl_until_config(gl_token(ID, "a"), true);
	gl_set(gl_dut(ID), "available", "false");
	gl_tell_dut(ID);
	gl_until_config(gl_token(ID, "a"), false);
	gl_await_runners("a", 1);
	assert_non_null(gl_token(ID, "a"));
	gl_set(gl_dut(ID), "available", "true");
	gl_tell_dut(ID);
	gl_until_config(gl_token(ID, "a"), true);
	assert_int_equal(gl_count("a", "DELETE", "/runners"), 0);
}

static void expose_runners_false_takes_all_of_an_instance_out_of_the_configuration(void **state)
{
	one_runner("project_type");
	gl_until_config(gl_token(ID, "a"), true);
	gl_set(gl_instance("a"), "expose_runners", "false");
	gl_tell_instance("a");
	gl_until_config("glrt-", false);
	/* MarsDB's token and GitLab's runner go on, or go away, together */
	if (gl_token(ID, "a"))
		gl_await_runners("a", 1);
	else
		gl_await_runners("a", 0);
}

static void a_removed_machine_is_unregistered(void **state)
{
	one_runner("project_type");
	gl_remove_dut(ID);
	gl_await_runners("a", 0);
	gl_until_config("glrt-", false);
}

static void a_removed_machine_is_unregistered_after_an_outage_and_a_new_start(void **state)
{
	one_runner("project_type");
	gl_do("a", "outage", "{\"on\": true}");
	gl_remove_dut(ID);
	cJSON_Delete(gl_status());
	gl_gitlabd_stop(SIGKILL);
	gl_gitlabd_start(gl_insecure);
	gl_do("a", "outage", "{\"on\": false}");
	gl_await_runners("a", 0);
}

static void the_runners_of_a_removed_instance_are_unregistered(void **state)
{
	one_runner("project_type");
	gl_remove_instance("a");
	gl_await_runners("a", 0);
}

/* ---- the gateway's runner ---- */

static void the_gateway_runner_needs_an_allow_of_its_own(void **state)
{
	cJSON *runner, *tags;

	one_runner("project_type");
	gl_set(gl_instance("a"), "acl",
	       "[{\"deny\": [], \"allow\": [{\"users\": [\"boss\"], \"projects\": [], \"projects_in_groups\": []}]}]");
	gl_allow_gateway("a", NULL);
	gl_tell_instance("a");
	gl_gitlabd_stop(SIGTERM);
	assert_null(gl_token(NULL, "a"));
	gl_gitlabd_start(gl_insecure);
	gl_allow_gateway("a", "eric");
	gl_tell_instance("a");
	gl_until_token(NULL, "a");
	runner = gl_runner("a", "farm-gateway");
	tags = cJSON_GetObjectItem(runner, "tag_list");
	for (int i = 0; i < 3; i++) {
		static const char *const wanted[] = {"farm-gateway", "CI-gateway", "ci-tron:gateway:acl:users:eric"};
		bool has = false;
		cJSON *tag;

		cJSON_ArrayForEach(tag, tags) has |= strcmp(tag->valuestring, wanted[i]) == 0;
		if (!has)
			fail_msg("no tag '%s' in %s", wanted[i], cJSON_Print(tags));
	}
	cJSON_Delete(runner);
	gl_set(gl_entry(NULL, "a"), "acl", "[]");
	gl_tell_instance("a");
	gl_until_no_token(NULL, "a");
	gl_await_runners("a", 1);
}

/* ---- orphans ---- */

enum { OLD = 101 }; /* with the others two pages */

/* One on the server that no database has. */
static void add_foreign(const char *description, const char *farm, int project)
{
	gl_do("a", "runner", "{\"description\": \"%s\", \"runner_type\": \"project_type\", \"project_id\": %d, \"tag_list\": [\"%s\"]}",
	      description, project, farm);
}

static void orphans_are_listed_and_only_a_prune_removes_them(void **state)
{
	char name[32];
	cJSON *pruned;

	one_runner("project_type");
	for (int i = 0; i < OLD; i++) {
		snprintf(name, sizeof(name), "farm-old-%d", i);
		add_foreign(name, "farm:farm", 42);
	}
	add_foreign("other-x86-1", "farm:other", 42);
	add_foreign("farm-two-x86-1", "farm:farm-two", 42);
	add_foreign(X1, "farm:farm", 42); /* of a crash: the machine has another */
	add_foreign(X1, "farm:farm", 43); /* not where we look */
	pruned = gl_prune(false);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans")), OLD + 1);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "errors")), 0);
	cJSON_Delete(pruned);
	gl_await_runners("a", OLD + 5);
	pruned = gl_prune(true);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans")), OLD + 1);
	cJSON_Delete(pruned);
	gl_await_runners("a", 4);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"%s\"}}", gl_token(ID, "a"));
	pruned = gl_prune(true);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans")), 0);
	cJSON_Delete(pruned);
}

/* An admin registers a runner on the web page and puts its token into MarsDB. */
static void put_in_by_hand(void)
{
	gl_do("a", "runner",
	      "{\"description\": \"" X1 "\", \"runner_type\": \"project_type\", \"project_id\": 42, \"tag_list\": [\"x86\", \"" X1
	      "\", \"farm:farm\"], \"maximum_timeout\": 3600, \"token\": \"glrt-by-hand\"}");
	gl_set(gl_entry(ID, "a"), "token", "\"glrt-by-hand\"");
	gl_set(gl_entry(ID, "a"), "runner_id", "-1");
	gl_tell_dut(ID);
}

static void a_runner_that_was_put_in_by_hand_is_no_orphan_before_its_id_is_known(void **state)
{
	cJSON *pruned;

	one_runner("project_type");
	gl_do("a", "fault", "{\"kind\": \"hang\", \"match\": {\"path\": \"/runners/verify\"}}");
	put_in_by_hand();
	gl_await_requests("a", "POST", "/runners/verify", 1);
	gl_await_runners("a", 1); /* the one before is removed */
	add_foreign("farm-old-1", "farm:farm", 42);
	gl_do("a", "forget", "%s", "");
	gl_prune_begin(true);
	gl_await_requests("a", "GET", "/projects/42/runners", 1);
	gl_do("a", "faults/end", "%s", "");
	pruned = gl_prune_end();
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "errors")), 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans")), 1);
	cJSON_Delete(pruned);
	gl_await_runners("a", 1);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"glrt-by-hand\"}}");
	assert_string_equal(gl_token(ID, "a"), "glrt-by-hand");
}

static bool has_its_id(void)
{
	return gl_number(gl_entry(ID, "a"), "runner_id") == 1;
}

static void a_runner_whose_id_an_admin_got_wrong_is_no_orphan(void **state)
{
	one_runner("project_type");
	gl_set(gl_entry(ID, "a"), "runner_id", "77");
	gl_tell_dut(ID);
	cJSON_Delete(gl_prune(true));
	gl_until(has_its_id, "the id that GitLab says");
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"%s\"}}", gl_token(ID, "a"));
	assert_int_equal(gl_count("a", "DELETE", "/runners/"), 0);
}

static void without_a_verification_nothing_is_taken_for_an_orphan(void **state)
{
	cJSON *pruned, *errors;

	one_runner("project_type");
	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 400, \"body\": {\"error\": \"not today\"}, \"match\": {\"path\": \"/runners/verify\"}}");
	put_in_by_hand();
	gl_await_runners("a", 1);
	add_foreign("farm-old-1", "farm:farm", 42);
	pruned = gl_prune(true);
	errors = cJSON_GetObjectItem(pruned, "errors");
	assert_int_equal(cJSON_GetArraySize(errors), 1);
	assert_string_equal(cJSON_GetArrayItem(errors, 0)->valuestring,
			    "a: which runner is that of '" X1 "' is not known, since its token could not be verified; so none is taken for "
			    "an orphan");
	cJSON_Delete(pruned);
	gl_await_runners("a", 2);
	assert_int_equal(gl_count("a", "DELETE", "/runners/"), 0);
}

static void an_orphan_that_may_not_be_removed_says_why(void **state)
{
	cJSON *pruned, *orphan;

	one_runner("project_type");
	gl_set(gl_instance("a"), "access_token", "\"glpat-read-a-0123456789\"");
	gl_tell_instance("a");
	add_foreign("farm-old-1", "farm:farm", 42);
	pruned = gl_prune(true);
	orphan = cJSON_GetArrayItem(cJSON_GetObjectItem(pruned, "orphans"), 0);
	assert_string_equal(gl_text(orphan, "description"), "farm-old-1");
	assert_non_null(strstr(gl_text(orphan, "error"), "403"));
	assert_null(strstr(gl_text(orphan, "error"), "glpat"));
	cJSON_Delete(pruned);
	gl_await_runners("a", 2);
}

static void orphans_that_may_not_be_removed_are_not_all_tried(void **state)
{
	cJSON *pruned, *orphan, *orphans;

	one_runner("project_type");
	gl_set(gl_instance("a"), "access_token", "\"glpat-read-a-0123456789\"");
	gl_tell_instance("a");
	for (int i = 1; i <= 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "farm-old-%d", i);
		add_foreign(name, "farm:farm", 42);
	}
	pruned = gl_prune(true);
	orphans = cJSON_GetObjectItem(pruned, "orphans");
	assert_int_equal(cJSON_GetArraySize(orphans), 20);
	cJSON_ArrayForEach(orphan, orphans) assert_non_null(strstr(gl_text(orphan, "error"), "403"));
	cJSON_Delete(pruned);
	assert_int_equal(gl_count("a", "DELETE", "/runners/"), 3);
	gl_set(gl_instance("a"), "access_token", "\"glpat-wrong-a-0123456789\"");
	gl_tell_instance("a");
	pruned = gl_prune(true);
	assert_non_null(strstr(cJSON_GetArrayItem(cJSON_GetObjectItem(pruned, "errors"), 0)->valuestring, "401"));
	cJSON_Delete(pruned);
	gl_set(gl_instance("a"), "access_token", "\"glpat-manage-a-0123456789\"");
	gl_tell_instance("a");
	cJSON_Delete(gl_prune(true));
	gl_await_runners("a", 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, gl_teardown)
		T(exposed_false_unregisters_and_drops_the_token),
		T(a_retired_machine_keeps_its_runner_and_leaves_the_configuration),
		T(expose_runners_false_takes_all_of_an_instance_out_of_the_configuration),
		T(a_removed_machine_is_unregistered),
		T(a_removed_machine_is_unregistered_after_an_outage_and_a_new_start),
		T(the_runners_of_a_removed_instance_are_unregistered),
		T(the_gateway_runner_needs_an_allow_of_its_own),
		T(orphans_are_listed_and_only_a_prune_removes_them),
		T(a_runner_that_was_put_in_by_hand_is_no_orphan_before_its_id_is_known),
		T(a_runner_whose_id_an_admin_got_wrong_is_no_orphan),
		T(without_a_verification_nothing_is_taken_for_an_orphan),
		T(an_orphan_that_may_not_be_removed_says_why),
		T(orphans_that_may_not_be_removed_are_not_all_tried),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
