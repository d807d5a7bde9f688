/* pdud with real vpdud machines, with virtual PDUs that misbehave, and with peers on the bus in executord's and the jobds' place. Runs in a
 * network namespace of its own, so ports are fixed. */
#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbus/capability.h"
#include "libgateway/error.h"
#include "pdud/vpdud/wire.h"
#include "tests/harness/proc.h"

#define PDUD    GW_BUILD_ROOT "/pdud/pdud"
#define VPDUD   GW_BUILD_ROOT "/pdud/vpdud/vpdud"
#define BUSPEER GW_BUILD_ROOT "/tests/harness/buspeer"
#define TINYDUT GW_BUILD_ROOT "/tests/harness/tinydut/tinydut.bin"

/* A lease that never ends in a test, and those that end in it: one soon, one not before what comes next. */
#define LONG_GRACE  "3600"
#define SHORT_GRACE "0.5"
#define SOME_GRACE  "3"

struct peer {
	struct proc proc;
	int in; /* its standard input; 0: not started */
};

static struct {
	int n; /* of the test: each has folders and logs of its own */
	char key[CAPABILITY_KEY_HEX + 1];
	struct proc pdud, vpdud;
	struct peer executord, job, other;
	struct fake *fake;
	pid_t fake_pid;
} t;

/* ---- a virtual PDU of two ports that does as it is told to misbehave; shared with its process ---- */

enum manners { HONEST, LIES, SILENT, GARBAGE, HANGS_UP, TALKS_TOO_MUCH, SAYS_ERROR };
#define FAKE_PORT 9292
#define FAKE_OPS  64
struct fake {
	volatile enum manners list, sw, read; /* of DRIVER_LIST, of ON and OFF, of readings */
	volatile bool on[2];
	volatile unsigned n_ops;
	struct {
		enum vpdu_op op;
		unsigned port;
		int64_t at_ms;
	} ops[FAKE_OPS]; /* the ON and OFF that came */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint8_t fake_do(struct fake *f, const struct vpdu_request *rq)
{
	if (rq->op == VPDU_COUNT_PORTS)
		return 2;
	if (rq->op == VPDU_STATE)
		return f->on[rq->port & 1] ? VPDU_IS_ON : VPDU_IS_OFF;
	if (f->n_ops < FAKE_OPS) {
		f->ops[f->n_ops].op = rq->op;
		f->ops[f->n_ops].port = rq->port;
		f->ops[f->n_ops].at_ms = now_ms();
		f->n_ops++;
	}
	if (f->sw == HONEST)
		f->on[rq->port & 1] = rq->op == VPDU_TURN_ON;
	return VPDU_DONE;
}

static void fake_answer(struct fake *f, int fd)
{
	uint8_t bytes[VPDU_REQUEST_BYTES], answer[2];
	struct vpdu_request rq;
	enum manners how;

	if (recv(fd, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes) || !vpdu_request_decode(bytes, &rq)) {
		close(fd);
		return;
	}
	how = rq.op == VPDU_COUNT_PORTS ? f->list : rq.op == VPDU_STATE ? f->read : f->sw;
	answer[0] = answer[1] = fake_do(f, &rq);
	if (how == SILENT)
		return; /* and the connection stays open */
	if (how == GARBAGE)
		answer[0] = 0x2a;
	if (how == SAYS_ERROR)
		answer[0] = VPDU_ERROR;
	if (how != HANGS_UP && send(fd, answer, how == TALKS_TOO_MUCH ? 2 : 1, MSG_NOSIGNAL) < 0)
		perror("fake PDU");
	close(fd);
}

static void fake_serve(struct fake *f, int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		fake_answer(f, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

/* Its second port is ON from its first answer on, or it is OFF. */
static void fake_start_with(bool on)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FAKE_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	t.fake = mmap(NULL, sizeof(*t.fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(t.fake, MAP_FAILED);
	t.fake->on[1] = on;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 64), 0);
	t.fake_pid = fork();
	if (t.fake_pid == 0)
		fake_serve(t.fake, listener);
	close(listener);
}

static void fake_start(void)
{
	fake_start_with(false);
}

static void fake_end(void)
{
	if (!t.fake)
		return;
	kill(t.fake_pid, SIGKILL);
	waitpid(t.fake_pid, NULL, 0);
	munmap(t.fake, sizeof(*t.fake));
	t.fake = NULL;
}

/* When the fake's port was told so for the last time; fails the test if never. */
static int64_t fake_told(enum vpdu_op op, unsigned port)
{
	for (unsigned i = t.fake->n_ops; i > 0; i--)
		if (t.fake->ops[i - 1].op == op && t.fake->ops[i - 1].port == port)
			return t.fake->ops[i - 1].at_ms;
	fail_msg("the fake PDU's port %u was never told operation %d", port, (int)op);
	return 0;
}

/* ---- starting and ending ---- */

static const char *folder(const char *name)
{
	return tmp_path("%s-%d", name, t.n);
}

static const char *log_name(const char *name)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s-%d", name, t.n);
	return text;
}

static void start_pdud(const char *grace)
{
	char run[300], state[300], lease[64];
	const char *const argv[] = {PDUD, NULL}, *const env[] = {run, state, lease, NULL};

	snprintf(run, sizeof(run), "EXECUTOR_RUNTIME_DIR=%s", folder("run"));
	snprintf(state, sizeof(state), "EXECUTOR_STATE_DIR=%s", folder("state"));
	snprintf(lease, sizeof(lease), "PDUD_LEASE_GRACE=%s", grace);
	proc_start(&t.pdud, log_name("pdud"), argv, env);
}

static void start_vpdud(void)
{
	const char *script = tmp_path("script");
	const char *const argv[] = {VPDUD,           "--memory",   "64",      "--accel",    "tcg",     "--qemu-arg",
				    "-kernel",       "--qemu-arg", TINYDUT,   "--qemu-arg", "-append", "--qemu-arg",
				    "console=ttyS0", "--qemu-arg", "-initrd", "--qemu-arg", script,    NULL};

	file_put(script, "@hang\n");
	proc_start(&t.vpdud, log_name("vpdud"), argv, NULL);
	proc_await(&t.vpdud, "listening on 127.0.0.1:9191");
}

static void start_peer(struct peer *p, const char *daemon, const char *name)
{
	char log[64];
	const char *const argv[] = {BUSPEER, folder("run"), daemon, name, "pdud", NULL};
	int ends[2];

	snprintf(log, sizeof(log), "%s", log_name(name));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	proc_start_io(&p->proc, log, argv, NULL, ends[0], -1);
	close(ends[0]);
	p->in = ends[1];
	proc_await(&p->proc, "up pdud");
}

static void end_peer(struct peer *p, int signal)
{
	if (!p->in)
		return;
	close(p->in);
	p->in = 0;
	proc_end(&p->proc, signal);
}

static int setup(void **state)
{
	static int n;
	struct gw_error err = {0};

	memset(&t, 0, sizeof(t));
	t.n = ++n;
	assert_int_equal(mkdir(folder("run"), 0755), 0);
	assert_int_equal(mkdir(folder("state"), 0755), 0);
	assert_true(capability_key_make(t.key, &err));
	return 0;
}

static int teardown(void **state)
{
	end_peer(&t.executord, SIGKILL);
	end_peer(&t.job, SIGKILL);
	end_peer(&t.other, SIGKILL);
	proc_end(&t.pdud, SIGKILL);
	proc_end(&t.vpdud, SIGTERM);
	fake_end();
	return 0;
}

/* ---- talking ---- */

static void ask(struct peer *p, const char *tag, const char *type, const char *json)
{
	dprintf(p->in, "%s pdud %s %s\n", tag, type, json);
}

/* Asks and waits for a line that has the pattern behind the tag. */
static const char *ask_for(struct peer *p, const char *type, const char *json, const char *pattern)
{
	static unsigned count;
	char tag[32], line[1024];

	snprintf(tag, sizeof(tag), "#%u", ++count);
	ask(p, tag, type, json);
	snprintf(line, sizeof(line), "%s %s", tag, pattern);
	return proc_await(&p->proc, line);
}

static void expect_event(const char *pattern)
{
	char line[1024];

	snprintf(line, sizeof(line), "event %s", pattern);
	proc_await(&t.executord.proc, line);
}

static const char *capability_of(const char *job, const char *pdu, const char *port)
{
	static char text[8][CAPABILITY_TEXT_MAX + 64];
	static unsigned next;
	char *json = text[next++ % 8], cap_text[CAPABILITY_TEXT_MAX + 1];
	struct capability cap = {.dut = "52:54:00:11:22:00", .mac = "52:54:00:11:22:00"};

	snprintf(cap.job, sizeof(cap.job), "%s", job);
	snprintf(cap.pdu, sizeof(cap.pdu), "%s", pdu);
	snprintf(cap.port, sizeof(cap.port), "%s", port);
	assert_true(capability_make(t.key, &cap, cap_text, NULL));
	snprintf(json, sizeof(text[0]), "{\"capability\":\"%s\"}", cap_text);
	return json;
}

static const char *power_of(const char *job, const char *pdu, const char *port, bool on)
{
	static char json[CAPABILITY_TEXT_MAX + 64];
	const char *cap = capability_of(job, pdu, port);

	snprintf(json, sizeof(json), "%.*s,\"on\":%s}", (int)strlen(cap) - 1, cap, on ? "true" : "false");
	return json;
}

/* `pdus` as the JSON items of pdu.configure. */
static void configure(const char *pdus)
{
	char *json = gw_sprintf("{\"capability_key\":\"%s\",\"pdus\":[%s]}", t.key, pdus);

	ask_for(&t.executord, "pdu.configure", json, "answer");
	free(json);
}

#define DUMMY                                                                                                                              \
	"{\"name\":\"D\",\"driver\":\"dummy\",\"config\":\"{\\\"ports\\\":[\\\"one\\\",\\\"two\\\",\\\"three\\\",\\\"four\\\"]}\","        \
	"\"ports\":[%s]}"
#define FAKE "{\"name\":\"F\",\"driver\":\"vpdu\",\"config\":\"{\\\"hostname\\\":\\\"127.0.0.1:9292\\\"}\",\"ports\":[%s]}"
#define VPDU "{\"name\":\"V\",\"driver\":\"vpdu\",\"config\":\"{\\\"hostname\\\":\\\"localhost:9191\\\"}\",\"ports\":[%s]}"

static const char *with_ports(const char *pdu, const char *ports)
{
	static char text[4][2048];
	static unsigned next;
	char *out = text[next++ % 4];
	const char *mark = strstr(pdu, "%s");

	snprintf(out, sizeof(text[0]), "%.*s%s%s", (int)(mark - pdu), pdu, ports, mark + 2);
	return out;
}

#define A_DUTS(port)                 "{\"port\":\"" port "\",\"min_off_ms\":0,\"reserved\":false,\"assigned\":true}"
#define A_DUTS_1S(port)              "{\"port\":\"" port "\",\"min_off_ms\":1000,\"reserved\":false,\"assigned\":true}"
#define NOBODYS(port)                "{\"port\":\"" port "\",\"min_off_ms\":5000,\"reserved\":false,\"assigned\":false}"
#define A_RESERVED(port)             "{\"port\":\"" port "\",\"min_off_ms\":0,\"reserved\":true,\"assigned\":false}"
#define PORT_IS(port, what)          "\"port\":\"" port "\",\"state\":\"" what "\""
#define D_PORT_IS(port, label, what) "\"port\":\"" port "\",\"label\":\"" label "\",\"state\":\"" what "\""

static void start_with(const char *grace, const char *pdus)
{
	start_pdud(grace);
	start_peer(&t.executord, "executord", "executord");
	configure(pdus);
}

static void job_holds(struct peer *p, const char *job, const char *pdu, const char *port)
{
	if (!p->in) {
		char name[64];
		snprintf(name, sizeof(name), "jobd-%s", job);
		start_peer(p, "jobd", name);
	}
	ask_for(p, "lease.take", capability_of(job, pdu, port), "answer {\"grace_ms\":");
}

/* ---- the tests ---- */

static void a_dummys_ports_are_on_at_start_and_do_as_they_are_told(void **state)
{
	start_with(LONG_GRACE, with_ports(DUMMY, ""));
	expect_event(
		"port.state "
		"{\"pdu\":\"D\",\"port\":\"3\",\"label\":\"four\",\"state\":\"ON\",\"reserved\":false,\"pinned\":false,\"alarm\":false,"
		"\"min_off_ms\":100,");
	ask_for(&t.executord, "pdu.snapshot", "{}",
		"answer "
		"{\"pdus\":[{\"name\":\"D\",\"state\":\"OK\",\"ports\":[{\"pdu\":\"D\",\"port\":\"0\",\"label\":\"one\",\"state\":\"ON\"");
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"1\",\"on\":false}",
		"answer {\"pdu\":\"D\",\"port\":\"1\",\"label\":\"two\",\"state\":\"OFF\",\"reserved\":false,\"pinned\":false");
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"1\",\"on\":true}",
		"answer {\"pdu\":\"D\",\"port\":\"1\",\"label\":\"two\",\"state\":\"ON\",\"reserved\":false,\"pinned\":true");
}

static void a_pdu_that_cannot_be_shows_why(void **state)
{
	start_with(LONG_GRACE, "{\"name\":\"APC\",\"driver\":\"apc_masterswitch\",\"config\":\"{}\",\"ports\":[]},"
			       "{\"name\":\"BAD\",\"driver\":\"vpdu\",\"config\":\"{\\\"host\\\":1}\",\"ports\":[]}");
	ask_for(&t.executord, "pdu.snapshot", "{}",
		"answer {\"pdus\":[{\"name\":\"APC\",\"state\":\"ERROR\",\"error\":\"the driver 'apc_masterswitch' is not built yet; "
		"built: dummy, "
		"vpdu\",\"ports\":[]},{\"name\":\"BAD\",\"state\":\"ERROR\",\"error\":\"config.host: not a key of this "
		"driver; accepted: hostname\",\"ports\":[]}]}");
	ask_for(&t.executord, "port.set", "{\"pdu\":\"APC\",\"port\":\"1\",\"on\":true}",
		"error UNREACHABLE PDU 'APC': the driver 'apc_masterswitch' is not built yet; built: dummy, vpdu");
}

static void a_job_switches_a_real_machine_and_gives_it_back(void **state)
{
	start_vpdud();
	start_with(LONG_GRACE, with_ports(VPDU, A_DUTS("3")));
	expect_event("pdu.state {\"name\":\"V\",\"state\":\"OK\"*\"port\":\"15\"");
	job_holds(&t.job, "17", "V", "3");
	expect_event("port.state {\"pdu\":\"V\","
		     "\"port\":\"3\",*\"holder\":\"17\"");
	ask_for(&t.job, "lease.power", power_of("17", "V", "3", true),
		"answer {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"ON\"*\"holder\":\"17\"");
	proc_await(&t.vpdud, "port 3: ON, qemu is process ");
	expect_event("port.state {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"ON\"");
	ask_for(&t.job, "lease.renew", capability_of("17", "V", "3"), "answer {\"grace_ms\":3600000,\"state\":\"ON\"}");
	ask_for(&t.job, "lease.power", power_of("17", "V", "3", false),
		"answer {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"OFF\"*\"holder\":\"17\"");
	proc_await(&t.vpdud, "port 3: OFF");
	ask_for(&t.job, "lease.power", power_of("17", "V", "3", true), "answer {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"ON\"");
	ask_for(&t.job, "lease.release", capability_of("17", "V", "3"),
		"answer {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"OFF\",\"reserved\":false,\"pinned\":false,\"alarm\":false");
	expect_event("port.state {\"pdu\":\"V\",\"port\":\"3\",\"state\":\"OFF\",\"reserved\":false,\"pinned\":false,\"alarm\":false");
	ask_for(&t.job, "lease.renew", capability_of("17", "V", "3"), "error REFUSED job 17 holds no lease on port 3 of PDU 'V'");
}

static void what_others_switch_is_noticed(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, ""));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	t.fake->on[1] = true;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"");
}

/* Ways to become ON without a wish: somebody at the PDU, and an edit that makes it a machine's. */
static void promise_17_a_machines_port_that_is_on_and_nobodys_goes_off(void **state)
{
	fake_start();
	start_with(SHORT_GRACE, with_ports(FAKE, A_DUTS("1")));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	t.fake->on[1] = true;
	proc_await(&t.pdud, "port 1 of PDU 'F': it is ON and nobody's: OFF in 0.");
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"");
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	assert_false(t.fake->on[1]);
	t.fake->on[0] = true;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"0\",\"state\":\"ON\"");
	configure(with_ports(FAKE, A_DUTS("1") "," A_DUTS("0")));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"0\",\"state\":\"OFF\"");
	assert_false(t.fake->on[0]);
}

static void a_pinned_port_that_becomes_a_machines_stays_on(void **state)
{
	start_with(SHORT_GRACE, with_ports(DUMMY, ""));
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"0\",\"on\":true}", "answer *\"pinned\":true");
	configure(with_ports(DUMMY, A_DUTS("0") "," A_DUTS("1")));
	expect_event("port.state {\"pdu\":\"D\",\"port\":\"1\",*\"state\":\"OFF\"");
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer *" D_PORT_IS("0", "one", "ON") ",\"reserved\":false,\"pinned\":true");
}

static void what_may_not_be_is_refused_with_the_reason(void **state)
{
	char wrong_key[CAPABILITY_KEY_HEX + 1], right_key[CAPABILITY_KEY_HEX + 1];

	start_with(LONG_GRACE, with_ports(DUMMY, A_DUTS("0") "," A_RESERVED("2")));
	expect_event("port.state {\"pdu\":\"D\",\"port\":\"3\",");
	job_holds(&t.job, "17", "D", "0");
	start_peer(&t.other, "jobd", "jobd-18");
	ask_for(&t.other, "lease.take", capability_of("18", "D", "0"), "error BUSY port 0 of PDU 'D' is held by job 17");
	ask_for(&t.other, "lease.power", power_of("18", "D", "0", false), "error BUSY port 0 of PDU 'D' is held by job 17");
	ask_for(&t.other, "lease.take", capability_of("18", "D", "2"), "error REFUSED port 2 of PDU 'D' is reserved");
	ask_for(&t.other, "lease.take", capability_of("18", "D", "9"), "error NOT_FOUND PDU 'D' has no port '9'");
	ask_for(&t.other, "lease.take", capability_of("18", "E", "0"), "error NOT_FOUND there is no PDU 'E'");
	ask_for(&t.other, "lease.take", "{\"capability\":\"x\"}", "error REFUSED that is not a capability");
	memcpy(right_key, t.key, sizeof(right_key));
	assert_true(capability_key_make(wrong_key, NULL));
	memcpy(t.key, wrong_key, sizeof(t.key));
	ask_for(&t.other, "lease.take", capability_of("17", "D", "0"), "error REFUSED the capability was not made by this gateway");
	memcpy(t.key, right_key, sizeof(t.key));
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"0\",\"on\":false}", "error BUSY port 0 of PDU 'D' is held by job 17");
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"2\",\"on\":false}", "error REFUSED port 2 of PDU 'D' is reserved");
	ask_for(&t.job, "lease.renew", capability_of("17", "D", "0"), "answer {\"grace_ms\":3600000,\"state\":\"ON\"}"); /* all untouched */
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer *" D_PORT_IS("2", "three", "ON") ",\"reserved\":true");
}

static void a_revoked_job_loses_its_port_and_is_heard_no_more(void **state)
{
	start_with(LONG_GRACE, with_ports(DUMMY, A_DUTS("0")));
	job_holds(&t.job, "17", "D", "0");
	ask_for(&t.job, "lease.power", power_of("17", "D", "0", true), "answer");
	ask(&t.executord, "revoke", "lease.revoke", "{\"job\":\"17\"}");
	expect_event("lease.lost {\"job\":\"17\",\"pdu\":\"D\",\"port\":\"0\",\"reason\":\"it was revoked\"}");
	expect_event("port.state {\"pdu\":\"D\",\"port\":\"0\",*\"state\":\"OFF\"");
	proc_await(&t.executord.proc, "revoke answer {}"); /* once it is OFF */
	ask_for(&t.job, "lease.take", capability_of("17", "D", "0"),
		"error REFUSED job 17 has ended: its lease on port 0 of PDU 'D' was revoked");
	proc_end(&t.pdud, SIGKILL);
	start_pdud(LONG_GRACE);
	proc_await(&t.job.proc, "up pdud");
	ask_for(&t.job, "lease.take", capability_of("17", "D", "0"),
		"error REFUSED job 17 has ended: its lease on port 0 of PDU 'D' was revoked");
	job_holds(&t.other, "18", "D", "0");
	ask_for(&t.executord, "lease.revoke", "{\"job\":\"99\"}", "answer {}"); /* of a job that holds nothing */
}

static void a_lease_that_is_not_renewed_ends_in_off(void **state)
{
	fake_start();
	start_with(SHORT_GRACE, with_ports(FAKE, ""));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	t.fake->on[1] = true;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"");
	job_holds(&t.job, "17", "F", "1");
	expect_event("lease.lost {\"job\":\"17\",\"pdu\":\"F\",\"port\":\"1\",\"reason\":\"it was not renewed in time\"}");
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	assert_false(t.fake->on[1]);
	ask_for(&t.job, "lease.renew", capability_of("17", "F", "1"), "error REFUSED job 17 holds no lease on port 1 of PDU 'F'");
}

static void when_all_others_are_killed_the_port_goes_off(void **state)
{
	start_vpdud();
	start_with(SOME_GRACE, with_ports(VPDU, A_DUTS("3")));
	start_peer(&t.job, "jobd", "jobd-17");
	dprintf(t.job.in, "take pdud lease.take %s\non pdud lease.power %s\n", capability_of("17", "V", "3"),
		power_of("17", "V", "3", true)); /* at once: nobody renews */
	proc_await(&t.vpdud, "port 3: ON");
	end_peer(&t.job, SIGKILL);
	end_peer(&t.executord, SIGKILL);
	proc_await(&t.vpdud, "port 3: OFF");
	proc_await(&t.pdud, "port 3 of PDU 'V': * -> OFF");
}

static void a_lease_survives_the_kill_of_pdud(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("1")));
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "answer {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"");
	end_peer(&t.executord, SIGKILL); /* even without executord */
	proc_end(&t.pdud, SIGKILL);
	proc_await(&t.job.proc, "down pdud");
	start_pdud(LONG_GRACE);
	proc_await(&t.job.proc, "up pdud");
	start_peer(&t.other, "jobd", "jobd-18");
	ask_for(&t.other, "lease.take", capability_of("18", "F", "1"), "error BUSY port 1 of PDU 'F' is held by job 17");
	ask_for(&t.job, "lease.renew", capability_of("17", "F", "1"), "answer {\"grace_ms\":3600000,");
	start_peer(&t.executord, "executord", "executord");
	configure(with_ports(FAKE, A_DUTS("1")));
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true),
		"answer {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"*\"holder\":\"17\"");
	assert_true(t.fake->on[1]);
	for (unsigned i = 0; i < t.fake->n_ops; i++)
		assert_int_equal(t.fake->ops[i].op, VPDU_TURN_ON); /* it never was switched OFF */
}

static void a_holder_that_does_not_come_back_after_pduds_restart_loses_its_port(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, "")); /* not a DUT's: a discovery */
	job_holds(&t.job, "discovery-1", "F", "1");
	ask_for(&t.job, "lease.power", power_of("discovery-1", "F", "1", true), "answer {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\"");
	end_peer(&t.job, SIGKILL);
	end_peer(&t.executord, SIGKILL);
	proc_end(&t.pdud, SIGKILL);
	start_pdud(SHORT_GRACE); /* and nobody else is there */
	proc_await(&t.pdud, "job=discovery-1 port 1 of PDU 'F': the job has lost it: it was not renewed in time");
	proc_await(&t.pdud, "port 1 of PDU 'F': ON -> OFF");
	assert_false(t.fake->on[1]);
}

/* A dummy's ports are ON again whenever pdud starts. */
static void after_a_restart_what_nobody_claims_goes_off_and_all_else_stays(void **state)
{
	const char *pdus = with_ports(DUMMY, A_DUTS("0") "," A_DUTS("1") "," A_RESERVED("2") "," NOBODYS("3"));

	start_with(LONG_GRACE, pdus);
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"0\",\"on\":true}", "answer *\"pinned\":true");
	end_peer(&t.executord, SIGKILL);
	proc_end(&t.pdud, SIGKILL);
	start_with(SHORT_GRACE, pdus);
	proc_await(&t.pdud, "port 1 of PDU 'D': * -> OFF"); /* maybe before anybody hears events */
	ask_for(&t.executord, "pdu.snapshot", "{}",
		"answer *" D_PORT_IS("0", "one", "ON") ",\"reserved\":false,\"pinned\":true*" D_PORT_IS("1", "two", "OFF") "*" D_PORT_IS(
			"2", "three", "ON") ",\"reserved\":true*" D_PORT_IS("3", "four", "ON"));
}

static void on_never_comes_before_the_minimum_off_time(void **state)
{
	fake_start_with(true);
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS_1S("1")));
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", false), "answer *\"state\":\"OFF\"");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "answer *\"state\":\"ON\"");
	assert_true(fake_told(VPDU_TURN_ON, 1) - fake_told(VPDU_TURN_OFF, 1) >= 1000);
	ask_for(&t.job, "lease.release", capability_of("17", "F", "1"), "answer *\"state\":\"OFF\"");
	proc_end(&t.pdud, SIGKILL); /* pdud forgets, its state folder does not */
	start_pdud(LONG_GRACE);
	proc_await(&t.job.proc, "up pdud");
	ask_for(&t.job, "lease.take", capability_of("18", "F", "1"), "answer");
	ask_for(&t.job, "lease.power", power_of("18", "F", "1", true), "answer *\"state\":\"ON\"");
	assert_true(fake_told(VPDU_TURN_ON, 1) - fake_told(VPDU_TURN_OFF, 1) >= 1000);
}

static void a_pdu_that_says_done_and_does_nothing_is_not_believed(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("1")));
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "answer *\"state\":\"ON\"");
	t.fake->sw = LIES;
	ask(&t.job, "release", "lease.release", capability_of("17", "F", "1"));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"ON\",\"reserved\":false,\"pinned\":false,\"alarm\":true");
	proc_await(&t.pdud, "port 1 of PDU 'F': OFF cannot be confirmed yet (it reads ON); trying until it is");
	start_peer(&t.other, "jobd", "jobd-18");
	ask_for(&t.other, "lease.take", capability_of("18", "F", "1"),
		"error BUSY port 1 of PDU 'F' is not confirmed OFF yet after job 17");
	assert_false(proc_has_said(&t.job.proc, "release answer"));
	proc_end(&t.pdud, SIGKILL); /* what is owed, a restart does not forgive */
	start_pdud(LONG_GRACE);
	proc_await(&t.executord.proc, "up pdud");
	proc_await(&t.pdud, "port 1 of PDU 'F': OFF cannot be confirmed yet (it reads ON); trying until it is");
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer *" PORT_IS("1", "ON") ",\"reserved\":false,\"pinned\":false,\"alarm\":true");
	t.fake->sw = HONEST;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\",\"reserved\":false,\"pinned\":false,\"alarm\":false");
	proc_await(&t.other.proc, "up pdud");
	job_holds(&t.other, "18", "F", "1");
}

static void an_on_that_never_comes_is_an_error_with_what_is_read(void **state)
{
	fake_start();
	t.fake->sw = SAYS_ERROR;
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("1")));
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "error UNREACHABLE port 1 of PDU 'F' is not ON after 3 tries");
}

static void each_misbehaviour_has_its_error_and_leaves_the_state_unknown(void **state)
{
	static const struct {
		enum manners read, list;
		const char *error;
	} rows[] = {
		{SILENT, SILENT, "127.0.0.1:9292: no answer within 3 s"},
		{HANGS_UP, HANGS_UP, "127.0.0.1:9292: it closed the connection without an answer"},
		{HANGS_UP, TALKS_TOO_MUCH, "127.0.0.1:9292: answered more than one byte"},
	};
	char pattern[256];

	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, ""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
		t.fake->read = rows[i].read;
		t.fake->list = rows[i].list;
		snprintf(pattern, sizeof(pattern), "pdu.state {\"name\":\"F\",\"state\":\"ERROR\",\"error\":\"%s\"", rows[i].error);
		expect_event(pattern);
		ask_for(&t.executord, "pdu.snapshot", "{}",
			"answer {\"pdus\":[{\"name\":\"F\",\"state\":\"ERROR\",*" PORT_IS("1", "UNKNOWN"));
		t.fake->read = t.fake->list = HONEST;
		expect_event("pdu.state {\"name\":\"F\",\"state\":\"OK\"");
	}
}

static void a_pdu_that_comes_back_does_what_is_still_owed(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("1")));
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "answer *\"state\":\"ON\"");
	fake_end();
	ask(&t.job, "release", "lease.release", capability_of("17", "F", "1"));
	expect_event("pdu.state {\"name\":\"F\",\"state\":\"ERROR\",\"error\":\"127.0.0.1:9292: connection refused\"");
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"UNKNOWN\",*\"alarm\":true");
	fake_start_with(true);
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\",*\"alarm\":false");
	proc_await(&t.job.proc, "release answer {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	assert_false(t.fake->on[1]);
}

static void nonsense_about_one_port_is_that_ports_alone(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("1")));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	t.fake->read = GARBAGE;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"UNKNOWN\"");
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer {\"pdus\":[{\"name\":\"F\",\"state\":\"OK\"");
	t.fake->read = HONEST;
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
}

static void a_stuck_pdu_holds_up_no_other(void **state)
{
	char pdus[4096];

	fake_start();
	snprintf(pdus, sizeof(pdus), "%s,%s", with_ports(FAKE, A_DUTS("1")), with_ports(DUMMY, A_DUTS("0")));
	start_with(LONG_GRACE, pdus);
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",\"state\":\"OFF\"");
	job_holds(&t.job, "17", "F", "1");
	t.fake->sw = SILENT;
	ask(&t.job, "stuck", "lease.power", power_of("17", "F", "1", true)); /* has no answer for 25 s */
	job_holds(&t.other, "18", "D", "0");
	for (int i = 0; i < 50; i++)
		ask_for(&t.other, "lease.power", power_of("18", "D", "0", i & 1), "answer");
	ask_for(&t.other, "lease.release", capability_of("18", "D", "0"), "answer *\"state\":\"OFF\"");
	assert_false(proc_has_said(&t.job.proc, "stuck "));
	t.fake->sw = HONEST;
}

static void an_edit_touches_only_the_pdus_that_changed(void **state)
{
	char both[4096], relabeled[4096];

	fake_start();
	snprintf(both, sizeof(both), "%s,%s", with_ports(FAKE, A_DUTS("1")), with_ports(DUMMY, A_DUTS("0")));
	snprintf(relabeled, sizeof(relabeled),
		 "%s,{\"name\":\"E\",\"driver\":\"dummy\",\"config\":\"{\\\"ports\\\":[\\\"new\\\"]}\",\"ports\":[]}",
		 with_ports(DUMMY, A_DUTS_1S("0")));
	start_with(LONG_GRACE, both);
	ask_for(&t.executord, "port.set", "{\"pdu\":\"D\",\"port\":\"0\",\"on\":false}", "answer *\"state\":\"OFF\"");
	job_holds(&t.job, "17", "F", "1");
	ask_for(&t.job, "lease.power", power_of("17", "F", "1", true), "answer *\"state\":\"ON\"");
	configure(both);
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer *\"holder\":\"17\"*" D_PORT_IS("0", "one", "OFF")); /* a new dummy's were ON */
	configure(relabeled);
	proc_await(&t.job.proc,
		   "event lease.lost {\"job\":\"17\",\"pdu\":\"F\",\"port\":\"1\",\"reason\":\"the PDU was removed from the database\"}");
	proc_await(&t.pdud, "port 1 of PDU 'F': ON -> OFF");
	proc_await(&t.pdud, "PDU 'F': removed");
	assert_false(t.fake->on[1]);
	ask_for(&t.executord, "pdu.snapshot", "{}",
		"answer {\"pdus\":[{\"name\":\"D\",*" D_PORT_IS(
			"0", "one", "OFF") "*\"min_off_ms\":1000,*{\"name\":\"E\"*\"label\":\"new\",\"state\":\"ON\"");
	ask_for(&t.job, "lease.renew", capability_of("17", "F", "1"), "error NOT_FOUND there is no PDU 'F'");
}

static void a_change_of_one_pdu_is_told_without_the_others_and_kept(void **state)
{
	char both[4096], change[2048];

	snprintf(both, sizeof(both), "%s,{\"name\":\"E\",\"driver\":\"dummy\",\"config\":\"{\\\"ports\\\":[\\\"e\\\"]}\",\"ports\":[%s]}",
		 with_ports(DUMMY, A_DUTS("0")), A_DUTS("0"));
	start_pdud(LONG_GRACE);
	start_peer(&t.executord, "executord", "executord");
	snprintf(change, sizeof(change), "{\"pdus\":[%s]}", with_ports(DUMMY, A_DUTS_1S("0")));
	ask_for(&t.executord, "pdu.change", change, "error REFUSED no pdu.configure was said yet");
	configure(both);
	ask_for(&t.executord, "pdu.change", change, "answer {\"pdus\":[{\"name\":\"D\",*\"min_off_ms\":1000,*]}]}");
	ask_for(&t.executord, "pdu.snapshot", "{}",
		"answer {\"pdus\":[{\"name\":\"D\",*\"min_off_ms\":1000,*{\"name\":\"E\",*\"min_off_ms\":0,");
	ask_for(&t.executord, "pdu.change", "{\"pdus\":[{\"name\":\"N\",\"driver\":\"dummy\",\"config\":\"{}\",\"ports\":[]}]}",
		"error NOT_FOUND there is no PDU 'N'");
}

static void a_port_reserved_under_a_job_is_left_as_it_is(void **state)
{
	start_with(LONG_GRACE, with_ports(DUMMY, A_DUTS("0")));
	job_holds(&t.job, "17", "D", "0");
	ask_for(&t.job, "lease.power", power_of("17", "D", "0", true), "answer *\"state\":\"ON\"");
	configure(with_ports(DUMMY, A_RESERVED("0")));
	ask_for(&t.job, "lease.renew", capability_of("17", "D", "0"), "error REFUSED job 17 holds no lease on port 0 of PDU 'D'");
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer *" D_PORT_IS("0", "one", "ON") ",\"reserved\":true");
}

static void two_pdus_of_one_name_are_refused_as_a_whole(void **state)
{
	char json[2048];

	start_with(LONG_GRACE, with_ports(DUMMY, ""));
	snprintf(json, sizeof(json), "{\"capability_key\":\"%s\",\"pdus\":[%s,%s]}", t.key,
		 "{\"name\":\"E\",\"driver\":\"dummy\",\"config\":\"{\\\"ports\\\":[]}\",\"ports\":[]}",
		 "{\"name\":\"E\",\"driver\":\"dummy\",\"config\":\"{\\\"ports\\\":[]}\",\"ports\":[]}");
	ask_for(&t.executord, "pdu.configure", json, "error BAD_INPUT pdus[1].name: 'E' is given twice");
	ask_for(&t.executord, "pdu.snapshot", "{}", "answer {\"pdus\":[{\"name\":\"D\",*]}]}");
}

static void a_damaged_file_is_put_aside(void **state)
{
	const char *folder_of_it = tmp_path("state-%d/pdud", t.n);
	char *kept;

	assert_int_equal(mkdir(folder_of_it, 0700), 0);
	file_put(tmp_path("state-%d/pdud/ports.json", t.n), "{\"version\":1,\"bo");
	start_with(LONG_GRACE, with_ports(DUMMY, A_DUTS("0")));
	proc_await(&t.pdud, "/pdud/ports.json: not JSON: line 1, column 15: unexpected 'b'; it is kept as */pdud/ports.json.damaged, and "
			    "pdud starts without it");
	job_holds(&t.job, "17", "D", "0");
	kept = file_get(tmp_path("state-%d/pdud/ports.json.damaged", t.n));
	assert_string_equal(kept, "{\"version\":1,\"bo");
	free(kept);
}

static void a_term_finishes_what_is_being_switched_off_and_keeps_leases(void **state)
{
	fake_start();
	start_with(LONG_GRACE, with_ports(FAKE, A_DUTS("0") "," A_DUTS("1")));
	job_holds(&t.job, "17", "F", "0");
	ask_for(&t.job, "lease.power", power_of("17", "F", "0", true), "answer *\"state\":\"ON\"");
	job_holds(&t.other, "18", "F", "1");
	ask_for(&t.other, "lease.power", power_of("18", "F", "1", true), "answer *\"state\":\"ON\"");
	t.fake->sw = LIES;
	ask(&t.other, "release", "lease.release", capability_of("18", "F", "1"));
	expect_event("port.state {\"pdu\":\"F\",\"port\":\"1\",*\"alarm\":true");
	proc_signal(&t.pdud, SIGTERM);
	t.fake->sw = HONEST;
	assert_int_equal(proc_wait(&t.pdud), 0);
	assert_true(t.fake->on[0]);
	assert_false(t.fake->on[1]);
	start_pdud(LONG_GRACE);
	proc_await(&t.job.proc, "up pdud");
	ask_for(&t.job, "lease.renew", capability_of("17", "F", "0"), "answer {\"grace_ms\":");
}

static void a_second_pdud_says_who_runs(void **state)
{
	char run[300], text[400];
	const char *const argv[] = {PDUD, NULL}, *const env[] = {run, NULL};
	struct proc second;

	start_with(LONG_GRACE, with_ports(DUMMY, ""));
	snprintf(run, sizeof(run), "EXECUTOR_RUNTIME_DIR=%s", folder("run"));
	proc_start(&second, log_name("second"), argv, env);
	assert_int_equal(proc_wait(&second), 1);
	snprintf(text, sizeof(text), "process %d already runs", (int)t.pdud.pid);
	proc_await(&second, text);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_dummys_ports_are_on_at_start_and_do_as_they_are_told),
		TEST(a_pdu_that_cannot_be_shows_why),
		TEST(a_job_switches_a_real_machine_and_gives_it_back),
		TEST(what_others_switch_is_noticed),
		TEST(promise_17_a_machines_port_that_is_on_and_nobodys_goes_off),
		TEST(a_pinned_port_that_becomes_a_machines_stays_on),
		TEST(what_may_not_be_is_refused_with_the_reason),
		TEST(a_revoked_job_loses_its_port_and_is_heard_no_more),
		TEST(a_lease_that_is_not_renewed_ends_in_off),
		TEST(when_all_others_are_killed_the_port_goes_off),
		TEST(a_lease_survives_the_kill_of_pdud),
		TEST(a_holder_that_does_not_come_back_after_pduds_restart_loses_its_port),
		TEST(after_a_restart_what_nobody_claims_goes_off_and_all_else_stays),
		TEST(on_never_comes_before_the_minimum_off_time),
		TEST(a_pdu_that_says_done_and_does_nothing_is_not_believed),
		TEST(an_on_that_never_comes_is_an_error_with_what_is_read),
		TEST(each_misbehaviour_has_its_error_and_leaves_the_state_unknown),
		TEST(a_pdu_that_comes_back_does_what_is_still_owed),
		TEST(nonsense_about_one_port_is_that_ports_alone),
		TEST(a_stuck_pdu_holds_up_no_other),
		TEST(an_edit_touches_only_the_pdus_that_changed),
		TEST(a_change_of_one_pdu_is_told_without_the_others_and_kept),
		TEST(a_port_reserved_under_a_job_is_left_as_it_is),
		TEST(two_pdus_of_one_name_are_refused_as_a_whole),
		TEST(a_damaged_file_is_put_aside),
		TEST(a_term_finishes_what_is_being_switched_off_and_keeps_leases),
		TEST(a_second_pdud_says_who_runs),
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1) /* one test, by its name */
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
