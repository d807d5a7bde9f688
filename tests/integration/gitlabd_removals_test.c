/* gitlabd's list of runners to be removed: MarsDB drops none that is not on it, on the disk; and what GitLab refuses to remove is left
 * alone for a while. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/gitlab.h"

#define ID "52:54:00:00:00:01"
#define X1 "farm-x86-1"
enum { OTHERS = 60 }; /* machines: many more than there are tries in all the time that these may take */
#define WAITS "it waits until the list of runners to be removed is saved: "

static int count_in(const char *file, const char *word)
{
	char path[400], *text;
	int n = 0;

	snprintf(path, sizeof(path), "%s/gitlabd/%s", gl.state, file);
	if (access(path, F_OK) != 0)
		return 0;
	text = file_get(path);
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		n++;
	free(text);
	return n;
}

/* A new runner is on it until MarsDB has its token for sure. */
static bool list_is_empty(void)
{
	cJSON_Delete(gl_status()); /* gl_until's next turn */
	return count_in("removals.json", "glrt-") + count_in("removals.journal", "{\"add\"") == count_in("removals.journal", "{\"gone\"");
}

/* The list is on a disk of its own. */
static const char *disk(void)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/gitlabd", gl.state);
	return path;
}

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", NULL});
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_dut(ID, X1);
	assert_int_equal(mkdir(gl.state, 0700) | mkdir(disk(), 0700), 0);
	assert_int_equal(mount("tmpfs", disk(), "tmpfs", 0, "mode=0700,size=4m"), 0);
	gl_gitlabd_start(gl_insecure);
	gl_until_token(ID, "a");
	gl_until(list_is_empty, "the new runner off the list");
	return 0;
}

static int teardown(void **state)
{
	umount2(disk(), MNT_DETACH);
	return gl_teardown(state);
}

/* As when it is full, but for its own words: nothing can be written. */
static void fill_disk(void)
{
	assert_int_equal(mount("tmpfs", disk(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
}

static void make_room(void)
{
	assert_int_equal(mount("tmpfs", disk(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
}

static bool it_waits(void)
{
	cJSON *status = gl_status(), *runner = gl_status_of(status, ID, "a");
	bool waits = runner && strncmp(gl_text(runner, "last_error"), WAITS, strlen(WAITS)) == 0;

	cJSON_Delete(status);
	return waits;
}

static void await_that_it_waits(void)
{
	gl_until(it_waits, "a runner that waits for the list");
	proc_await(&gl.gitlabd,
		   "gitlabd error: the list of runners to be removed is not saved, and is tried again; until then none is taken "
		   "out of MarsDB: *removals.json: cannot write: *");
}

static void a_runner_stays_in_marsdb_until_its_removal_is_on_the_disk(void **state)
{
	char token[128];

	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	fill_disk();
	gl_set(gl_entry(ID, "a"), "exposed", "false");
	gl_tell_dut(ID);
	await_that_it_waits();
	assert_string_equal(gl_token(ID, "a"), token);
	gl_gitlabd_stop(SIGKILL); /* whatever happens to it now */
	gl_gitlabd_start(gl_insecure);
	await_that_it_waits();
	assert_string_equal(gl_token(ID, "a"), token);
	gl_await_runners("a", 1);
	make_room();
	gl_until_no_token(ID, "a");
	gl_await_runners("a", 0);
}

static void a_runner_is_replaced_once_that_is_on_the_disk(void **state)
{
	char token[128];
	int told;

	snprintf(token, sizeof(token), "%s", gl_token(ID, "a"));
	fill_disk();
	told = gl.told;
	gl_set(gl_dut(ID), "tags", "[\"x86\", \"new\", \"farm:farm\"]");
	gl_tell_dut(ID);
	await_that_it_waits();
	assert_string_equal(gl_token(ID, "a"), token);
	assert_int_equal(gl.told, told);
	make_room();
	gl_await_runners("a", 1);
	gl_do("a", "wait", "{\"runners\": 1, \"match\": {\"token\": \"%s\"}}", gl_token(ID, "a"));
	assert_string_not_equal(gl_token(ID, "a"), token);
}

/* Each registration looks at the list anew. */
static void a_removal_that_gitlab_refuses_has_a_pause_while_others_go_on(void **state)
{
	cJSON *status, *instance;
	char name[32];

	gl_do("a", "fault",
	      "{\"kind\": \"status\", \"status\": 400, \"body\": {\"error\": \"not today\"}, \"match\": {\"method\": \"DELETE\"}}");
	gl_remove_dut(ID);
	gl_await_requests("a", "DELETE", "/runners", 1);
	for (int i = 1; i <= OTHERS; i++) {
		snprintf(name, sizeof(name), "farm-x86-%d", i + 1);
		gl_add_dut(gl_id(i), name);
		gl_tell_dut(gl_id(i));
		gl_until_token(gl_id(i), "a");
	}
	assert_in_range(gl_count("a", "DELETE", "/runners"), 1, 9); /* 9: after 3 minutes and more */
	proc_await(&gl.gitlabd,
		   "gitlabd warning: gitlab=http://localhost:9001 runner 1 ('" X1 "') is not removed, and it is tried again: *not today*");
	status = gl_status();
	instance = cJSON_GetArrayItem(cJSON_GetObjectItem(status, "instances"), 0);
	assert_int_equal(gl_number(instance, "removals"), 1);
	assert_non_null(strstr(gl_text(instance, "last_error"), "not today"));
	cJSON_Delete(status);
	gl_do("a", "faults/end", "%s", "");
	gl_await_runners("a", OTHERS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_runner_stays_in_marsdb_until_its_removal_is_on_the_disk),
		T(a_runner_is_replaced_once_that_is_on_the_disk),
		T(a_removal_that_gitlab_refuses_has_a_pause_while_others_go_on),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
