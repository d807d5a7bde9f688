/* gitlabd with a real GitLab's rules (tests/harness/gitlab.py): what a runner is, and what a change of the database does to it. This test
 * is executord. */
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
#define B  "http://localhost:9002"
#define ID "52:54:00:00:00:01"
#define X1 "farm-x86-1"

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", "b=9002", NULL});
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

static char *kept_token(const char *dut, const char *instance)
{
	static char token[128];

	assert_non_null(gl_token(dut, instance));
	snprintf(token, sizeof(token), "%s", gl_token(dut, instance));
	return token;
}

/* ---- what is registered ---- */

static void a_machine_is_registered_with_all_that_gitlab_needs_to_know(void **state)
{
	cJSON *runner, *status;

	one_runner("project_type");
	runner = gl_runner("a", X1);
	assert_string_equal(gl_text(runner, "token"), gl_token(ID, "a"));
	assert_int_equal(gl_number(runner, "id"), gl_number(gl_entry(ID, "a"), "runner_id"));
	gl_assert_field(runner, "tag_list", "[\"farm-x86-1\",\"x86\",\"farm:farm\"]");
	gl_assert_field(runner, "maximum_timeout", "3600");
	gl_assert_field(runner, "run_untagged", "false");
	gl_assert_field(runner, "runner_type", "\"project_type\"");
	gl_assert_field(runner, "project_id", "42");
	gl_assert_field(runner, "group_id", "null");
	gl_assert_field(runner, "paused", "false");
	gl_assert_field(runner, "access_level", "\"not_protected\"");
	gl_assert_field(runner, "locked", "true");
	cJSON_Delete(runner);
	status = gl_status();
	gl_assert_field(gl_status_of(status, ID, "a"), "valid", "\"yes\"");
	gl_assert_field(gl_status_of(status, ID, "a"), "description", "\"farm-x86-1\"");
	assert_null(cJSON_GetStringValue(cJSON_GetObjectItem(gl_status_of(status, ID, "a"), "last_error")));
	cJSON_Delete(status);
	gl_until_config(gl_token(ID, "a"), true);
}

static void group_and_instance_runners_are_registered_where_they_belong(void **state)
{
	cJSON *group, *instance;

	gl_add_instance("a", A, "group_type");
	gl_add_instance("b", B, "instance_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(2);
	group = gl_runner("a", X1);
	instance = gl_runner("b", X1);
	gl_assert_field(group, "group_id", "7");
	gl_assert_field(group, "project_id", "null");
	gl_assert_field(instance, "runner_type", "\"instance_type\"");
	gl_assert_field(instance, "group_id", "null");
	cJSON_Delete(group);
	cJSON_Delete(instance);
}

static void a_known_runner_is_verified_and_left_as_it_is(void **state)
{
	one_runner("project_type");
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	gl_do("a", "forget", "%s", "");
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/runners/verify$", 1);
	gl_await_requests("a", "GET", "/runners/1$", 1);
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
	assert_int_equal(gl.told, 1);
}

static void the_faq_of_moving_runners_to_another_project_holds(void **state)
{
	char *old;
	cJSON *runner;

	one_runner("project_type");
	old = kept_token(ID, "a");
	gl_set(gl_instance("a"), "project_id", "43");
	gl_do("a", "delete", "{\"token\": \"%s\"}", old);
	gl_tell_instance("a");
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"project_id\": 43}}");
	gl_do("a", "wait", "{\"runners\": 0, \"match\": {\"project_id\": 42}}");
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"path\": \"verify\", \"status\": 403}}");
	runner = gl_runner("a", X1);
	gl_until_config(gl_text(runner, "token"), true);
	assert_string_equal(gl_token(ID, "a"), gl_text(runner, "token"));
	assert_string_not_equal(gl_token(ID, "a"), old);
	assert_false(gl_config_has(old));
	cJSON_Delete(runner);
}

/* ---- what differs is registered anew ---- */

static void await_new_runner(const char *old)
{
	gl_do("a", "wait", "{\"runners\": 0, \"match\": {\"token\": \"%s\"}}", old);
	gl_await_runners("a", 1);
	gl_until_token(ID, "a");
	assert_string_not_equal(gl_token(ID, "a"), old);
}

static void a_change_of_the_database_registers_anew(void **state)
{
	cJSON *runner;

	one_runner("project_type");
	gl_await_requests("a", "GET", "/runners/1$", 0);
	gl_set(gl_dut(ID), "tags", "[\"arm\", \"farm:farm\"]");
	gl_tell_dut(ID);
	await_new_runner(kept_token(ID, "a"));
	gl_set(gl_instance("a"), "maximum_timeout", "7200");
	gl_tell_instance("a");
	await_new_runner(kept_token(ID, "a"));
	gl_set(gl_dut(ID), "full_name", "\"farm-arm-1\"");
	gl_tell_dut(ID);
	await_new_runner(kept_token(ID, "a"));
	runner = gl_runner("a", "farm-arm-1");
	gl_assert_field(runner, "maximum_timeout", "7200");
	gl_assert_field(runner, "tag_list", "[\"arm\",\"farm:farm\"]");
	cJSON_Delete(runner);
}

static void what_somebody_changed_on_the_server_registers_anew(void **state)
{
	static const char *const changes[] = {"\"tag_list\": [\"x86\", \"farm-x86-1\"]", "\"description\": \"mine\"",
					      "\"maximum_timeout\": null"};
	const char *old;

	one_runner("project_type");
	for (int i = 0; i < 3; i++) {
		gl_gitlabd_stop(SIGTERM);
		old = kept_token(ID, "a");
		gl_do("a", "change", "{\"id\": %d, %s}", i + 1, changes[i]);
		gl_gitlabd_start(gl_insecure);
		await_new_runner(old);
	}
}

static void a_changed_project_shows_once_the_old_runner_is_gone(void **state)
{
	one_runner("project_type");
	gl_do("a", "forget", "%s", "");
	gl_set(gl_instance("a"), "project_id", "43");
	gl_tell_instance("a");
	gl_await_requests("a", "GET", "/runners/1$", 1);
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"project_id\": 42}}");
}

static void an_instance_that_moves_to_another_server_takes_its_runners_along(void **state)
{
	char *old;
	cJSON *runner;

	one_runner("project_type");
	old = kept_token(ID, "a");
	gl_set(gl_instance("a"), "url", "\"" B "\"");
	gl_set(gl_instance("a"), "registration_token", "\"glpat-create-b-0123456789\"");
	gl_set(gl_instance("a"), "access_token", "\"glpat-manage-b-0123456789\"");
	gl_do("b", "configure", "{\"first_id\": 100}");
	gl_tell_instance("a");
	gl_await_runners("b", 1);
	gl_await_runners("a", 0);
	runner = gl_runner("b", X1);
	gl_until_config(gl_text(runner, "token"), true);
	assert_string_equal(gl_token(ID, "a"), gl_text(runner, "token"));
	assert_string_not_equal(gl_token(ID, "a"), old);
	cJSON_Delete(runner);
}

/* An admin makes a runner, the second one, and writes its token into MarsDB. */
static cJSON *put_another(void)
{
	cJSON *other = gl_ask("a", "runner",
			      "{\"description\": \"" X1
			      "\", \"runner_type\": \"project_type\", \"project_id\": 42, \"maximum_timeout\": 3600, \"tag_list\": "
			      "[\"x86\", \"" X1 "\", \"farm:farm\"]}");
	char *quoted = cJSON_PrintUnformatted(cJSON_GetObjectItem(other, "token"));

	gl_set(gl_entry(ID, "a"), "token", quoted);
	gl_set(gl_entry(ID, "a"), "runner_id", "2");
	gl_tell_dut(ID);
	free(quoted);
	return other;
}

static void a_token_that_an_admin_writes_counts_and_the_old_runner_is_removed(void **state)
{
	cJSON *other;

	one_runner("project_type");
	other = put_another();
	gl_do("a", "wait", "{\"runners\": 0, \"match\": {\"id\": 1}}");
	gl_await_runners("a", 1);
	assert_string_equal(gl_token(ID, "a"), gl_text(other, "token"));
	cJSON_Delete(other);
}

static void an_edit_counts_more_than_the_late_answer_to_what_was_before_it(void **state)
{
	cJSON *other;
	char *first;

	gl.late = true;
	one_runner("project_type");
	first = kept_token(ID, "a");
	other = put_another();
	cJSON_Delete(gl_status()); /* it has heard of the edit by then */
	gl_answer_late();
	gl_do("a", "wait", "{\"runners\": 0, \"match\": {\"token\": \"%s\"}}", first);
	gl_await_runners("a", 1);
	assert_string_equal(gl_token(ID, "a"), gl_text(other, "token"));
	gl_until_config(gl_text(other, "token"), true);
	assert_false(gl_config_has(first));
	cJSON_Delete(other);
}

static void the_order_of_tags_makes_no_difference(void **state)
{
	one_runner("project_type");
	gl_set(gl_dut(ID), "tags", "[\" farm:farm \", \"x86\", \"farm-x86-1\", \"x86\"]");
	gl_do("a", "forget", "%s", "");
	gl_tell_dut(ID);
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "GET", "/runners/1$", 1);
	cJSON_Delete(gl_status());
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
}

/* ---- what GitLab refuses ---- */

static void a_refused_registration_is_said_and_not_repeated(void **state)
{
	cJSON *status;

	gl_add_instance("a", A, "project_type");
	gl_set(gl_instance("a"), "project_id", "99");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/user/runners", 1);
	status = gl_status();
	while (!*gl_text(gl_status_of(status, ID, "a"), "last_error")) {
		cJSON_Delete(status);
		status = gl_status();
	}
	assert_non_null(strstr(gl_text(gl_status_of(status, ID, "a"), "last_error"), "Missing/invalid scope"));
	cJSON_Delete(status);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 1);
	gl_set(gl_instance("a"), "project_id", "42");
	gl_tell_instance("a");
	gl_until_token(ID, "a");
}

static bool all_say_why(void)
{
	cJSON *status = gl_status(), *runner;
	int n = 0;

	cJSON_ArrayForEach(runner, cJSON_GetObjectItem(status, "runners")) n += strstr(gl_text(runner, "last_error"), "status 40") != NULL;
	cJSON_Delete(status);
	return n == 20;
}

static void use_registration_token(const char *json)
{
	gl_set(gl_instance("a"), "registration_token", json);
	gl_do("a", "forget", "%s", "");
	gl_tell_instance("a");
	gl_await_requests("a", "POST", "/user/runners", 1);
}

static void a_bad_registration_token_is_tried_once_and_not_for_each_machine(void **state)
{
	static const char *const bad[] = {"\"glpat-wrong-a-0123456789\"", /* 401 */
					  "\"glpat-manage-a-0123456789\"" /* 403: insufficient_scope */};

	gl_add_instance("a", A, "project_type");
	gl_add_duts(20);
	gl_set(gl_instance("a"), "registration_token", "\"glpat-revoked-0123456789\"");
	gl_gitlabd_start(gl_insecure);
	gl_until(all_say_why, "what is wrong with the token, at each runner");
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 1);
	for (int i = 0; i < 2; i++) {
		use_registration_token(bad[i]);
		gl_until(all_say_why, "what is wrong with the token, at each runner");
		assert_int_equal(gl_count("a", "POST", "/user/runners"), 1);
	}
	use_registration_token("\"glpat-create-a-0123456789\"");
	gl_until_tokens(20);
	gl_await_runners("a", 20);
}

static void use_access_token(const char *json)
{
	gl_set(gl_instance("a"), "access_token", json);
	gl_do("a", "forget", "%s", "");
	gl_tell_instance("a");
	gl_await_requests("a", "POST", "/runners/verify", 20);
	gl_until(all_say_why, "what is wrong with the token, at each runner");
}

/* By the first that is refused: the list, then a runner's details, as far as one may be taken without the other. */
static void a_bad_access_token_is_tried_once_and_not_for_each_machine(void **state)
{
	gl_add_instance("a", A, "project_type");
	gl_add_duts(20);
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(20);
	use_access_token("\"glpat-wrong-a-0123456789\""); /* 401 */
	assert_int_equal(gl_count("a", "GET", "/runners/"), 1);
	use_access_token("\"glpat-create-a-0123456789\""); /* 403: insufficient_scope */
	assert_int_equal(gl_count("a", "GET", "/runners/"), 1);
	gl_set(gl_instance("a"), "access_token", "\"glpat-manage-a-0123456789\"");
	gl_tell_instance("a");
	gl_await_requests("a", "GET", "/runners/[0-9]*$", 21);
}

/* A token that may not read some runners is not known to be bad before the third. */
static void an_access_token_without_rights_is_tried_three_times_and_not_for_each_machine(void **state)
{
	gl_add_instance("a", A, "project_type");
	gl_add_duts(20);
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(20);
	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 403, \"body\": {\"message\": \"403 Forbidden - No access granted\"}, \"match\": "
	      "{\"method\": \"GET\"}}");
	use_access_token("\"glpat-read-a-0123456789\"");
	assert_int_equal(gl_count("a", "GET", "/runners/"), 3);
}

static void a_bad_access_token_from_the_start_on_costs_one_request(void **state)
{
	gl_add_instance("a", A, "project_type");
	gl_add_duts(20);
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(20);
	gl_gitlabd_stop(SIGTERM);
	gl_set(gl_instance("a"), "access_token", "\"glpat-wrong-a-0123456789\"");
	gl_do("a", "forget", "%s", "");
	gl_gitlabd_start(gl_insecure);
	gl_until(all_say_why, "what is wrong with the token, at each runner");
	assert_int_equal(gl_count("a", "GET", ""), 1);
}

static void more_tags_than_gitlab_takes_are_said_and_not_sent(void **state)
{
	char tags[1024] = "[";
	cJSON *status;

	for (int i = 0; i < 51; i++)
		sprintf(tags + strlen(tags), "%s\"tag-%d\"", i ? "," : "", i);
	strcat(tags, "]");
	gl_add_instance("a", A, "project_type");
	gl_set(gl_add_dut(ID, X1), "tags", tags);
	gl_gitlabd_start(gl_insecure);
	status = gl_status();
	assert_non_null(strstr(gl_text(gl_status_of(status, ID, "a"), "last_error"), "more than 50 tags"));
	cJSON_Delete(status);
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
}

static void without_an_access_token_details_are_not_asked(void **state)
{
	gl_add_instance("a", A, "project_type");
	gl_set(gl_instance("a"), "access_token", "\"short\"");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/runners/verify$", 1);
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count("a", "GET", "/runners"), 0);
}

static void a_registration_token_under_8_characters_is_none(void **state)
{
	cJSON *status;

	gl_add_instance("a", A, "project_type");
	gl_set(gl_instance("a"), "registration_token", "\"TODO\"");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	status = gl_status();
	assert_string_not_equal(gl_text(gl_status_of(status, ID, "a"), "last_error"), "");
	cJSON_Delete(status);
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
}

/* ---- the database is executord's ---- */

static void a_token_that_cannot_be_written_is_kept_until_it_can(void **state)
{
	gl.fails = "the disk is full";
	gl_add_instance("a", A, "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_await_runners("a", 1);
	while (gl.told < 1)
		uv_run(&gl.loop.uv, UV_RUN_ONCE);
	gl.fails = NULL;
	gl_until_token(ID, "a");
	gl_await_runners("a", 1);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 1);
}

static void a_token_that_was_not_written_before_a_kill_leaves_no_runner(void **state)
{
	cJSON *runner;

	gl.deaf = true;
	gl_add_instance("a", A, "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	while (gl.told < 1)
		uv_run(&gl.loop.uv, UV_RUN_ONCE);
	gl_gitlabd_stop(SIGKILL);
	gl.deaf = false;
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"method\": \"DELETE\", \"status\": 204}}");
	gl_await_runners("a", 1);
	runner = gl_runner("a", X1);
	assert_string_equal(gl_text(runner, "token"), gl_token(ID, "a"));
	cJSON_Delete(runner);
}

static void a_machine_that_went_during_its_registration_leaves_no_runner(void **state)
{
	gl_add_instance("a", A, "project_type");
	gl_add_dut(ID, X1);
	gl_do("a", "fault", "{\"kind\": \"slow\", \"seconds\": 60, \"match\": {\"path\": \"/user/runners\"}}");
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/user/runners", 1);
	gl_remove_dut(ID);
	gl_do("a", "faults/end", "%s", "");
	gl_await_runners("a", 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, gl_teardown)
		T(a_machine_is_registered_with_all_that_gitlab_needs_to_know),
		T(group_and_instance_runners_are_registered_where_they_belong),
		T(a_known_runner_is_verified_and_left_as_it_is),
		T(the_faq_of_moving_runners_to_another_project_holds),
		T(a_change_of_the_database_registers_anew),
		T(what_somebody_changed_on_the_server_registers_anew),
		T(a_changed_project_shows_once_the_old_runner_is_gone),
		T(an_instance_that_moves_to_another_server_takes_its_runners_along),
		T(a_token_that_an_admin_writes_counts_and_the_old_runner_is_removed),
		T(an_edit_counts_more_than_the_late_answer_to_what_was_before_it),
		T(the_order_of_tags_makes_no_difference),
		T(a_refused_registration_is_said_and_not_repeated),
		T(a_bad_registration_token_is_tried_once_and_not_for_each_machine),
		T(a_bad_access_token_is_tried_once_and_not_for_each_machine),
		T(an_access_token_without_rights_is_tried_three_times_and_not_for_each_machine),
		T(a_bad_access_token_from_the_start_on_costs_one_request),
		T(more_tags_than_gitlab_takes_are_said_and_not_sent),
		T(without_an_access_token_details_are_not_asked),
		T(a_registration_token_under_8_characters_is_none),
		T(a_token_that_cannot_be_written_is_kept_until_it_can),
		T(a_token_that_was_not_written_before_a_kill_leaves_no_runner),
		T(a_machine_that_went_during_its_registration_leaves_no_runner),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
