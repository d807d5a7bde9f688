/* Container images for machines: real daemons with a dummy PDU, and a stand-in for the command that pulls; the test is the machine. */
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define MAC    "52:54:00:00:00:01"
#define DUT    "/dut/" MAC
#define CLIENT TEST_DATA "/../integration/job_client.py"

static const char db[] = "pdus:\n  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
			 "duts:\n  '" MAC "':\n    base_name: box\n    tags: [x86_64]\n    ip_address: 10.42.7.7\n    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n    pdu_off_delay: 0.01\n    ready_for_service: true\n";

static struct farm *farm;
static char path_is[600], pull_is[900], exists_is[900]; /* NAME=VALUE */
static pid_t machine;                                   /* holds the machine's network namespace */
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

/* The command that pulls: it writes down how it was called, and its images are files of a folder. `slow` waits for a file, `broken` fails,
 * `loud` prints too much, `mute` prints no id. */
static void stand_in_make(void)
{
	char *text = gw_sprintf("#!/bin/sh\n"
				"cd %s || exit 9\n"
				"case \"$*\" in *slow*) trap 'echo ended >>calls; exit 1' TERM ;; esac\n" /* before it is known of */
				"echo \"$# $*\" >>calls\n"
				"case \"$3 $4 $*\" in\n"
				"exists*) test -e there ;;\n"
				"*broken*) echo 'Trying to pull'; printf 'Error: manifest unknown\\n\\n' >&2; exit 125 ;;\n"
				"*loud*) yes ;;\n"
				"*mute*) echo 'no id at all' ;;\n"
				"*slow*) while ! test -e go; do sleep 0.05; done; echo sha-slow ;;\n"
				"*) echo 'Trying to pull'; echo 'Copying blobs' >&2; echo sha256-of-it ;;\n"
				"esac\n",
				tmp_path("."));
	char *file = gw_sprintf("%s", tmp_path("stand-in"));

	file_put(file, text);
	shell("chmod 755 %s && mkdir -p %s", file, tmp_path("stores"));
	free(file);
	free(text);
}

static int start(void **state)
{
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", path_is, pull_is, exists_is, NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	stand_in_make();
	snprintf(path_is, sizeof(path_is), "IMAGESTORE_PATH=%s", tmp_path("stores"));
	snprintf(pull_is, sizeof(pull_is),
		 "IMAGESTORE_PULL_CMD=%s --root ${imgstore} pull --tls-verify=${tls_verify} --platform=${platform} '' ${image_name}",
		 tmp_path("stand-in"));
	snprintf(exists_is, sizeof(exists_is), "IMAGESTORE_IMAGE_EXISTS_CMD=%s --root ${imgstore} exists ${image_name}",
		 tmp_path("stand-in"));
	farm = farm_start(&options);
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

#define HEAD "version: 1\ntarget: {id: " MAC "}\nconsole_patterns: {session_end: {regex: '^END'}}\n"

#define IMAGES(images)                                                                                                                     \
	HEAD "deployment: {start: {storage: {imagestore: {public: {images: {" images "}}}}, kernel: {data: k, cmdline: '" CMDLINE "'}}}\n"
#define CMDLINE                                                                                                                            \
	"{% raw %}id={{ job.imagestore.public.mesa.image_id }} name={{ job.imagestore.public.mesa.image_name }} "                          \
	"on={{ job.imagestore.public.mesa.platform }}{% endraw %}"

/* The command line that the machine boots with. */
static void assert_cmdline(const char *expected)
{
	char command[1024], got[4096] = "", *end;
	FILE *answer;

	snprintf(command, sizeof(command), "nsenter -t %d -n curl -s --noproxy '*' http://10.42.0.1:8090/boot/" MAC "/boot.ipxe",
		 (int)machine);
	answer = popen(command, "r");
	assert_non_null(answer);
	got[fread(got, 1, sizeof(got) - 1, answer)] = '\0';
	pclose(answer);
	if (!strstr(got, expected))
		fail_msg("the machine boots with\n%s\nexpected: %s", got, expected);
	end = strstr(got, expected) + strlen(expected);
	assert_true(*end == ' ' || *end == '\n');
}

static void forget_calls(void)
{
	file_put(tmp_path("calls"), "");
}

static void assert_calls(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void assert_calls(const char *fmt, ...)
{
	char *got = file_get(tmp_path("calls")), expected[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	assert_string_equal(got, expected);
	free(got);
}

/* Until the stand-in wrote this line. */
static void await_call(const char *part)
{
	const struct timespec a_moment = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < PROC_PATIENCE_MS / 20; i++) {
		char *got = file_get(tmp_path("calls"));
		bool is_there = strstr(got, part) != NULL;

		free(got);
		if (is_there)
			return;
		nanosleep(&a_moment, NULL);
	}
	fail_msg("never called with %s", part);
}

static void assert_setup_fails(const char *name, const char *images, const char *reason)
{
	struct proc client;
	char *text = gw_sprintf(HEAD "deployment: {start: {storage: {imagestore: {public: {images: {%s}}}}}}\n", images);
	char *line = gw_sprintf("ctrl 102 3 {} *Infra setup failed: %s", reason);

	submit(&client, name, "{}", text);
	proc_await(&client, line);
	proc_await(&client, "end SETUP_FAIL");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "IDLE");
	free(line);
	free(text);
}

static void an_image_is_pulled_before_the_machine_boots_and_templates_have_its_id(void **state)
{
	struct proc client;

	forget_calls();
	submit_and_await_power(&client, "pulled", "{}", IMAGES("mesa: {name: 'docker://registry.org/mesa/mesa:1'}"));
	assert_cmdline("id=sha256-of-it name=registry.org/mesa/mesa:1 on=linux/amd64");
	assert_calls("7 --root %s/public pull --tls-verify=true --platform=linux/amd64  docker://registry.org/mesa/mesa:1\n",
		     tmp_path("stores"));
	end_job(&client);
}

static void a_relaxed_pull_reuses_what_was_pulled_lately_and_another_does_not(void **state)
{
	struct proc client;

	forget_calls();
	submit_and_await_power(&client, "relaxed", "{}", IMAGES("mesa: {name: 'docker://registry.org/mesa/mesa:1'}"));
	assert_cmdline("id=sha256-of-it name=registry.org/mesa/mesa:1 on=linux/amd64");
	assert_calls("%s", "");
	end_job(&client);
	submit_and_await_power(
		&client, "always", "{}",
		IMAGES("mesa: {name: 'docker://registry.org/mesa/mesa:1', pull: always, tls_verify: false, platform: linux/arm64}"));
	assert_cmdline("id=sha256-of-it name=registry.org/mesa/mesa:1 on=linux/arm64");
	assert_calls("7 --root %s/public pull --tls-verify=false --platform=linux/arm64  docker://registry.org/mesa/mesa:1\n",
		     tmp_path("stores"));
	end_job(&client);
}

static void an_image_is_pulled_if_missing_and_only_then(void **state)
{
	struct proc client;

	forget_calls();
	submit_and_await_power(&client, "missing", "{}", IMAGES("mesa: {name: registry.org/a, pull: missing}"));
	assert_calls("4 --root %s/public exists registry.org/a\n"
		     "7 --root %s/public pull --tls-verify=true --platform=linux/amd64  registry.org/a\n",
		     tmp_path("stores"), tmp_path("stores"));
	end_job(&client);
	forget_calls();
	file_put(tmp_path("there"), "");
	submit_and_await_power(&client, "not-missing", "{}",
			       IMAGES("mesa: {name: registry.org/a, pull: missing}, other: {name: registry.org/b, pull: missing}"));
	assert_cmdline("id=sha256-of-it name=registry.org/a on=linux/amd64");
	await_call("exists registry.org/b");
	end_job(&client);
	unlink(tmp_path("there"));
}

static void what_cannot_be_pulled_fails_the_setup_with_its_reason(void **state)
{
	assert_setup_fails("broken", "it: {name: registry.org/broken}",
			   "deployment.start.storage.imagestore.public.images.it: */stand-in: exit code 125: Error: manifest unknown");
	assert_setup_fails("loud", "it: {name: registry.org/loud}", "*stand-in was stopped: it printed more than 16 MiB");
	assert_setup_fails("mute", "it: {name: registry.org/mute}",
			   "*IMAGESTORE_PULL_CMD printed no image id as its last line; found: 'no id at all'");
}

static void a_job_that_ends_ends_its_pull(void **state)
{
	struct proc client;

	forget_calls();
	submit(&client, "cancelled", "{}",
	       HEAD "deployment: {start: {storage: {imagestore: {public: {images: {it: {name: r.org/slow}}}}}}}\n");
	await_call("slow");
	proc_end(&client, SIGKILL);
	await_call("ended");
	farm_await(farm, DUT, "state", "IDLE");
}

static void a_pull_is_asked_for_again_when_artifactd_comes_back(void **state)
{
	struct proc client;

	forget_calls();
	submit(&client, "again", "{}", HEAD "deployment: {start: {storage: {imagestore: {public: {images: {it: {name: r.org/slow}}}}}}}\n");
	await_call("slow");
	forget_calls(); /* before there can be another one */
	farm_kill(farm, "artifactd");
	await_call("slow");
	file_put(tmp_path("go"), "");
	proc_await(&client, "ctrl 201 1 {} *the machine is powered");
	end_job(&client);
	unlink(tmp_path("go"));
}

#define MOUNT                                                                                                                              \
	HEAD "deployment: {start: {kernel: {data: k, cmdline: 'm={{ imagestore.mount(\"public\").nfs.to_b2c_filesystem(\"store\") }} "     \
	     "{{ imagestore.mount(\"public\").nfs.src }}'}}}\n"

static void assert_mount(const char *name, const char *expected)
{
	struct proc client;

	submit_and_await_power(&client, name, "{}", MOUNT);
	assert_cmdline(expected);
	end_job(&client);
}

static void how_a_store_is_mounted_is_told_by_config_yml_which_is_edited_live(void **state)
{
	char *file = gw_sprintf("%s/config.yml", tmp_path("stores"));
	struct proc client;

	submit(&client, "no-mounts", "{}", MOUNT);
	proc_await(&client, "answer 400 *job:4: 'to_b2c_filesystem' is not defined, so it cannot be called*");
	assert_int_equal(proc_wait(&client), 1);
	file_put(file, "mount:\n  - type: nfs\n    src: ci-gateway:/imagestores\n    opts: [vers=4.2, ro, addr=10.42.0.1]\n");
	proc_await(&farm->supervisor, "executord info: IMAGESTORE_PATH: 1 mounts");
	assert_mount("mounts", "m=b2c.filesystem=store,type=nfs,src=ci-gateway:/imagestores/public,opts=vers=4.2|ro|addr=10.42.0.1 "
			       "ci-gateway:/imagestores/public");
	file_put(file, "mount:\n  - type: nfs\n    source: x\n");
	proc_await(&farm->supervisor, "executord error: IMAGESTORE_PATH: config.yml:3:5: mount[0].source: it is not a field of a mount; "
				      "accepted: type, src, opts. The mounts read at * stay in use");
	assert_mount("old-mounts", "m=b2c.filesystem=store,type=nfs,src=ci-gateway:/imagestores/public,opts=vers=4.2|ro|addr=10.42.0.1 "
				   "ci-gateway:/imagestores/public");
	free(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_pulled_before_the_machine_boots_and_templates_have_its_id),
		cmocka_unit_test(a_relaxed_pull_reuses_what_was_pulled_lately_and_another_does_not),
		cmocka_unit_test(an_image_is_pulled_if_missing_and_only_then),
		cmocka_unit_test(what_cannot_be_pulled_fails_the_setup_with_its_reason),
		cmocka_unit_test(a_job_that_ends_ends_its_pull),
		cmocka_unit_test(a_pull_is_asked_for_again_when_artifactd_comes_back),
		cmocka_unit_test(how_a_store_is_mounted_is_told_by_config_yml_which_is_edited_live),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, start, stop);
}
