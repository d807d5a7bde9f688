/* Promises 38 and 39: a token is nowhere but in MarsDB, config.toml and the list of runners to be removed, which nobody else reads. */
#include <dirent.h>
#include <fcntl.h>
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

	gl_add_duts(4);
	gl_allow_gateway("a", "eric");
	for (int i = 0; i < 2; i++)
		gl_do("a", "fault",
		      "{\"kind\": \"status\", \"status\": %d, \"body\": %s, \"count\": 1, \"match\": {\"path\": \"/user/runners\"}}",
		      i ? 422 : 400, echoes[i]);
	gl_do("b", "fault",
	      "{\"kind\": \"truncated\", \"count\": 1, \"match\": {\"path\": \"/user/runners\"}}"); /* a registration's answer, cut behind
												       the token's beginning */
	gl_gitlabd_start(gl_insecure);
	gl_until_tokens(3 * 4 - 1);
	assert_processes_clean();
	assert_status_clean();
	gl_set(gl_entry(gl_id(0), "a"), "exposed", "false");
	gl_tell_dut(gl_id(0));
	gl_remove_dut(gl_id(1));
	gl_do("c", "delete", "{}");
	gl_gitlabd_stop(SIGTERM);
	gl_gitlabd_start(gl_insecure);
	gl_await_runners("c", 3);
	gl.fails = "MarsDB is not written";
	gl_set(gl_dut(gl_id(2)), "tags", "[\"other\"]");
	gl_tell_dut(gl_id(2));
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

/* One that gitlabd has renamed or removed meanwhile is none. */
static void assert_file_private(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	if (has_secret(text) && (st.st_mode & 077))
		fail_msg("%s has a token and is for others too: %o", path, st.st_mode & 07777);
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
		if (S_ISDIR(st.st_mode))
			assert_files_private(path);
		else if (S_ISREG(st.st_mode))
			assert_file_private(path);
	}
	closedir(dir);
}

static void promise_39_files_with_tokens_are_private_from_the_first_byte(void **state)
{
	mode_t before = umask(0); /* inherited: gitlabd does not lean on it */

	gl_add_duts(4);
	gl_gitlabd_start(gl_insecure);
	umask(before);
	gl_until_tokens(12);
	gl_until_config("", true);
	assert_private(gl.config);
	gl_do("a", "outage", "{\"on\": true}");
	gl_remove_dut(gl_id(0));
	gl_do("b", "wait", "{\"runners\": 3}");
	assert_files_private(gl.state);
	assert_files_private(tmp_path("gitlab-runner"));
	gl_gitlabd_stop(SIGTERM);
	assert_private(tmp_path("state/gitlabd/removals.json"));
	assert_private(tmp_path("state/gitlabd/removals.journal"));
	assert_files_private(gl.state);
}

static void outage(const char *on)
{
	for (const char *name = "abc"; *name; name++)
		gl_do((char[]){*name, '\0'}, "outage", "{\"on\": %s}", on);
}

/* Every open and rename of gitlabd, as the kernel saw it: a file that ends as config.toml or removals.* began 0600, and no chmod
 * follows. */
static void promise_39_no_chmod_comes_after_a_write(void **state)
{
	char *trace, *line, *end;
	int created = 0;
	struct proc strace = {0};
	char pid[16];

	if (system("command -v strace >/dev/null") != 0)
		skip();
	gl_add_duts(2);
	outage("true"); /* nothing is registered, nor written to the journal, before strace sees it */
	gl_gitlabd_start(gl_insecure);
	snprintf(pid, sizeof(pid), "%d", gl.gitlabd.pid);
	proc_start(&strace, "strace",
		   (const char *const[]){"strace", "-f", "-p", pid, "-e", "trace=open,openat,creat,chmod,fchmod,fchmodat", "-o",
					 tmp_path("trace"), NULL},
		   NULL);
	proc_await(&strace, "attached");
	outage("false");
	gl_until_tokens(6);
	gl_until_config("glrt-", true);
	gl_remove_dut(gl_id(0));
	gl_await_runners("a", 1);
	gl_gitlabd_stop(SIGTERM);
	proc_wait(&strace);
	trace = file_get(tmp_path("trace"));
	/* A call that another thread's interrupts has its arguments on a line that ends "<unfinished ...>". */
	for (line = trace; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strstr(line, "chmod") && !strstr(line, "+++"))
			fail_msg("%s", line);
		if (!strstr(line, "O_CREAT") || !(strstr(line, "config.toml") || strstr(line, "gitlabd/removals.")))
			continue;
		created++;
		if (!strstr(line, ", 0600)") && !strstr(line, ", 0600 <unfinished"))
			fail_msg("%s", line);
	}
	assert_true(created > 1);
	free(trace);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, gl_setup_three, gl_teardown)
		T(promise_38_tokens_are_in_no_log_no_status_no_argument_and_no_error),
		T(promise_39_files_with_tokens_are_private_from_the_first_byte),
		T(promise_39_no_chmod_comes_after_a_write),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
