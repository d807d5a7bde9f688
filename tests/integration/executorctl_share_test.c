/* executorctl run --share-directory against a strict stand-in for a gateway with job buckets (executorctl_gateway.py,
 * executorctl_bucket.py), which reads what is sent with Python's tarfile and checks each signature. */
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

#include "libgateway/error.h"
#include "tests/harness/ctl.h"
#include "tests/harness/proc.h"

#define PROGRAM GW_BUILD_ROOT "/executorctl/executorctl"

static struct proc gateway;
static char directory[512];
#define out ctl_out
#define err ctl_err

static int start_gateway(void **state)
{
	const char *argv[] = {"python3", TEST_DATA "/../integration/executorctl_gateway.py", NULL};

	proc_start(&gateway, "gateway", argv, NULL);
	proc_await(&gateway, "ready");
	file_put(tmp_path("job.yml"), "version: 1\n");
	snprintf(directory, sizeof(directory), "%s", tmp_path("shared"));
	return 0;
}

static int stop_gateway(void **state)
{
	proc_end(&gateway, SIGTERM);
	ctl_finish();
	return 0;
}

static int no_directory(void **state)
{
	shell("rm -rf %s && cd %s", directory, tmp_path("."));
	return 0;
}

/* As a job of that name; it ends with `status`. */
static int run(const char *name, const char *status)
{
	return ctl("run", "-s", directory, "-i", name, "-j", status, tmp_path("job.yml"), NULL);
}

static void in_directory(const char *command)
{
	shell("mkdir -p %s && cd %s && %s", directory, directory, command);
}

/* What is in the directory, sorted: "path=content" of a file, "path/" of a folder, "path@" of another. */
static void assert_holds(const char *expected)
{
	char *got;

	shell("cd %s && find . -mindepth 1 \\( -type f -printf '%%P=' -exec cat {} \\; -printf '\\n' -o -type d -printf '%%P/\\n' -o "
	      "-printf '%%P@\\n' \\) | "
	      "LC_ALL=C sort >%s",
	      directory, tmp_path("holds"));
	got = file_get(tmp_path("holds"));
	assert_string_equal(got, expected);
	free(got);
}

#define DONE(fetched, removed)                                                                                                             \
	"executorctl: the job's status: PASS\nexecutorctl: %s is as the job's bucket: " #fetched " fetched, " #removed " removed\n"

static void assert_said(const char *fmt)
{
	char *expected = gw_sprintf(fmt, directory, directory, directory, directory, directory); /* NOLINT: of this file */

	assert_string_equal(err, expected);
	free(expected);
}

/* ---- there ---- */

static void regular_files_are_sent_and_come_back(void **state)
{
	in_directory(
		"mkdir -p sub/deeper void && printf one >one && printf '\\0\\377\\r\\nbytes' >sub/deeper/two && chmod 755 one && : >none");
	assert_int_equal(run("echo", "PASS"), 0);
	proc_await(&gateway, "tar [('none', 0, '0o644'), ('one', 3, '0o755'), ('sub/deeper/two', 9, '0o644')]");
	proc_await(&gateway, "the client closed");
	assert_said(DONE(5, 0));
	shell("printf '\\0\\377\\r\\nbytes' | cmp - %s/sub/deeper/two && [ -x %s/one ] && [ ! -x %s/none ] && [ ! -e %s/void ]", directory,
	      directory, directory, directory);
}

static void a_directory_that_is_missing_is_made(void **state)
{
	assert_int_equal(run("new", "PASS"), 0);
	proc_await(&gateway, "tar []");
	assert_holds("a=aa\nb=bb\n");
	assert_said(DONE(2, 0));
}

static void names_of_any_bytes_are_sent_as_they_are(void **state)
{
	in_directory("printf 1 >'a b' && printf 2 >\"$(printf '\\303\\251\\377')\" && mkdir $(printf %0100d 7) && printf 3 >$(printf "
		     "%0100d 7)/$(printf %0120d 8)");
	assert_int_equal(run("echo", "PASS"), 0);
	assert_said(DONE(5, 0));
	in_directory("[ \"$(cat \"$(printf '\\303\\251\\377')\")\" = 2 ] && [ \"$(cat $(printf %0100d 7)/$(printf %0120d 8))\" = 3 ]");
}

static void links_and_devices_are_left_out_with_a_line_each_and_stay(void **state)
{
	in_directory("printf x >file && ln -s file link && ln -s /no/where dangling && mkfifo pipe && mkdir real && ln -s real folder");
	assert_int_equal(run("echo", "PASS"), 0);
	proc_await(&gateway, "tar [('file', 1, '0o644')]");
	assert_said("executorctl: %s/dangling is a symbolic link: left out\nexecutorctl: %s/folder is a symbolic link: left out\n"
		    "executorctl: %s/link is a symbolic link: left out\nexecutorctl: %s/pipe is neither a regular file nor a directory: "
		    "left out\n"
		    "executorctl: the job's status: PASS\nexecutorctl: "
		    "%s is as the job's bucket: 3 fetched, 0 removed\n");
}

static void what_cannot_be_shared_is_said_before_anything_is_sent(void **state)
{
	char *expected;

	file_put(directory, "");
	assert_int_equal(run("echo", "PASS"), 2);
	expected = gw_sprintf("executorctl: run: '%s' is no directory\n", directory);
	assert_string_equal(err, expected);
	free(expected);
	assert_int_equal(ctl("run", "-s", "", tmp_path("job.yml"), NULL), 2);
	assert_string_equal(err, "executorctl: run: '' is no directory\n");
	assert_int_equal(ctl("run", "-s", "/proc/no/such", tmp_path("job.yml"), NULL), 2);
	assert_string_equal(err, "executorctl: run: /proc/no/such: cannot make the folder: No such file or directory\n");
}

/* ---- back ---- */

static void the_directory_becomes_what_the_bucket_is(void **state)
{
	in_directory("printf stays >stays && printf old >script && chmod 750 script && mkdir -p gone/deep was-folder && printf x "
		     ">gone/deep/file && "
		     "printf x >was-file && printf x >was-folder/in");
	assert_int_equal(run("changed", "PASS"), 0);
	assert_holds("script=new\nstays=stays\nsub/\nsub/deep/\nsub/deep/new=new\nwas-file/\nwas-file/"
		     "now=folder\nwas-folder=file\n");
	shell("[ $(stat -c %%a %s/script) = 750 ]", directory);
	assert_int_equal(run("empty", "PASS"), 0);
	assert_holds("");
	assert_said(DONE(0, 5));
}

static void keys_of_any_characters_are_asked_for_and_signed(void **state)
{
	assert_int_equal(run("odd", "PASS"), 0);
	assert_said(DONE(6, 0));
	in_directory("[ $(find . -type f | wc -l) = 6 ] && [ $(stat -c %s 'a b') = 3000 ] && [ $(stat -c %s 'c+d/e%f') = 7000 ] && [ -f "
		     "'q?#;:@$,[]' ] && "
		     "[ -f \"$(printf '\\303\\251/\\342\\202\\254.txt')\" ] && [ -f '~-_.!*'\"'()\" ] && [ -f 'x=y&z' ]");
}

static void a_large_object_is_whole(void **state)
{
	assert_int_equal(run("big", "PASS"), 0);
	in_directory("[ $(stat -c %s big) = 10485760 ] && [ $(head -c 256 big | od -An -tu1 | tr -s ' \\n' '\\n' | tail -n 1) = 255 ] && [ "
		     "! -s none ]");
}

/* The job chose them: none of them is to be written anywhere. */
static void keys_that_are_no_paths_in_the_directory_are_refused_with_a_line_each(void **state)
{
	in_directory("printf x >mine && mkdir ../outside && ln -s ../outside link");
	assert_int_equal(run("unsafe", "WARN"), 1);
	assert_non_null(strstr(err, "executorctl: the job's bucket: '../up' has a . or .. as a name: it is not fetched\n"));
	assert_non_null(strstr(err, "executorctl: the job's bucket: './a' has a . or .. as a name: it is not fetched\n"));
	assert_non_null(strstr(err, "executorctl: the job's bucket: 'down/../../up' has a . or .. as a name: it is not fetched\n"));
	assert_non_null(strstr(err, "executorctl: the job's bucket: '/etc/hosts' begins with a /: it is not fetched\n"));
	assert_non_null(strstr(
		err, "executorctl: the job's bucket: 'a//b' has an empty name between two /, or ends with a /: it is not fetched\n"));
	assert_non_null(strstr(
		err, "executorctl: the job's bucket: 'folder/' has an empty name between two /, or ends with a /: it is not fetched\n"));
	assert_non_null(strstr(err, "executorctl: the job's bucket: 'n?l' has a NUL in it: it is not fetched\n"));
	assert_non_null(strstr(
		err, "executorctl: the job's bucket: 'link/passwd' could not be fetched: a symbolic link in the directory leads out of "
		     "it\n"));
	assert_holds("link@\nmine=x\n");
	shell("[ -z \"$(ls %s)\" ] && [ ! -e %s ] && rmdir %s", tmp_path("outside"), tmp_path("up"), tmp_path("outside"));
}

static void what_is_both_a_file_and_a_folder_in_the_bucket_fails_alone(void **state)
{
	assert_int_equal(run("conflict", "PASS"), 1);
	assert_non_null(strstr(err, "could not be fetched: its file cannot be made: "));
	assert_non_null(strstr(err, "the job's bucket could not be fetched into "));
	assert_non_null(strstr(err, ": 1 of its 3 files could not be fetched\n"));
	in_directory("[ $(cat c) = 3 ]");
}

/* ---- what goes wrong on the way ---- */

static void what_breaks_off_or_is_put_off_is_asked_for_again(void **state)
{
	in_directory("printf '%0100000d' 7 >long");
	assert_int_equal(run("flaky", "PASS"), 0);
	assert_said(DONE(3, 0));
	in_directory("printf '%0100000d' 7 | cmp - long && [ $(cat a) = aa ]");
}

static const struct {
	const char *fault, *said;
} faults[] = {
	{"denied", "its objects could not be listed: the server answered 403 AccessDenied: Access ??[2J Denied."},
	{"garbage", "its objects could not be listed: the server's answer makes no sense: line 1: it has a document type"},
	{"huge", "its objects could not be listed: the server's answer is too long; accepted: up to 4194304 bytes"},
	{"over", "the server answered 403 InvalidAccessKeyId: There is no such key."},
	{"vanished", "1 of its 3 files could not be fetched"},
	{"longer", "3 of its 3 files could not be fetched"},
};

/* Who asked for the results is not to be told that all is well. What is there already stays. */
static void a_job_that_passes_without_its_results_exits_with_1(void **state)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		char *expected = gw_sprintf("executorctl: the job's bucket could not be fetched into %s: %s\n", directory, faults[i].said);

		in_directory("rm -rf * && printf mine >mine");
		assert_int_equal(run(faults[i].fault, "PASS"), 1);
		if (!strstr(err, expected))
			fail_msg("%s: said: %s", faults[i].fault, err);
		in_directory("[ $(cat mine) = mine ]");
		assert_int_equal(run(faults[i].fault, "FAIL"), 3);
		assert_non_null(strstr(err, expected));
		free(expected);
	}
}

static void a_job_without_a_bucket_is_said(void **state)
{
	char *expected = gw_sprintf("executorctl: the job's status: PASS\nexecutorctl: the job had no bucket: %s is as it was sent\n",
				    directory);

	assert_int_equal(run("no-bucket-PASS", "x"), 1);
	assert_string_equal(err, expected);
	assert_int_equal(run("no-bucket-COMPLETE", "x"), 2);
	free(expected);
}

static void ctrl_c_ends_a_fetch_at_once_and_leaves_no_half_file(void **state)
{
	struct terminal t;

	in_directory("printf mine >mine");
	terminal_start(&t, (const char *const[]){PROGRAM, "run", "-s", directory, "-i", "stuck", tmp_path("job.yml"), NULL}, 200, 24);
	proc_await(&gateway, "stuck");
	terminal_await(&t, "executorctl: fetching the job's bucket: ");
	terminal_type(&t, "\x03");
	assert_int_equal(terminal_end(&t), 128 + SIGINT);
	proc_await(&gateway, "the client closed");
	in_directory("[ $(cat mine) = mine ] && [ -z \"$(ls -A | grep part)\" ] && [ ! -e b ]");
}

/* One that was killed while it fetched. */
static void what_a_killed_fetch_left_is_neither_sent_nor_kept(void **state)
{
	in_directory("printf half >.executorctl.17.0.part");
	assert_int_equal(run("new", "PASS"), 0);
	proc_await(&gateway, "tar []");
	assert_holds("a=aa\nb=bb\n");
}

/* As any user of the host sees them. */
static void the_credentials_are_shown_nowhere(void **state)
{
	static const char *const env[] = {"VALVE_MINIO_AUTH_CREDENTIALS=alice:s3cret-of-alice", NULL};
	const char *const arguments[] = {"run", "-s", directory, "-i", "denied", "-g", "mesa", tmp_path("job.yml"), NULL};

	assert_int_equal(ctl_argv("", env, arguments), 1);
	proc_await(&gateway, "\"credentials\": {\"access_key\": \"alice\", \"secret_key\": \"s3cret-of-alice\"}, \"groups\": [\"mesa\"]}");
	assert_null(strstr(err, "s3cret"));
	assert_null(strstr(err, "0123456789abcdef"));
	assert_null(strstr(out, "s3cret"));
	assert_null(strstr(out, "0123456789abcdef"));
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup(name, no_directory)
	const struct CMUnitTest tests[] = {
		TEST(regular_files_are_sent_and_come_back),
		TEST(a_directory_that_is_missing_is_made),
		TEST(names_of_any_bytes_are_sent_as_they_are),
		TEST(links_and_devices_are_left_out_with_a_line_each_and_stay),
		TEST(what_cannot_be_shared_is_said_before_anything_is_sent),
		TEST(the_directory_becomes_what_the_bucket_is),
		TEST(keys_of_any_characters_are_asked_for_and_signed),
		TEST(a_large_object_is_whole),
		TEST(keys_that_are_no_paths_in_the_directory_are_refused_with_a_line_each),
		TEST(what_is_both_a_file_and_a_folder_in_the_bucket_fails_alone),
		TEST(what_breaks_off_or_is_put_off_is_asked_for_again),
		TEST(a_job_that_passes_without_its_results_exits_with_1),
		TEST(a_job_without_a_bucket_is_said),
		TEST(ctrl_c_ends_a_fetch_at_once_and_leaves_no_half_file),
		TEST(what_a_killed_fetch_left_is_neither_sent_nor_kept),
		TEST(the_credentials_are_shown_nowhere),
	};

	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, start_gateway, stop_gateway);
}
