/* Promise 40: whatever a GitLab, or what stands in its place, answers: only 403 costs a token, and none goes to anybody else. */
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

#define ID "52:54:00:00:00:01"
#define X1 "farm-x86-1"

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", "b=9002", "elsewhere=9003", NULL});
	gl_do("elsewhere", "configure", "{\"elsewhere\": true}");
	return 0;
}

static void register_one(void)
{
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_do("a", "forget", "%s", "");
}

static void assert_nothing_elsewhere(void)
{
	cJSON *state = gl_ask("elsewhere", NULL, "%s", "");

	assert_int_equal(gl_number(state, "secrets_elsewhere"), 0);
	cJSON_Delete(state);
}

/* Until gitlabd says of a GitLab what is wrong with it. */
static void await_error(const char *text)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "gitlab=*%s*tried again", text);
	proc_await(&gl.gitlabd, pattern);
}

/* The token of a runner that is being checked meets `fault`, and then a good answer; it is the same afterwards, and config.toml too. */
static void survives(const char *fault, const char *error)
{
	char token[128], *config, *after;

	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	config = file_get(gl.config);
	assert_non_null(strstr(config, token));
	gl_gitlabd_stop(SIGTERM);
	gl_do("a", "forget", "%s", "");
	gl_do("a", "fault", "%s", fault);
	gl_gitlabd_start(gl_insecure);
	gl_await_requests("a", "POST", "/runners/verify", 1);
	await_error(error);
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"path\": \"/runners/verify\", \"status\": 200, \"fault\": null}}");
	gl_await_requests("a", "GET", "/runners/", 1);
	assert_string_equal(gl_token(ID, "a"), token);
	assert_int_equal(gl.told, 1);
	gl_await_runners("a", 1);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
	after = file_get(gl.config);
	assert_string_equal(after, config);
	free(after);
	free(config);
	assert_nothing_elsewhere();
}

static void each_survives(const char *const (*faults)[2], size_t n)
{
	register_one();
	gl_until_config(gl_token(ID, "a"), true);
	for (size_t i = 0; i < n; i++)
		survives(faults[i][0], faults[i][1]);
}

#define SURVIVE(...)                                                                                                                       \
	do {                                                                                                                               \
		static const char *const faults[][2] = {__VA_ARGS__};                                                                      \
		each_survives(faults, sizeof(faults) / sizeof(*faults));                                                                   \
	} while (0)
#define VERIFY "\"count\": 1, \"match\": {\"path\": \"/runners/verify\"}"

static void promise_40_an_error_of_the_server_costs_no_token(void **state)
{
	SURVIVE({"{\"kind\": \"status\", \"status\": 500, " VERIFY "}", "500"},
		{"{\"kind\": \"status\", \"status\": 502, \"body\": \"<html>Bad Gateway</html>\", \"type\": \"text/html\", " VERIFY "}",
		 "502"},
		{"{\"kind\": \"status\", \"status\": 503, \"retry_after\": 1, " VERIFY "}", "503"},
		{"{\"kind\": \"status\", \"status\": 429, \"retry_after\": 1, " VERIFY "}", "429"},
		{"{\"kind\": \"status\", \"status\": 404, \"body\": \"<html>no such page</html>\", \"type\": \"text/html\", " VERIFY "}",
		 "404"},
		{"{\"kind\": \"status\", \"status\": 403, \"body\": \"<html>Attention required! You are blocked.</html>\", \"type\": "
		 "\"text/html\", " VERIFY "}",
		 "HTML"});
}

static void promise_40_what_is_no_answer_of_a_gitlab_costs_no_token(void **state)
{
	SURVIVE({"{\"kind\": \"status\", \"status\": 200, \"body\": \"<html>Welcome</html>\", \"type\": \"text/html\", " VERIFY "}",
		 "HTML"},
		{"{\"kind\": \"truncated\", " VERIFY "}", "JSON"}, {"{\"kind\": \"short\", " VERIFY "}", ""},
		{"{\"kind\": \"status\", \"status\": 200, \"body\": [], " VERIFY "}", ""}, {"{\"kind\": \"garbage\", " VERIFY "}", ""},
		{"{\"kind\": \"reset\", " VERIFY "}", ""});
}

/* The most memory that it ever had, in kB. */
static long peak_kb(void)
{
	char *status;
	const char *peak;
	char path[64];
	long kb;

	snprintf(path, sizeof(path), "/proc/%d/status", gl.gitlabd.pid);
	status = file_get(path);
	peak = strstr(status, "VmHWM:");
	assert_non_null(peak);
	kb = strtol(peak + 6, NULL, 10);
	free(status);
	return kb;
}

static void promise_40_an_answer_of_100_MB_costs_no_token_and_no_memory(void **state)
{
	long before_kb;

	register_one();
	before_kb = peak_kb();
	gl_until_config(gl_token(ID, "a"), true);
	survives("{\"kind\": \"huge\", " VERIFY "}", "");
	assert_in_range(peak_kb(), 0, before_kb + 30000);
	survives("{\"kind\": \"huge\", \"unannounced\": true, " VERIFY "}", "");
	assert_in_range(peak_kb(), 0, before_kb + 30000);
	survives("{\"kind\": \"headers\", " VERIFY "}", "");
	assert_in_range(peak_kb(), 0, before_kb + 30000);
}

static void promise_40_a_redirect_is_not_followed_and_costs_no_token(void **state)
{
	SURVIVE({"{\"kind\": \"login\", " VERIFY "}", "302"},
		{"{\"kind\": \"status\", \"status\": 302, \"location\": \"http://localhost:9003/api/v4/runners/verify\", " VERIFY "}",
		 "302"},
		{"{\"kind\": \"status\", \"status\": 307, \"location\": \"http://127.0.0.1:9003/api/v4/runners/verify\", " VERIFY "}",
		 "307"},
		{"{\"kind\": \"status\", \"status\": 308, \"location\": \"http://localhost:9003/\", " VERIFY "}", "308"});
}

static void promise_40_a_token_in_a_header_does_not_go_along_a_redirect(void **state)
{
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_dut(ID, X1);
	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 307, \"location\": \"http://localhost:9003/api/v4/user/runners\", \"count\": 1, "
	      "\"match\": "
	      "{\"method\": \"POST\"}}");
	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 302, \"location\": \"http://127.0.0.1:9003/\", \"count\": 1, \"match\": "
	      "{\"method\": \"GET\"}}");
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"method\": \"GET\", \"status\": 302}}");
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"method\": \"GET\", \"status\": 200}}");
	assert_nothing_elsewhere();
	assert_int_equal(gl_count("elsewhere", "POST", ""), 0);
	assert_int_equal(gl_count("elsewhere", "GET", ""), 0);
	gl_await_runners("a", 1);
}

static void promise_40_an_answer_that_never_comes_costs_no_token(void **state)
{
	SURVIVE({"{\"kind\": \"hang\", " VERIFY "}", ""});
}

static void promise_40_a_rate_limit_is_kept_to(void **state)
{
	cJSON *state_of_a, *rq;
	int refused = 0;

	gl_do("a", "configure", "{\"rate\": {\"requests\": 10, \"seconds\": 1}}");
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_duts(20);
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(20);
	gl_await_runners("a", 20);
	state_of_a = gl_ask("a", NULL, "%s", "");
	cJSON_ArrayForEach(rq, cJSON_GetObjectItem(state_of_a, "requests")) refused += gl_number(rq, "status") == 429;
	assert_in_range(refused, 0, 8 * 5); /* not more than were under way together, at each of a few times */
	cJSON_Delete(state_of_a);
}

static void promise_40_an_outage_costs_no_token(void **state)
{
	char token[128];

	register_one();
	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	gl_do("a", "outage", "{\"on\": true}");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	await_error("");
	gl_do("a", "outage", "{\"on\": false}");
	gl_await_requests("a", "POST", "/runners/verify", 1);
	gl_await_requests("a", "GET", "/runners/", 1);
	assert_string_equal(gl_token(ID, "a"), token);
	assert_int_equal(gl_count("a", "POST", "/user/runners"), 0);
}

static void promise_40_only_403_on_verify_loses_a_token(void **state)
{
	char token[128];

	register_one();
	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	gl_gitlabd_stop(SIGTERM);
	/* the access_token was revoked, and may not even be one any more: that says nothing of the runner's */
	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 403, \"count\": 1, \"match\": {\"method\": \"GET\", \"path\": \"/runners/1$\"}}");
	gl_gitlabd_start(gl_insecure);
	gl_do("a", "wait", "{\"requests\": 1, \"match\": {\"method\": \"GET\", \"status\": 403}}");
	gl_gitlabd_stop(SIGTERM);
	assert_string_equal(gl_token(ID, "a"), token);
	gl_do("a", "delete", "{}");
	gl_gitlabd_start(gl_insecure);
	gl_await_runners("a", 1);
	gl_until_token(ID, "a");
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"%s\"}}", gl_token(ID, "a"));
	assert_string_not_equal(gl_token(ID, "a"), token);
}

/* Registered, but the answer was lost: nobody has that runner's token. The next try makes another; the first is an orphan to prune. */
static void an_answer_that_was_lost_leaves_an_orphan_for_prune(void **state)
{
	cJSON *pruned;

	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_dut(ID, X1);
	gl_do("a", "fault", "{\"kind\": \"lost\", \"count\": 1, \"match\": {\"path\": \"/user/runners\"}}");
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_await_runners("a", 2);
	pruned = gl_prune(true);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans")), 1);
	cJSON_Delete(pruned);
	gl_await_runners("a", 1);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"%s\"}}", gl_token(ID, "a"));
}

static bool is_left_alone(void)
{
	cJSON *status = gl_status(), *instance = cJSON_GetArrayItem(cJSON_GetObjectItem(status, "instances"), 0);
	bool is = strcmp(gl_text(instance, "name"), "a") == 0 && strstr(gl_text(instance, "last_error"), "429") &&
		  gl_number(instance, "next_try") > 0;

	cJSON_Delete(status);
	return is;
}

static void promise_40_a_server_that_asks_for_time_is_left_alone_meanwhile(void **state)
{

	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_instance("b", "http://localhost:9002", "project_type");
	gl_add_duts(20);
	gl_do("a", "fault", "{\"kind\": \"status\", \"status\": 429, \"retry_after\": 3000}");
	gl_gitlabd_start(gl_insecure);
	gl_await_runners("b", 20); /* the others go on */
	gl_until_tokens(20);
	gl_await_requests("a", "POST", "/user/runners", 1);
	gl_until(is_left_alone, "a GitLab that is left alone as it asked");
	for (int i = 0; i < 20; i++) /* changes do not make it ask */
		gl_tell_instance("a");
	cJSON_Delete(gl_status());
	assert_in_range(gl_count("a", "POST", "/user/runners"), 1, 8); /* those that were under way together */
}

static void promise_40_a_failing_server_is_tried_by_one_request_at_a_time(void **state)
{
	cJSON *servers;

	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_duts(20);
	gl_do("a", "fault", "{\"kind\": \"status\", \"status\": 503}");
	gl_gitlabd_start(gl_insecure);
	gl_do("a", "wait", "{\"requests\": 2}");
	gl_do("a", "forget", "%s", "");
	gl_do("a", "wait", "{\"requests\": 1}");
	servers = gl_ask("a", NULL, "%s", "");
	assert_int_equal(gl_number(servers, "max_concurrent"), 1);
	cJSON_Delete(servers);
	gl_do("a", "faults/end", "%s", "");
	gl_until_tokens(20);
	gl_await_runners("a", 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, gl_teardown)
		T(promise_40_an_error_of_the_server_costs_no_token),
		T(promise_40_what_is_no_answer_of_a_gitlab_costs_no_token),
		T(promise_40_an_answer_of_100_MB_costs_no_token_and_no_memory),
		T(promise_40_a_redirect_is_not_followed_and_costs_no_token),
		T(promise_40_a_token_in_a_header_does_not_go_along_a_redirect),
		T(promise_40_an_answer_that_never_comes_costs_no_token),
		T(promise_40_a_rate_limit_is_kept_to),
		T(promise_40_an_outage_costs_no_token),
		T(promise_40_only_403_on_verify_loses_a_token),
		T(an_answer_that_was_lost_leaves_an_orphan_for_prune),
		T(promise_40_a_server_that_asks_for_time_is_left_alone_meanwhile),
		T(promise_40_a_failing_server_is_tried_by_one_request_at_a_time),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
