/* gitlabd with many machines on several GitLabs, and killed at any time: each machine ends with one runner on each, whose token MarsDB has;
 * and no token is anywhere else (promises 38 and 39). */
#include <dirent.h>
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

#include "libgateway/log.h"
#include "tests/harness/gitlab.h"

enum { MANY = 200, FEW = 12, KILLS = 8, AT_ONCE = 8 };
static const char *const names[] = {"a", "b", "c"};
static const char *const insecure[] = {"GITLAB_ALLOW_INSECURE=true", NULL};

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", "b=9002", "c=9003", NULL});
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_instance("b", "http://localhost:9002", "group_type");
	gl_add_instance("c", "http://localhost:9003", "instance_type");
	return 0;
}

static int teardown(void **state)
{
	gl_finish();
	return 0;
}

static const char *id_of(int i)
{
	static char id[32];

	snprintf(id, sizeof(id), "52:54:00:00:%02x:%02x", i / 256, i % 256);
	return id;
}

static void add_duts(int n)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "farm-x86-%d", i + 1);
		gl_add_dut(id_of(i), name);
	}
}

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
				known = gl_token(id_of(i), names[k]) &&
					strcmp(gl_token(id_of(i), names[k]), gl_text(runner, "token")) == 0 &&
					gl_number(gl_entry(id_of(i), names[k]), "runner_id") == gl_number(runner, "id");
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
		found += gl_token(id_of(i), name) && strcmp(gl_token(id_of(i), name), gl_text(runner, "token")) == 0;
	return found == n;
}

/* Until each token of the database is one of the server's: looked at after each of its requests. */
static void await_valid_tokens(const char *name, int n)
{
	for (bool all = false; !all;) {
		cJSON *state = gl_ask(name, NULL, "%s", "");
		int requests = cJSON_GetArraySize(cJSON_GetObjectItem(state, "requests"));

		all = server_has_all(state, name, n);
		cJSON_Delete(state);
		if (!all)
			gl_do(name, "wait", "{\"requests\": %d}", requests + 1);
	}
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
	add_duts(MANY);
	gl_do("b", "outage", "{\"on\": true}");
	gl_do("c", "fault", "{\"kind\": \"status\", \"status\": 503, \"count\": 3}");
	gl_gitlabd_start(insecure);
	gl_await_runners("a", MANY);
	for (int k = 0; k < 3; k += 2)
		gl_do(names[k], "outage", "{\"on\": true}");
	for (int i = 0; i < 20; i++) /* meanwhile some go */
		gl_remove_dut(id_of(MANY - 1 - i));
	for (int k = 0; k < 3; k++)
		gl_do(names[k], "outage", "{\"on\": false}");
	gl_until_tokens(3 * (MANY - 20));
	for (int k = 0; k < 3; k++)
		gl_await_runners(names[k], MANY - 20);
	assert_in_step(MANY - 20);
	assert_at_once();
}

static void a_slow_server_is_asked_a_few_things_at_once_and_holds_up_no_other(void **state)
{
	add_duts(40);
	gl_do("a", "fault", "{\"kind\": \"hang\"}");
	gl_gitlabd_start(insecure);
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
		gl_set(gl_entry(id_of(i), "a"), "exposed", "true");
}

/* At each moment of the work, as counted by what the server was asked. */
static void a_kill_at_any_time_leaves_no_orphan_and_loses_no_token(void **state)
{
	unsigned seed = getenv("GITLABD_KILLS_SEED") ? (unsigned)atoi(getenv("GITLABD_KILLS_SEED")) : 6;
	int kills = getenv("GITLABD_KILLS") ? atoi(getenv("GITLABD_KILLS")) : KILLS, ours = 0;
	cJSON *pruned;

	add_duts(FEW);
	for (int i = 0; i < kills; i++) {
		expose_all_on_a();
		gl_gitlabd_start(insecure);
		gl_await_requests("a", "POST", "", 1 + rand_r(&seed) % 12);
		if (i % 3 == 2) /* and something to remove */
			gl_set(gl_entry(id_of(rand_r(&seed) % FEW), "a"), "exposed", "false"), gl_tell_all();
		gl_gitlabd_stop(SIGKILL);
		gl_do("a", "forget", "%s", "");
		gl_do("a", "delete", "{\"id\": %d}", 1 + rand_r(&seed) % 40); /* so that there is something to do again */
	}
	expose_all_on_a();
	gl_gitlabd_start(insecure);
	gl_until_tokens(3 * FEW);
	for (int k = 0; k < 3; k++)
		await_valid_tokens(names[k], FEW);
	pruned = gl_prune(true); /* those whose answer the kill cut off */
	ours = cJSON_GetArraySize(cJSON_GetObjectItem(pruned, "orphans"));
	assert_in_range(ours, 0, 3 * AT_ONCE * kills);
	cJSON_Delete(pruned);
	for (int k = 0; k < 3; k++)
		gl_await_runners(names[k], FEW);
	assert_in_step(FEW);
}

/* ---- secrets ---- */

static bool has_secret(const char *text)
{
	return strstr(text, "glrt-") || strstr(text, "glpat-");
}

static void assert_clean(const char *what, const char *text)
{
	const char *secret = strstr(text, "glrt-") ? strstr(text, "glrt-") : strstr(text, "glpat-");

	if (secret)
		fail_msg("%s has a token: ...%.60s", what, secret - text > 30 ? secret - 30 : text);
}

/* argv and environ of gitlabd and of whatever it started. */
static void assert_processes_clean(void)
{
	static const char *const files[] = {"cmdline", "environ"};
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		for (int i = 0; i < 2 && entry->d_name[0] >= '1' && entry->d_name[0] <= '9'; i++) {
			char path[300], bytes[65536];
			FILE *file;
			size_t n;

			snprintf(path, sizeof(path), "/proc/%s/%s", entry->d_name, files[i]);
			file = fopen(path, "r");
			n = file ? fread(bytes, 1, sizeof(bytes) - 1, file) : 0;
			for (size_t k = 0; k < n; k++)
				bytes[k] = bytes[k] ? bytes[k] : ' ';
			bytes[n] = '\0';
			if (file)
				fclose(file);
			assert_clean(path, bytes);
		}
	}
	closedir(proc);
}

static void assert_status_clean(void)
{
	cJSON *status = gl_status(), *pruned = gl_prune(false);
	char *text = cJSON_PrintUnformatted(status), *listed = cJSON_PrintUnformatted(pruned);

	assert_clean("the status", text);
	assert_clean("the prune", listed);
	free(text);
	free(listed);
	cJSON_Delete(status);
	cJSON_Delete(pruned);
}

/* Answers that carry the tokens back, in all the ways in which an error may be cited. */
static const char *const echoes[] = {
	"{\"message\": \"400 Bad request - token glpat-create-a-0123456789 is not good\"}",
	"{\"error\": \"glpat-create-a-0123456789\", \"error_description\": \"glpat-create-a-0123456789\"}",
};

static void promise_38_tokens_are_in_no_log_no_status_no_argument_and_no_error(void **state)
{
	char *log;

	add_duts(4);
	gl_allow_gateway("a", "eric");
	for (int i = 0; i < 2; i++)
		gl_do("a", "fault",
		      "{\"kind\": \"status\", \"status\": %d, \"body\": %s, \"count\": 1, \"match\": {\"path\": \"/user/runners\"}}",
		      i ? 422 : 400, echoes[i]);
	gl_do("b", "fault", "{\"kind\": \"truncated\", \"count\": 1}"); /* a registration's answer, cut behind the token's beginning */
	gl_gitlabd_start(insecure);
	gl_until_tokens(3 * 4 - 1);
	assert_processes_clean();
	assert_status_clean();
	gl_set(gl_entry(id_of(0), "a"), "exposed", "false");
	gl_tell_dut(id_of(0));
	gl_remove_dut(id_of(1));
	gl_do("c", "delete", "{}");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(insecure);
	gl_await_runners("c", 3);
	gl.fails = "MarsDB is not written";
	gl_set(gl_dut(id_of(2)), "tags", "[\"other\"]");
	gl_tell_dut(id_of(2));
	assert_status_clean();
	assert_processes_clean();
	gl_gitlabd_stop(SIGTERM);
	log = proc_log(&gl.gitlabd);
	assert_non_null(strstr(log, "farm-x86-1"));
	assert_clean("the log", log);
	free(log);
}

static void assert_private(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		fail_msg("there is no %s", path);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* Whatever file has a token is for its owner only; the folders of the state and of config.toml are all that gitlabd writes. */
static void assert_files_private(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char path[700];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || lstat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			assert_files_private(path);
		} else if (S_ISREG(st.st_mode)) {
			char *text = file_get(path);

			if (has_secret(text) && (st.st_mode & 077))
				fail_msg("%s has a token and is for others too: %o", path, st.st_mode & 07777);
			free(text);
		}
	}
	closedir(dir);
}

static bool config_is_there(void)
{
	return access(gl.config, F_OK) == 0;
}

static void promise_39_files_with_tokens_are_private_from_the_first_byte(void **state)
{
	mode_t before = umask(0); /* inherited: gitlabd does not lean on it */

	add_duts(4);
	gl_gitlabd_start(insecure);
	umask(before);
	gl_until_tokens(12);
	gl_until(config_is_there, "config.toml");
	assert_private(gl.config);
	gl_do("a", "outage", "{\"on\": true}");
	gl_remove_dut(id_of(0));
	gl_do("b", "wait", "{\"runners\": 3}");
	assert_files_private(gl.state);
	assert_files_private(tmp_path("gitlab-runner"));
	gl_gitlabd_stop(SIGTERM);
	assert_private(tmp_path("state/gitlabd/removals.json"));
	assert_files_private(gl.state);
}

/* Every open and rename of gitlabd, as the kernel saw it: a file that ends as config.toml or removals.json began 0600, and no chmod
 * follows. */
static void promise_39_no_chmod_comes_after_a_write(void **state)
{
	char *trace, *line, *end;
	int created = 0;
	struct proc strace = {0};
	char pid[16];

	if (system("command -v strace >/dev/null") != 0)
		skip();
	add_duts(2);
	gl_do("a", "outage", "{\"on\": true}");
	gl_gitlabd_start(insecure);
	snprintf(pid, sizeof(pid), "%d", gl.gitlabd.pid);
	proc_start(&strace, "strace",
		   (const char *const[]){"strace", "-f", "-p", pid, "-e", "trace=open,openat,creat,chmod,fchmod,fchmodat", "-o",
					 tmp_path("trace"), NULL},
		   NULL);
	proc_await(&strace, "attached");
	gl_do("a", "outage", "{\"on\": false}");
	gl_until_tokens(6);
	gl_remove_dut(id_of(0));
	gl_await_runners("a", 1);
	gl_gitlabd_stop(SIGTERM);
	proc_wait(&strace);
	trace = file_get(tmp_path("trace"));
	for (line = trace; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strstr(line, "chmod") && !strstr(line, "+++"))
			fail_msg("%s", line);
		if (!strstr(line, "O_CREAT") || !(strstr(line, "config.toml") || strstr(line, "removals.json")))
			continue;
		created++;
		if (!strstr(line, ", 0600)"))
			fail_msg("%s", line);
	}
	assert_true(created > 1);
	free(trace);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(many_machines_on_three_instances_converge_after_an_outage),
		T(a_slow_server_is_asked_a_few_things_at_once_and_holds_up_no_other),
		T(a_kill_at_any_time_leaves_no_orphan_and_loses_no_token),
		T(promise_38_tokens_are_in_no_log_no_status_no_argument_and_no_error),
		T(promise_39_files_with_tokens_are_private_from_the_first_byte),
		T(promise_39_no_chmod_comes_after_a_write),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
