/* A farm's runners: the real daemons, and a stand-in GitLab (tests/harness/gitlab.py). In a network namespace of its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "libgateway/files.h"
#include "tests/harness/ctl.h"
#include "tests/harness/farm.h"

#define DUT    "52:54:00:00:00:01"
#define DUT_DB "/dut/" DUT
#define RUNNER "gitlab/lab/runner_id"
#define DOOR   "http://127.0.0.1:9002/lab"

static const char db[] = "# The farm's admins wrote this.\n"
			 "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
			 "gitlab:\n"
			 "  lab: # ours\n"
			 "    url: http://127.0.0.1:9001\n"
			 "    registration_token: glpat-create-lab-0123456789\n"
			 "    access_token: glpat-manage-lab-0123456789\n"
			 "    runner_type: project_type\n"
			 "    project_id: 42\n"
			 "    gateway_runner:\n"
			 "      acl: {allow: {users: [eric]}}\n"
			 "duts:\n"
			 "  \"" DUT "\": # on the shelf\n"
			 "    base_name: gfx9\n"
			 "    tags: [gfx9]\n"
			 "    pdu: DUMMY\n"
			 "    pdu_port_id: 1\n"
			 "    ready_for_service: true # since May\n"
			 "    gitlab:\n"
			 "      lab:\n"
			 "        exposed: true # or not\n";

static struct proc servers;

/* What the stand-in's door answers; the caller frees. It blocks for `wait`. */
static char *door(const char *what, const char *json)
{
	char *command = gw_sprintf("curl -sS --max-time 240 %s '%s' '" DOOR "/%s'", json ? "-d" : "-H", json ? json : "X: y", what);
	FILE *pipe = popen(command, "r");
	char *answer = gw_calloc(1, 1 << 20);

	assert_non_null(pipe);
	assert_true(fread(answer, 1, (1 << 20) - 1, pipe) > 0);
	assert_int_equal(pclose(pipe), 0);
	free(command);
	return answer;
}

static void await_runners(int n)
{
	char *json = gw_sprintf("{\"runners\": %d, \"exactly\": true}", n), *answer = door("wait", json);

	if (strstr(answer, "\"wanted\""))
		fail_msg("there were not %d runners: %s", n, answer);
	free(answer);
	free(json);
}

/* Until the database's runner is another than `was`. */
static void await_registered(struct farm *farm, const char *was)
{
	const char *now = was;

	for (; strcmp(now, was) == 0 || strcmp(now, "-1") == 0; now = farm_get(DUT_DB, RUNNER))
		farm_await_other(farm, DUT_DB, RUNNER, now);
}

static bool file_has(const char *path, const char *text)
{
	char *content = file_get(path);
	bool has = strstr(content, text) != NULL;

	free(content);
	return has;
}

static bool config_has_machine(void)
{
	return access(tmp_path("config.toml"), F_OK) == 0 && file_has(tmp_path("config.toml"), "test-gfx9-1");
}

/* Until config.toml has the name of the machine's runner, or not: gitlabd says when it has written it. */
static void await_config(struct farm *farm, bool with)
{
	while (config_has_machine() != with)
		proc_await(&farm->supervisor, "config.toml");
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_QUICK_CHECK=disabled", "GITLAB_ALLOW_INSECURE=true", NULL};
	const char *argv[] = {"python3", GW_SOURCE_ROOT "/tests/harness/gitlab.py", "9002", tmp_path("servers"), "lab=9001", NULL};
	struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	mkdir(tmp_path("servers"), 0700);
	proc_start(&servers, "servers", argv, NULL);
	proc_await(&servers, "ready");
	*state = farm_start(&options);
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	proc_end(&servers, SIGTERM);
	return 0;
}

/* ---- what an admin sees ---- */

static void a_machine_in_service_becomes_a_runner(void **state)
{
	struct farm *farm = *state;
	struct stat st;

	farm_await(farm, DUT_DB, "full_name", "test-gfx9-1");
	await_registered(farm, "-1");
	await_runners(2); /* and the gateway's */
	await_config(farm, true);
	assert_int_equal(stat(tmp_path("config.toml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(file_has(tmp_path("config.toml"), "test-gateway"));
	assert_true(file_has(tmp_path("config.toml"), "GITLAB_USER_LOGIN")); /* who may use the gateway's */
	assert_true(file_has(farm->db_path, "token: glrt-"));
	assert_true(file_has(farm->db_path, "# The farm's admins wrote this.\n"));
	assert_true(file_has(farm->db_path, "exposed: true # or not\n"));
	assert_true(file_has(farm->db_path, "ready_for_service: true # since May\n"));
}

static void the_client_shows_the_runners(void **state)
{
	assert_int_equal(ctl("gitlab", "status", NULL), 0);
	assert_non_null(strstr(ctl_out, "test-gfx9-1"));
	assert_non_null(strstr(ctl_out, "test-gateway"));
	assert_null(strstr(ctl_out, "glrt-"));
	assert_string_equal(ctl_err, "");
	assert_int_equal(ctl("gitlab", "prune", NULL), 0);
	assert_string_equal(ctl_out, "There are no orphans.\n");
}

static void a_retired_machine_keeps_its_runner_which_takes_no_jobs(void **state)
{
	struct farm *farm = *state;

	farm_do("PATCH", DUT_DB, "{\"is_retired\": true}");
	await_config(farm, false);
	await_runners(2);
	assert_true(file_has(farm->db_path, "token: glrt-"));
	farm_do("PATCH", DUT_DB, "{\"is_retired\": false}");
	await_config(farm, true);
}

static void an_unexposed_machine_has_no_runner(void **state)
{
	struct farm *farm = *state;

	farm_edit_db(farm, "exposed: true # or not", "exposed: false # or not");
	farm_await(farm, DUT_DB, RUNNER, "-1");
	await_runners(1);
	farm_edit_db(farm, "exposed: false # or not", "exposed: true # or not");
	await_registered(farm, "-1");
	await_runners(2);
}

static void a_runner_deleted_on_gitlab_is_made_again_though_all_were_killed(void **state)
{
	struct farm *farm = *state;
	char was[32];

	snprintf(was, sizeof(was), "%s", farm_get(DUT_DB, RUNNER));
	free(door("delete", "{\"description\": \"test-gfx9-1\"}"));
	farm_kill(farm, "gitlabd");
	farm_kill(farm, "executord");
	await_runners(2);
	farm_await_value(farm, "/full-state", "now");
	await_registered(farm, was);
	await_runners(2);
}

/* ---- promise 38 ---- */

static void assert_secret(const char *where, const char *text)
{
	static const char *const canaries[] = {"glpat-create-lab", "glpat-manage-lab", "glrt-"};

	for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++)
		if (strstr(text, canaries[i]))
			fail_msg("%s has a secret: %s", where, strstr(text, canaries[i]));
}

static void assert_secret_of_process(const struct farm *farm, const char *daemon, const char *what)
{
	char *path = gw_sprintf("/proc/%d/%s", (int)farm_pid(farm, daemon), what), *text = gw_calloc(1, 1 << 20);
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '\n';
	assert_secret(path, text);
	free(text);
	free(path);
}

static void promise_38_tokens_are_nowhere_but_where_they_belong(void **state)
{
	static const char *const pages[] = {"/full-state", "/duts", DUT_DB, "/gitlab", "/database", "/pdus"};
	static const char *const daemons[] = {"executord", "gitlabd", "pdud", "bootsd", "saladd", "artifactd"};
	struct farm *farm = *state;
	char *log = proc_log(&farm->supervisor), *answer;

	assert_secret("the log", log);
	free(log);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		assert_int_equal(farm_request("GET", pages[i], NULL, &answer), 200);
		assert_secret(pages[i], answer);
		free(answer);
	}
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		assert_secret_of_process(farm, daemons[i], "cmdline");
		assert_secret_of_process(farm, daemons[i], "environ");
	}
	/* Beside the database, config.toml and gitlabd's own state no file of the farm has one. */
	assert_int_not_equal(system("cd \"$TMPDIR\" && grep -rlE 'glrt-|glpat-' run state --exclude-dir=gitlabd"), 0);
}

/* Its token goes with its entry: then nobody could unregister it any more. */
static void a_machine_is_not_deleted_while_nobody_can_unregister_it(void **state)
{
	struct farm *farm = *state;
	const char *path = tmp_path("run/gitlabd.lock");
	struct file_lock lock = {0};
	char *answer;

	farm_kill(farm, "gitlabd");
	while (!file_lock_take(&lock, path, &(struct gw_error){0})) /* the next one was faster */
		farm_kill(farm, "gitlabd");
	farm_await(farm, "/full-state", "daemons/gitlabd/state", "failing");
	assert_int_equal(farm_request("DELETE", DUT_DB, NULL, &answer), 503);
	assert_non_null(
		strstr(answer, "{\"error\":\"gitlabd, which unregisters the machine's runners, does not run; try again once it does"));
	free(answer);
	assert_true(file_has(farm->db_path, "glrt-"));
	file_lock_finish(&lock);
	farm_await(farm, "/full-state", "daemons/gitlabd/state", "up");
}

static void a_deleted_machine_is_unregistered(void **state)
{
	struct farm *farm = *state;

	farm_do("DELETE", DUT_DB, NULL);
	await_runners(1);
	await_config(farm, false);
	assert_false(file_has(farm->db_path, "gfx9"));
	assert_true(file_has(tmp_path("config.toml"), "test-gateway"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_in_service_becomes_a_runner),
		cmocka_unit_test(the_client_shows_the_runners),
		cmocka_unit_test(a_retired_machine_keeps_its_runner_which_takes_no_jobs),
		cmocka_unit_test(an_unexposed_machine_has_no_runner),
		cmocka_unit_test(a_runner_deleted_on_gitlab_is_made_again_though_all_were_killed),
		cmocka_unit_test(promise_38_tokens_are_nowhere_but_where_they_belong),
		cmocka_unit_test(a_machine_is_not_deleted_while_nobody_can_unregister_it),
		cmocka_unit_test(a_deleted_machine_is_unregistered),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
