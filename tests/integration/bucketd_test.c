/* bucketd with real clients of S3 (curl, s3cmd, rclone); buspeer stands for executord. */
#include <poll.h>
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
#include "libgateway/json.h"
#include "tests/harness/net.h"
#include "tests/harness/proc.h"

#define BUCKETD  GW_BUILD_ROOT "/bucketd/bucketd"
#define BUSPEER  GW_BUILD_ROOT "/tests/harness/buspeer"
#define URL      "http://10.42.0.1:9000"
#define ROOT     "minioadmin:" PASSWORD
#define PASSWORD "canary-of-the-administrator"
/* MiB of what the build has for booting, which each bucketd takes into `boot`; a shell's expression. */
#define SHIPPED "$(du -sm '" GW_BUILD_ROOT "/boot' 2>/dev/null | cut -f1 | grep . || echo 0)"

static struct {
	struct proc bucketd, executord;
	int tell;     /* to executord's standard input */
	unsigned tag; /* of the last question */
} t;

/* ---- the pieces ---- */

static void start_bucketd(void)
{
	char *owned[] = {gw_sprintf("EXECUTOR_STATE_DIR=%s", tmp_path("state")), gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", tmp_path("run")),
			 gw_sprintf("BUCKETD_CONFIG=%s", tmp_path("config/bucketd.yml"))};
	const char *const env[] = {owned[0],
				   owned[1],
				   owned[2],
				   "MINIO_URL=" URL,
				   "MINIO_ROOT_PASSWORD=" PASSWORD,
				   "LOG_LEVEL=debug",
				   "BUCKETD_BUCKET_SIZE=100",
				   NULL};

	proc_start(&t.bucketd, "bucketd", (const char *const[]){BUCKETD, NULL}, env);
	proc_await(&t.bucketd, "*listening on 0.0.0.0, port 9000");
	proc_await(&t.bucketd, "*the bucket `boot` has what there is in *");
	for (size_t i = 0; i < 3; i++)
		free(owned[i]);
}

static void start_executord(void)
{
	const char *const argv[] = {BUSPEER, tmp_path("run"), "executord", "executord", "bucketd", NULL};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	proc_start_io(&t.executord, "executord", argv, NULL, ends[0], -1);
	close(ends[0]);
	t.tell = ends[1];
	proc_await(&t.executord, "up bucketd");
}

/* What bucketd answers: "answer {...}" or "error KIND TEXT". Borrowed until the next call. */
static const char *ask(const char *type, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *ask(const char *type, const char *fmt, ...)
{
	char json[4096], *line, pattern[32];
	const char *said;
	va_list args;

	va_start(args, fmt);
	vsnprintf(json, sizeof(json), fmt, args);
	va_end(args);
	line = gw_sprintf("%u bucketd %s %s\n", ++t.tag, type, json);
	assert_int_equal(write(t.tell, line, strlen(line)), (ssize_t)strlen(line));
	free(line);
	snprintf(pattern, sizeof(pattern), "%u *", t.tag);
	said = proc_await(&t.executord, pattern);
	return strchr(said, ' ') + 1;
}

static void assert_starts(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("'%s' does not begin with '%s'", text, beginning);
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part))
		return;
	fputs(text, stderr);
	fail_msg("it has no '%s'", part);
}

struct job {
	char bucket[64], client[256], dut[256]; /* KEY:SECRET */
};

static void read_text(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, name));

	snprintf(out, size, "%s", text ? text : "");
	assert_string_not_equal(out, "");
}

/* `groups`: "\"one\", \"other\""; `tarball`: its path, or "". */
static struct job make_job(const char *job, const char *dut_address, const char *groups, const char *tarball)
{
	const char *said = ask("bucket.create", "{\"job\":\"%s\",\"dut\":\"farm-x86-1\",\"dut_address\":\"%s\",\"groups\":[%s]%s%s%s}", job,
			       dut_address, groups, *tarball ? ",\"tarball\":\"" : "", tarball, *tarball ? "\"" : "");
	char key[128], secret[64];
	struct job made;
	cJSON *json;

	assert_starts(said, "answer ");
	json = cJSON_Parse(said + 7);
	read_text(json, "name", made.bucket, sizeof(made.bucket));
	read_text(json, "client_key", key, sizeof(key));
	read_text(json, "client_secret", secret, sizeof(secret));
	snprintf(made.client, sizeof(made.client), "%s:%s", key, secret);
	read_text(json, "dut_key", key, sizeof(key));
	read_text(json, "dut_secret", secret, sizeof(secret));
	snprintf(made.dut, sizeof(made.dut), "%s:%s", key, secret);
	cJSON_Delete(json);
	return made;
}

/* A request by curl with `user` (KEY:SECRET; NULL: not signed): "STATUS BODY", the first 4 KiB of it. Borrowed until 4 calls later. */
static const char *s3(const char *user, const char *arguments, ...) __attribute__((format(printf, 2, 3)));
static const char *s3(const char *user, const char *arguments, ...)
{
	static char answers[4][4096];
	static unsigned next;
	char *answer = answers[next++ % 4], text[2048], *command;
	va_list args;
	FILE *out;
	size_t n;

	va_start(args, arguments);
	vsnprintf(text, sizeof(text), arguments, args);
	va_end(args);
	command = user ? gw_sprintf("curl -sS -g --path-as-is -w '\\n%%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 -H "
				    "'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user '%s' %s",
				    user, text)
		       : gw_sprintf("curl -sS -g --path-as-is -w '\\n%%{http_code}' %s", text);
	out = popen(command, "r");
	assert_non_null(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	assert_int_equal(pclose(out), 0);
	assert_true(n >= 4);
	snprintf(answer, sizeof(answers[0]), "%s %.*s", text + n - 3, (int)(n - 4), text);
	free(command);
	return answer;
}

static int setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	mkdir(tmp_path("state"), 0700);
	mkdir(tmp_path("run"), 0700);
	mkdir(tmp_path("config"), 0700);
	start_bucketd();
	start_executord();
	return 0;
}

static int teardown(void **state)
{
	close(t.tell);
	proc_end(&t.executord, SIGTERM);
	return proc_end(&t.bucketd, SIGTERM);
}

/* ---- objects, by curl ---- */

static void what_is_put_is_got_listed_and_deleted(void **state)
{
	file_put(tmp_path("hello"), "hello, bucket");
	assert_string_equal(s3(ROOT, "-X PUT " URL "/first"), "200 ");
	assert_string_equal(s3(ROOT, "-T %s " URL "/first/a/b%%20c", tmp_path("hello")), "200 ");
	assert_string_equal(s3(ROOT, URL "/first/a/b%%20c"), "200 hello, bucket");
	assert_string_equal(s3(ROOT, "-r 7-12 " URL "/first/a/b%%20c"), "206 bucket");
	assert_has(s3(ROOT, URL "'/first?list-type=2'"), "<Key>a/b c</Key>");
	assert_has(s3(ROOT, URL "'/first?delimiter=%%2F&list-type=2'"), "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "/first/a/b%%20c"), "204 ");
	assert_starts(s3(ROOT, URL "/first/a/b%%20c"), "404 <?xml");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "/first"), "204 ");
	assert_has(s3(ROOT, "-I " URL "/first"), "404 ");
}

/* ---- jobs ---- */

static void promise_33_a_jobs_credentials_open_its_bucket_alone_and_end_with_it(void **state)
{
	struct job one = make_job("1", "", "", ""), other = make_job("2", "", "", "");

	file_put(tmp_path("mine"), "mine");
	assert_string_equal(s3(one.client, "-T %s " URL "/%s/mine", tmp_path("mine"), one.bucket), "200 ");
	assert_string_equal(s3(one.client, URL "/%s/mine", one.bucket), "200 mine");
	assert_has(s3(other.client, URL "/%s/mine", one.bucket), "403 <?xml");
	assert_has(s3(other.client, URL "/%s/mine", one.bucket), "<Code>AccessDenied</Code>");
	assert_has(s3(other.client, "-T %s " URL "/%s/mine", tmp_path("mine"), one.bucket), "<Code>AccessDenied</Code>");
	assert_has(s3(other.client, URL "'/%s?list-type=2'", one.bucket), "<Code>AccessDenied</Code>");
	assert_has(s3(other.client, URL "/no-such-bucket/mine"), "<Code>AccessDenied</Code>"); /* as one that is there */
	assert_string_equal(ask("bucket.remove", "{\"job\":\"1\"}"), "answer {}");
	assert_has(s3(one.client, URL "/%s/mine", one.bucket), "403 <?xml");
	assert_has(s3(ROOT, URL "/%s/mine", one.bucket), "<Code>NoSuchBucket</Code>");
	assert_has(s3(other.client, URL "'/%s?list-type=2'", other.bucket), "<KeyCount>0</KeyCount>");
	assert_string_equal(ask("bucket.remove", "{\"job\":\"2\"}"), "answer {}");
	assert_string_equal(ask("bucket.remove", "{\"job\":\"2\"}"), "answer {}");
}

static void what_a_job_brings_is_in_its_bucket(void **state)
{
	struct job job;

	shell("mkdir -p '%s/a b' && echo one >'%s/a b/one+1' && : >'%s/empty' && ln -s empty '%s/link' && tar -C '%s' -czf '%s' .",
	      tmp_path("brought"), tmp_path("brought"), tmp_path("brought"), tmp_path("brought"), tmp_path("brought"),
	      tmp_path("brought.tar.gz"));
	job = make_job("3", "", "", tmp_path("brought.tar.gz"));
	assert_string_equal(s3(job.client, URL "/%s/a%%20b/one%%2B1", job.bucket), "200 one\n");
	assert_has(s3(job.client, URL "'/%s?list-type=2'", job.bucket), "<KeyCount>2</KeyCount>");
	assert_string_equal(ask("bucket.create", "{\"job\":\"3\",\"dut\":\"farm-x86-1\",\"groups\":[]}"),
			    ask("bucket.create", "{\"job\":\"3\",\"dut\":\"farm-x86-1\",\"groups\":[]}"));
	assert_has(ask("bucket.create", "{\"job\":\"3\",\"dut\":\"farm-x86-1\",\"groups\":[]}"), job.bucket);
	file_put(tmp_path("no.tar"), "this is not a tar");
	assert_starts(ask("bucket.create", "{\"job\":\"4\",\"dut\":\"farm-x86-1\",\"groups\":[],\"tarball\":\"%s\"}", tmp_path("no.tar")),
		      "error BAD_INPUT the job's bucket cannot be made: ");
	assert_string_equal(ask("bucket.configure", "{\"jobs\":[\"1\"]}"), "answer {\"port\":9000}");
	assert_has(s3(job.client, URL "/%s/empty", job.bucket), "403 <?xml");
}

static void promise_28_a_machines_credentials_work_from_its_own_address_alone(void **state)
{
	struct job job = make_job("5", "10.42.0.2", "\"mesa\"", "");

	shell("ip addr add 10.42.0.2/16 dev private");
	file_put(tmp_path("result"), "result");
	assert_has(s3(job.dut, "-T %s " URL "/%s/result", tmp_path("result"), job.bucket), "<Code>AccessDenied</Code>");
	assert_string_equal(s3(job.dut, "--interface 10.42.0.2 -T %s " URL "/%s/result", tmp_path("result"), job.bucket), "200 ");
	assert_string_equal(s3(job.client, URL "/%s/result", job.bucket), "200 result");
	assert_string_equal(ask("bucket.remove", "{\"job\":\"5\"}"), "answer {}");
}

/* ---- bucketd.yml ---- */

static void users_groups_and_buckets_are_edited_live(void **state)
{
	static const char users[] = "users:\n  alice: {secret: canary-of-alice}\n  bob: {secret: canary-of-bob}\n"
				    "groups:\n  mesa: {users: [alice], buckets: {mesa-traces: read, mesa-results: write}}\n"
				    "buckets:\n  open: {public: true}\n";
	struct job job;

	file_put(tmp_path("config/bucketd.yml"), users);
	proc_await(&t.bucketd, "*the buckets of BUCKETD_CONFIG are there");
	job = make_job("6", "10.42.0.1", "\"mesa\"", "");
	file_put(tmp_path("trace"), "trace");
	assert_string_equal(s3(ROOT, "-T %s " URL "/mesa-traces/1", tmp_path("trace")), "200 ");
	assert_string_equal(s3("alice:canary-of-alice", URL "/mesa-traces/1"), "200 trace");
	assert_string_equal(s3(job.dut, URL "/mesa-traces/1"), "200 trace");
	assert_has(s3(job.client, URL "/mesa-traces/1"), "403 <?xml");
	assert_has(s3("bob:canary-of-bob", URL "/mesa-traces/1"), "403 <?xml");
	assert_has(s3("alice:canary-of-alice", "-T %s " URL "/mesa-traces/2", tmp_path("trace")), "403 <?xml");
	assert_string_equal(s3("alice:canary-of-alice", "-T %s " URL "/mesa-results/2", tmp_path("trace")), "200 ");
	assert_string_equal(ask("bucket.check", "{\"user\":\"alice\",\"secret\":\"canary-of-alice\",\"groups\":[\"mesa\"]}"), "answer {}");
	assert_string_equal(ask("bucket.check", "{\"user\":\"bob\",\"secret\":\"canary-of-bob\",\"groups\":[\"mesa\"]}"),
			    "error REFUSED the user 'bob' is not in the group 'mesa' of the bucket service");
	assert_string_equal(s3(ROOT, "-T %s " URL "/open/1", tmp_path("trace")), "200 ");
	assert_string_equal(s3(NULL, URL "/open/1"), "200 trace");
	assert_has(s3(NULL, "-T %s " URL "/open/1", tmp_path("trace")), "403 <?xml");
	assert_has(s3(NULL, URL "/mesa-traces/1"), "403 <?xml");
	file_put(tmp_path("config/bucketd.yml"), "users:\n  alice: {secret: short}\n");
	proc_await(&t.bucketd, "*BUCKETD_CONFIG: bucketd.yml:2:*The users, groups and buckets read at * stay in use");
	assert_string_equal(s3("alice:canary-of-alice", URL "/mesa-traces/1"), "200 trace");
	file_put(tmp_path("config/bucketd.yml"), users);
	assert_string_equal(ask("bucket.remove", "{\"job\":\"6\"}"), "answer {}");
}

/* One whose build tree has two files for booting, and whose bucketd.yml lies in a folder that is not there yet: nothing but SIGHUP tells of
 * it. */
static void what_is_shipped_is_in_boot_and_sighup_finds_a_new_folder(void **state)
{
	char *env[] = {gw_sprintf("EXECUTOR_STATE_DIR=%s", tmp_path("tree/state")),
		       gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", tmp_path("tree/run")),
		       gw_sprintf("BUCKETD_CONFIG=%s", tmp_path("tree/etc/bucketd.yml"))};
	struct proc tree;

	shell("cd '%s' && mkdir -p tree/bucketd tree/boot tree/run && cp '" BUCKETD "' tree/bucketd/ && : >tree/build.ninja && "
	      "printf kernel >tree/boot/linux-x86_64 && printf initramfs >tree/boot/registration.cpio",
	      tmp_path("."));
	proc_start(&tree, "tree", (const char *const[]){tmp_path("tree/bucketd/bucketd"), NULL},
		   (const char *const[]){env[0], env[1], env[2], "MINIO_URL=http://127.0.0.1:9004", "MINIO_ROOT_PASSWORD=" PASSWORD,
					 "LOG_LEVEL=debug", NULL});
	proc_await(&tree, "*there is none; once its folder is there, send SIGHUP");
	proc_await(&tree, "*the bucket `boot` has what there is in *");
	assert_string_equal(s3(NULL, "http://127.0.0.1:9004/boot/linux-x86_64"), "200 kernel");
	assert_string_equal(s3(NULL, "-r 0-3 http://127.0.0.1:9004/boot/registration.cpio"), "206 init");
	assert_has(s3(NULL, "-T /dev/null http://127.0.0.1:9004/boot/linux-x86_64"), "<Code>AccessDenied</Code>");
	assert_has(s3(ROOT, "http://127.0.0.1:9004/later"), "<Code>NoSuchBucket</Code>");
	mkdir(tmp_path("tree/etc"), 0700);
	file_put(tmp_path("tree/etc/bucketd.yml"), "buckets:\n  later: {public: true}\n");
	assert_int_equal(kill(tree.pid, SIGHUP), 0);
	proc_await(&tree, "*the buckets of BUCKETD_CONFIG are there");
	assert_has(s3(NULL, "http://127.0.0.1:9004/boot?list-type=2"), "<Key>registration.cpio</Key>");
	assert_has(s3(NULL, "'http://127.0.0.1:9004/later?list-type=2'"), "<KeyCount>0</KeyCount>");
	file_put(tmp_path("tree/etc/bucketd.yml"), "buckets: none\n");
	assert_int_equal(kill(tree.pid, SIGHUP), 0);
	proc_await(&tree, "*BUCKETD_CONFIG: bucketd.yml:1:*stay in use");
	assert_has(s3(NULL, "'http://127.0.0.1:9004/later?list-type=2'"), "<KeyCount>0</KeyCount>");
	proc_end(&tree, SIGTERM);
	for (size_t i = 0; i < 3; i++)
		free(env[i]);
}

/* ---- mirrors, by the clients of others ---- */

static void make_tree(const char *tree)
{
	shell("mkdir -p '%s/a b/c' '%s/deep/er/and/deeper'", tree, tree);
	shell("echo plain >'%s/plain'; echo space >'%s/a b/c/d e'; echo plus >'%s/a+b'; echo percent >'%s/100%%25 %%'; : >'%s/empty'", tree,
	      tree, tree, tree, tree);
	shell("echo utf >'%s/\303\251\342\202\254'; echo and >'%s/deep/er/and/deeper/a&b=c?d#e'; echo tilde >'%s/~x!(y)'", tree, tree,
	      tree);
	shell("head -c 40000000 /dev/urandom >'%s/large'", tree);
}

static void rclone(const char *user, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void rclone(const char *user, const char *fmt, ...)
{
	char arguments[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(arguments, sizeof(arguments), fmt, args);
	va_end(args);
	shell("env -u AWS_CA_BUNDLE RCLONE_CONFIG_B_TYPE=s3 RCLONE_CONFIG_B_PROVIDER=Minio RCLONE_CONFIG_B_ENDPOINT=" URL
	      " RCLONE_CONFIG_B_ACCESS_KEY_ID='%.*s' "
	      "RCLONE_CONFIG_B_SECRET_ACCESS_KEY='%s' rclone --config /dev/null --retries 1 %s",
	      (int)strcspn(user, ":"), user, strchr(user, ':') + 1, arguments);
}

static void rclone_mirrors_up_and_down(void **state)
{
	struct job job = make_job("7", "", "", "");

	make_tree(tmp_path("up"));
	rclone(job.client, "--s3-upload-cutoff 10M --s3-chunk-size 5M sync '%s' b:%s", tmp_path("up"), job.bucket);
	rclone(job.client, "sync b:%s '%s'", job.bucket, tmp_path("down"));
	shell("diff -r '%s' '%s'", tmp_path("up"), tmp_path("down"));
	shell("rm -r '%s/a b'; echo more >>'%s/plain'", tmp_path("up"), tmp_path("up"));
	rclone(job.client, "sync '%s' b:%s", tmp_path("up"), job.bucket);
	rclone(job.client, "sync b:%s '%s'", job.bucket, tmp_path("down"));
	shell("diff -r '%s' '%s'", tmp_path("up"), tmp_path("down"));
	rclone(job.client, "copyto b:%s/plain b:%s/copied", job.bucket, job.bucket);
	rclone(job.client, "check --download '%s' b:%s --exclude copied", tmp_path("up"), job.bucket);
	shell("rm -r '%s' '%s'", tmp_path("up"), tmp_path("down"));
	assert_string_equal(ask("bucket.remove", "{\"job\":\"7\"}"), "answer {}");
}

static void s3cmd_mirrors_up_and_down(void **state)
{
	struct job job = make_job("8", "", "", "");
	char *config = gw_sprintf(
		"[default]\naccess_key = %.*s\nsecret_key = %s\nhost_base = 10.42.0.1:9000\nhost_bucket = 10.42.0.1:9000\n"
		"use_https = False\n",
		(int)strcspn(job.client, ":"), job.client, strchr(job.client, ':') + 1);

	file_put(tmp_path("s3cfg"), config);
	free(config);
	make_tree(tmp_path("up"));
	shell("s3cmd -q -c '%s' sync '%s/' s3://%s/", tmp_path("s3cfg"), tmp_path("up"), job.bucket);
	shell("mkdir '%s' && s3cmd -q -c '%s' sync s3://%s/ '%s/'", tmp_path("down"), tmp_path("s3cfg"), job.bucket, tmp_path("down"));
	shell("diff -r '%s' '%s'", tmp_path("up"), tmp_path("down"));
	shell("rm -r '%s/a b'", tmp_path("up"));
	shell("s3cmd -q -c '%s' sync --delete-removed '%s/' s3://%s/", tmp_path("s3cfg"), tmp_path("up"), job.bucket);
	shell("s3cmd -q -c '%s' sync --delete-removed s3://%s/ '%s/'", tmp_path("s3cfg"), job.bucket, tmp_path("down"));
	shell("test ! -e '%s/a b/c/d e' && s3cmd -q -c '%s' info s3://%s/plain", tmp_path("down"), tmp_path("s3cfg"), job.bucket);
	shell("s3cmd -q -c '%s' cp s3://%s/plain s3://%s/copied && s3cmd -q -c '%s' rm --recursive --force s3://%s/", tmp_path("s3cfg"),
	      job.bucket, job.bucket, tmp_path("s3cfg"), job.bucket);
	assert_has(s3(job.client, URL "'/%s?list-type=2'", job.bucket), "<KeyCount>0</KeyCount>");
	shell("rm -r '%s' '%s'", tmp_path("up"), tmp_path("down"));
	assert_string_equal(ask("bucket.remove", "{\"job\":\"8\"}"), "answer {}");
}

static void a_presigned_url_is_enough(void **state)
{
	char *url;

	file_put(tmp_path("signed"), "signed");
	assert_string_equal(s3(ROOT, "-X PUT " URL "/presigned"), "200 ");
	assert_string_equal(s3(ROOT, "-T %s " URL "/presigned/a%%2Bb", tmp_path("signed")), "200 ");
	rclone(ROOT, "link --expire 1h b:presigned/a+b >'%s'", tmp_path("url"));
	url = file_get(tmp_path("url"));
	url[strcspn(url, "\n")] = '\0';
	assert_string_equal(s3(NULL, "'%s'", url), "200 signed");
	assert_has(s3(NULL, "-X DELETE '%s'", url), "<Code>SignatureDoesNotMatch</Code>");
	assert_has(s3(NULL, "'%s&x=1'", url), "<Code>SignatureDoesNotMatch</Code>");
	free(url);
}

/* What is answered to a URL that was signed `age` seconds ago for `expires` seconds. */
static const char *get_presigned(unsigned age, unsigned expires)
{
	const char *said;
	char *url;

	shell("python3 " TEST_DATA "/../integration/bucketd_presign.py 10.42.0.1:9000 /week/signed minioadmin " PASSWORD " %u %u >'%s'",
	      age, expires, tmp_path("presigned"));
	url = file_get(tmp_path("presigned"));
	url[strcspn(url, "\n")] = '\0';
	said = s3(NULL, "'%s'", url);
	free(url);
	return said;
}

/* Away from the last second by an hour: how long the request takes is nothing to it. */
static void a_presigned_url_holds_for_its_time_and_a_week_at_most(void **state)
{
	static const unsigned hour = 3600, week = 7 * 24 * 3600;
	const char *said;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/week"), "200 ");
	assert_string_equal(s3(ROOT, "-X PUT --data-binary signed " URL "/week/signed"), "200 ");
	assert_string_equal(get_presigned(week - hour, week), "200 signed");
	said = get_presigned(week + 1, week);
	assert_starts(said, "403 <?xml");
	assert_has(said, "<Message>Request has expired</Message>");
	assert_has(get_presigned(hour, 60), "<Message>Request has expired</Message>");
	said = get_presigned(0, week + 1);
	assert_starts(said, "400 <?xml");
	assert_has(said, "X-Amz-Expires");
	assert_has(said, "1 to 604800 seconds");
}

/* What the client says of an upload in chunks. */
static const char *put_in_chunks(const struct job *job, const char *size, const char *how)
{
	static char said[64];
	char *command = gw_sprintf("python3 " TEST_DATA "/../integration/bucketd_chunks.py 10.42.0.1:9000 %.*s %s %s chunks %s %s",
				   (int)strcspn(job->client, ":"), job->client, strchr(job->client, ':') + 1, job->bucket, size, how);
	FILE *out = popen(command, "r");

	free(command);
	assert_non_null(out);
	assert_non_null(fgets(said, sizeof(said), out));
	assert_int_equal(pclose(out), 0);
	return said;
}

static void bodies_in_chunks_are_decoded_and_checked(void **state)
{
	struct job job = make_job("9", "", "", "");

	assert_string_equal(put_in_chunks(&job, "200000", ""), "200 True\n");
	assert_string_equal(put_in_chunks(&job, "0", ""), "200 True\n");
	assert_string_equal(put_in_chunks(&job, "300000", "unsigned"), "200 True\n");
	assert_string_equal(put_in_chunks(&job, "200000", "spoil"), "403 SignatureDoesNotMatch\n");
	assert_has(s3(job.client, "-I " URL "/%s/chunks", job.bucket), "Content-Length: 300000\r\n"); /* what was there */
	assert_string_equal(ask("bucket.remove", "{\"job\":\"9\"}"), "answer {}");
}

static void keys_that_are_no_paths_are_kept_apart(void **state)
{
	static const char *const keys[] = {"a//b",  "a/",     "a/b",     "a%2Fc",  "a+b",         "a%20b",
					   "/lead", "%C3%A9", "e%CC%81", "100%25", "q%3Fx=1%26y", "'a'"};
	const char *said;
	char *got;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/odd"), "200 ");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_string_equal(s3(ROOT, "-X PUT --data-binary 'it is %zu' \"" URL "/odd/%s\"", i, keys[i]), "200 ");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		got = gw_sprintf("200 it is %zu", i);
		assert_string_equal(s3(ROOT, "\"" URL "/odd/%s\"", keys[i]), got);
		free(got);
	}
	assert_string_equal(s3(ROOT, URL "/odd/a/c"), "200 it is 3"); /* %2F is a slash in a key */
	said = s3(ROOT, URL "'/odd?encoding-type=url&list-type=2'");
	assert_has(said, "<KeyCount>12</KeyCount>");
	assert_has(said, "<Key>/lead</Key>");
	assert_has(said, "<Key>100%25</Key>");
	assert_has(said, "<Key>e%CC%81</Key>");
	assert_has(s3(ROOT, URL "'/odd?delimiter=%%2F&list-type=2&prefix=a%%2F'"), "<CommonPrefixes><Prefix>a//</Prefix></CommonPrefixes>");
}

/* 1,200 objects in a job's archive: two pages. */
static void a_bucket_of_many_is_listed_whole(void **state)
{
	struct job job;

	shell("mkdir -p '%s' && cd '%s' && mkdir $(seq 0 12) && for i in $(seq 1200); do echo $i >$((i / 100))/$i; done && tar -cf '%s' "
	      ".",
	      tmp_path("many"), tmp_path("many"), tmp_path("many.tar"));
	job = make_job("10", "", "", tmp_path("many.tar"));
	rclone(job.client, "--s3-list-version 1 sync b:%s '%s'", job.bucket, tmp_path("many-1"));
	shell("diff -r '%s' '%s'", tmp_path("many"), tmp_path("many-1"));
	rclone(job.client, "--s3-list-version 2 --fast-list --transfers 16 sync b:%s '%s'", job.bucket, tmp_path("many-2"));
	shell("diff -r '%s' '%s'", tmp_path("many"), tmp_path("many-2"));
	rclone(job.client, "--transfers 64 --s3-no-head copy '%s/1' b:%s/again", tmp_path("many"), job.bucket); /* more at once than run */
	rclone(job.client, "check '%s/1' b:%s/again", tmp_path("many"), job.bucket);
	shell("s3cmd -q --access_key='%.*s' --secret_key='%s' -c '%s' rm --recursive --force s3://%s", (int)strcspn(job.client, ":"),
	      job.client, strchr(job.client, ':') + 1, tmp_path("s3cfg"), job.bucket); /* a thousand at once */
	assert_has(s3(job.client, URL "'/%s?list-type=2'", job.bucket), "<KeyCount>0</KeyCount>");
	assert_string_equal(ask("bucket.remove", "{\"job\":\"10\"}"), "answer {}");
}

static void parts_that_nobody_completes_are_listed_and_aborted(void **state)
{
	char id[64] = "";
	const char *said, *at;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/parts"), "200 ");
	said = s3(ROOT, "-X POST " URL "'/parts/large?uploads='");
	at = strstr(said, "<UploadId>");
	assert_non_null(at);
	snprintf(id, sizeof(id), "%.32s", at + strlen("<UploadId>"));
	assert_string_equal(s3(ROOT, "-X PUT --data-binary part " URL "'/parts/large?partNumber=1&uploadId=%s'", id), "200 ");
	assert_has(s3(ROOT, URL "'/parts/large?uploadId=%s'", id), "<PartNumber>1</PartNumber>");
	assert_has(s3(ROOT, URL "'/parts?uploads='"), id);
	assert_has(s3(ROOT, URL "'/parts?list-type=2'"), "<KeyCount>0</KeyCount>");
	assert_has(s3(ROOT, "-X PUT --data-binary part " URL "'/parts/large?partNumber=0&uploadId=%s'", id),
		   "partNumber: &#39;0&#39;; accepted: a whole number from 1 to 10000");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "'/parts/large?uploadId=%s'", id), "204 ");
	assert_has(s3(ROOT, URL "'/parts/large?uploadId=%s'", id), "<Code>NoSuchUpload</Code>");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "/parts"), "204 ");
}

/* Its UploadId, 32 digits. */
static void begin_parts(const char *url, char id[33])
{
	const char *said = s3(ROOT, "-X POST '%s?uploads='", url), *at = strstr(said, "<UploadId>");

	assert_non_null(at);
	snprintf(id, 33, "%s", at + strlen("<UploadId>"));
}

static void parts_are_copied_from_objects(void **state)
{
	struct job job = make_job("12", "", "", "");
	char id[33];
	const char *said;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/copies"), "200 ");
	shell("head -c 17000000 /dev/urandom >'%s'", tmp_path("17M"));
	rclone(ROOT, "copyto '%s' b:copies/source", tmp_path("17M"));
	rclone(ROOT, "--s3-copy-cutoff 6M copyto b:copies/source b:copies/by-rclone"); /* in three ranges */
	rclone(ROOT, "copyto b:copies/by-rclone '%s'", tmp_path("copied"));
	shell("cmp '%s' '%s'", tmp_path("17M"), tmp_path("copied"));
	assert_has(s3(ROOT, "-I " URL "/copies/by-rclone"), "-3\"\r\n");
	begin_parts(URL "/copies/by-curl", id);
	said = s3(ROOT,
		  "-X PUT -H 'x-amz-copy-source: /copies/source' -H 'x-amz-copy-source-range: bytes=16999000-16999999' " URL
		  "'/copies/by-curl?partNumber=1&uploadId=%s'",
		  id);
	assert_starts(said, "200 <?xml");
	assert_has(said, "<CopyPartResult");
	assert_has(said, "<ETag>&#34;");
	assert_has(s3(ROOT, URL "'/copies/by-curl?uploadId=%s'", id), "<Size>1000</Size>");
	assert_has(s3(ROOT,
		      "-X PUT -H 'x-amz-copy-source: /copies/source' -H 'x-amz-copy-source-range: bytes=16999000-17000000' " URL
		      "'/copies/by-curl?partNumber=1&uploadId=%s'",
		      id),
		   "x-amz-copy-source-range: the source has 17000000 bytes");
	assert_has(s3(ROOT,
		      "-X PUT -H 'x-amz-copy-source: /copies/source' -H 'x-amz-copy-source-range: bytes=-5' " URL
		      "'/copies/by-curl?partNumber=1&uploadId=%s'",
		      id),
		   "x-amz-copy-source-range: &#39;bytes=-5&#39;; accepted: bytes=FIRST-LAST");
	assert_has(s3(job.client, "-X PUT -H 'x-amz-copy-source: /copies/source' " URL "'/%s/stolen?partNumber=1&uploadId=%s'", job.bucket,
		      id),
		   "<Code>AccessDenied</Code>");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "'/copies/by-curl?uploadId=%s'", id), "204 ");
	rclone(ROOT, "purge b:copies");
	assert_string_equal(ask("bucket.remove", "{\"job\":\"12\"}"), "answer {}");
}

/* ---- what is refused, and how ---- */

/* What is answered to a head alone: no byte of the body was sent. */
static void assert_refused(const char *head, const char *status, const char *code)
{
	int fd = net_connect(9000);
	char *said;

	net_send(fd, head);
	said = net_await(fd, "</Error>");
	assert_starts(said, status);
	assert_has(said, code);
	free(said);
	close(fd);
}

static void a_body_is_refused_before_it_comes(void **state)
{
	assert_refused("PUT /odd/x HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n", "HTTP/1.1 403 ", "<Code>AccessDenied</Code>");
	assert_refused("PUT /odd/x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n", "HTTP/1.1 413 ",
		       "<Code>EntityTooLarge</Code>");
	assert_refused("PUT /odd/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 403 ",
		       "<Code>AccessDenied</Code>");
	assert_refused("POST /odd?delete HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n", "HTTP/1.1 413 ",
		       "<Code>EntityTooLarge</Code>");
	assert_refused("GET /odd/%%%% HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 ", "<Code>InvalidURI</Code>");
}

static void a_bucket_holds_what_it_may_and_no_more(void **state)
{
	assert_string_equal(s3(ROOT, "-X PUT " URL "/limited"), "200 ");
	shell("head -c 30000000 /dev/zero >'%s'", tmp_path("30M"));
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(s3(ROOT, "-T %s " URL "/limited/%u", tmp_path("30M"), i), "200 ");
	assert_has(s3(ROOT, "-T %s " URL "/limited/3", tmp_path("30M")), "507 <?xml");
	assert_has(s3(ROOT, "-T %s " URL "/odd/3", tmp_path("30M")), "200 "); /* another has room */
	assert_string_equal(s3(ROOT, "-X DELETE " URL "/limited/0"), "204 ");
	assert_string_equal(s3(ROOT, "-T %s " URL "/limited/3", tmp_path("30M")), "200 ");
	rclone(ROOT, "purge b:limited");
	rclone(ROOT, "delete b:odd");
}

static void who_signs_wrong_is_refused(void **state)
{
	assert_has(s3("minioadmin:wrong", URL "/first"), "403 <?xml");
	assert_has(s3("minioadmin:wrong", URL "/first"), "<Code>SignatureDoesNotMatch</Code>");
	assert_has(s3("nobody:wrong", URL "/first"), "<Code>InvalidAccessKeyId</Code>");
	assert_has(s3(NULL, URL "/first"), "<Code>AccessDenied</Code>");
	assert_has(s3(NULL, URL), "<Code>AccessDenied</Code>");
}

static void errors_are_those_of_s3(void **state)
{
	file_put(tmp_path("small"), "small");
	assert_has(s3(ROOT, URL "/no-such-bucket?list-type=2"), "404 <?xml");
	assert_has(s3(ROOT, URL "/no-such-bucket?list-type=2"), "<Code>NoSuchBucket</Code>");
	assert_has(s3(ROOT, "-X PUT " URL "/No_Bucket"), "400 <?xml");
	assert_string_equal(s3(ROOT, "-X PUT " URL "/errors"), "200 ");
	assert_has(s3(ROOT, "-X PUT " URL "/errors"), "<Code>BucketAlreadyOwnedByYou</Code>");
	assert_has(s3(ROOT, URL "/errors/none"), "<Code>NoSuchKey</Code>");
	assert_string_equal(s3(ROOT, "-T %s " URL "/errors/small", tmp_path("small")), "200 ");
	assert_has(s3(ROOT, "-X DELETE " URL "/errors"), "409 <?xml");
	assert_has(s3(ROOT, "-T %s -H 'If-None-Match: *' " URL "/errors/small", tmp_path("small")), "412 <?xml");
	assert_has(s3(ROOT, "-H 'If-None-Match: \"eb5c1399a871211c7e7ed732d15e3a8b\"' " URL "/errors/small"), "304 ");
	assert_has(s3(ROOT, "-H 'If-Match: \"00\"' " URL "/errors/small"), "412 <?xml");
	assert_has(s3(ROOT, "-r 5- " URL "/errors/small"), "416 ");
	assert_has(s3(ROOT, "-T %s -H 'Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==' " URL "/errors/small", tmp_path("small")),
		   "<Code>BadDigest</Code>");
	assert_has(s3(ROOT, URL "/errors?policy"), "501 <?xml");
	assert_has(s3(ROOT, URL "/errors?policy"), "GetBucketPolicy is not implemented here");
	assert_has(s3(ROOT, URL "/errors?object-lock"), "<Code>ObjectLockConfigurationNotFoundError</Code>");
	assert_has(s3(ROOT, URL "'/errors?list-type=2&max-keys=x'"),
		   "max-keys: &#39;x&#39;; accepted: a whole number from 0 to 2147483647");
	assert_has(s3(ROOT, "-X POST -d '<Delete' " URL "'/errors?delete'"), "<Code>MalformedXML</Code>");
	assert_has(s3(ROOT, "-T - -H 'Transfer-Encoding: chunked' " URL "/errors/small <%s", tmp_path("small")), "411 <?xml");
	assert_has(s3(ROOT, "-X PATCH " URL "/errors"), "<Code>MethodNotAllowed</Code>");
	assert_has(s3(ROOT, "-T %s -H 'x-amz-acl: public-read' " URL "/errors/small", tmp_path("small")), "501 <?xml");
	assert_has(s3(ROOT, "-T %s -H 'x-amz-server-side-encryption: AES256' " URL "/errors/small", tmp_path("small")),
		   "x-amz-server-side-encryption is not implemented here");
	assert_has(s3(ROOT, "-T %s -H 'x-amz-checksum-crc32: AAAAAA==' " URL "/errors/small", tmp_path("small")), "<Code>BadDigest</Code>");
}

/* As many as the machine lets be on their way at once. */
static void a_free_key_is_given_to_one_alone(void **state)
{
	char *won;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/free"), "200 ");
	shell("for i in $(seq 24); do { echo $i; head -c 300000 /dev/zero; } >'%s'-$i; done", tmp_path("free"));
	shell("for i in $(seq 24); do curl -s -o /dev/null -w \"%%{http_code} $i\n\" --aws-sigv4 aws:amz:us-east-1:s3 -H "
	      "'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user " ROOT " -H 'If-None-Match: *' -T '%s'-$i " URL
	      "/free/key >>'%s' & done; wait",
	      tmp_path("free"), tmp_path("answers"));
	shell("test $(grep -c '^412 ' '%s') -eq 23 && sed -n 's/^200 //p' '%s' >'%s'", tmp_path("answers"), tmp_path("answers"),
	      tmp_path("won"));
	won = file_get(tmp_path("won"));
	assert_int_equal(strspn(won, "0123456789"), strlen(won) - 1);
	rclone(ROOT, "copyto b:free/key '%s'", tmp_path("held"));
	shell("cmp '%s-%d' '%s'", tmp_path("free"), atoi(won), tmp_path("held"));
	rclone(ROOT, "purge b:free");
	free(won);
}

static void what_is_said_of_an_object_comes_back(void **state)
{
	const char *said;

	file_put(tmp_path("told"), "told");
	assert_string_equal(s3(ROOT, "-X PUT " URL "/told"), "200 ");
	assert_string_equal(s3(ROOT,
			       "-T %s -H 'Content-Type: text/plain' -H 'x-amz-meta-color: red' -H 'Content-Encoding: x' " URL "/told/1",
			       tmp_path("told")),
			    "200 ");
	said = s3(ROOT, "-I " URL "/told/1");
	assert_has(said, "Content-Type: text/plain\r\n");
	assert_has(said, "x-amz-meta-color: red\r\n");
	assert_has(said, "content-encoding: x\r\n");
	assert_has(said, "Content-Length: 4\r\n");
	assert_has(said, "Last-Modified: ");
	assert_has(said, "x-amz-request-id: ");
	assert_has(said, "ETag: \"a336b5d4ba3f93d9e65260ef9aea5105\"\r\n");
}

/* RFC 9110 sections 13.1.3, 13.1.4 and 13.2.2. */
static void an_object_is_got_if_it_changed_or_did_not(void **state)
{
	char changed[64] = "";
	const char *at;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/dated"), "200 ");
	assert_string_equal(s3(ROOT, "-X PUT --data-binary dated " URL "/dated/1"), "200 ");
	at = strstr(s3(ROOT, "-I " URL "/dated/1"), "Last-Modified: ");
	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.29s", at + strlen("Last-Modified: "));
	assert_starts(s3(ROOT, "-i -H 'If-Modified-Since: %s' " URL "/dated/1", changed), "304 HTTP/1.1 304");
	assert_has(s3(ROOT, "-i -H 'If-Modified-Since: %s' " URL "/dated/1", changed), "ETag: \"");
	assert_has(s3(ROOT, "-i -H 'If-Modified-Since: %s' " URL "/dated/1", changed), changed);
	assert_starts(s3(ROOT, "-I -H 'If-Modified-Since: %s' " URL "/dated/1", changed), "304 ");
	assert_string_equal(s3(ROOT, "-H 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT' " URL "/dated/1"), "200 dated");
	assert_string_equal(s3(ROOT, "-H 'If-Modified-Since: some day' " URL "/dated/1"), "200 dated");
	assert_string_equal(s3(ROOT, "-H 'If-Unmodified-Since: %s' " URL "/dated/1", changed), "200 dated");
	assert_starts(s3(ROOT, "-H 'If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT' " URL "/dated/1"), "412 <?xml");
	assert_has(s3(ROOT, "-I -H 'If-Unmodified-Since: Sun Nov  6 08:49:37 1994' " URL "/dated/1"), "412 ");
	/* the ETag alone counts where both are said */
	assert_string_equal(s3(ROOT, "-H 'If-None-Match: \"other\"' -H 'If-Modified-Since: %s' " URL "/dated/1", changed), "200 dated");
	assert_string_equal(s3(ROOT, "-H 'If-Match: *' -H 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT' " URL "/dated/1"),
			    "200 dated");
	assert_starts(s3(ROOT, "-H 'If-Match: \"other\"' -H 'If-Unmodified-Since: %s' " URL "/dated/1", changed), "412 <?xml");
	assert_starts(s3(ROOT, "-H 'If-Match: *' -H 'If-Modified-Since: %s' " URL "/dated/1", changed), "304 ");
	assert_string_equal(s3(ROOT, "-X DELETE " URL "/dated/1"), "204 ");
}

/* ---- deaths, and disks ---- */

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct proc writers[2], large;
	unsigned n;

	assert_string_equal(s3(ROOT, "-X PUT " URL "/killed"), "200 ");
	shell("head -c 20000000 /dev/zero >'%s'", tmp_path("zeros"));
	for (unsigned i = 0; i < 2; i++) {
		const char *const argv[] = {
			"sh", "-c",
			"i=0; while i=$((i + 1)) && curl -sSf -X PUT --data-binary \"object $0 $i\" --aws-sigv4 aws:amz:us-east-1:s3 -H "
			"'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user " ROOT " " URL "/killed/$0-$i; do echo acknowledged $0-$i; done",
			i ? "b" : "a", NULL};

		proc_start(&writers[i], i ? "writer-b" : "writer-a", argv, NULL);
	}
	proc_start(&large, "large",
		   (const char *const[]){"curl", "-sS", "--limit-rate", "50k", "--aws-sigv4", "aws:amz:us-east-1:s3", "-H",
					 "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--user", ROOT, "-T", tmp_path("zeros"),
					 URL "/killed/large", NULL},
		   NULL);
	proc_await(&writers[0], "acknowledged a-10");
	proc_await(&writers[1], "acknowledged b-10");
	proc_end(&t.bucketd, SIGKILL);
	proc_wait(&large);
	for (unsigned i = 0; i < 2; i++) /* before there is one again, which they would go on with */
		proc_wait(&writers[i]);
	start_bucketd();
	proc_await(&t.executord, "up bucketd");
	for (unsigned i = 0; i < 2; i++) {
		char pattern[64], got[64];

		for (n = 1; snprintf(pattern, sizeof(pattern), "acknowledged %c-%u", 'a' + i, n), proc_has_said(&writers[i], pattern);
		     n++) {
			snprintf(got, sizeof(got), "200 object %c %u", 'a' + i, n);
			assert_string_equal(s3(ROOT, URL "/killed/%c-%u", 'a' + i, n), got);
		}
		assert_true(n > 10);
	}
	assert_has(s3(ROOT, URL "/killed/large"), "404 <?xml");
	shell("test $(du -sm '%s' | cut -f1) -lt $((10 + " SHIPPED "))", tmp_path("state/buckets/data"));
}

static int large_files(void)
{
	char *text;
	int n;

	shell("find '%s' -size +1M | wc -l >'%s'", tmp_path("state/buckets/data"), tmp_path("large-files"));
	text = file_get(tmp_path("large-files"));
	n = atoi(text);
	free(text);
	return n;
}

/* Nobody tells when the file of an upload that broke off has gone, so it is looked at. */
static void await_large_files(int wanted)
{
	for (int i = 0; large_files() != wanted; i++) {
		if (i > 6000)
			fail_msg("there are %d large files, not %d", large_files(), wanted);
		poll(NULL, 0, 10);
	}
}

static void a_client_that_leaves_in_its_upload_leaves_nothing(void **state)
{
	struct proc leaves;
	int before = large_files();

	proc_start(&leaves, "leaves",
		   (const char *const[]){"curl", "-sS", "--limit-rate", "1M", "--aws-sigv4", "aws:amz:us-east-1:s3", "-H",
					 "x-amz-content-sha256: UNSIGNED-PAYLOAD", "--user", ROOT, "-T", tmp_path("30M"), URL "/odd/left",
					 NULL},
		   NULL);
	await_large_files(before + 1); /* it has begun */
	proc_end(&leaves, SIGKILL);
	await_large_files(before);
	assert_has(s3(ROOT, "-X PUT --data-binary x " URL "/odd/then"), "200 ");
}

static void a_second_one_is_refused_and_another_hosts_is_left_alone(void **state)
{
	struct proc second;
	char *state_dir = gw_sprintf("EXECUTOR_STATE_DIR=%s", tmp_path("state"));

	proc_start(&second, "second", (const char *const[]){BUCKETD, NULL},
		   (const char *const[]){state_dir, "MINIO_URL=http://127.0.0.1:9002", NULL});
	assert_int_equal(proc_wait(&second), 1);
	assert_true(proc_has_said(&second, "*process * already runs"));
	proc_start(&second, "elsewhere", (const char *const[]){BUCKETD, NULL},
		   (const char *const[]){state_dir, "MINIO_URL=http://192.0.2.1:9000", NULL});
	assert_int_equal(proc_wait(&second), 0);
	assert_true(proc_has_said(&second, "*MINIO_URL names another host, 192.0.2.1: not started here"));
	proc_start(&second, "tls", (const char *const[]){BUCKETD, NULL},
		   (const char *const[]){state_dir, "MINIO_URL=https://127.0.0.1:9000", NULL});
	assert_int_equal(proc_wait(&second), 0);
	assert_true(proc_has_said(&second, "*MINIO_URL is https, which another service must answer: not started here"));
	free(state_dir);
}

static void promise_45_a_full_disk_refuses_uploads_and_is_read_on(void **state)
{
	struct proc full;
	char *user;
	char *env[] = {gw_sprintf("EXECUTOR_STATE_DIR=%s", tmp_path("full")), gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", tmp_path("full-run")),
		       NULL};
	struct stat st;

	shell("mkdir '%s' '%s' && mount -t tmpfs -o size=$((36 + " SHIPPED "))m tmpfs '%s'", tmp_path("full"), tmp_path("full-run"),
	      tmp_path("full"));
	proc_start(&full, "full", (const char *const[]){BUCKETD, NULL},
		   (const char *const[]){env[0], env[1], "MINIO_URL=http://127.0.0.1:9003", "BUCKETD_CONFIG=/none/bucketd.yml", NULL});
	proc_await(&full, "*listening on 127.0.0.1, port 9003");
	proc_await(&full, "*the bucket `boot` has what there is in *");
	user = file_get(tmp_path("full/buckets/root-password")); /* made, as none was given */
	assert_int_equal(strlen(user), 32);
	assert_int_equal(strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 32);
	assert_int_equal(stat(tmp_path("full/buckets/root-password"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(tmp_path("full/buckets/mc/config.json"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	env[2] = gw_sprintf("minioadmin:%s", user);
	shell("head -c 15000000 /dev/zero >'%s'; head -c 5000000 /dev/zero >'%s'", tmp_path("15M"), tmp_path("5M"));
	assert_string_equal(s3(env[2], "-X PUT http://127.0.0.1:9003/full"), "200 ");
	assert_string_equal(s3(env[2], "-T %s http://127.0.0.1:9003/full/5M", tmp_path("5M")), "200 ");
	assert_has(s3(env[2], "-T %s http://127.0.0.1:9003/full/15M-1", tmp_path("15M")), "200 ");
	assert_has(s3(env[2], "-T %s http://127.0.0.1:9003/full/15M-2", tmp_path("15M")), "507 <?xml");
	assert_has(s3(env[2], "-T %s http://127.0.0.1:9003/full/15M-2", tmp_path("15M")), "<Code>XMinioStorageFull</Code>");
	assert_has(s3(env[2], "'http://127.0.0.1:9003/full?list-type=2'"), "<KeyCount>2</KeyCount>");
	assert_has(s3(env[2], "-r 0-0 -o /dev/null http://127.0.0.1:9003/full/15M-1"), "206 ");
	assert_string_equal(s3(env[2], "-X DELETE http://127.0.0.1:9003/full/15M-1"), "204 ");
	assert_string_equal(s3(env[2], "-T %s http://127.0.0.1:9003/full/15M-2", tmp_path("15M")), "200 ");
	proc_end(&full, SIGTERM);
	shell("umount '%s'", tmp_path("full"));
	for (size_t i = 0; i < 3; i++)
		free(env[i]);
	free(user);
}

/* Behind all others. */
static void promise_38_no_secret_is_in_the_log(void **state)
{
	struct job job = make_job("11", "10.42.0.1", "", "");
	char *wrong = gw_sprintf("%.*s:%s", (int)strcspn(job.client, ":"), job.client, strchr(job.dut, ':') + 1);
	const char *said;
	char *log;

	assert_has(s3(job.client, URL "/%s?list-type=2", job.bucket), "200 ");
	assert_has(s3(job.dut, URL "/%s?list-type=2", job.bucket), "200 ");
	said = s3(wrong, URL "/%s?list-type=2", job.bucket);
	assert_has(said, "<Code>SignatureDoesNotMatch</Code>");
	assert_null(strstr(said, strchr(job.client, ':') + 1));
	log = proc_log(&t.bucketd);
	assert_non_null(strstr(log, job.bucket)); /* debug is on */
	assert_null(strstr(log, "canary"));
	assert_null(strstr(log, "Signature="));
	assert_null(strstr(log, strchr(job.client, ':') + 1));
	assert_null(strstr(log, strchr(job.dut, ':') + 1));
	free(log);
	free(wrong);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got_listed_and_deleted),
		cmocka_unit_test(who_signs_wrong_is_refused),
		cmocka_unit_test(errors_are_those_of_s3),
		cmocka_unit_test(what_is_said_of_an_object_comes_back),
		cmocka_unit_test(an_object_is_got_if_it_changed_or_did_not),
		cmocka_unit_test(a_free_key_is_given_to_one_alone),
		cmocka_unit_test(users_groups_and_buckets_are_edited_live),
		cmocka_unit_test(promise_33_a_jobs_credentials_open_its_bucket_alone_and_end_with_it),
		cmocka_unit_test(what_a_job_brings_is_in_its_bucket),
		cmocka_unit_test(promise_28_a_machines_credentials_work_from_its_own_address_alone),
		cmocka_unit_test(rclone_mirrors_up_and_down),
		cmocka_unit_test(s3cmd_mirrors_up_and_down),
		cmocka_unit_test(a_presigned_url_is_enough),
		cmocka_unit_test(a_presigned_url_holds_for_its_time_and_a_week_at_most),
		cmocka_unit_test(what_is_shipped_is_in_boot_and_sighup_finds_a_new_folder),
		cmocka_unit_test(bodies_in_chunks_are_decoded_and_checked),
		cmocka_unit_test(keys_that_are_no_paths_are_kept_apart),
		cmocka_unit_test(a_bucket_of_many_is_listed_whole),
		cmocka_unit_test(parts_that_nobody_completes_are_listed_and_aborted),
		cmocka_unit_test(parts_are_copied_from_objects),
		cmocka_unit_test(a_body_is_refused_before_it_comes),
		cmocka_unit_test(a_bucket_holds_what_it_may_and_no_more),
		cmocka_unit_test(a_client_that_leaves_in_its_upload_leaves_nothing),
		cmocka_unit_test(a_second_one_is_refused_and_another_hosts_is_left_alone),
		cmocka_unit_test(promise_45_a_full_disk_refuses_uploads_and_is_read_on),
		cmocka_unit_test(what_was_acknowledged_survives_kill_9),
		cmocka_unit_test(promise_38_no_secret_is_in_the_log),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("bucketd", tests, setup, teardown);
}
