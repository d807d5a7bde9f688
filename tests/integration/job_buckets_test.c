/* Jobs with a bucket, as executord sees them: what it asks of bucketd, what it makes of each answer, and what is left of each failure. A
 * stand-in plays bucketd on the bus and answers as it is told. In a network namespace of its own. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/form.h"
#include "tests/harness/net.h"

#define A       "52:54:00:00:00:01"
#define DUT     "/dut/" A
#define CLIENT  TEST_DATA "/../integration/job_client.py"
#define BUSPEER GW_BUILD_ROOT "/tests/harness/buspeer"
#define ARCHIVE "job_bucket_initial_state_tarball_file"

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one]}}\n"
			 "duts:\n"
			 "  '" A "': {base_name: box, ip_address: 10.42.0.77, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0}\n";

static const char job[] = "version: 1\n"
			  "target: {id: '" A "'}\n"
			  "console_patterns: {session_end: {regex: '^good bye'}, job_success: {regex: '^it works'}}\n"
			  "deployment: {start: {kernel: {data: a kernel, cmdline: 'is=<{{ job_bucket }}> at=<{{ minio_url }}>'}}}\n";

#define SECRET_OF_CLIENT "c11e7c11e7c11e7c11e7c11e7c11e7c1"
#define SECRET_OF_DUT    "d07d07d07d07d07d07d07d07d07d07d0"
#define SECRET_OF_ALICE  "alices-own-secret"

static const char bucket[] =
	"answers bucket.create {\"name\": \"job-box-1-abc\", \"client_key\": \"job-box-1-abc-client\", \"client_secret\": "
	"\"" SECRET_OF_CLIENT "\", \"dut_key\": \"job-box-1-abc-dut\", \"dut_secret\": \"" SECRET_OF_DUT "\"}";

static struct {
	struct farm *farm;
	struct proc bucketd;
	int in, console, jobs; /* bucketd's standard input; the machine's console; how many clients there were */
	char uploads[600], archive[600];
} t;

/* ---- bucketd's stand-in ---- */

static void tell(const char *line)
{
	net_send(t.in, line);
	net_send(t.in, "\n");
}

/* It is told how it answers; executord knows it. */
static void bucketd_starts(void)
{
	static unsigned times;
	char name[32];
	const char *const argv[] = {BUSPEER, t.farm->runtime_dir, "bucketd", "bucketd", "executord", NULL};
	int ends[2];

	snprintf(name, sizeof(name), "bucketd-%u", ++times);
	assert_int_equal(pipe(ends), 0);
	t.in = ends[1];
	tell("answers bucket.configure {\"port\": 9000}");
	tell(bucket);
	proc_start_io(&t.bucketd, name, argv, NULL, ends[0], -1);
	close(ends[0]);
	proc_await(&t.farm->supervisor, "job buckets are on port 9000");
}

static void bucketd_dies(void)
{
	proc_end(&t.bucketd, SIGKILL);
	close(t.in);
}

static unsigned times_heard(const char *request)
{
	char *log = proc_log(&t.bucketd);
	unsigned n = 0;

	for (const char *at = log; (at = strstr(at, request)); at++)
		n++;
	free(log);
	return n;
}

/* ---- a farm with one machine ---- */

static void farm_begins(const char *more)
{
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1",
				   "EXECUTOR_STANDALONE_DAEMONS=bootsd pdud saladd artifactd gitlabd",
				   "BUCKETD_BUCKET_SIZE=100",
				   "PDUD_LEASE_GRACE=5",
				   more,
				   NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	t.farm = farm_start(&options);
	snprintf(t.uploads, sizeof(t.uploads), "%s/uploads", t.farm->state_dir);
	farm_await(t.farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(t.farm, DUT, "state", "IDLE");
}

static int start(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	snprintf(t.archive, sizeof(t.archive), "%s", tmp_path("archive.tar"));
	file_put(tmp_path("job.yml"), job);
	file_put(tmp_path("inside"), "what the job brings\n");
	shell("tar -C %s -cf %s inside", getenv("TMPDIR"), t.archive);
	farm_begins(NULL);
	bucketd_starts();
	farm_await_value(t.farm, DUT, "logs_endpoint/port"); /* saladd listens */
	t.console = net_connect(8100);
	net_send(t.console, "\nSALAD.machine_id=" A "\n");
	return 0;
}

static int stop(void **state)
{
	close(t.console);
	proc_end(&t.bucketd, SIGTERM);
	close(t.in);
	farm_stop(t.farm);
	return 0;
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void await_no_upload(void)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd p = {.fd = watch, .events = POLLIN};
	char events[4096];

	inotify_add_watch(watch, t.uploads, IN_DELETE);
	while (entries(t.uploads)) {
		if (poll(&p, 1, PROC_PATIENCE_MS) != 1)
			fail_msg("%s is not emptied", t.uploads);
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	close(watch);
}

static void await_nothing_left(void)
{
	farm_await(t.farm, DUT, "state", "IDLE");
	await_no_upload();
}

#define WITH_GROUP                                                                                                                         \
	"{\"minio\": {\"credentials\": {\"access_key\": \"alice\", \"secret_key\": \"" SECRET_OF_ALICE "\"}, \"groups\": [\"mesa\"]}, "    \
	"\"job_id\": \"Mine_1\"}"

/* Submits and goes on; `archive` NULL: none. `in`: it keeps its bucket until a line comes there. */
static void submit_with(struct proc *client, const char *metadata, const char *archive, int in)
{
	char name[32], port[16];
	const char *argv[] = {"python3", CLIENT, port, metadata, tmp_path("job.yml"), archive, NULL};

	snprintf(name, sizeof(name), "client-%d", ++t.jobs);
	snprintf(port, sizeof(port), "%d", 5600 + t.jobs);
	proc_start_io(client, name, argv, NULL, in, -1);
}

static void submit(struct proc *client, const char *metadata, const char *archive)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	submit_with(client, metadata, archive, nothing);
	close(nothing);
}

static void powered(struct proc *client)
{
	proc_await(client, "answer 200 *");
	proc_await(client, "the machine is powered");
}

static void machine_ends_job(struct proc *client)
{
	net_send(t.console, "it works\ngood bye\n");
	proc_await(client, "end PASS");
	assert_int_equal(proc_wait(client), 0);
	farm_await(t.farm, DUT, "state", "IDLE");
}

/* ---- refusals ---- */

#define METADATA(more)                                                                                                                     \
	{                                                                                                                                  \
		"metadata", "m", "application/json", "{\"version\": 1, \"callback\": {\"port\": 5555}" more "}"                            \
	}
#define JOB                                                                                                                                \
	{                                                                                                                                  \
		"job", "job.yml", "application/x-yaml", job                                                                                \
	}
#define TAR                                                                                                                                \
	{                                                                                                                                  \
		ARCHIVE, "a.tar", "application/octet-stream", zeros, sizeof(zeros)                                                         \
	}
#define GROUPS                                                                                                                             \
	", \"minio\": {\"credentials\": {\"access_key\": \"alice\", \"secret_key\": \"" SECRET_OF_ALICE "\"}, \"groups\": [\"mesa\"]}"

static const char zeros[10240]; /* an empty tar */

static const struct refusal {
	const char *told; /* bucketd */
	struct form_part parts[FORM_PARTS_MAX];
	int status;
	const char *text;
	bool asked; /* for a bucket, whose end is then told */
} refusals[] = {
	{"refuses bucket.check REFUSED 'alice' is not in the group 'mesa'",
	 {METADATA(GROUPS), JOB},
	 403,
	 "metadata: minio.groups: 'alice' is not in the group 'mesa'"},
	{"refuses bucket.check UNREACHABLE bucketd.yml is being read",
	 {METADATA(GROUPS), JOB, TAR},
	 503,
	 "metadata: minio.groups: bucketd.yml is being read"},
	{"refuses bucket.create BAD_INPUT it breaks off behind 512 bytes",
	 {METADATA(""), JOB, TAR},
	 420,
	 ARCHIVE ": it breaks off behind 512 bytes",
	 true},
	{"refuses bucket.create NO_SPACE the disk is full",
	 {METADATA(""), JOB, TAR},
	 507,
	 "the job's bucket could not be made: the disk is full",
	 true},
	{"refuses bucket.create INTERNAL the disk is broken",
	 {METADATA(""), JOB, TAR},
	 503,
	 "the job's bucket could not be made: the disk is broken",
	 true},
	{"refuses bucket.create UNREACHABLE it stops", {METADATA(GROUPS), JOB}, 503, "the job's bucket could not be made: it stops", true},
};

static void answers_in_the_fields_form(const struct refusal *row, const char *answer, const char *type)
{
	char *expected = row->status == 420 ? gw_strdup(row->text) : gw_sprintf("{\"version\":1,\"error_msg\":\"%s\"}", row->text);

	assert_string_equal(answer, expected);
	assert_string_equal(type, row->status == 420 ? "text/plain; charset=utf-8" : "application/json");
	free(expected);
}

static void promise_36_each_refusal_has_its_code_and_text_and_leaves_nothing(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char *answer, type[64];
		int status;

		tell("answers bucket.check {}");
		tell(refusals[i].told);
		proc_await(&t.bucketd, "told refuses");
		status = form_submit(refusals[i].parts, &answer, type);
		if (status != refusals[i].status)
			fail_msg("%s: %d %s", refusals[i].told, status, answer);
		answers_in_the_fields_form(&refusals[i], answer, type);
		free(answer);
		if (refusals[i].asked)
			proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
		await_nothing_left();
	}
	tell("answers bucket.check {}");
	tell(bucket);
	proc_await(&t.bucketd, "told answers bucket.create");
}

static void a_job_that_its_jobd_refuses_leaves_no_bucket(void **state)
{
	static const struct form_part parts[FORM_PARTS_MAX] = {
		METADATA(""),
		{"job", "job.yml", NULL,
		 "version: 1\ntarget: {id: '" A "'}\n{% if machine_id != 'machine_id' %}bogus: 1\n{% endif %}"
		 "console_patterns: {session_end: {regex: bye}}\ndeployment: {start: {kernel: {data: x}}}\n"},
		TAR};
	char *answer, type[64];

	assert_int_equal(form_submit(parts, &answer, type), 400);
	assert_non_null(strstr(answer, "'bogus' is not a field of a job"));
	free(answer);
	proc_await(&t.bucketd, "request bucket.create");
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	await_nothing_left();
}

/* ---- what bucketd is asked ---- */

static void file_of(const char *line, char *path, size_t size)
{
	const char *at = strstr(line, "\"tarball\":\"");

	assert_non_null(at);
	at += strlen("\"tarball\":\"");
	snprintf(path, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void bucketd_gets_the_archive_in_a_file_and_its_death_refuses_the_job(void **state)
{
	struct proc client;
	struct stat is;
	char path[512];
	const char *line;

	tell("holds bucket.create");
	proc_await(&t.bucketd, "told holds");
	submit(&client, WITH_GROUP, t.archive);
	proc_await(&t.bucketd, "request bucket.check {\"user\":\"alice\",\"secret\":\"" SECRET_OF_ALICE "\",\"groups\":[\"mesa\"]}");
	line = proc_await(&t.bucketd, "request bucket.create {\"job\":\"user-*\",\"job_id\":\"Mine_1\",\"dut\":\"" A
				      "\",\"dut_address\":\"10.42.0.77\",\"tarball\":\"*\",\"groups\":[\"mesa\"]}");
	file_of(line, path, sizeof(path));
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode, S_IFREG | 0640);
	shell("cmp %s %s", path, t.archive);
	assert_int_equal(stat(t.uploads, &is), 0);
	assert_int_equal(is.st_mode & 07777, 0750);
	bucketd_dies();
	proc_await(&client, "answer 503 {\"version\":1,\"error_msg\":\"the job's bucket could not be made: *\"}");
	proc_wait(&client);
	await_nothing_left();
	bucketd_starts();
	proc_await(&t.bucketd, "request bucket.configure {\"jobs\":[]}");
}

static void a_jobd_that_dies_while_the_bucket_is_made_is_followed_by_another(void **state)
{
	struct proc client;

	tell("holds bucket.create");
	proc_await(&t.bucketd, "told holds");
	submit(&client, "{}", t.archive);
	proc_await(&t.bucketd, "request bucket.create");
	farm_kill_jobds(t.farm); /* its own among them */
	proc_await(&t.farm->supervisor, "job=user-* waits for another jobd: its jobd (*) died");
	bucketd_dies();
	proc_await(&client, "answer 503 {\"version\":1,\"error_msg\":\"the job's bucket could not be made: *\"}");
	proc_wait(&client);
	await_nothing_left();
	bucketd_starts();
}

/* The machine is QUEUED: it is the job's, whose bucket is being made. */
static void a_job_is_cancelled_before_it_runs(void **state)
{
	struct proc client;

	tell("holds bucket.create");
	proc_await(&t.bucketd, "told holds");
	submit(&client, "{}", t.archive);
	proc_await(&t.bucketd, "request bucket.create");
	farm_await(t.farm, DUT, "state", "QUEUED");
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_await(&client, "answer 503 {\"version\":1,\"error_msg\":\"the machine was taken out of service, or the job was cancelled\"}");
	proc_wait(&client);
	await_nothing_left();
	bucketd_dies();
	bucketd_starts();
	proc_await(&t.bucketd, "request bucket.configure {\"jobs\":[]}");
}

/* ---- a job's way ---- */

static void a_job_knows_its_bucket_and_its_submitter_where_it_is(void **state)
{
	struct proc client;

	submit(&client, WITH_GROUP, t.archive);
	powered(&client);
	await_no_upload();
	assert_true(proc_has_said(&client, "is=<job-box-1-abc> at=<http://10.42.0.1:9000>"));
	assert_int_equal(times_heard("request bucket.remove"), 0);
	net_send(t.console, "it works\ngood bye\n");
	proc_await(&client, "bucket {\"minio_access_url\": \"http://job-box-1-abc-client:" SECRET_OF_CLIENT
			    "@10.42.0.1:9000\", \"bucket_name\": \"job-box-1-abc\"}");
	proc_await(&client, "end PASS");
	assert_int_equal(proc_wait(&client), 0);
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	farm_await(t.farm, DUT, "state", "IDLE");
}

static void a_job_without_a_bucket_asks_nothing_of_bucketd(void **state)
{
	unsigned before = times_heard("request bucket.");
	struct proc client;

	submit(&client, "{\"minio\": {\"credentials\": {\"access_key\": \"alice\", \"secret_key\": \"whatever it is\"}, \"groups\": []}}",
	       NULL);
	powered(&client);
	assert_true(proc_has_said(&client, "is=<> at=<http://10.42.0.1:9000>"));
	machine_ends_job(&client);
	assert_false(proc_has_said(&client, "bucket {"));
	assert_int_equal(times_heard("request bucket."), before);
}

static void the_bucket_of_a_living_job_survives_kills_of_executord_and_of_bucketd(void **state)
{
	struct proc client;
	char configure[200];
	const char *line;

	submit(&client, "{}", t.archive);
	powered(&client);
	farm_kill(t.farm, "executord");
	line = proc_await(&t.bucketd, "request bucket.configure {\"jobs\":[\"user-*\"]}");
	snprintf(configure, sizeof(configure), "%s", line);
	farm_await_value(t.farm, "/full-state", "now");
	bucketd_dies();
	bucketd_starts();
	proc_await(&t.bucketd, configure); /* the same job again */
	assert_int_equal(times_heard("request bucket.remove"), 0);
	machine_ends_job(&client);
	assert_true(proc_has_said(&client, "bucket {*job-box-1-abc-client*"));
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
}

static void a_bucket_whose_job_ends_without_bucketd_goes_when_bucketd_comes(void **state)
{
	struct proc client;

	submit(&client, "{}", t.archive);
	powered(&client);
	bucketd_dies();
	machine_ends_job(&client);
	bucketd_starts();
	proc_await(&t.bucketd, "request bucket.configure {\"jobs\":[]}");
}

static void a_bucket_that_cannot_be_removed_is_told_of_again(void **state)
{
	struct proc client;

	submit(&client, "{}", t.archive);
	powered(&client);
	tell("refuses bucket.remove INTERNAL the disk is broken");
	proc_await(&t.bucketd, "told refuses");
	machine_ends_job(&client);
	proc_await(&t.farm->supervisor, "a job's bucket could not be removed: the disk is broken; tried again");
	proc_await(&t.bucketd, "request bucket.configure {\"jobs\":[]}");
	tell("answers bucket.remove {}");
	proc_await(&t.bucketd, "told answers");
}

static void a_bucket_goes_with_its_job_whatever_ends_it(void **state)
{
	struct proc client;

	submit(&client, "{}", t.archive);
	powered(&client);
	farm_kill_jobds(t.farm); /* its own among them */
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	proc_wait(&client);
	farm_await(t.farm, DUT, "state", "IDLE");
	submit(&client, "{}", t.archive);
	powered(&client);
	farm_await(t.farm, DUT, "state", "RUNNING");
	farm_do("POST", DUT "/cancel_job", NULL);
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	proc_wait(&client);
	farm_await(t.farm, DUT, "state", "IDLE");
	submit(&client, "{}", t.archive);
	powered(&client);
	proc_signal(&client, SIGKILL);
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	proc_wait(&client);
	farm_await(t.farm, DUT, "state", "IDLE");
}

static void a_removed_machines_bucket_goes_too(void **state)
{
	struct proc client;

	submit(&client, "{}", t.archive);
	powered(&client);
	farm_do("DELETE", DUT, NULL);
	proc_await(&t.bucketd, "request bucket.remove {\"job\":\"user-*\"}");
	proc_wait(&client);
}

/* ---- large archives ---- */

#define MIB (1U << 20)

static long kib_of(pid_t pid, const char *what)
{
	char *path = gw_sprintf("/proc/%d/status", (int)pid), *text = file_get(path), *at = strstr(text, what);
	long kib = at ? strtol(at + strlen(what), NULL, 10) : -1;

	free(text);
	free(path);
	assert_true(kib >= 0);
	return kib;
}

/* A tar of one file of so many bytes, which repeat late. */
static void make_archive(const char *path, unsigned mib)
{
	shell("cd %s && head -c %u /dev/urandom >large && tar -cf %s large && rm large", getenv("TMPDIR"), mib * MIB, path);
}

static void a_large_archive_stays_out_of_memory(void **state)
{
	const char *large = tmp_path("large.tar");
	long before = kib_of(farm_pid(t.farm, "executord"), "RssAnon:"), after;
	struct proc client;
	char path[512];

	make_archive(large, 80);
	tell("holds bucket.create");
	submit(&client, "{}", large);
	file_of(proc_await(&t.bucketd, "request bucket.create {*\"tarball\":*"), path, sizeof(path));
	shell("cmp %s %s", path, large);
	after = kib_of(farm_pid(t.farm, "executord"), "RssAnon:");
	if (after - before > 20 * 1024 || kib_of(farm_pid(t.farm, "executord"), "RssFile:") > 80 * 1024)
		fail_msg("executord has %ld KiB more", after - before);
	bucketd_dies();
	proc_await(&client, "answer 503 *");
	proc_wait(&client);
	await_nothing_left();
	bucketd_starts();
	unlink(large);
}

static void no_room_for_an_archive_is_507_and_leaves_nothing(void **state)
{
	const char *large = tmp_path("large.tar");
	struct proc client;

	make_archive(large, 13);
	assert_int_equal(mount("tmpfs", t.uploads, "tmpfs", 0, "size=16m"), 0);
	submit(&client, "{}", large); /* for the body itself */
	proc_await(&client, "answer 507 {\"version\":1,\"error_msg\":\"the body cannot be kept: No space left on device\"}");
	proc_wait(&client);
	assert_int_equal(mount("tmpfs", t.uploads, "tmpfs", MS_REMOUNT, "size=22m"), 0);
	submit(&client, "{}", large); /* for its copy */
	proc_await(&client, "answer 507 {\"version\":1,\"error_msg\":\"the archive cannot be kept: No space left on device\"}");
	proc_wait(&client);
	await_nothing_left();
	assert_int_equal(umount2(t.uploads, MNT_DETACH), 0);
	unlink(large);
}

/* It takes 12 MiB of the 20 until 8 are left, and would take 14. */
static void a_body_of_unknown_size_is_507_where_it_would_fill_the_disk(void **state)
{
	char *mib = gw_calloc((1 << 20) + 1, 1);
	int fd = net_connect(80);

	memset(mib, 'x', 1 << 20);
	assert_int_equal(mount("tmpfs", t.uploads, "tmpfs", 0, "size=20m"), 0);
	net_send(fd, "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 14; i++) {
		net_send(fd, "100000\r\n");
		net_send(fd, mib);
		net_send(fd, "\r\n");
	}
	net_send(fd, "0\r\n\r\n");
	net_expect(fd, "HTTP/1.1 507 ");
	free(net_await(fd, "{\"version\":1,\"error_msg\":\"the body cannot be kept: No space left on device\"}"));
	close(fd);
	await_nothing_left();
	assert_int_equal(umount2(t.uploads, MNT_DETACH), 0);
	free(mib);
}

static unsigned files_held(void)
{
	char *folder = gw_sprintf("/proc/%d/fd", (int)farm_pid(t.farm, "executord")), target[512];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned n = 0;

	while (dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		n += strstr(target, "/uploads/") != NULL;
	}
	closedir(dir);
	free(folder);
	return n;
}

/* Nothing tells of it, so it is looked at. */
static void await_files_held(unsigned n)
{
	for (int i = 0; files_held() != n; i++) {
		if (i > 6000)
			fail_msg("executord holds %u bodies, not %u", files_held(), n);
		poll(NULL, 0, 10);
	}
}

static void a_submitter_that_leaves_in_the_middle_leaves_nothing(void **state)
{
	int fd = net_connect(80);

	net_send(fd, "POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: "
		     "50000000\r\n\r\n--XX\r\nsome of it");
	await_files_held(1);
	close(fd);
	await_files_held(0);
	assert_int_equal(entries(t.uploads), 0);
}

/* ---- elsewhere ---- */

static void what_a_killed_executord_left_there_goes_at_the_next_start(void **state)
{
	file_put(tmp_path("state/uploads/user-1-1.tar"), "left");
	farm_kill(t.farm, "executord");
	await_no_upload();
	farm_await_value(t.farm, "/full-state", "now");
	proc_await(&t.farm->supervisor, "job buckets are on port 9000"); /* it knows bucketd again */
}

/* Whatever is logged, at its most talkative. */
static void promise_38_no_secret_is_in_a_log(void **state)
{
	static const char *const secrets[] = {SECRET_OF_ALICE, SECRET_OF_CLIENT, SECRET_OF_DUT};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		assert_false(proc_has_said(&t.farm->supervisor, secrets[i]));
}

static int start_elsewhere(void **state)
{
	farm_begins("MINIO_URL=http://admin:hidden@192.0.2.1:9000");
	return 0;
}

static int stop_elsewhere(void **state)
{
	farm_stop(t.farm);
	return 0;
}

static void where_buckets_are_another_hosts_jobs_get_none(void **state)
{
	static const struct form_part with[FORM_PARTS_MAX] = {METADATA(""), JOB, TAR}, without[FORM_PARTS_MAX] = {METADATA(""), JOB};
	char *answer, type[64];

	assert_int_equal(form_submit(with, &answer, type), 400);
	assert_string_equal(answer,
			    "{\"version\":1,\"error_msg\":\"MINIO_URL (http://192.0.2.1:9000) is another host's, so jobs get no buckets "
			    "here; send the job without archive and groups\"}");
	free(answer);
	assert_int_equal(form_submit(without, &answer, type), 200);
	free(answer);
	farm_await(t.farm, DUT, "state", "IDLE");
}

/* ---- the real bucketd ---- */

static const char bucketd_yml[] = "users:\n"
				  "  alice: {secret: " SECRET_OF_ALICE "}\n"
				  "  bob: {secret: bobs-own-secret}\n"
				  "groups:\n"
				  "  mesa: {users: [alice], buckets: {mesa-traces: read}}\n";

static int start_real(void **state)
{
	static char config[600];
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "BUCKETD_BUCKET_SIZE=1", "PDUD_LEASE_GRACE=5", config, NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	file_put(tmp_path("bucketd.yml"), bucketd_yml);
	snprintf(config, sizeof(config), "BUCKETD_CONFIG=%s", tmp_path("bucketd.yml"));
	t.farm = farm_start(&options);
	farm_await(t.farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(t.farm, DUT, "state", "IDLE");
	proc_await(&t.farm->supervisor, "job buckets are on port 9000");
	farm_await_value(t.farm, DUT, "logs_endpoint/port"); /* saladd listens */
	t.console = net_connect(8100);
	net_send(t.console, "\nSALAD.machine_id=" A "\n");
	return 0;
}

static int stop_real(void **state)
{
	close(t.console);
	farm_stop(t.farm);
	return 0;
}

#define AS(user, secret)                                                                                                                   \
	", \"minio\": {\"credentials\": {\"access_key\": \"" user "\", \"secret_key\": \"" secret "\"}, \"groups\": [\"mesa\"]}"

static void the_real_bucketd_refuses_who_is_not_in_the_group_and_what_is_no_whole_tar(void **state)
{
	char header[600] = {0}, *answer, type[64], *archive = file_get(t.archive);
	const struct refusal {
		struct form_part parts[FORM_PARTS_MAX];
		int status;
		const char *text; /* is in the answer */
	} rows[] = {
		{{METADATA(AS("bob", "bobs-own-secret")), JOB}, 403, "metadata: minio.groups: "},
		{{METADATA(AS("alice", "not-her-secret")), JOB}, 403, "metadata: minio.groups: "},
		{{METADATA(AS("carol", "not-her-secret")), JOB, TAR}, 403, "metadata: minio.groups: "},
		{{METADATA(""), JOB, {ARCHIVE, "a.tar", NULL, header, sizeof(header)}}, 420, ARCHIVE ": "},
	};

	memcpy(header, archive, sizeof(header)); /* the file's first bytes, and no more */
	free(archive);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = form_submit(rows[i].parts, &answer, type);

		if (status != rows[i].status || !strstr(answer, rows[i].text) || strstr(answer, "own-secret") || strstr(answer, "not-her"))
			fail_msg("row %zu: %d %s", i, status, answer);
		free(answer);
		await_nothing_left();
	}
}

/* The status of a GET with the keys of an access URL; what comes goes to the file `got`. */
static int get_with(const char *keys, const char *path)
{
	char *command = gw_sprintf("curl -s -o %s -w '%%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 -H "
				   "'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user '%s' 'http://10.42.0.1:9000/%s' >%s",
				   tmp_path("got"), keys, path, tmp_path("status")),
	     *text;
	int status;

	shell("%s", command);
	text = file_get(tmp_path("status"));
	status = atoi(text);
	free(text);
	free(command);
	return status;
}

/* bucketd is told of the job's end, and nobody tells when it has done what follows. */
static void await_refused(const char *keys, const char *path)
{
	int status;

	for (int i = 0; (status = get_with(keys, path)) != 403; i++)
		if (i > 1000)
			fail_msg("the keys of a job that is over still give %d", status);
}

static void a_job_has_its_real_bucket_until_its_end(void **state)
{
	struct proc client;
	char keys[256], name[64], *path;
	const char *line, *at;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	submit_with(&client, WITH_GROUP, t.archive, ends[0]);
	close(ends[0]);
	powered(&client);
	net_send(t.console, "it works\ngood bye\n");
	line = proc_await(&client, "bucket {*}");
	at = strstr(line, "http://") + strlen("http://");
	snprintf(keys, sizeof(keys), "%.*s", (int)strcspn(at, "@"), at);
	at = strstr(line, "\"bucket_name\": \"") + strlen("\"bucket_name\": \"");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\""), at);
	assert_true(glob_line("job-52-54-00-00-00-01-mine-1-*", name, strlen(name)));
	path = gw_sprintf("%s/inside", name);
	assert_int_equal(get_with(keys, path), 200);
	shell("cmp %s %s", tmp_path("got"), tmp_path("inside"));
	net_send(ends[1], "\n");
	close(ends[1]);
	assert_int_equal(proc_wait(&client), 0);
	farm_await(t.farm, DUT, "state", "IDLE");
	await_refused(keys, path); /* it goes with its job */
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_36_each_refusal_has_its_code_and_text_and_leaves_nothing),
		cmocka_unit_test(a_job_that_its_jobd_refuses_leaves_no_bucket),
		cmocka_unit_test(bucketd_gets_the_archive_in_a_file_and_its_death_refuses_the_job),
		cmocka_unit_test(a_jobd_that_dies_while_the_bucket_is_made_is_followed_by_another),
		cmocka_unit_test(a_job_is_cancelled_before_it_runs),
		cmocka_unit_test(a_job_knows_its_bucket_and_its_submitter_where_it_is),
		cmocka_unit_test(a_job_without_a_bucket_asks_nothing_of_bucketd),
		cmocka_unit_test(the_bucket_of_a_living_job_survives_kills_of_executord_and_of_bucketd),
		cmocka_unit_test(a_bucket_whose_job_ends_without_bucketd_goes_when_bucketd_comes),
		cmocka_unit_test(a_bucket_that_cannot_be_removed_is_told_of_again),
		cmocka_unit_test(a_large_archive_stays_out_of_memory),
		cmocka_unit_test(no_room_for_an_archive_is_507_and_leaves_nothing),
		cmocka_unit_test(a_body_of_unknown_size_is_507_where_it_would_fill_the_disk),
		cmocka_unit_test(a_submitter_that_leaves_in_the_middle_leaves_nothing),
		cmocka_unit_test(what_a_killed_executord_left_there_goes_at_the_next_start),
		cmocka_unit_test(a_bucket_goes_with_its_job_whatever_ends_it),
		cmocka_unit_test(a_removed_machines_bucket_goes_too),
		cmocka_unit_test(promise_38_no_secret_is_in_a_log),
	};
	const struct CMUnitTest elsewhere[] = {
		cmocka_unit_test(where_buckets_are_another_hosts_jobs_get_none),
	};

	const struct CMUnitTest real[] = {
		cmocka_unit_test(the_real_bucketd_refuses_who_is_not_in_the_group_and_what_is_no_whole_tar),
		cmocka_unit_test(a_job_has_its_real_bucket_until_its_end),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("here", tests, start, stop) +
	       cmocka_run_group_tests_name("elsewhere", elsewhere, start_elsewhere, stop_elsewhere) +
	       cmocka_run_group_tests_name("real", real, start_real, stop_real);
}
