/* artifactd with a real HTTP server; this test is executord and a jobd. */
#include <dirent.h>
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

#include "libbus/bus.h"
#include "libbus/capability.h"
#include "libgateway/log.h"
#include "tests/harness/proc.h"

#define ARTIFACTD GW_BUILD_ROOT "/artifactd/artifactd"
#define SERVER    TEST_DATA "/../integration/artifactd_server.py"
#define AT        "http://10.42.0.1:8000"

struct result {
	bool done;
	struct gw_error err;
	char name[257];
	int64_t size;
};

static struct t {
	char runtime[256], cache[256];
	struct proc server, artifactd;
	struct loop loop;
	struct bus executord, jobd;
	int ups;
	char key[CAPABILITY_KEY_HEX + 1];
} t;

/* ---- the pieces ---- */

static void await(const bool *done)
{
	while (!*done)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	t.ups += what == BUS_PEER_UP;
}

static void on_job(void *owner, const void *body, struct bus_call *call)
{
	bus_answer(call, NULL);
}

static const struct bus_handler executord_handlers[] = {
	{MSG_JOB_HELLO, on_job}, {MSG_JOB_RUNNING, on_job}, {MSG_JOB_ENDED, on_job}, {MSG_GITLAB_TOKEN, on_job}, {0, NULL}};
static const struct bus_handler jobd_handlers[] = {{MSG_JOB_PREPARE, on_job}, {MSG_JOB_GO, on_job}, {MSG_JOB_CANCEL, on_job}, {0, NULL}};

static void on_done(void *data, const void *answer, const struct gw_error *err)
{
	struct result *result = data;

	result->done = true;
	result->err = *err;
}

static void on_artifact(void *data, const void *answer, const struct gw_error *err)
{
	struct result *result = data;
	const struct msg_artifact *artifact = answer;

	on_done(data, answer, err);
	if (!artifact)
		return;
	snprintf(result->name, sizeof(result->name), "%s", artifact->name);
	result->size = artifact->size;
}

static void executord_says(enum bus_type type, const void *body)
{
	struct result result = {0};

	bus_ask(&t.executord, "artifactd", type, body, 0, on_done, &result);
	await(&result.done);
	assert_string_equal(result.err.text, "");
}

static void configure(char *job)
{
	struct msg_artifact_configure body = {.capability_key = t.key, .jobs = {.v = &job, .n = job ? 1 : 0}};

	executord_says(MSG_ARTIFACT_CONFIGURE, &body);
}

static void release(const char *job)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", job);
	executord_says(MSG_ARTIFACT_RELEASE, &(struct msg_artifact_release){.job = name});
}

static void get_as(const char *key, const char *job, const char *url, const char *data, struct result *result)
{
	struct capability cap = {0};
	char text[CAPABILITY_TEXT_MAX + 1], url_copy[512], data_copy[512];
	struct msg_artifact_get body = {.capability = text, .url = url ? url_copy : NULL, .data = data ? data_copy : NULL};

	snprintf(cap.job, sizeof(cap.job), "%s", job);
	assert_true(capability_make(key, &cap, text, NULL));
	snprintf(url_copy, sizeof(url_copy), "%s", url ? url : "");
	snprintf(data_copy, sizeof(data_copy), "%s", data ? data : "");
	*result = (struct result){0};
	bus_ask(&t.jobd, "artifactd", MSG_ARTIFACT_GET, &body, 0, on_artifact, result);
}

static struct result fetch(const char *job, const char *url)
{
	struct result result;

	get_as(t.key, job, url, NULL, &result);
	await(&result.done);
	return result;
}

static const char *fetch_error(const char *job, const char *url)
{
	static struct result result;

	result = fetch(job, url);
	assert_int_not_equal(result.err.kind, GW_OK);
	return result.err.text;
}

static void assert_content(const struct result *result, const char *content)
{
	char *got;

	assert_string_equal(result->err.text, "");
	assert_int_equal(result->size, strlen(content));
	got = file_get(tmp_path("%s/%s", "cache", result->name));
	assert_string_equal(got, content);
	free(got);
}

static int files_in(const char *folder)
{
	char path[512];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s%s", t.cache, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void start_artifactd(const char *more)
{
	char runtime[300], cache[300], nbd[300];
	const char *env[] = {runtime, cache, nbd, "LOG_LEVEL=debug", more, NULL};

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", t.runtime);
	snprintf(cache, sizeof(cache), "EXECUTOR_ARTIFACT_CACHE_ROOT=%s", t.cache);
	snprintf(nbd, sizeof(nbd), "EXECUTOR_NBD_ROOT=%s", tmp_path("nbd"));
	proc_start(&t.artifactd, "artifactd", (const char *const[]){ARTIFACTD, NULL}, env);
	for (int wanted = t.ups + 2; t.ups < wanted;)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static int setup(void **state)
{
	struct gw_error err = {0};
	char jobd[32];

	memset(&t, 0, sizeof(t));
	snprintf(t.runtime, sizeof(t.runtime), "%s", tmp_path("run"));
	snprintf(t.cache, sizeof(t.cache), "%s", tmp_path("cache"));
	assert_true(capability_key_make(t.key, &err));
	assert_true(loop_init(&t.loop, &err));
	snprintf(jobd, sizeof(jobd), "jobd-%d", (int)getpid());
	assert_true(bus_join(&t.executord, &t.loop, t.runtime, BUS_EXECUTORD, NULL, executord_handlers, &t, &err));
	assert_true(bus_join(&t.jobd, &t.loop, t.runtime, BUS_JOBD, jobd, jobd_handlers, &t, &err));
	bus_watch(&t.executord, "artifactd", on_peer, &t);
	bus_watch(&t.jobd, "artifactd", on_peer, &t);
	proc_start(&t.server, "server", (const char *const[]){"/usr/bin/python3", SERVER, "8000", NULL}, NULL);
	proc_await(&t.server, "ready");
	return 0;
}

static int teardown(void **state)
{
	proc_end(&t.artifactd, SIGKILL);
	proc_end(&t.server, SIGKILL);
	bus_finish(&t.jobd);
	bus_finish(&t.executord);
	loop_finish(&t.loop);
	umount2(t.cache, MNT_DETACH);
	assert_int_equal(system("rm -rf \"$TMPDIR\"/*"), 0);
	return 0;
}

/* ---- the tests ---- */

static void a_url_becomes_a_complete_file_named_by_its_content(void **state)
{
	struct result one, again;

	start_artifactd(NULL);
	configure(NULL);
	one = fetch("job-1", AT "/tagged?token=secret");
	assert_content(&one, "tagged\n");
	assert_string_equal(one.name, "sha256-f714d1bcd49a02f62aa22e47ea818ce5b4d653cf2220eeb8a4fa3aaa02a14370");
	again = fetch("job-2", AT "/tagged");
	assert_string_equal(again.name, one.name); /* the same content, from wherever */
	assert_int_equal(files_in(""), 1);
	assert_int_equal(files_in("/.temp"), 0);
	proc_await(&t.artifactd, "*artifact: " AT "/tagged: 7 bytes, sha256-*");
	assert_false(proc_has_said(&t.artifactd, "*secret*"));
	assert_int_equal(proc_end(&t.artifactd, SIGTERM), 0);
}

static void what_is_cached_is_revalidated(void **state)
{
	struct result result;

	start_artifactd(NULL);
	configure(NULL);
	fetch("job-1", AT "/tagged");
	proc_await(&t.server, "/tagged -");
	result = fetch("job-2", AT "/tagged");
	assert_content(&result, "tagged\n");
	proc_await(&t.server, "/tagged \"one\"");
	fetch("job-1", AT "/dated");
	result = fetch("job-2", AT "/dated");
	assert_content(&result, "dated\n");
	proc_await(&t.server, "/dated Wed, 01 Jan 2025 00:00:00 GMT");
	result = fetch("job-1", AT "/changing");
	assert_content(&result, "change 1\n");
	result = fetch("job-1", AT "/changing");
	assert_content(&result, "change 2\n");
}

static void a_cache_outlives_a_kill_and_its_half_files_do_not(void **state)
{
	struct result held, result;

	start_artifactd(NULL);
	configure(NULL);
	fetch("job-1", AT "/tagged");
	get_as(t.key, "job-1", AT "/held", NULL, &held);
	proc_await(&t.server, "held");
	proc_end(&t.artifactd, SIGKILL);
	await(&held.done);
	assert_string_equal(held.err.text, "artifactd has gone");
	file_put(tmp_path("cache/.temp/left"), "half"); /* and whatever else */
	start_artifactd(NULL);
	assert_int_equal(files_in("/.temp"), 0);
	configure(NULL);
	result = fetch("job-2", AT "/tagged");
	assert_content(&result, "tagged\n");
	proc_await(&t.server, "/tagged \"one\"");
}

static void one_download_serves_all_that_wait(void **state)
{
	struct result waiting[5], opened;

	start_artifactd(NULL);
	configure(NULL);
	for (int i = 0; i < 5; i++)
		get_as(t.key, i < 3 ? "job-1" : "job-2", AT "/held", NULL, &waiting[i]);
	opened = fetch("job-1", AT "/status/404"); /* so all five have been read */
	assert_int_equal(opened.err.kind, GW_NOT_FOUND);
	proc_await(&t.server, "held");
	opened = fetch("job-1", AT "/open");
	for (int i = 0; i < 5; i++) {
		await(&waiting[i].done);
		assert_content(&waiting[i], "held\n");
	}
	proc_await(&t.server, "/held -");
	fetch("job-1", AT "/status/404");
	proc_await(&t.server, "/status/404 -");
	assert_int_equal(files_in("/.jobs/job-2"), 1);
}

static void data_is_kept_as_it_is(void **state)
{
	struct result result;

	start_artifactd(NULL);
	configure(NULL);
	get_as(t.key, "job-1", NULL, "#!ipxe\nshell\n", &result);
	await(&result.done);
	assert_content(&result, "#!ipxe\nshell\n");
	get_as(t.key, "job-1", NULL, "", &result);
	await(&result.done);
	assert_content(&result, "");
	get_as(t.key, "job-1", NULL, NULL, &result);
	await(&result.done);
	assert_string_equal(result.err.text, "an artifact has one of: url, data");
	get_as(t.key, "job-1", AT "/tagged", "data", &result);
	await(&result.done);
	assert_string_equal(result.err.text, "an artifact has one of: url, data");
}

static const char *file_kind(const char *name)
{
	char command[600];

	snprintf(command, sizeof(command), "xz -t -F xz <%s/%s", t.cache, name);
	return system(command) == 0 ? "xz, whole" : "no whole xz";
}

static void ask_make(struct msg_artifact_make *make, struct result *result)
{
	struct capability cap = {.job = "job-1"};
	char text[CAPABILITY_TEXT_MAX + 1];

	assert_true(capability_make(t.key, &cap, text, NULL));
	make->capability = text;
	make->kind = (char[]){"archive"};
	make->compression = make->compression ? make->compression : (char[]){"none"};
	make->extension = (char[]){"tar"};
	*result = (struct result){0};
	bus_ask(&t.jobd, "artifactd", MSG_ARTIFACT_MAKE, make, 0, on_artifact, result);
}

static struct result make(struct msg_artifact_make *make)
{
	struct result result;

	ask_make(make, &result);
	await(&result.done);
	assert_string_equal(result.err.text, "");
	return result;
}

/* An empty `rewrite` leaves the file out, none keeps it: what was made by the one is not found by the other. */
static void recipes_that_differ_in_little_are_different(void **state)
{
	char path[] = "a", empty[] = "";
	struct msg_artifact_add add = {.path = path, .mode = 0644};
	struct msg_artifact_keep keep = {.path = path};
	struct result data, archive, kept, left_out, again;

	start_artifactd(NULL);
	configure(NULL);
	get_as(t.key, "job-1", NULL, "content", &data);
	await(&data.done);
	add.artifact = data.name;
	archive = make(&(struct msg_artifact_make){.add = {&add, 1}});
	kept = make(&(struct msg_artifact_make){.input = archive.name, .keep = {&keep, 1}});
	keep.rewrite = empty;
	left_out = make(&(struct msg_artifact_make){.input = archive.name, .keep = {&keep, 1}});
	assert_string_not_equal(left_out.name, kept.name);
	assert_true(left_out.size < kept.size);
	keep.rewrite = NULL;
	again = make(&(struct msg_artifact_make){.input = archive.name, .keep = {&keep, 1}});
	assert_string_equal(again.name, kept.name);
	proc_await(&t.artifactd, ", as cached");
}

/* Kills artifactd when a part of the archive is written: at its own file, which only the end gives its name. Where it was whole before, for
 * all that we were slow, another one is asked for. */
static void kill_while_it_makes(struct msg_artifact_make *archive, char *path)
{
	struct result half;

	for (;; path[0]++) {
		ask_make(archive, &half);
		while (!files_in("/.temp") && !half.done)
			uv_run(&t.loop.uv, UV_RUN_NOWAIT);
		if (half.done)
			continue;
		proc_end(&t.artifactd, SIGKILL);
		await(&half.done);
		if (half.err.kind != GW_OK)
			break;
		start_artifactd(NULL);
		configure(NULL);
	}
	assert_string_equal(half.err.text, "artifactd has gone");
}

/* A name is that of a whole content. */
static void assert_names_are_true(void)
{
	shell("cd %s && for name in sha256-*; do test \"$name\" = \"sha256-$(sha256sum <$name | cut -d ' ' -f 1)\" || exit 1; done",
	      t.cache);
}

static void what_is_made_is_whole_or_not_there_whenever_artifactd_is_killed(void **state)
{
	char path[] = "a big file", compression[] = "xz";
	struct msg_artifact_add add = {.path = path, .mode = 0644};
	struct msg_artifact_make archive = {.compression = compression, .add = {&add, 1}};
	struct result big, whole, again;

	start_artifactd(NULL);
	configure(NULL);
	big = fetch("job-1", AT "/bytes/50000000");
	add.artifact = big.name;
	kill_while_it_makes(&archive, path);
	assert_names_are_true();
	start_artifactd(NULL);
	configure(NULL);
	assert_int_equal(files_in("/.temp"), 0);
	whole = make(&archive);
	assert_string_equal(file_kind(whole.name), "xz, whole");
	again = make(&archive);
	assert_string_equal(again.name, whole.name);
	proc_await(&t.artifactd, "artifact: archive of *, as cached");
}

static void only_a_jobs_capability_opens_it(void **state)
{
	char other[CAPABILITY_KEY_HEX + 1];
	struct result result;

	start_artifactd(NULL);
	get_as(t.key, "job-1", AT "/tagged", NULL, &result);
	await(&result.done);
	assert_int_equal(result.err.kind, GW_UNREACHABLE);
	assert_string_equal(result.err.text, "no capability can be checked: executord has not been heard yet");
	configure(NULL);
	assert_true(capability_key_make(other, NULL));
	get_as(other, "job-1", AT "/tagged", NULL, &result);
	await(&result.done);
	assert_int_equal(result.err.kind, GW_REFUSED);
	assert_string_equal(result.err.text, "the capability was not made by this gateway");
	get_as(t.key, "../job", AT "/tagged", NULL, &result);
	await(&result.done);
	assert_string_equal(result.err.text, "job '../job': not a name of a job");
	assert_int_equal(files_in(""), 0);
}

static void an_error_names_the_url_the_status_and_the_reason(void **state)
{
	start_artifactd(NULL);
	configure(NULL);
	assert_string_equal(fetch_error("job-1", AT "/status/404?key=secret"), AT "/status/404: the server answered 404; accepted: 200");
	assert_string_equal(fetch_error("job-1", AT "/status/503"), AT "/status/503: the server answered 503; accepted: 200");
	assert_string_equal(fetch_error("job-1", AT "/loop"), AT "/loop: more than 10 redirects");
	assert_non_null(strstr(fetch_error("job-1", AT "/short"), AT "/short: "));
	assert_non_null(strstr(fetch_error("job-1", "http://10.42.0.1:1/x"), "http://10.42.0.1:1/x: "));
	assert_non_null(strstr(fetch_error("job-1", "ftp://10.42.0.1/x"), "ftp"));
	assert_int_equal(files_in(""), 0);
	assert_int_equal(files_in("/.temp"), 0);
}

static void denied_addresses_are_refused_at_each_redirect(void **state)
{
	start_artifactd("EXECUTOR_URL=http://10.42.0.1");
	configure(NULL);
	assert_string_equal(fetch_error("job-1", "http://127.0.0.1:8000/tagged"),
			    "http://127.0.0.1:8000/tagged: its address 127.0.0.1 is not allowed");
	assert_non_null(strstr(fetch_error("job-1", "http://localhost:8000/tagged"), "is not allowed"));
	assert_string_equal(fetch_error("job-1", "http://0.0.0.0:8000/tagged"),
			    "http://0.0.0.0:8000/tagged: its address 0.0.0.0 is not allowed");
	assert_string_equal(fetch_error("job-1", "http://[::ffff:127.0.0.1]:8000/tagged"),
			    "http://[::ffff:127.0.0.1]:8000/tagged: its address ::ffff:127.0.0.1 is not allowed");
	assert_string_equal(fetch_error("job-1", AT "/to/127.0.0.1:8000/tagged"),
			    "http://127.0.0.1:8000/tagged: its address 127.0.0.1 is not allowed");
}

static void the_gateways_own_hosts_are_exempt_and_an_empty_list_denies_nothing(void **state)
{
	struct result result;

	start_artifactd("MINIO_URL=http://127.0.0.1:9000");
	configure(NULL);
	result = fetch("job-1", "http://127.0.0.1:8000/tagged");
	assert_content(&result, "tagged\n");
	assert_int_equal(proc_end(&t.artifactd, SIGTERM), 0);
	start_artifactd("EXECUTOR_ARTIFACT_DENY=");
	configure(NULL);
	result = fetch("job-1", "http://127.0.0.1:8000/dated");
	assert_content(&result, "dated\n");
}

static void an_endless_answer_is_cut_off(void **state)
{
	start_artifactd("EXECUTOR_ARTIFACT_MAX_SIZE=2");
	configure(NULL);
	assert_string_equal(fetch_error("job-1", AT "/endless"), AT "/endless: the answer is longer than 2097152 bytes");
	proc_await(&t.server, "cut off");
	assert_string_equal(fetch_error("job-1", AT "/bytes/3000000"), AT "/bytes/3000000: the answer is longer than 2097152 bytes");
	assert_int_equal(files_in("/.temp"), 0);
}

static void a_full_disk_is_told_and_leaves_no_file(void **state)
{
	struct result result;

	assert_int_equal(mkdir(t.cache, 0755), 0);
	assert_int_equal(mount("tmpfs", t.cache, "tmpfs", 0, "size=1m"), 0);
	start_artifactd(NULL);
	configure(NULL);
	result = fetch("job-1", AT "/bytes/2000000");
	assert_int_equal(result.err.kind, GW_NO_SPACE);
	assert_string_equal(result.err.text, AT "/bytes/2000000: the artifact cache cannot be written: No space left on device");
	assert_int_equal(files_in("/.temp"), 0);
	result = fetch("job-1", AT "/tagged");
	assert_content(&result, "tagged\n");
}

static void what_no_job_uses_is_pruned_oldest_first(void **state)
{
	char job[] = "job-1";
	struct result one, two, three, again;

	start_artifactd("EXECUTOR_ARTIFACT_CACHE_SIZE=1");
	configure(job);
	one = fetch("job-1", AT "/bytes/500000");
	two = fetch("job-2", AT "/bytes/500001");
	three = fetch("job-3", AT "/bytes/500002");
	assert_int_equal(files_in(""), 3); /* beyond the size, but each is in use */
	release("job-3");
	assert_int_equal(files_in(""), 2);
	assert_int_not_equal(access(tmp_path("cache/%s", three.name), F_OK), 0);
	assert_string_equal(fetch_error("job-3", AT "/bytes/500002"), "job job-3 has ended: its capability is good for nothing any more");
	three = fetch("job-5", AT "/bytes/500002");
	configure(job); /* as after a restart of executord: job-2 and job-5 have ended; job-2's is the older one */
	assert_int_equal(access(tmp_path("cache/%s", one.name), F_OK), 0);
	assert_int_not_equal(access(tmp_path("cache/%s", two.name), F_OK), 0);
	assert_int_equal(access(tmp_path("cache/%s", three.name), F_OK), 0);
	proc_end(&t.artifactd, SIGKILL);
	start_artifactd("EXECUTOR_ARTIFACT_CACHE_SIZE=1");
	configure(job);
	again = fetch("job-4", AT "/bytes/600000");
	assert_int_equal(again.err.kind, GW_OK);
	assert_int_equal(access(tmp_path("cache/%s", one.name), F_OK), 0); /* job-1's uses outlived the kill */
	assert_int_not_equal(access(tmp_path("cache/%s", three.name), F_OK), 0);
}

static void a_job_that_ends_gives_up_what_it_waits_for(void **state)
{
	struct result waiting;

	start_artifactd(NULL);
	configure(NULL);
	get_as(t.key, "job-1", AT "/held", NULL, &waiting);
	proc_await(&t.server, "held");
	release("job-1");
	await(&waiting.done);
	assert_string_equal(waiting.err.text, "job job-1 has ended");
	assert_int_equal(files_in("/.temp"), 0);
}

static void a_term_during_a_download_ends_it(void **state)
{
	struct result waiting;

	start_artifactd(NULL);
	configure(NULL);
	get_as(t.key, "job-1", AT "/held", NULL, &waiting);
	proc_await(&t.server, "held");
	assert_int_equal(proc_end(&t.artifactd, SIGTERM), 0);
	assert_int_equal(files_in("/.temp"), 0);
	await(&waiting.done);
	assert_int_equal(waiting.err.kind, GW_UNREACHABLE);
}

static void a_wrong_option_is_refused_by_name(void **state)
{
	struct proc check = {0};

	proc_start(&check, "check", (const char *const[]){ARTIFACTD, "--check", NULL},
		   (const char *const[]){"EXECUTOR_ARTIFACT_DENY=10.0.0.0/33", NULL});
	assert_int_equal(proc_wait(&check), 2);
	proc_await(&check, "*EXECUTOR_ARTIFACT_DENY: '10.0.0.0/33': '33' is not a length of its prefix; accepted: 0 to 32");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_url_becomes_a_complete_file_named_by_its_content),
		TEST(what_is_cached_is_revalidated),
		TEST(a_cache_outlives_a_kill_and_its_half_files_do_not),
		TEST(one_download_serves_all_that_wait),
		TEST(data_is_kept_as_it_is),
		TEST(recipes_that_differ_in_little_are_different),
		TEST(what_is_made_is_whole_or_not_there_whenever_artifactd_is_killed),
		TEST(only_a_jobs_capability_opens_it),
		TEST(an_error_names_the_url_the_status_and_the_reason),
		TEST(denied_addresses_are_refused_at_each_redirect),
		TEST(the_gateways_own_hosts_are_exempt_and_an_empty_list_denies_nothing),
		TEST(an_endless_answer_is_cut_off),
		TEST(a_full_disk_is_told_and_leaves_no_file),
		TEST(what_no_job_uses_is_pruned_oldest_first),
		TEST(a_job_that_ends_gives_up_what_it_waits_for),
		TEST(a_term_during_a_download_ends_it),
		TEST(a_wrong_option_is_refused_by_name),
	};

	log_init("artifactd_test", getenv("TEST_LOG") ? getenv("TEST_LOG") : "warning");
	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
