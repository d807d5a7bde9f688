/* Network block devices: real daemons with a dummy PDU and a real nbdkit; the test is the machine, with clients of that protocol. */
#include <arpa/inet.h>
#include <fcntl.h>
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
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define MAC     "52:54:00:00:00:01"
#define DUT     "/dut/" MAC
#define JOBS    TEST_DATA "/../integration/job_client.py"
#define CLIENT  TEST_DATA "/../integration/nbd_client.py"
#define OTHER   "10.42.7.8" /* a second address of the machine, as if it were another one's */
#define A_GIG   "1073741824"
#define DISK_KB 192 /* of the file that most devices are copies of */

static const char db[] = "pdus:\n  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
			 "duts:\n  '" MAC "':\n    base_name: box\n    tags: [x86_64]\n    ip_address: 10.42.7.7\n    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n    pdu_off_delay: 0.01\n    ready_for_service: true\n";

static struct farm *farm;
static struct proc web;
static char root_is[600]; /* NAME=VALUE */
static pid_t machine;     /* holds the machine's network namespace */
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
	      "nsenter -t %d -n ip addr add 10.42.7.7/16 dev eth0 && nsenter -t %d -n ip addr add " OTHER "/16 dev eth0",
	      (int)machine, (int)machine, (int)machine, (int)machine);
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

/* What jobs' devices are copies of. */
static void web_start(void)
{
	const char *argv[] = {"python3", "-m", "http.server", "8000", "--bind", "10.42.0.1", "--directory", tmp_path("web"), NULL};

	shell("mkdir -p %s && head -c %dk /dev/urandom >%s && head -c 2M /dev/urandom >%s && tar -C %s -cf %s disk", tmp_path("web"),
	      DISK_KB, tmp_path("web/disk"), tmp_path("web/large"), tmp_path("web"), tmp_path("web/disk.tar"));
	proc_start(&web, "web", argv, (const char *const[]){"PYTHONUNBUFFERED=1", NULL});
	proc_await(&web, "Serving HTTP on");
}

/* Images have little room. Daemons may be held for as long as a test likes. */
static int start(void **state)
{
	const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "EXECUTOR_NBD_MAX_SIZE=2048", "EXECUTOR_WATCHDOG=0", root_is, NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	snprintf(root_is, sizeof(root_is), "EXECUTOR_NBD_ROOT=%s", tmp_path("nbd"));
	shell("mkdir %s", tmp_path("nbd"));
	assert_int_equal(mount("tmpfs", tmp_path("nbd"), "tmpfs", 0, "size=1m,mode=710"), 0);
	web_start();
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
	proc_end(&web, SIGTERM);
	return 0;
}

static void submit(struct proc *client, const char *name, const char *text)
{
	static int port = 5600;
	char number[16], *path = gw_sprintf("%s", tmp_path("%s.yml", name));
	const char *argv[] = {"python3", JOBS, number, "{}", path, NULL};

	snprintf(number, sizeof(number), "%d", port++);
	file_put(path, text);
	proc_start(client, name, argv, NULL);
	free(path);
}

static void submit_and_await_power(struct proc *client, const char *name, const char *text)
{
	submit(client, name, text);
	proc_await(client, "answer 200*");
	proc_await(client, "ctrl 201 1 {} *the machine is powered");
}

/* Until a shell's command fails. */
static void await_failure(const char *command)
{
	const struct timespec a_moment = {.tv_nsec = 20 * 1000 * 1000};
	int i = 0;

	while (system(command) == 0 && i++ < PROC_PATIENCE_MS / 20)
		nanosleep(&a_moment, NULL);
	assert_int_not_equal(system(command), 0);
}

/* Until there is nothing in the folder of images. */
static void await_no_images(void)
{
	char *command = gw_sprintf("ls -d %s/*/ >/dev/null 2>&1", tmp_path("nbd"));

	await_failure(command);
	free(command);
}

static void end_job(struct proc *client)
{
	say("END\n");
	proc_await(client, "end COMPLETE");
	assert_int_equal(proc_wait(client), 0);
	farm_await(farm, DUT, "state", "IDLE");
	await_no_images();
}

#define HEAD  "version: 1\ntarget: {id: " MAC "}\nconsole_patterns: {session_end: {regex: '^END'}, session_reboot: {regex: '^AGAIN'}}\n"
#define TWICE HEAD "timeouts: {boot_cycle: {retries: 1}}\n"
#define CMDLINE                                                                                                                            \
	"kernel: {data: k, cmdline: '{% raw %}{{ job.nbd.d.to_b2c_nbd(\"/dev/nbd0\") }} at={{ job.nbd.d.hostname }}:{{ "                   \
	"job.nbd.d.tcp_port "                                                                                                              \
	"}},{{ job.nbd.d.max_connections }} {% for n in job.nbd %}+{{ n }}{% endfor %} end{% endraw %}'}"
#define DEVICES(devices) "deployment: {start: {storage: {nbd: {" devices "}}, " CMDLINE "}}\n"
#define DISK             "url: 'http://10.42.0.1:8000/disk'"

/* What a command of the machine (or, `on` 0, of the gateway) prints; the caller frees. */
static char *output_of(pid_t on, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *output_of(pid_t on, const char *fmt, ...)
{
	char command[2048], *got = gw_calloc(65536, 1);
	size_t n = on ? (size_t)snprintf(command, sizeof(command), "nsenter -t %d -n ", (int)on) : 0;
	va_list ap;
	FILE *out;

	va_start(ap, fmt);
	vsnprintf(command + n, sizeof(command) - n, fmt, ap);
	va_end(ap);
	out = popen(command, "r");
	assert_non_null(out);
	got[fread(got, 1, 65535, out)] = '\0';
	pclose(out);
	return got;
}

static char *cmdline(void)
{
	char *got = output_of(machine, "curl -s --noproxy '*' http://10.42.0.1:8090/boot/" MAC "/boot.ipxe");
	char *from = strstr(got, "b2c.nbd="), *to = from ? strstr(from, " end") : NULL, *line;

	if (!to)
		fail_msg("the machine boots with\n%s", got);
	line = gw_strndup(from, (size_t)(to - from));
	free(got);
	return line;
}

/* Of the device `d`. */
static int port_of_d(void)
{
	char *line = cmdline();
	int port = 0;

	assert_int_equal(sscanf(line, "b2c.nbd=/dev/nbd0,host=10.42.0.1,port=%d,", &port), 1);
	free(line);
	return port;
}

static void assert_prints(char *got, const char *pattern)
{
	if (!glob_line(pattern, got, strcspn(got, "\n")))
		fail_msg("printed:\n%s\nexpected: %s", got, pattern);
	free(got);
}

/* As often as the server still counts connections that have ended just now. */
static void until_it_is_served(const char *command)
{
	shell("i=0; until %s; do i=$((i + 1)); [ $i -lt %d ] || exit 1; sleep 0.1; done", command, PROC_PATIENCE_MS / 100);
}

static void assert_size(int port, const char *size)
{
	char *command = gw_sprintf("nsenter -t %d -n nbdinfo --size nbd://10.42.0.1:%d >%s 2>&1", (int)machine, port, tmp_path("size"));

	until_it_is_served(command);
	assert_prints(file_get(tmp_path("size")), size);
	free(command);
}

static void fetch(int port, const char *file)
{
	char *command = gw_sprintf("nsenter -t %d -n nbdcopy nbd://10.42.0.1:%d %s", (int)machine, port, file);

	until_it_is_served(command);
	free(command);
}

static void write_to(int port, const char *file)
{
	char *command = gw_sprintf("nsenter -t %d -n nbdcopy %s nbd://10.42.0.1:%d", (int)machine, file, port);

	until_it_is_served(command);
	free(command);
}

static void assert_same(const char *a, const char *b)
{
	shell("cmp %s %s", a, b);
}

/* Connections that are held: what they are to do is written to `*in`. */
static void hold(struct proc *p, int *in, const char *name, int port, const char *count, const char *source)
{
	char number[16], on[16];
	const char *argv[] = {"nsenter", "-t", on, "-n", "python3", CLIENT, number, count, source, NULL};
	int ends[2];

	snprintf(number, sizeof(number), "%d", port);
	snprintf(on, sizeof(on), "%d", (int)machine);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	proc_start_io(p, name, argv, NULL, ends[0], -1);
	close(ends[0]);
	*in = ends[1];
}

static void tell(int in, const char *line)
{
	assert_int_equal(write(in, line, strlen(line)), strlen(line));
}

static void let_go(struct proc *p, int in)
{
	close(in);
	assert_int_equal(proc_wait(p), 0);
}

static char *images(void)
{
	return output_of(0,
			 "cd %s && stat -c '%%a %%n' */*.img | sed 's/-[0-9a-f]\\{32\\}.img$//; s|/| |' | cut -d ' ' -f 1,3 | tr '\\n' ' '",
			 tmp_path("nbd"));
}

static pid_t nbdkit_of(pid_t jobd)
{
	char *got = output_of(0, "pgrep -P %d nbdkit", (int)jobd);
	pid_t pid = atoi(got);

	free(got);
	assert_int_not_equal(pid, 0);
	return pid;
}

static void await_closed(int port)
{
	char *command = gw_sprintf("ss -Hltn 'sport = :%d' | grep -q .", port);

	await_failure(command);
	free(command);
}

/* ---- what a machine sees ---- */

static void a_device_holds_its_artifact_and_keeps_what_is_written_over_the_boots_of_its_job(void **state)
{
	struct proc client, held, again;
	int port, in, in_again;

	submit_and_await_power(&client, "copy", TWICE DEVICES("d: {" DISK "}"));
	port = port_of_d();
	assert_size(port, "196608");
	fetch(port, tmp_path("first"));
	assert_same(tmp_path("first"), tmp_path("web/disk"));
	shell("head -c %dk /dev/zero | tr '\\0' x >%s", DISK_KB, tmp_path("written"));
	write_to(port, tmp_path("written"));
	hold(&held, &in, "left-open", port, "4+", NULL); /* as a machine that is switched off leaves them */
	proc_await(&held, "open 4");
	say("AGAIN\n");
	proc_await(&client, "ctrl 201 1 {} *the machine is powered");
	assert_int_equal(port_of_d(), port);
	tell(in, "read\n");
	proc_await(&held, "cut");
	let_go(&held, in);
	hold(&again, &in_again, "second-boot", port, "4+", NULL);
	proc_await(&again, "open 4");
	let_go(&again, in_again);
	fetch(port, tmp_path("second"));
	assert_same(tmp_path("second"), tmp_path("written"));
	end_job(&client);
	await_closed(port);
	submit_and_await_power(&client, "copy-anew", HEAD DEVICES("d: {" DISK "}")); /* from the cache, which nobody wrote to */
	fetch(port_of_d(), tmp_path("third"));
	assert_same(tmp_path("third"), tmp_path("web/disk"));
	end_job(&client);
}

static void templates_know_where_a_device_is(void **state)
{
	struct proc client;
	char *line, expected[200];
	int port;

	submit_and_await_power(&client, "names", HEAD DEVICES("d: {size: 42k, max_connections: 7}, e: {size: 1}"));
	port = port_of_d();
	line = cmdline();
	snprintf(expected, sizeof(expected), "b2c.nbd=/dev/nbd0,host=10.42.0.1,port=%d,connections=7 at=10.42.0.1:%d,7 +d+e", port, port);
	assert_string_equal(line, expected);
	free(line);
	end_job(&client);
}

static void a_device_of_a_size_is_zeros_and_takes_no_room(void **state)
{
	struct proc client;
	int port;

	submit_and_await_power(&client, "zeros", HEAD DEVICES("d: {size: 42kB}"));
	port = port_of_d();
	assert_size(port, "42000");
	fetch(port, tmp_path("zeros"));
	shell("head -c 42000 /dev/zero | cmp - %s", tmp_path("zeros"));
	end_job(&client);
	submit_and_await_power(&client, "sparse", HEAD DEVICES("d: {size: 1G}")); /* where there is 1 MiB */
	assert_size(port_of_d(), A_GIG);
	end_job(&client);
}

static void a_format_is_made_before(void **state)
{
	struct proc client;

	submit_and_await_power(&client, "format",
			       HEAD DEVICES("d: {url: 'http://10.42.0.1:8000/disk.tar', format: {archive: {match: disk}}}"));
	fetch(port_of_d(), tmp_path("of-a-tar"));
	assert_same(tmp_path("of-a-tar"), tmp_path("web/disk"));
	end_job(&client);
}

static void a_readonly_device_refuses_writes(void **state)
{
	struct proc client, held;
	char *modes;
	int port, in;

	submit_and_await_power(&client, "readonly", HEAD DEVICES("d: {" DISK ", readonly: true}, w: {size: 1}"));
	port = port_of_d();
	hold(&held, &in, "writer", port, "1+", NULL);
	proc_await(&held, "open 1");
	tell(in, "write x\n");
	proc_await(&held, "write error 1"); /* EPERM */
	let_go(&held, in);
	fetch(port, tmp_path("unwritten"));
	assert_same(tmp_path("unwritten"), tmp_path("web/disk"));
	modes = images();
	assert_string_equal(modes, "440 0-d 660 1-w ");
	free(modes);
	end_job(&client);
}

static void more_connections_than_allowed_are_refused(void **state)
{
	struct proc client, held, more;
	int port, in, in_more;

	submit_and_await_power(&client, "limit", HEAD DEVICES("d: {size: 42k}"));
	port = port_of_d();
	hold(&held, &in, "four", port, "4+", NULL);
	proc_await(&held, "open 4");
	hold(&more, &in_more, "fifth", port, "1", NULL);
	proc_await(&more, "refused");
	let_go(&more, in_more);
	tell(in, "write x\nread\n"); /* by one connection, and all see it */
	proc_await(&held, "write ok");
	for (int i = 0; i < 4; i++)
		proc_await(&held, "read 64164443bb63e338ef1cfdb1*");
	let_go(&held, in);
	end_job(&client);
}

static void promise_33_a_device_is_open_to_its_jobs_machine_alone(void **state)
{
	struct proc client, other, held;
	struct stat folder;
	int port, in, in_other;

	submit_and_await_power(&client, "others", HEAD DEVICES("d: {size: 42k}"));
	port = port_of_d();
	hold(&other, &in_other, "another-machine", port, "1", OTHER);
	hold(&held, &in, "the-machine", port, "1+", "10.42.7.7");
	proc_await(&held, "open 1");
	proc_await(&other, "refused");
	let_go(&other, in_other);
	let_go(&held, in);
	assert_prints(output_of(0, "python3 %s %d 1 </dev/null", CLIENT, port), "refused"); /* from the gateway itself */
	assert_int_equal(stat(tmp_path("nbd"), &folder), 0);
	assert_int_equal(folder.st_mode & 0777, 0710); /* nobody of the group lists it */
	end_job(&client);
}

static void a_device_of_continue_is_there_from_the_start_and_one_that_differs_is_another(void **state)
{
	struct proc client;
	int first, second;
	char *all;

	submit_and_await_power(&client, "continue",
			       TWICE "deployment: {start: {storage: {nbd: {d: {size: 1k}, same: {size: 3k}}}, " CMDLINE "},\n"
				     "  continue: {storage: {nbd: {d: {size: 2k}, more: {size: 4k}}}}}\n");
	first = port_of_d();
	assert_size(first, "1024");
	all = images();
	assert_string_equal(all, "660 0-d 660 1-same 660 2-d 660 3-more ");
	free(all);
	say("AGAIN\n");
	proc_await(&client, "ctrl 201 1 {} *the machine is powered");
	second = port_of_d();
	assert_int_not_equal(first, second);
	assert_size(second, "2048");
	end_job(&client);
}

/* ---- what goes wrong ---- */

static void assert_setup_fails(const char *name, const char *devices, const char *reason)
{
	struct proc client;
	char *text = gw_sprintf(HEAD "deployment: {start: {storage: {nbd: {%s}}}}\n", devices);
	char *line = gw_sprintf("ctrl 102 3 {} *Infra setup failed: %s", reason);

	submit(&client, name, text);
	proc_await(&client, line);
	proc_await(&client, "end SETUP_FAIL");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "IDLE");
	await_no_images();
	free(line);
	free(text);
}

static void what_cannot_be_had_fails_the_setup_with_its_reason(void **state)
{
	assert_setup_fails("missing", "d: {url: 'http://10.42.0.1:8000/none'}",
			   "deployment.start.storage.nbd.d: http://10.42.0.1:8000/none: *404*");
	assert_setup_fails(
		"full", "d: {url: 'http://10.42.0.1:8000/large'}",
		"deployment.start.storage.nbd.d: the image of the block device '0-d' cannot be written: No space left on device");
	assert_setup_fails("huge", "d: {size: 1T}",
			   "deployment.start.storage.nbd.d: 1099511627776 bytes is too much; accepted: up to 8589934592 "
			   "(EXECUTOR_ARTIFACT_MAX_SIZE)");
}

static void the_devices_of_a_job_have_a_bound_together(void **state)
{
	struct proc client;
	char *all;

	assert_setup_fails("sum", "a: {size: 1G}, b: {size: 1023M}, c: {size: 1049k}",
			   "deployment.start.storage.nbd.c: 1074176 bytes are too much beside 2146435072 of the job's other block devices; "
			   "accepted: up to 2147483648 together (EXECUTOR_NBD_MAX_SIZE)");
	submit_and_await_power(&client, "just-fits", HEAD DEVICES("d: {size: 1G}, b: {size: 1G}"));
	all = images();
	assert_string_equal(all, "660 0-d 660 1-b ");
	free(all);
	end_job(&client);
}

static void an_nbdkit_that_dies_ends_the_job_with_its_name(void **state)
{
	struct proc client, held;
	pid_t jobd = farm_spare_jobd(farm);
	int port, in;

	submit_and_await_power(&client, "dies", HEAD DEVICES("d: {size: 42k}"));
	port = port_of_d();
	hold(&held, &in, "of-a-dead-one", port, "1+", NULL);
	proc_await(&held, "open 1");
	assert_int_equal(kill(nbdkit_of(jobd), SIGKILL), 0);
	proc_await(&client,
		   "ctrl 0 3 {} *The job ends: deployment.start.storage.nbd.d: nbdkit, which served it, has ended: signal 9 (Killed)");
	proc_await(&client, "end INCOMPLETE");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "IDLE");
	let_go(&held, in);
	await_closed(port);
	await_no_images();
}

static void a_kill_of_artifactd_changes_nothing_for_a_device_that_is_there(void **state)
{
	struct proc client, held;
	int port, in;

	submit_and_await_power(&client, "artifactd-killed", HEAD DEVICES("d: {size: 42k}"));
	port = port_of_d();
	hold(&held, &in, "before", port, "1+", NULL);
	proc_await(&held, "open 1");
	farm_kill(farm, "artifactd");
	tell(in, "write x\nread\n");
	proc_await(&held, "write ok");
	proc_await(&held, "read *");
	proc_await(&farm->supervisor, "artifactd info: *"); /* it is back, and was told which jobs there are */
	let_go(&held, in);
	assert_size(port, "43008");
	end_job(&client);
}

/* ---- artifactd is stopped or killed at a point of the making of an image ---- */

struct tracer {
	struct proc strace;
	char log[512];
	pid_t of; /* artifactd as it runs now */
};

/* The next time that it begins `call`, it gets the signal instead. */
static void trace_artifactd(struct tracer *t, const char *call, const char *signal)
{
	static int n;
	char pid[16], trace[64], inject[64], name[32];
	const char *const argv[] = {"strace", "-f", "-o", t->log, "-p", pid, "-e", trace, "-e", inject, NULL};

	t->of = farm_pid(farm, "artifactd");
	snprintf(pid, sizeof(pid), "%d", (int)t->of);
	snprintf(trace, sizeof(trace), "trace=%s", call);
	snprintf(inject, sizeof(inject), "inject=%s:signal=%s:when=1", call, signal);
	snprintf(name, sizeof(name), "strace-%d", n++);
	snprintf(t->log, sizeof(t->log), "%s", tmp_path("%s.calls", name));
	proc_start(&t->strace, name, argv, NULL);
	proc_await(&t->strace, "strace: Process * attached");
}

static void await_call(const struct tracer *t, const char *line)
{
	char found[256];
	size_t from = 0;

	if (!proc_await_file(t->log, &from, line, found, sizeof(found)))
		fail_msg("%s has no '%s'", t->log, line);
}

/* It is killed at this call. The job goes on with the next artifactd, and has one image alone. */
static void assert_job_survives_a_kill_at(const char *call, const char *name)
{
	struct tracer t;
	struct proc client;
	char *all;

	trace_artifactd(&t, call, "KILL");
	submit_and_await_power(&client, name, HEAD DEVICES("d: {" DISK "}"));
	proc_wait(&t.strace);
	await_call(&t, "+++ killed by SIGKILL +++");
	assert_int_not_equal(farm_pid(farm, "artifactd"), t.of);
	all = images();
	assert_string_equal(all, "660 0-d ");
	free(all);
	fetch(port_of_d(), tmp_path("%s-got", name));
	assert_same(tmp_path("%s-got", name), tmp_path("web/disk"));
	end_job(&client);
}

static void a_job_goes_on_when_artifactd_is_killed_while_it_makes_its_image(void **state)
{
	assert_job_survives_a_kill_at("copy_file_range", "killed-before-the-copy");
	assert_job_survives_a_kill_at("fchmod", "killed-before-the-end");
}

/* Of a device that nobody asks for again, beside one that is served. */
static void a_half_made_image_goes_at_the_next_start_of_artifactd_and_a_complete_one_stays(void **state)
{
	struct proc client;
	char *gone;

	submit_and_await_power(&client, "half-made", HEAD DEVICES("d: {size: 42k}"));
	shell("cd %s/*/ && head -c 1k /dev/zero >7-h-00000000000000000000000000000000.img && chmod 600 7-h-*", tmp_path("nbd"));
	farm_kill(farm, "artifactd");
	gone = gw_sprintf("ls %s/*/7-h-* >/dev/null 2>&1", tmp_path("nbd"));
	await_failure(gone);
	free(gone);
	gone = images();
	assert_string_equal(gone, "660 0-d ");
	free(gone);
	assert_size(port_of_d(), "43008");
	end_job(&client);
}

/* artifactd is held in the midst of the making; the machine is given to the next job before it can remove anything. */
static void an_image_of_a_job_whose_jobd_was_killed_is_not_left_by_its_making(void **state)
{
	struct tracer t;
	struct proc client;
	pid_t jobd = farm_spare_jobd(farm);

	trace_artifactd(&t, "copy_file_range", "STOP");
	submit(&client, "jobd-killed-early", HEAD DEVICES("d: {" DISK "}"));
	proc_await(&client, "answer 200*");
	await_call(&t, "--- stopped by SIGSTOP ---");
	assert_int_equal(kill(jobd, SIGKILL), 0);
	proc_wait(&client);
	farm_await(farm, DUT, "state", "IDLE");
	proc_end(&t.strace, SIGTERM);
	assert_int_equal(kill(t.of, SIGCONT), 0);
	await_no_images();
	submit_and_await_power(&client, "after-it", HEAD DEVICES("d: {" DISK "}"));
	fetch(port_of_d(), tmp_path("after-it-got"));
	assert_same(tmp_path("after-it-got"), tmp_path("web/disk"));
	end_job(&client);
}

/* Nobody restarts it before the job is over. */
static void images_of_a_job_that_ended_without_executord_go_when_it_is_back(void **state)
{
	struct proc client;

	submit_and_await_power(&client, "executord-killed", HEAD DEVICES("d: {size: 42k}"));
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "executord");
	say("END\n");
	proc_await(&client, "end COMPLETE");
	assert_int_equal(proc_wait(&client), 0);
	proc_signal(&farm->supervisor, SIGCONT);
	await_no_images();
	farm_await(farm, DUT, "state", "IDLE");
}

/* As at a loss of power, but for what a restart of the gateway itself changes. */
static void images_go_after_a_kill_of_all_at_once(void **state)
{
	struct proc client;
	pid_t jobd = farm_spare_jobd(farm);

	submit_and_await_power(&client, "all-killed", HEAD DEVICES("d: {size: 42k}"));
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "executord");
	farm_kill(farm, "artifactd");
	assert_int_equal(kill(jobd, SIGKILL), 0);
	proc_end(&farm->supervisor, SIGKILL);
	proc_wait(&client);
	farm_start_supervisor(farm);
	await_no_images();
	farm_await(farm, DUT, "state", "IDLE");
}

static void a_kill_of_jobd_ends_its_devices(void **state)
{
	struct proc client, held;
	pid_t jobd = farm_spare_jobd(farm);
	int port, in;

	submit_and_await_power(&client, "jobd-killed", HEAD DEVICES("d: {" DISK "}"));
	port = port_of_d();
	hold(&held, &in, "of-a-killed-jobd", port, "2+", NULL);
	proc_await(&held, "open 2");
	assert_int_equal(kill(jobd, SIGKILL), 0);
	await_failure("pgrep -r R,S,D nbdkit >/dev/null"); /* a zombie is nobody */
	tell(in, "read\n");
	proc_await(&held, "cut");
	let_go(&held, in);
	await_closed(port);
	proc_wait(&client);
	farm_await(farm, DUT, "state", "IDLE");
	await_no_images();
}

static void images_of_jobs_that_ended_without_artifactd_go_when_it_is_back(void **state)
{
	char *leftover = gw_sprintf("%s/job-of-yesterday", tmp_path("nbd"));

	shell("mkdir -m 710 %s && touch %s/0-d-00000000000000000000000000000000.img", leftover, leftover);
	farm_kill(farm, "artifactd");
	await_no_images();
	free(leftover);
}

static void without_nbdkit_a_job_is_told_which_package_is_missing(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", root_is, "PATH=/none", NULL};
	static const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	farm_stop(farm);
	close(console);
	farm = farm_start(&options);
	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await_value(farm, DUT, "logs_endpoint/port");
	console = console_open();
	assert_setup_fails(
		"no-nbdkit", "d: {size: 42k}",
		"deployment.start.storage.nbd.d: this gateway serves no network block devices: the package nbdkit is not installed");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_holds_its_artifact_and_keeps_what_is_written_over_the_boots_of_its_job),
		cmocka_unit_test(templates_know_where_a_device_is),
		cmocka_unit_test(a_device_of_a_size_is_zeros_and_takes_no_room),
		cmocka_unit_test(a_format_is_made_before),
		cmocka_unit_test(a_readonly_device_refuses_writes),
		cmocka_unit_test(more_connections_than_allowed_are_refused),
		cmocka_unit_test(promise_33_a_device_is_open_to_its_jobs_machine_alone),
		cmocka_unit_test(a_device_of_continue_is_there_from_the_start_and_one_that_differs_is_another),
		cmocka_unit_test(what_cannot_be_had_fails_the_setup_with_its_reason),
		cmocka_unit_test(the_devices_of_a_job_have_a_bound_together),
		cmocka_unit_test(an_nbdkit_that_dies_ends_the_job_with_its_name),
		cmocka_unit_test(a_kill_of_artifactd_changes_nothing_for_a_device_that_is_there),
		cmocka_unit_test(a_job_goes_on_when_artifactd_is_killed_while_it_makes_its_image),
		cmocka_unit_test(a_half_made_image_goes_at_the_next_start_of_artifactd_and_a_complete_one_stays),
		cmocka_unit_test(an_image_of_a_job_whose_jobd_was_killed_is_not_left_by_its_making),
		cmocka_unit_test(images_of_a_job_that_ended_without_executord_go_when_it_is_back),
		cmocka_unit_test(images_go_after_a_kill_of_all_at_once),
		cmocka_unit_test(a_kill_of_jobd_ends_its_devices),
		cmocka_unit_test(images_of_jobs_that_ended_without_artifactd_go_when_it_is_back),
		cmocka_unit_test(without_nbdkit_a_job_is_told_which_package_is_missing),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, start, stop);
}
