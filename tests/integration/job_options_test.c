/* What a job's description and its metadata may ask for beyond a kernel: real daemons with a dummy PDU; the test is the machine, at its
 * serial console and in a network namespace of its own, and has an HTTP server for what jobs fetch. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define MAC    "52:54:00:00:00:01"
#define DUT    "/dut/" MAC
#define FILES  "http://10.42.0.1:8000"
#define CLIENT TEST_DATA "/../integration/job_client.py"
#define SERVER TEST_DATA "/../integration/artifactd_server.py"

static const char db[] = "pdus:\n  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
			 "duts:\n  '" MAC "':\n    base_name: box\n    tags: [x86_64]\n    ip_address: 10.42.7.7\n    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n    pdu_off_delay: 0.01\n    ready_for_service: true\n";

static struct farm *farm;
static struct proc server;
static pid_t machine; /* holds the machine's network namespace */
static int console;

/* ---- the pieces ---- */

static void machine_start(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	machine = fork();
	if (machine == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	shell("ip link add dut0 type veth peer name eth0 address " MAC " && ip link set eth0 netns %d && "
	      "ip link set dut0 master private up && nsenter -t %d -n ip link set eth0 up && "
	      "nsenter -t %d -n ip addr add 10.42.7.7/16 dev eth0",
	      (int)machine, (int)machine, (int)machine);
}

/* The machine's serial line at SALAD. */
static int console_open(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(8100)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char hello[] = "\nSALAD.machine_id=" MAC "\n";

	inet_pton(AF_INET, "10.42.0.1", &where.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(write(fd, hello, sizeof(hello) - 1), sizeof(hello) - 1);
	return fd;
}

static void say(const char *text)
{
	assert_int_equal(write(console, text, strlen(text)), strlen(text));
}

static int start(void **state)
{
	static char registries[600];
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", registries, NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	const char *argv[] = {"python3", SERVER, "8000", NULL};

	snprintf(registries, sizeof(registries), "REGISTRIES_CFG=%s", tmp_path("registries.yml"));
	farm = farm_start(&options);
	proc_start(&server, "server", argv, NULL);
	proc_await(&server, "ready");
	machine_start();
	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await_value(farm, DUT, "logs_endpoint/port");
	console = console_open();
	return 0;
}

static int stop(void **state)
{
	close(console);
	kill(machine, SIGKILL);
	waitpid(machine, NULL, 0);
	proc_end(&server, SIGTERM);
	farm_stop(farm);
	return 0;
}

/* Submits: the metadata without version and callback, and a job's text or NULL. */
static void submit(struct proc *client, const char *name, const char *metadata, const char *text)
{
	static int port = 5600;
	char number[16], *path = gw_sprintf("%s", tmp_path("%s.yml", name));
	const char *argv[] = {"python3", CLIENT, number, metadata, text ? path : NULL, NULL};

	snprintf(number, sizeof(number), "%d", port++);
	if (text)
		file_put(path, text);
	proc_start(client, name, argv, NULL);
	free(path);
}

static void submit_and_await_power(struct proc *client, const char *name, const char *metadata, const char *text)
{
	submit(client, name, metadata, text);
	proc_await(client, "answer 200*");
	proc_await(client, "ctrl 201 1 {} *the machine is powered");
}

static void end_job(struct proc *client)
{
	say("END\n");
	proc_await(client, "end COMPLETE");
	assert_int_equal(proc_wait(client), 0);
	farm_await(farm, DUT, "state", "IDLE");
}

static void assert_refused(const char *name, const char *metadata, const char *text, const char *answer)
{
	struct proc client;
	const char *got;

	submit(&client, name, metadata, text);
	got = proc_await(&client, "answer *");
	if (!glob_line(answer, got, strlen(got)))
		fail_msg("got %s\nexpected: %s", got, answer);
	assert_int_equal(proc_wait(&client), 1);
	assert_string_equal(farm_get(DUT, "state"), "IDLE");
}

#define TARGET "\"target\": {\"id\": \"" MAC "\"}"
#define HEAD   "version: 1\ntarget: {id: " MAC "}\nconsole_patterns: {session_end: {regex: '^END'}}\n"

/* ---- job_desc_url ---- */

static void a_job_is_fetched_from_its_url(void **state)
{
	struct proc client;

	submit_and_await_power(&client, "by-url", "{\"job_desc_url\": \"" FILES "/job?token=s3cret\", " TARGET "}", NULL);
	assert_true(proc_has_said(&client, "*fetched for 52:54:00:00:00:01*"));
	proc_await(&farm->supervisor, "artifactd info: job=user-* description: " FILES "/job: * bytes");
	end_job(&client);
}

static void what_cannot_be_fetched_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *url, *error;
	} rows[] = {
		{FILES "/status/404", "metadata: job_desc_url: " FILES "/status/404: the server answered 404; accepted: 200"},
		{FILES "/status/500", "metadata: job_desc_url: " FILES "/status/500: the server answered 500; accepted: 200"},
		{FILES "/bytes/2000000", "metadata: job_desc_url: " FILES "/bytes/2000000*1048576*"},
		{FILES "/endless", "metadata: job_desc_url: " FILES "/endless*1048576*"},
		{FILES "/short", "metadata: job_desc_url: " FILES "/short*"},
		{FILES "/loop", "metadata: job_desc_url: " FILES "/loop*redirect*"},
		{FILES "/to/127.0.0.1:8000/job", "metadata: job_desc_url: " FILES "/to/127.0.0.1:8000/job*not allowed*"},
		{"http://127.0.0.1:8000/job", "metadata: job_desc_url: http://127.0.0.1:8000/job*not allowed*"},
		{"http://10.42.0.1:9/job", "metadata: job_desc_url: http://10.42.0.1:9/job*"},
		{"ftp://10.42.0.1/job", "metadata: job_desc_url: ftp://10.42.0.1/job*http*"},
		{FILES "/binary",
		 "metadata: job_desc_url: " FILES "/binary: byte 0xff at offset 3 is not valid here; accepted: UTF-8 without a "
		 "character 0"},
		{FILES "/tagged", "job:1:1: *"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[32], metadata[512], answer[512];

		snprintf(name, sizeof(name), "refused-%zu", i);
		snprintf(metadata, sizeof(metadata), "{\"job_desc_url\": \"%s\", " TARGET "}", rows[i].url);
		snprintf(answer, sizeof(answer), "answer 400 {\"version\":1,\"error_msg\":\"%s\"}", rows[i].error);
		assert_refused(name, metadata, NULL, answer);
	}
}

static void a_url_and_a_job_or_a_url_without_a_target_are_refused(void **state)
{
	assert_refused("both", "{\"job_desc_url\": \"" FILES "/job\", " TARGET "}", HEAD,
		       "answer 400 *both the part 'job' and metadata.job_desc_url are given; accepted: one of them*");
	assert_refused("no-target", "{\"job_desc_url\": \"" FILES "/job\"}", NULL,
		       "answer 400 *metadata: target: it is missing; accepted with job_desc_url: *");
	assert_refused("unknown", "{\"job_desc_url\": \"" FILES "/job\", \"target\": {\"id\": \"nobody\"}}", NULL,
		       "answer 404 *there is no machine 'nobody'*");
}

/* ---- storage paths ---- */

static int last_status;

/* What the machine gets from the gateway: its content (the caller frees), the status in last_status. */
static char *machine_gets(const char *url)
{
	char command[1024], *content = gw_calloc(1, 65536);
	FILE *answer;
	size_t n;

	snprintf(command, sizeof(command), "nsenter -t %d -n curl -s --noproxy '*' --tftp-no-options -w '%%{http_code}' %s", (int)machine,
		 url);
	answer = popen(command, "r");
	assert_non_null(answer);
	n = fread(content, 1, 65535, answer);
	pclose(answer);
	assert_true(n >= 3);
	last_status = atoi(content + n - 3);
	content[n - 3] = '\0';
	return content;
}

/* What a filter makes of it. */
static void assert_filtered(const char *url, const char *filter, const char *content)
{
	char command[1024], got[4096] = "";
	FILE *answer;

	snprintf(command, sizeof(command), "nsenter -t %d -n curl -s --noproxy '*' %s | %s", (int)machine, url, filter);
	answer = popen(command, "r");
	assert_non_null(answer);
	got[fread(got, 1, sizeof(got) - 1, answer)] = '\0';
	pclose(answer);
	assert_string_equal(got, content);
}

static void assert_got(const char *url, const char *content)
{
	char *got = machine_gets(url);

	assert_string_equal(got, content);
	free(got);
}

/* The machine chooses what its job's url becomes: too long a one is no file, and ends nothing. */
static void assert_none_of_a_long_url(void)
{
	char path[801], *url;

	memset(path, 'a', 800);
	path[800] = '\0';
	url = gw_sprintf("http://10.42.0.1:8090/long/%s", path);
	free(machine_gets(url));
	free(url);
	assert_int_equal(last_status, 404);
	proc_await(&farm->supervisor,
		   "jobd warning: job=user-* the machine asks for /long/aaa*: artifact.get: url: * are too many; accepted: 4096");
}

static void a_regex_path_is_fetched_when_the_machine_asks_for_it(void **state)
{
	struct proc client;
	char *got;

	submit_and_await_power(&client, "regex", "{}",
			       HEAD "deployment:\n  start:\n    storage:\n"
				    "      http:\n"
				    "        - {path: '/pool/([0-9]+)', url: '" FILES "/bytes/\\1'}\n"
				    "        - {path: '/long/(a+)', url: '" FILES "/\\1\\1\\1\\1\\1\\1'}\n"
				    "      tftp: [{path: '/(no|what)/.*', data: some text}, {path: '/t/(.*)', url: '" FILES "/\\1'}]\n");
	got = machine_gets("http://10.42.0.1:8090/pool/1000");
	assert_int_equal(strlen(got), 1000);
	assert_int_equal(last_status, 200);
	free(got);
	assert_got("http://10.42.0.1:8090/pool/30", "/bytes/30\n/bytes/30\n/bytes/30\n");
	assert_got("-r 1-5 http://10.42.0.1:8090/pool/30", "bytes");
	free(machine_gets("http://10.42.0.1:8090/pool/x"));
	assert_int_equal(last_status, 404);
	free(machine_gets("http://10.42.0.1:8090/what/x"));
	assert_int_equal(last_status, 404);
	proc_await(&farm->supervisor,
		   "jobd warning: job=user-* the machine asks for /what/x by http: no storage entry of this job answers '/what/x'");
	assert_none_of_a_long_url();
	assert_got("tftp://10.42.0.1/what/x", "some text");
	assert_got("tftp://10.42.0.1/t/dated", "dated\n");
	assert_got("tftp://10.42.0.1/t/status/404", "");
	proc_await(&farm->supervisor,
		   "jobd warning: job=user-* the machine asks for /t/status/404 by tftp: deployment.start.storage.tftp[1]: " FILES
		   "/status/404: the server answered 404; accepted: 200");
	assert_got("tftp://10.42.0.1/elsewhere", "");
	end_job(&client);
	free(machine_gets("http://10.42.0.1:8090/pool/30"));
	assert_int_equal(last_status, 404);
}

/* ---- archives and formats ---- */

static void artifacts_are_made_of_others(void **state)
{
	static const char text[] = HEAD
		"deployment:\n  start:\n"
		"    kernel: {url: '" FILES "/tree.tar.gz', format: {archive: {match: boot/vmlinuz.*}}}\n"
		"    initramfs:\n"
		"      - {url: '" FILES
		"/tree.tar.gz', format: {archive: {extension: cpio, keep: {path: '(etc)/motd', rewrite: '\\1/issue'},\n"
		"         add: {path: init, mode: 0755, artifact: {data: run}}}}}\n"
		"      - {archive: {extension: cpio, compression: xz, add: {path: a/b, artifact: {data: second}}}}\n"
		"    dtb: {data: 'echo booted', format: {uboot: {}}}\n";
	struct proc client;

	submit_and_await_power(&client, "made", "{}", text);
	assert_got("http://10.42.0.1:8090/_/job/kernel", "the kernel\n");
	assert_filtered("http://10.42.0.1:8090/_/job/initramfs/0", "cpio -it 2>/dev/null", "etc\netc/issue\ninit\n");
	assert_filtered("http://10.42.0.1:8090/_/job/initramfs/1", "xz -dc | cpio -i --to-stdout a/b 2>/dev/null", "second");
	assert_filtered("http://10.42.0.1:8090/_/job/dtb", "tail -c +65 | od -An -c | tr -d ' \\n'", "\\0\\0\\0\\v\\0\\0\\0\\0echobooted");
	end_job(&client);
	submit_and_await_power(&client, "made-again", "{}", text);
	proc_await(&farm->supervisor, "artifactd info: job=user-* artifact: archive of what is added: * bytes, sha256-*, as cached");
	end_job(&client);
}

static void what_cannot_be_made_fails_the_setup_with_its_reason(void **state)
{
	struct proc client;

	submit(&client, "not-made", "{}",
	       HEAD "deployment: {start: {kernel: {url: '" FILES "/tree.tar.gz', format: {archive: {match: nothing}}}}}\n");
	proc_await(&client, "ctrl 102 3 {} *Infra setup failed: deployment.start.kernel: no file of the archive matches 'nothing'");
	proc_await(&client, "end SETUP_FAIL");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "IDLE");
	submit(&client, "no-archive", "{}", HEAD "deployment: {start: {initramfs: {data: text, format: {archive: {extension: cpio}}}}}\n");
	proc_await(&client, "ctrl 102 3 {} *deployment.start.initramfs: the archive cannot be read: Unrecognized archive format");
	proc_await(&client, "end SETUP_FAIL");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "IDLE");
}

/* ---- the registry ---- */

static void assert_image(const char *name, const char *expected)
{
	struct proc client;

	submit_and_await_power(
		&client, name, "{}",
		HEAD "deployment: {start: {kernel: {data: k, cmdline: 'image={{ registry.to_local_proxy(\"docker://quay.io/a/b:1\") }} "
		     "{{ registry.to_local_proxy(\"ghcr.io/c\") }}'}}}\n");
	assert_filtered("http://10.42.0.1:8090/boot/" MAC "/boot.ipxe", "grep -o 'image=.* ||' | sed 's/ ||$//' | tr -d '\\n'", expected);
	end_job(&client);
}

/* As an editor that nobody sees half of a file of. */
static void save_at_once(const char *path, const char *text)
{
	char *beside = gw_sprintf("%s.new", path);

	file_put(beside, text);
	assert_int_equal(rename(beside, path), 0);
	free(beside);
}

static void images_are_led_to_a_local_proxy_by_rules_that_are_edited_live(void **state)
{
	char *path = gw_sprintf("%s", tmp_path("registries.yml"));

	assert_image("no-rules", "image=docker://quay.io/a/b:1 ghcr.io/c");
	save_at_once(path,
		     "images:\n  - match: ^quay.io\n    replace: ci-gateway:8100\n  - {match: '^(ci-gateway|ghcr)', replace: 'x-\\1'}\n");
	proc_await(&farm->supervisor, "executord info: REGISTRIES_CFG: 2 rules");
	assert_image("rules", "image=docker://ci-gateway:8100/a/b:1 x-ghcr.io/c");
	save_at_once(path, "images:\n  - match: (quay.io\n    replace: x\n");
	proc_await(&farm->supervisor,
		   "executord error: REGISTRIES_CFG: registries.yml:2:12: images[0].match: '(quay.io' is not a regex: missing "
		   "closing parenthesis, at offset 8. The rules read at * stay in use");
	assert_image("old-rules", "image=docker://ci-gateway:8100/a/b:1 x-ghcr.io/c");
	free(path);
}

/* ---- the log ---- */

static void each_daemon_says_whose_job_its_lines_are_about(void **state)
{
	struct proc client;

	submit_and_await_power(&client, "logged", "{}", HEAD "deployment: {start: {kernel: {url: " FILES "/bytes/100}}}\n");
	end_job(&client);
	assert_true(proc_has_said(&farm->supervisor, "executord info: *job=user-*"));
	assert_true(proc_has_said(&farm->supervisor, "jobd info: job=user-* dut=" MAC " user"));
	assert_true(proc_has_said(&farm->supervisor, "artifactd info: job=user-* artifact: " FILES "/bytes/100: 100 bytes, sha256-*"));
	assert_true(proc_has_said(&farm->supervisor, "bootsd info: job=user-* dut=" MAC ": * files deployed"));
	assert_true(proc_has_said(&farm->supervisor, "pdud info: job=user-* port 0 of PDU 'DUMMY': the job holds it"));
	assert_true(proc_has_said(&farm->supervisor, "pdud info: job=user-* port 0 of PDU 'DUMMY': * -> ON"));
	assert_true(proc_has_said(&farm->supervisor, "pdud info: job=user-* port 0 of PDU 'DUMMY': the job gives it back"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_fetched_from_its_url),
		cmocka_unit_test(what_cannot_be_fetched_is_refused_with_its_reason),
		cmocka_unit_test(a_url_and_a_job_or_a_url_without_a_target_are_refused),
		cmocka_unit_test(a_regex_path_is_fetched_when_the_machine_asks_for_it),
		cmocka_unit_test(artifacts_are_made_of_others),
		cmocka_unit_test(what_cannot_be_made_fails_the_setup_with_its_reason),
		cmocka_unit_test(images_are_led_to_a_local_proxy_by_rules_that_are_edited_live),
		cmocka_unit_test(each_daemon_says_whose_job_its_lines_are_about),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, start, stop);
}
