/* gitlabd with many machines on several GitLabs, and killed at any time: each machine ends with one runner on each, whose token MarsDB has;
 * and no token is anywhere else (promises 38 and 39). */
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

enum { MANY = 200, FEW = 12, KILLS = 8, AT_ONCE = 8 };
static const char *const names[] = {"a", "b", "c"};
/* Each server has exactly the runners whose tokens the database has. */
static void assert_in_step(int n)
{
	for (int k = 0; k < 3; k++) {
		cJSON *state = gl_ask(names[k], NULL, "%s", ""), *runner, *runners = cJSON_GetObjectItem(state, "runners");

		assert_int_equal(cJSON_GetArraySize(runners), n);
		cJSON_ArrayForEach(runner, runners)
		{
			bool known = false;

			for (int i = 0; i < n && !known; i++)
				known = gl_token(gl_id(i), names[k]) &&
					strcmp(gl_token(gl_id(i), names[k]), gl_text(runner, "token")) == 0 &&
					gl_number(gl_entry(gl_id(i), names[k]), "runner_id") == gl_number(runner, "id");
			if (!known)
				fail_msg("%s: nobody has the token of '%s'", names[k], gl_text(runner, "description"));
		}
		cJSON_Delete(state);
	}
}

static bool server_has_all(const cJSON *state, const char *name, int n)
{
	cJSON *runner;
	int found = 0;

	cJSON_ArrayForEach(runner, cJSON_GetObjectItem(state, "runners")) for (int i = 0; i < n; i++)
		found += gl_token(gl_id(i), name) && strcmp(gl_token(gl_id(i), name), gl_text(runner, "token")) == 0;
	return found == n;
}

static int told_before;

static bool told_something(void)
{
	return gl.told != told_before;
}

/* Until each token of the database is one of the server's. Whatever makes a token valid ends with gitlabd telling it, which may come after
 * the server's answer here: what it tells is waited for, not what it asks the server. */
static void await_valid_tokens(const char *name, int n)
{
	for (bool all = false; !all;) {
		cJSON *state;

		told_before = gl.told;
		state = gl_ask(name, NULL, "%s", "");
		all = server_has_all(state, name, n);
		cJSON_Delete(state);
		if (!all)
			gl_until(told_something, "a token that is told");
	}
}

/* An outage or a kill between a server's 201 and its answer's arrival leaves a runner whose token nobody has. */
static void prune_those_cut_off(int at_most)
{
	cJSON *pruned = gl_prune(true);
	int n = cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans"));

	assert_in_range(n, 0, at_most);
	cJSON_Delete(pruned);
}

static void assert_at_once(void)
{
	for (int k = 0; k < 3; k++) {
		cJSON *state = gl_ask(names[k], NULL, "%s", "");

		assert_in_range((uintmax_t)gl_number(state, "max_concurrent"), 1, AT_ONCE);
		cJSON_Delete(state);
	}
}

static void many_machines_on_three_instances_converge_after_an_outage(void **state)
{
	gl_add_duts(MANY);
	gl_do("b", "outage", "{\"on\": true}");
	gl_do("c", "fault", "{\"kind\": \"status\", \"status\": 503, \"count\": 3}");
	gl_gitlabd_start(gl_insecure);
	gl_await_runners("a", MANY);
	for (int k = 0; k < 3; k += 2)
		gl_do(names[k], "outage", "{\"on\": true}");
	for (int i = 0; i < 20; i++) /* meanwhile some go */
		gl_remove_dut(gl_id(MANY - 1 - i));
	for (int k = 0; k < 3; k++)
		gl_do(names[k], "outage", "{\"on\": false}");
	gl_until_tokens(3 * (MANY - 20));
	prune_those_cut_off(2 * AT_ONCE);
	for (int k = 0; k < 3; k++)
		gl_await_runners(names[k], MANY - 20);
	assert_in_step(MANY - 20);
	assert_at_once();
}

static void a_slow_server_is_asked_a_few_things_at_once_and_holds_up_no_other(void **state)
{
	gl_add_duts(40);
	gl_do("a", "fault", "{\"kind\": \"hang\"}");
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/user/runners", 1);
	gl_await_runners("b", 40);
	gl_await_runners("c", 40);
	gl_until_tokens(80);
	assert_in_range(gl_count("a", "POST", "/user/runners"), 1, AT_ONCE);
	gl_do("a", "faults/end", "%s", "");
	gl_until_tokens(120);
	assert_in_step(40);
	assert_at_once();
}

static void expose_all_on_a(void)
{
	for (int i = 0; i < FEW; i++)
		gl_set(gl_entry(gl_id(i), "a"), "exposed", "true");
}

/* At each moment of the work, as counted by what the server was asked. */
static void a_kill_at_any_time_leaves_no_orphan_and_loses_no_token(void **state)
{
	unsigned seed = getenv("GITLABD_KILLS_SEED") ? (unsigned)atoi(getenv("GITLABD_KILLS_SEED")) : 6;
	int kills = getenv("GITLABD_KILLS") ? atoi(getenv("GITLABD_KILLS")) : KILLS;

	gl_add_duts(FEW);
	for (int i = 0; i < kills; i++) {
		expose_all_on_a();
		gl_gitlabd_start(gl_insecure);
		gl_await_requests("a", "POST", "", 1 + rand_r(&seed) % 12);
		if (i % 3 == 2) /* and something to remove */
			gl_set(gl_entry(gl_id(rand_r(&seed) % FEW), "a"), "exposed", "false"), gl_tell_all();
		gl_gitlabd_stop(SIGKILL);
		gl_do("a", "forget", "%s", "");
		gl_do("a", "delete", "{\"id\": %d}", 1 + rand_r(&seed) % 40); /* so that there is something to do again */
	}
	expose_all_on_a();
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(3 * FEW);
	for (int k = 0; k < 3; k++)
		await_valid_tokens(names[k], FEW);
	prune_those_cut_off(3 * AT_ONCE * kills);
	for (int k = 0; k < 3; k++)
		gl_await_runners(names[k], FEW);
	assert_in_step(FEW);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, gl_setup_three, gl_teardown)
		T(many_machines_on_three_instances_converge_after_an_outage),
		T(a_slow_server_is_asked_a_few_things_at_once_and_holds_up_no_other),
		T(a_kill_at_any_time_leaves_no_orphan_and_loses_no_token),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
