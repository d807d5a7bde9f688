/* gitlabd when an instance, a token or a runner's id is another one from now on: nothing is left behind. */
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

#define ID    "52:54:00:00:00:01"
#define OTHER "52:54:00:00:00:02"

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", "b=9002", NULL});
	gl_add_instance("a", "http://localhost:9001/", "instance_type");
	gl_add_dut(ID, "farm-x86-1");
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	return 0;
}

static void move_to_b(void)
{
	gl_set(gl_instance("a"), "url", "\"http://localhost:9002\"");
	gl_set(gl_instance("a"), "registration_token", "\"glpat-create-b-0123456789\"");
	gl_set(gl_instance("a"), "access_token", "\"glpat-manage-b-0123456789\"");
}

static void await_at_b(void)
{
	gl_await_runners("b", 1);
	gl_until_token(ID, "a");
	gl_do("b", "wait", "{\"runners\": 1, \"match\": {\"description\": \"farm-x86-1\"}}");
}

static void another_url_registers_there_and_removes_what_was_at_the_old_one(void **state)
{
	move_to_b();
	gl_tell_instance("a");
	await_at_b();
	gl_await_runners("a", 0);
}

static void what_was_at_an_old_url_is_removed_once_that_is_back_whatever_happened_to_gitlabd(void **state)
{
	gl_do("a", "outage", "{\"on\": true}");
	move_to_b();
	gl_tell_instance("a");
	await_at_b();
	gl_gitlabd_stop(SIGKILL);
	gl_gitlabd_start(gl_insecure);
	gl_do("a", "outage", "{\"on\": false}");
	gl_await_runners("a", 0);
	gl_await_runners("b", 1);
}

/* MarsDB cannot be written for now: it keeps what it has. */
static void fill_marsdbs_disk(void)
{
	gl.told = 0;
	gl.fails = "no space left";
}

static bool was_asked(void)
{
	return gl.told > 0;
}

static void restart_after_an_edit(int signal)
{
	gl_gitlabd_stop(signal);
	move_to_b();
	gl_do("b", "forget", "%s", "");
	gl_gitlabd_start(gl_insecure);
}

static void an_url_that_was_edited_while_gitlabd_was_away_gets_no_token_of_the_old_one(void **state)
{
	restart_after_an_edit(SIGTERM);
	await_at_b();
	gl_await_runners("a", 0);
	assert_int_equal(gl_count("b", "POST", "/runners/verify"), 0);
	assert_int_equal(gl_count("b", "DELETE", "/runners"), 0);
}

/* The old runners' GitLab is away, and gitlabd dies before MarsDB has dropped their tokens. */
static void an_old_url_is_known_until_marsdb_has_none_of_its_tokens(void **state)
{
	char token[128];

	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	gl_do("a", "outage", "{\"on\": true}");
	fill_marsdbs_disk();
	restart_after_an_edit(SIGKILL);
	gl_until(was_asked, "a token to be dropped");
	gl_gitlabd_stop(SIGKILL);
	assert_string_equal(gl_token(ID, "a"), token);
	gl_gitlabd_start(gl_insecure);
	gl.fails = NULL;
	await_at_b();
	gl_do("a", "outage", "{\"on\": false}");
	gl_await_runners("a", 0);
	assert_int_equal(gl_count("b", "POST", "/runners/verify"), 0);
}

static void config_toml_never_has_a_token_at_another_url(void **state)
{
	char token[128];

	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	gl_until_config(token, true);
	fill_marsdbs_disk();
	move_to_b();
	gl_tell_instance("a");
	gl_until_config(token, false);
	assert_string_equal(gl_token(ID, "a"), token);
	gl.fails = NULL;
	await_at_b();
	gl_until_config(gl_token(ID, "a"), true);
	assert_true(gl_config_has("http://localhost:9002"));
}

static void a_token_that_an_admin_puts_in_its_place_leaves_no_runner_behind(void **state)
{
	cJSON *made = gl_ask("a", "runner",
			     "{\"description\": \"farm-x86-1\", \"runner_type\": \"instance_type\", \"tag_list\": [\"x86\", "
			     "\"farm-x86-1\", \"farm:farm\"], \"maximum_timeout\": 3600, \"token\": \"glrt-by-hand\"}");

	gl_set(gl_entry(ID, "a"), "token", "\"glrt-by-hand\"");
	gl_tell_dut(ID);
	gl_await_runners("a", 1);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"glrt-by-hand\"}}");
	while (gl_number(gl_entry(ID, "a"), "runner_id") != gl_number(made, "id")) /* what GitLab says of the token counts */
		uv_run(&gl.loop.uv, UV_RUN_ONCE);
	assert_string_equal(gl_token(ID, "a"), "glrt-by-hand");
	cJSON_Delete(made);
}

static void a_token_that_moves_to_another_machine_keeps_its_runner(void **state)
{
	char token[128];

	snprintf(token, sizeof(token), "\"%s\"", gl_token(ID, "a"));
	gl_add_dut(OTHER, "farm-x86-1");
	gl_set(gl_entry(OTHER, "a"), "token", token);
	gl_set(gl_entry(OTHER, "a"), "runner_id", "1");
	gl_set(gl_dut(OTHER), "tags", "[\"x86\", \"farm-x86-1\", \"farm:farm\"]");
	gl_set(gl_entry(ID, "a"), "token", "null");
	gl_set(gl_dut(ID), "available", "false");
	cJSON_DeleteItemFromObject(gl_entry(ID, "a"), "token");
	gl_tell_all();
	gl_do("a", "forget", "%s", "");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "GET", "/runners/1$", 1);
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	assert_int_equal(gl_count("a", "DELETE", "/runners"), 0);
	gl_await_runners("a", 1);
}

static void a_damaged_list_of_removals_is_set_aside(void **state)
{
	char path[400], aside[410], *text;

	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
	snprintf(path, sizeof(path), "%s/gitlabd/removals.json", gl.state);
	snprintf(aside, sizeof(aside), "%s.bad", path);
	file_put(path, "{\"version\": 1, \"runners\": [{\"url\": \"http://localhost:9001/\"}]}");
	gl_gitlabd_start(gl_insecure);
	proc_await(&gl.gitlabd, "gitlabd warning: *removals.json: runners: one has no url, token or runner_id; it is set aside as "
				"*removals.json.bad, and runners that were to be removed may stay on GitLab");
	text = file_get(aside);
	assert_non_null(strstr(text, "localhost:9001"));
	free(text);
	gl_await_runners("a", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, gl_teardown)
		T(another_url_registers_there_and_removes_what_was_at_the_old_one),
		T(what_was_at_an_old_url_is_removed_once_that_is_back_whatever_happened_to_gitlabd),
		T(an_url_that_was_edited_while_gitlabd_was_away_gets_no_token_of_the_old_one),
		T(an_old_url_is_known_until_marsdb_has_none_of_its_tokens),
		T(config_toml_never_has_a_token_at_another_url),
		T(a_token_that_an_admin_puts_in_its_place_leaves_no_runner_behind),
		T(a_token_that_moves_to_another_machine_keeps_its_runner),
		T(a_damaged_list_of_removals_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
