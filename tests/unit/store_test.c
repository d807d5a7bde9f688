#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "artifactd/store.h"

static struct {
	char root[64];
	struct store store;
} t;

static void open_store(int64_t max_bytes)
{
	struct gw_error err = {0};

	if (!store_open(&t.store, t.root, max_bytes, &err))
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	strcpy(t.root, "/tmp/store_test-XXXXXX");
	assert_non_null(mkdtemp(t.root));
	open_store(INT64_MAX);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	store_finish(&t.store);
	snprintf(command, sizeof(command), "rm -r %s", t.root);
	return system(command);
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", t.root, name);
	return access(path, F_OK) == 0;
}

/* Artifacts get older by their place in time, in seconds. */
static void keep(const char *content, const char *job, time_t asked, char name[STORE_NAME_MAX])
{
	struct store_temp temp;
	struct gw_error err = {0};
	char path[256];

	assert_true(store_temp_open(&t.store, &temp, &err));
	assert_true(store_temp_write(&temp, content, strlen(content), &err));
	if (!store_commit(&t.store, &temp, job, name, &err))
		fail_msg("%s", err.text);
	assert_null(temp.path);
	snprintf(path, sizeof(path), "%s/%s", t.root, name);
	assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){{asked, 0}, {asked, 0}}, 0), 0);
}

static void a_name_is_its_contents_hash(void **state)
{
	char name[STORE_NAME_MAX], again[STORE_NAME_MAX];
	int64_t size = 0;

	keep("abc", "job-1", 100, name);
	assert_string_equal(name, "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2, B.1 */
	keep("abc", "job-2", 100, again);
	assert_string_equal(again, name);
	assert_true(store_use(&t.store, name, "job-3", &size, NULL));
	assert_int_equal(size, 3);
}

static void what_was_abandoned_or_left_by_a_kill_is_gone(void **state)
{
	struct store_temp temp, left;
	char left_path[128];

	assert_true(store_temp_open(&t.store, &temp, NULL));
	assert_true(store_temp_write(&temp, "half", 4, NULL));
	assert_int_equal(access(temp.path, F_OK), 0);
	store_temp_abandon(&temp);
	store_temp_abandon(&temp);
	assert_true(store_temp_open(&t.store, &left, NULL));
	snprintf(left_path, sizeof(left_path), "%s", left.path);
	store_finish(&t.store);
	open_store(INT64_MAX);
	assert_int_not_equal(access(left_path, F_OK), 0);
	store_temp_abandon(&left);
}

static void an_artifact_that_is_not_there_is_not_found(void **state)
{
	struct gw_error err = {0};

	assert_false(store_use(&t.store, "sha256-0", "job-1", NULL, &err));
	assert_int_equal(err.kind, GW_NOT_FOUND);
	assert_string_equal(err.text, "sha256-0: there is no such artifact");
}

static void only_what_no_job_uses_is_pruned_and_the_oldest_first(void **state)
{
	char used[STORE_NAME_MAX], old[STORE_NAME_MAX], newer[STORE_NAME_MAX];

	keep("used....", "job-1", 100, used);
	keep("old.....", "job-2", 200, old);
	keep("newer...", "job-2", 300, newer);
	store_release(&t.store, "job-2");
	store_finish(&t.store);
	open_store(16);
	store_prune(&t.store);
	assert_true(is_there(used));
	assert_false(is_there(old));
	assert_true(is_there(newer));
	store_finish(&t.store);
	open_store(1);
	store_prune(&t.store);
	assert_true(is_there(used));
	assert_false(is_there(newer));
	store_release_others(&t.store, NULL, 0);
	store_prune(&t.store);
	assert_false(is_there(used));
}

static void the_jobs_that_are_kept_keep_what_they_use(void **state)
{
	char *jobs[] = {(char[]){"job-1"}, (char[]){"job-3"}};
	char one[STORE_NAME_MAX], two[STORE_NAME_MAX], three[STORE_NAME_MAX];

	keep("1", "job-1", 100, one);
	keep("2", "job-2", 100, two);
	keep("3", "job-3", 100, three);
	store_release_others(&t.store, jobs, 2);
	assert_true(is_there(".jobs/job-1"));
	assert_false(is_there(".jobs/job-2"));
	assert_true(is_there(".jobs/job-3"));
	store_release(&t.store, "job-9"); /* unknown: fine */
}

static void what_a_url_led_to_is_remembered_until_it_is_pruned(void **state)
{
	struct store_url known = {.etag = "\"v\\1\""}, got;

	keep("x", "job-1", 100, known.name);
	assert_false(store_url_read(&t.store, "http://host/x?token=secret", &got));
	assert_true(store_url_write(&t.store, "http://host/x?token=secret", &known, NULL));
	assert_true(store_url_read(&t.store, "http://host/x?token=secret", &got));
	assert_string_equal(got.name, known.name);
	assert_string_equal(got.etag, known.etag);
	assert_string_equal(got.last_modified, "");
	assert_false(store_url_read(&t.store, "http://host/x", &got));
	store_release(&t.store, "job-1");
	store_finish(&t.store);
	open_store(0);
	store_prune(&t.store);
	store_finish(&t.store);
	open_store(0);
	assert_false(store_url_read(&t.store, "http://host/x?token=secret", &got));
}

static void a_jobs_name_is_no_path(void **state)
{
	assert_true(store_job_name_fits("discovery-3"));
	assert_false(store_job_name_fits(""));
	assert_false(store_job_name_fits("."));
	assert_false(store_job_name_fits("../x"));
	assert_false(store_job_name_fits("a/b"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_its_contents_hash),
		TEST(what_was_abandoned_or_left_by_a_kill_is_gone),
		TEST(an_artifact_that_is_not_there_is_not_found),
		TEST(only_what_no_job_uses_is_pruned_and_the_oldest_first),
		TEST(the_jobs_that_are_kept_keep_what_they_use),
		TEST(what_a_url_led_to_is_remembered_until_it_is_pruned),
		TEST(a_jobs_name_is_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
