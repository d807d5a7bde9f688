/* A real jobd with a real pdud (dummy driver) and a real saladd. This test is its executord, its bootsd and its artifactd on the bus, its
 * submitter by TCP, and its machine: a TCP console at SALAD. In a network namespace of its own, so ports are fixed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbus/bus.h"
#include "libbus/capability.h"
#include "libgateway/activation.h"
#include "libgateway/frames.h"
#include "libgateway/log.h"
#include "tests/harness/proc.h"

#define MAC         "52:54:00:aa:bb:01"
#define CLIENT_PORT 5555
#define SALAD_PORT  8100
#define LONG_GRACE  "60" /* seconds: no lease ends by itself, whoever is held up */
#define SHORT_GRACE "2"

/* ---- the farm ---- */

static struct farm {
	struct loop loop;
	struct bus executord, bootsd, artifactd;
	struct proc pdud, saladd, jobd;
	int connection; /* jobd's; ours */
	char key[CAPABILITY_KEY_HEX + 1], capability[CAPABILITY_TEXT_MAX + 1];
	bool configured; /* pdud */
	char *port_state;
	bool port_is_off, was_switched_on; /* as events said */
	bool was_off_before;               /* the lease was lost */
	char lease_lost[257];
	/* what jobd said */
	char hello[65], hello_job[129];
	int hellos, running;
	bool refuse_hello;
	struct msg_job_ended *ended;
	/* what jobd answered */
	bool answered;
	struct gw_error answer;
	struct msg_job_prepared *prepared;
	/* bootsd */
	struct msg_boot_deploy *deployed;
	int deploys, withdrawals;
	int64_t requests;
	char wanted[64];    /* what boot.status says that the DUT waits for; "": nothing */
	char given[3][256]; /* path, how, artifact ("-": none) of the last boot.give */
	int gives;
	/* artifactd */
	char *made[8]; /* "KIND INPUT EXTENSION COMPRESSION MATCH PATH=ARTIFACT:MODE..." */
	int n_made;
	char *urls[8];
	int n_urls;
	bool no_artifacts;
	struct bus_call *held; /* an artifact.get of http://files/slow */
	/* the submitter */
	int listener, client;
	char *said; /* of its ctrl messages and metadata */
	char *tags; /* of the ctrl messages, one after the other: "100 101 " */
	char *console;
	char status[32];
	char access[128]; /* URL and name of the bucket, as session_end has them; "": none */
	bool client_eof;
	/* the machine */
	int dut;
	char job[32];
	bool has_bucket;
	int n_jobs;
} f;

/* ---- a loop that is waited in ---- */

static void out_of_patience(void *data)
{
	*(bool *)data = true;
}

static void read_client(void);
static void client_close(void);

/* Runs the loop until `is_so`; the test fails with jobd's log when it never is. */
static void await(bool (*is_so)(void), const char *what)
{
	struct loop_timer patience = {0};
	bool over = false;

	loop_timer_start(&f.loop, &patience, PROC_PATIENCE_MS, out_of_patience, &over);
	while (!is_so() && !over)
		uv_run(&f.loop.uv, UV_RUN_ONCE);
	loop_timer_finish(&patience);
	if (over) {
		proc_show(&f.jobd);
		proc_show(&f.pdud);
		proc_show(&f.saladd);
		fail_msg("it never came that %s. The client was told:\n%s\nConsole:\n%s", what, f.said ? f.said : "",
			 f.console ? f.console : "");
	}
}
#define AWAIT(is_so) await(is_so, #is_so)

static void append(char **text, const char *bytes, size_t n)
{
	size_t had = *text ? strlen(*text) : 0;

	*text = gw_realloc(*text, had + n + 1);
	memcpy(*text + had, bytes, n);
	(*text)[had + n] = '\0';
}

/* ---- executord ---- */

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
}

static void on_configured(void *data, const void *answer, const struct gw_error *err)
{
	if (!answer && err->kind != GW_UNREACHABLE) /* it was stopped, or executord */
		fail_msg("pdud: %s", err->text);
	f.configured = answer != NULL;
}

static void on_pdud(void *owner, const char *peer, enum bus_peer_event what)
{
	char name[] = "PDU", driver[] = "dummy", config[] = "{\"ports\": [\"first\"]}", port[] = "0";
	struct msg_port_config ports = {.port = port, .min_off_ms = 5};
	struct msg_pdu_config pdu = {.name = name, .driver = driver, .config = config, .ports = {&ports, 1}};
	struct msg_pdu_configure all = {.capability_key = f.key, .pdus = {&pdu, 1}};

	if (what == BUS_PEER_UP)
		bus_ask(&f.executord, "pdud", MSG_PDU_CONFIGURE, &all, PROC_PATIENCE_MS, on_configured, NULL);
	else if (what == BUS_PEER_DOWN)
		f.configured = false;
}

static void on_hello(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_job_hello *hello = body;
	struct gw_error err = {0};

	if (f.refuse_hello) {
		gw_fail(&err, GW_NOT_FOUND, "there is no job %s", hello->job);
		bus_answer_error(call, &err);
		return;
	}
	if (strcmp(f.hello, hello->bus) != 0 || !f.hellos)
		bus_watch(&f.executord, hello->bus, on_peer, NULL);
	snprintf(f.hello, sizeof(f.hello), "%s", hello->bus);
	snprintf(f.hello_job, sizeof(f.hello_job), "%s", hello->job ? hello->job : "");
	f.hellos++;
	bus_answer(call, NULL);
}

static void on_running(void *owner, const void *body, struct bus_call *call)
{
	f.running++;
	bus_answer(call, NULL);
}

static void on_ended(void *owner, const void *body, struct bus_call *call)
{
	assert_null(f.ended);
	f.ended = bus_body_dup(&bus_body_job_ended, body);
	bus_answer(call, NULL);
}

static void on_port_state(void *owner, const void *body, struct bus_call *call)
{
	bool is_off = strcmp(((const struct msg_port_state *)body)->state, "OFF") == 0;

	f.was_switched_on |= f.port_is_off && !is_off;
	f.was_off_before |= is_off && !f.lease_lost[0];
	f.port_is_off = is_off;
}

static void on_lease_lost(void *owner, const void *body, struct bus_call *call)
{
	snprintf(f.lease_lost, sizeof(f.lease_lost), "%s", ((const struct msg_lease_lost *)body)->reason);
}

static const struct bus_handler executord_handlers[] = {
	{MSG_JOB_HELLO, on_hello},
	{MSG_JOB_RUNNING, on_running},
	{MSG_JOB_ENDED, on_ended},
	{MSG_PORT_STATE, on_port_state},
	{MSG_LEASE_LOST, on_lease_lost},
	{MSG_GITLAB_TOKEN, on_running},
	{0},
};

static void join_as(struct bus *bus, enum bus_daemon who, const struct bus_handler *handlers)
{
	struct gw_error err = {0};

	if (!bus_join(bus, &f.loop, tmp_path("run"), who, NULL, handlers, &f, &err))
		fail_msg("%s", err.text);
}

static void executord_start(void)
{
	join_as(&f.executord, BUS_EXECUTORD, executord_handlers);
	bus_watch(&f.executord, "pdud", on_pdud, NULL);
	f.hellos = 0;
}

static void executord_stop(void)
{
	bus_finish(&f.executord);
	f.configured = false;
}

/* ---- bootsd ---- */

static void on_deploy(void *owner, const void *body, struct bus_call *call)
{
	struct msg_boot_status status = {.requests = f.requests};
	const struct msg_boot_deploy *d = body;

	assert_string_equal(d->capability, f.capability);
	bus_body_free(&bus_body_boot_deploy, f.deployed);
	f.deployed = bus_body_dup(&bus_body_boot_deploy, body);
	f.deploys++;
	bus_answer(call, &status);
}

static void on_withdraw(void *owner, const void *body, struct bus_call *call)
{
	f.withdrawals++;
	bus_answer(call, NULL);
}

static void on_status(void *owner, const void *body, struct bus_call *call)
{
	struct msg_boot_wanted wanted = {.job = (char[]){"17"}, .path = f.wanted, .how = (char[]){"http"}};
	struct msg_boot_status status = {.requests = f.requests, .wanted = {&wanted, f.wanted[0] != 0}};

	bus_answer(call, &status);
}

static void on_give(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_boot_give *give = body;

	snprintf(f.given[0], sizeof(f.given[0]), "%s", give->path);
	snprintf(f.given[1], sizeof(f.given[1]), "%s", give->how);
	snprintf(f.given[2], sizeof(f.given[2]), "%s", give->artifact ? give->artifact : "-");
	f.gives++;
	bus_answer(call, NULL);
}

static void on_never(void *owner, const void *body, struct bus_call *call)
{
	fail_msg("nobody should ask this");
}

static const struct bus_handler bootsd_handlers[] = {
	{MSG_BOOT_CHANGE, on_never},      {MSG_BOOT_GIVE, on_give},     {MSG_BOOT_CONFIGURE, on_never}, {MSG_BOOT_DEPLOY, on_deploy},
	{MSG_BOOT_WITHDRAW, on_withdraw}, {MSG_BOOT_STATUS, on_status}, {MSG_BOOT_SCRIPT, on_never},    {0},
};

static void bootsd_start(void)
{
	join_as(&f.bootsd, BUS_BOOTSD, bootsd_handlers);
}

static void bootsd_stop(void)
{
	bus_finish(&f.bootsd);
}

static void dut_asks_by_dhcp(void)
{
	char mac[] = MAC, how[] = "dhcp";
	struct msg_boot_seen seen = {.mac = mac, .dut = mac, .how = how, .netboot = true};

	f.requests++;
	bus_publish(&f.bootsd, MSG_BOOT_SEEN, &seen);
}

/* ---- artifactd ---- */

static void on_get(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_artifact_get *get = body;
	struct gw_error err = {0};
	char name[64];
	struct msg_artifact answer = {.name = name, .size = 1};

	if (f.no_artifacts) {
		gw_fail(&err, GW_NOT_FOUND, "%s: 404", get->url ? get->url : "data");
		bus_answer_error(call, &err);
		return;
	}
	if (get->url && strcmp(get->url, "http://files/slow") == 0) {
		f.held = call;
		return;
	}
	assert_true(f.n_urls < 8);
	f.urls[f.n_urls++] = gw_sprintf("%s", get->url ? get->url : get->data);
	snprintf(name, sizeof(name), "artifact-%d", f.n_urls);
	bus_answer(call, &answer);
}

static void on_make(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_artifact_make *make = body;
	char name[64];
	struct msg_artifact answer = {.name = name, .size = 1};
	size_t size;
	FILE *text = open_memstream(&f.made[f.n_made], &size);

	fprintf(text, "%s %s %s %s %s", make->kind, make->input ? make->input : "-", make->extension ? make->extension : "-",
		make->compression, make->match ? make->match : "-");
	for (size_t i = 0; i < make->add.n; i++)
		fprintf(text, " %s=%s:%o", make->add.v[i].path, make->add.v[i].artifact, (unsigned)make->add.v[i].mode);
	fclose(text);
	snprintf(name, sizeof(name), "made-%d", ++f.n_made);
	bus_answer(call, &answer);
}

static const struct bus_handler artifactd_handlers[] = {
	{MSG_ARTIFACT_GET, on_get},         {MSG_ARTIFACT_TEXT, on_never},  {MSG_ARTIFACT_MAKE, on_make}, {MSG_ARTIFACT_RELEASE, on_never},
	{MSG_ARTIFACT_CONFIGURE, on_never}, {MSG_ARTIFACT_IMAGE, on_never}, {MSG_ARTIFACT_NBD, on_never}, {0},
};

/* ---- the daemons ---- */

static const char *grace; /* of leases */

static const char *const *environment(void)
{
	static char runtime[600], state[600], lease[64];
	static const char *env[16] = {
		runtime,
		state,
		"LOG_LEVEL=debug",
		"SALAD_URL=http://127.0.0.1:8005",
		lease,
		"EXECUTOR_JOB__FDO_PROXY=http://proxy",
		"EXECUTOR_URL=https://farm.example",
	};

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", tmp_path("run"));
	snprintf(state, sizeof(state), "EXECUTOR_STATE_DIR=%s", tmp_path("state"));
	snprintf(lease, sizeof(lease), "PDUD_LEASE_GRACE=%s", grace);
	return env;
}

static void start_daemon(struct proc *p, const char *name)
{
	const char *argv[] = {NULL, NULL};
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/%s", GW_BUILD_ROOT, name, name);
	argv[0] = path;
	proc_start(p, name, argv, environment());
}

static void saladd_start(void)
{
	start_daemon(&f.saladd, "saladd");
	proc_await(&f.saladd, "listening on");
}

static bool pdud_is_configured(void)
{
	return f.configured;
}

static bool jobd_said_hello(void)
{
	return f.hellos > 0;
}

/* As systemd or the supervisor does: our connection becomes its descriptor 3. */
static void jobd_start(void)
{
	const char *argv[] = {"sh", "-c",
			      "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=connection exec " GW_BUILD_ROOT "/jobd/jobd",
			      NULL};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	proc_start_io(&f.jobd, "jobd", argv, environment(), pair[0], -1);
	close(pair[0]);
	f.connection = pair[1];
	AWAIT(jobd_said_hello);
}

static void start_all(const char *of_leases)
{
	struct gw_error err = {0};
	int little = 65536;

	memset(&f, 0, sizeof(f));
	grace = of_leases;
	f.client = f.dut = -1;
	assert_true(loop_init(&f.loop, &err));
	assert_true(capability_key_make(f.key, &err));
	executord_start();
	bootsd_start();
	join_as(&f.artifactd, BUS_ARTIFACTD, artifactd_handlers);
	start_daemon(&f.pdud, "pdud");
	saladd_start();
	AWAIT(pdud_is_configured);
	f.listener = activation_tcp_listen("127.0.0.1", CLIENT_PORT, 4, &err);
	assert_true(f.listener >= 0);
	setsockopt(f.listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)); /* what is not read waits at jobd */
	jobd_start();
	assert_string_equal(f.hello_job, "");
}

static int setup(void **state)
{
	start_all(LONG_GRACE);
	return 0;
}

static int setup_with_short_leases(void **state)
{
	start_all(SHORT_GRACE);
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int teardown(void **state)
{
	proc_end(&f.jobd, SIGKILL);
	proc_end(&f.saladd, SIGTERM);
	proc_end(&f.pdud, SIGTERM);
	client_close();
	close_one(&f.dut);
	close_one(&f.connection);
	close_one(&f.listener);
	bus_finish(&f.executord);
	bus_finish(&f.bootsd);
	bus_finish(&f.artifactd);
	loop_finish(&f.loop);
	bus_body_free(&bus_body_job_ended, f.ended);
	bus_body_free(&bus_body_job_prepared, f.prepared);
	bus_body_free(&bus_body_boot_deploy, f.deployed);
	for (int i = 0; i < f.n_urls; i++)
		free(f.urls[i]);
	for (int i = 0; i < f.n_made; i++)
		free(f.made[i]);
	free(f.said);
	free(f.tags);
	free(f.console);
	free(f.port_state);
	return 0;
}

/* ---- the submitter ---- */

static void take_frame(const struct frame *frame)
{
	char *metadata, tag[32];

	if (frame->kind == FRAME_CTRL) {
		metadata = frame->metadata ? cJSON_PrintUnformatted(frame->metadata) : NULL;
		append(&f.said, frame->msg, strlen(frame->msg));
		append(&f.said, metadata ? metadata : "", metadata ? strlen(metadata) : 0);
		snprintf(tag, sizeof(tag), "%d/%d ", frame->tag, (int)frame->severity);
		append(&f.tags, tag, strlen(tag));
		free(metadata);
	} else if (frame->kind == FRAME_JOB_IO) {
		append(&f.console, (char *)frame->bytes, frame->n);
	} else {
		snprintf(f.status, sizeof(f.status), "%s", frame->status ? frame->status : "?");
		if (frame->bucket)
			snprintf(f.access, sizeof(f.access), "%s %s", frame->access_url, frame->bucket);
	}
}

/* Blocking: what comes is read when the test waits for it. */
static void read_client(void)
{
	static char buffer[1 << 20];
	static size_t have;
	struct gw_error err = {0};
	struct frame frame = {0};
	size_t used;
	ssize_t n = recv(f.client, buffer + have, sizeof(buffer) - have, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		f.client_eof = true;
		have = 0;
		return;
	}
	have += n > 0 ? (size_t)n : 0;
	while (frame_decode(&frame, buffer, have, sizeof(buffer), &used, &err) == FRAME_TAKEN) {
		take_frame(&frame);
		frame_finish(&frame);
		memmove(buffer, buffer + used, have - used);
		have -= used;
	}
	assert_int_equal(err.kind, GW_OK);
}

static void on_client(void *data, int events)
{
	read_client();
	if (f.client_eof)
		loop_fd_events(data, 0);
}

static struct loop_fd client_watch;

static void stop_reading(void)
{
	loop_fd_finish(&client_watch);
}

static void client_close(void)
{
	loop_fd_finish(&client_watch);
	close_one(&f.client);
}

static void on_listener(void *data, int events)
{
	struct gw_error err = {0};

	f.client = accept4(f.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f.client >= 0);
	assert_true(loop_fd_start(&f.loop, &client_watch, f.client, UV_READABLE, on_client, &client_watch, &err));
}

static bool client_is_connected(void)
{
	return f.client >= 0;
}

static void accept_client(void)
{
	struct loop_fd watch = {0};
	struct gw_error err = {0};

	assert_true(loop_fd_start(&f.loop, &watch, f.listener, UV_READABLE, on_listener, NULL, &err));
	AWAIT(client_is_connected);
	loop_fd_finish(&watch);
}

static void type(const char *text)
{
	size_t n;
	char *frame = frame_encode_job_io(0, text, strlen(text), &n);

	assert_int_equal(send(f.client, frame, n, MSG_NOSIGNAL), n);
	free(frame);
}

static const char *awaited;

static bool client_was_told(void)
{
	return f.said && strstr(f.said, awaited);
}

static void await_told(const char *text)
{
	awaited = text;
	await(client_was_told, text);
}

static bool console_came(void)
{
	return f.console && strstr(f.console, awaited);
}

static void await_console(const char *text)
{
	awaited = text;
	await(console_came, text);
}

static bool session_has_ended(void)
{
	return f.status[0];
}

static bool connection_has_ended(void)
{
	return f.client_eof;
}

/* ---- the machine ---- */

static void dut_says(const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(f.dut, text, n, MSG_NOSIGNAL), n);
}

/* The console as vpdud's: connected to SALAD, its id said. */
static void dut_connects(void)
{
	struct sockaddr_in salad = {.sin_family = AF_INET, .sin_port = htons(SALAD_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	f.dut = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(f.dut, (struct sockaddr *)&salad, sizeof(salad)), 0);
	dut_says("SALAD.machine_id=" MAC "\n");
}

static void dut_reads(const char *expected)
{
	char got[256] = "";
	size_t n = 0;

	while (n < strlen(expected)) {
		ssize_t r = recv(f.dut, got + n, sizeof(got) - 1 - n, 0);
		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_string_equal(got, expected);
}

static void on_snapshot(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_pdu_snapshot *all = answer;

	free(f.port_state);
	f.port_state = gw_strdup(all ? all->pdus.v[0].ports.v[0].state : err->text);
}

static bool there_is_a_snapshot(void)
{
	return f.port_state != NULL;
}

static const char *port_state(void)
{
	free(f.port_state);
	f.port_state = NULL;
	bus_ask(&f.executord, "pdud", MSG_PDU_SNAPSHOT, NULL, PROC_PATIENCE_MS, on_snapshot, NULL);
	AWAIT(there_is_a_snapshot);
	return f.port_state;
}

/* ---- executord asks jobd ---- */

static void on_answer(void *data, const void *answer, const struct gw_error *err)
{
	f.answered = true;
	f.answer = answer ? (struct gw_error){0} : *err;
	if (answer && data)
		f.prepared = bus_body_dup(&bus_body_job_prepared, answer);
}

static bool jobd_has_answered(void)
{
	return f.answered;
}

static bool jobd_can_be_asked(void)
{
	return bus_peer_up(&f.executord, f.hello);
}

static void ask_jobd(enum bus_type type, const void *body)
{
	AWAIT(jobd_can_be_asked);
	f.answered = false;
	bus_ask(&f.executord, f.hello, type, body, PROC_PATIENCE_MS, on_answer, type == MSG_JOB_PREPARE ? &f : NULL);
	AWAIT(jobd_has_answered);
}

static void prepare(const char *text)
{
	struct msg_job_prepare body = {.job_text = (char *)(uintptr_t)text, .bucket_port = f.has_bucket ? 9000 : 0};

	ask_jobd(MSG_JOB_PREPARE, &body);
}

static void make_capability(const char *job)
{
	struct capability cap = {.dut = MAC, .mac = MAC, .pdu = "PDU", .port = "0"};
	struct gw_error err = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", job);
	assert_true(capability_make(f.key, &cap, f.capability, &err));
}

#define ACCESS_URL "http://job-17-client:c11entsecret@10.42.0.1:9000"
#define DUT_SECRET "0123456789abcdef0123456789abcdef"

static void go_to(const char *callback_host, int callback_port)
{
	static char bucket_name[] = "job-17", access_url[] = ACCESS_URL, dut_key[] = "job-17-dut", dut_secret[] = DUT_SECRET;
	struct msg_job_bucket bucket = {.name = bucket_name, .access_url = access_url, .dut_key = dut_key, .dut_secret = dut_secret};
	char id[] = MAC, base[] = "box", full[] = "farm-box-1", tag[] = "cpu:arch:x86_64", *tags[] = {tag}, pdu[] = "PDU", port[] = "0",
	     kind[] = "user", name[] = "CI_JOB_TOKEN", value[] = "s3cret-token", name2[] = "CI_PROJECT", value2[] = "mesa";
	struct msg_dut dut = {.id = id,
			      .base_name = base,
			      .full_name = full,
			      .tags = {tags, 1},
			      .mac_address = id,
			      .firmware_boot_time = -1,
			      .ready_for_service = true};
	struct msg_name_value variables[] = {{.name = name, .value = value}, {.name = name2, .value = value2}};
	struct msg_job_go go = {.job = f.job,
				.kind = kind,
				.dut = {&dut, 1},
				.machine_tags = {tags, 1},
				.pdu = pdu,
				.port = port,
				.capability = f.capability,
				.callback_host = (char *)(uintptr_t)callback_host,
				.callback_port = callback_port,
				.environ = {variables, 2},
				.bucket = {&bucket, f.has_bucket}};

	snprintf(f.job, sizeof(f.job), "%d", 17);
	make_capability(f.job);
	ask_jobd(MSG_JOB_GO, &go);
}

static void assert_answered_well(void)
{
	if (f.answer.kind != GW_OK)
		fail_msg("jobd answered: %s", f.answer.text);
}

static void cancel(const char *reason)
{
	struct msg_job_cancel body = {.job = f.job, .reason = (char *)(uintptr_t)reason};

	ask_jobd(MSG_JOB_CANCEL, &body);
	assert_answered_well();
}

/* Until the machine is ON and its console is read. */
static void run(const char *text)
{
	dut_connects();
	prepare(text);
	assert_answered_well();
	go_to("127.0.0.1", CLIENT_PORT);
	assert_answered_well();
	accept_client();
	await_told("the machine is powered");
	assert_string_equal(port_state(), "ON");
}

static bool job_has_ended(void)
{
	return f.ended != NULL;
}

static void await_end(const char *status, const char *reason)
{
	AWAIT(job_has_ended);
	assert_string_equal(f.ended->job, f.job);
	assert_string_equal(f.ended->status, status);
	assert_string_equal(f.ended->reason, reason);
	assert_true(f.ended->off);
	assert_string_equal(port_state(), "OFF");
	assert_int_equal(proc_wait(&f.jobd), 0);
}

static void await_session_end(const char *status)
{
	AWAIT(session_has_ended);
	assert_string_equal(f.status, status);
	AWAIT(connection_has_ended);
	client_close();
}

#define JOB                                                                                                                                \
	"version: 1\ntarget: {tags: [cpu:arch:x86_64]}\nconsole_patterns:\n  session_end: {regex: '^END'}\n  job_success: {regex: "        \
	"'^ok'}\n"                                                                                                                         \
	"deployment:\n  start:\n    kernel: {url: 'http://files/kernel', cmdline: ['one', 'ip={{ job.http.url }}']}\n"                     \
	"    initramfs: [{data: 'first'}, {url: 'http://files/initramfs'}]\n"

/* ---- tests ---- */

static bool it_was_deployed_again(void);

static void a_spare_ends_when_its_connection_does(void **state)
{
	close_one(&f.connection);
	assert_int_equal(proc_wait(&f.jobd), 0);
	assert_int_equal(access(tmp_path("run/%s.bus", f.hello), F_OK), -1);
	assert_int_equal(access(tmp_path("run/%s.lock", f.hello), F_OK), -1);
}

static void a_spare_says_hello_again_to_an_executord_that_comes_back(void **state)
{
	executord_stop();
	executord_start();
	AWAIT(pdud_is_configured);
	AWAIT(jobd_said_hello);
	assert_string_equal(f.hello_job, "");
}

static void a_job_is_prepared_and_names_its_target(void **state)
{
	prepare(JOB);
	assert_answered_well();
	assert_null(f.prepared->target_id);
	assert_int_equal(f.prepared->target_tags.n, 1);
	assert_string_equal(f.prepared->target_tags.v[0], "cpu:arch:x86_64");
}

static void a_bad_job_is_refused_by_name_and_the_spare_goes_on(void **state)
{
	prepare("version: 1\nspeed: 3\n");
	assert_int_equal(f.answer.kind, GW_BAD_INPUT);
	assert_non_null(strstr(f.answer.text, "speed"));
	prepare(JOB "    dhcp: [{options: {lease_time: soon}}]\n");
	assert_string_equal(
		f.answer.text,
		"job: deployment.dhcp: DHCP option 51: 'soon' does not fit; accepted: seconds, 0 to 4294967295, at most 255 bytes");
	go_to(NULL, 0);
	assert_int_equal(f.answer.kind, GW_BAD_INPUT);
	prepare(JOB);
	assert_answered_well();
	go_to("127.0.0.1", 22);
	assert_string_equal(f.answer.text, "callback.port: 22; accepted: 1024 to 65535");
}

static const struct msg_boot_file *served(const char *path)
{
	for (size_t i = 0; i < f.deployed->files.n; i++)
		if (strcmp(f.deployed->files.v[i].path, path) == 0)
			return &f.deployed->files.v[i];
	fail_msg("%s is not deployed", path);
	return NULL;
}

static void a_job_passes(void **state)
{
	char *log;

	run(JOB);
	assert_int_equal(f.running, 1);
	assert_int_equal(f.n_urls, 3);
	assert_string_equal(f.deployed->cmdline, "one ip=http://10.42.0.1:8090");
	assert_int_equal(served("/_/job/initramfs")->artifacts.n, 2);
	assert_int_equal(served("/_/job/initramfs/1")->artifacts.n, 1);
	assert_int_equal(served("/_/job/kernel")->artifacts.n, 1);
	dut_asks_by_dhcp();
	await_told("The firmware has booted: dhcp request");
	dut_says("hello\r\nok\r\nEND\r\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
	assert_string_equal(f.console, "hello\r\nok\r\nEND\r\n");
	assert_true(f.ended->firmware_booted && f.ended->console_received && f.ended->has_log && !f.ended->unfit);
	assert_int_equal(f.withdrawals, 1);
	log = file_get(tmp_path("state/jobs/17.log"));
	assert_string_equal(log, "hello\r\nok\r\nEND\r\n");
	free(log);
}

static void a_job_fails_without_its_success(void **state)
{
	run(JOB);
	dut_says("END\n");
	await_session_end("FAIL");
	await_end("FAIL", "session_end matched");
}

static void the_rendered_job_is_shown_with_its_secrets_masked(void **state)
{
	char *log;

	run(JOB "timeouts: {overall: {hours: 1}}\n# {{ environ.CI_JOB_TOKEN }} {{ environ.CI_PROJECT }} {{ machine_id }} {{ fdo_proxy }} "
		"{{ dut.full_name }}"
		" {{ machine_tags[0] }} {{ minio_url }} {{ job.tftp.path_to('kernel') }} {{ job_bucket }} {{ executor_host }}.\n");
	await_told("# [MASKED] [MASKED] " MAC " http://proxy farm-box-1 cpu:arch:x86_64 http://10.42.0.1:8090 _/job/kernel  ci-gateway.");
	assert_null(strstr(f.said, "s3cret"));
	log = proc_log(&f.jobd);
	assert_null(strstr(log, "s3cret"));
	free(log);
}

#define BUCKET_NAMES                                                                                                                       \
	"{{ minio_url }} {{ job_bucket }} {{ job_bucket_access_key }} {{ job_bucket_secret_key }} {{ job.bucket.url }} {{ "                \
	"job.bucket.name "                                                                                                                 \
	"}} {{ job.bucket.access_key }} {{ job.bucket.secret_key }}."
#define BUCKET_JOB                                                                                                                         \
	"version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}}\n"                                               \
	"deployment: {start: {kernel: {data: k, cmdline: '" BUCKET_NAMES "'}}}\n"

static void the_jobs_bucket_is_told_to_its_machine_and_its_secret_to_nobody_else(void **state)
{
	char *log;

	f.has_bucket = true;
	run(BUCKET_JOB);
	assert_string_equal(f.deployed->cmdline, "http://10.42.0.1:9000 job-17 job-17-dut " DUT_SECRET
						 " http://10.42.0.1:9000 job-17 job-17-dut " DUT_SECRET ".");
	await_told("'http://10.42.0.1:9000 job-17 job-17-dut [MASKED] http://10.42.0.1:9000 job-17 job-17-dut [MASKED].'");
	dut_says("END\n");
	await_session_end("COMPLETE");
	await_end("COMPLETE", "session_end matched");
	assert_null(strstr(f.said, DUT_SECRET));
	assert_null(strstr(f.said, "c11entsecret"));
	assert_null(strstr(f.deployed->names, DUT_SECRET)); /* the boots DB's templates are the farm's, not the job's */
	log = proc_log(&f.jobd);
	assert_null(strstr(log, DUT_SECRET));
	assert_null(strstr(log, "c11entsecret"));
	free(log);
}

static void without_a_bucket_its_names_are_empty(void **state)
{
	run(BUCKET_JOB);
	assert_string_equal(f.deployed->cmdline, "http://10.42.0.1:8090       .");
	dut_says("END\n");
	await_session_end("COMPLETE");
	assert_string_equal(f.access, "");
	await_end("COMPLETE", "session_end matched");
}

static void an_error_that_quotes_the_buckets_secret_is_masked(void **state)
{
	f.has_bucket = true;
	prepare(BUCKET_JOB "{% if job_bucket %}key-{{ job_bucket_secret_key }}: 1{% endif %}\n");
	assert_answered_well();
	go_to(NULL, 0);
	assert_string_equal(f.answer.text, "job:5:1: 'key-[MASKED]' is not a field of a job; accepted: version, target, deadline, proxy, "
					   "timeouts, console_patterns, deployment");
}

/* It is still to fetch what is in the bucket: the machine is not given to the next job before. An executord that was restarted meanwhile
 * costs nobody their bucket. */
static void the_client_is_told_of_the_bucket_and_awaited(void **state)
{
	f.has_bucket = true;
	run(BUCKET_JOB);
	executord_stop();
	executord_start();
	AWAIT(jobd_said_hello);
	dut_says("END\n");
	AWAIT(session_has_ended);
	assert_string_equal(f.access, ACCESS_URL " job-17");
	AWAIT(connection_has_ended);
	AWAIT(pdud_is_configured);
	assert_string_equal(port_state(), "OFF");
	assert_null(f.ended);
	client_close();
	await_end("COMPLETE", "session_end matched");
}

static void a_client_that_never_closes_is_awaited_within_infra_teardown_alone(void **state)
{
	f.has_bucket = true;
	run(BUCKET_JOB "timeouts: {infra_teardown: {seconds: 1}}\n");
	dut_says("END\n");
	AWAIT(session_has_ended);
	await_end("COMPLETE", "session_end matched");
}

static void the_messages_have_the_fields_tags_and_metadata(void **state)
{
	run("version: 1\ntarget: {tags: []}\ndeadline: 2001-02-03T04:05:06Z\n"
	    "timeouts: {watchdogs: {hang: {milliseconds: 200, retries: 1}}}\n"
	    "console_patterns:\n  session_end: {regex: '^END'}\n  job_success: {regex: '^ok'}\n"
	    "  watchdogs: {hang: {start: {regex: '^start'}, reset: {regex: '^reset'}, stop: {regex: '^stop'}}}\n"
	    "deployment: {start: {kernel: {data: k}}}\n");
	await_told("The job's deadline, 2001-02-03T04:05:06Z, has passed already\n{}");
	dut_asks_by_dhcp();
	await_told("The firmware has booted");
	dut_says("start\r\n");
	await_told("Matched the patterns [\"hang.start\"]\n{\"patterns\":[\"hang.start\"],\"line\":\"start\"}");
	await_told("{\"timeout\":{\"name\":\"watchdogs.hang\",\"seconds\":0.2,\"retries\":1,\"retried\":1,\"is_retrying\":true}}");
	await_told("Boot 2: the machine is powered");
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
	assert_string_equal(f.tags, "0/1 0/2 100/1 101/1 200/1 0/1 201/1 301/1 401/1 400/2 200/1 0/1 201/1 401/1 401/1 105/1 106/1 ");
}

static void a_warning_counts_beside_the_success(void **state)
{
	run("version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}, job_success: {regex: '^ok'}, job_warn: "
	    "{regex: "
	    "'^hm'}}\ndeployment: {start: {kernel: {data: k}}}\n");
	dut_says("hm\nok\nEND\n");
	await_session_end("WARN");
	await_end("WARN", "session_end matched");
}

/* As Python's re.search on bytes: the line's CR belongs to it, `$` is before its LF alone, \xNN is a byte. */
static void patterns_see_bytes_noise_and_long_lines(void **state)
{
	static char line[40000];

	run("version: 1\ntarget: {tags: []}\nconsole_patterns:\n"
	    "  session_end: {regex: 'no CR before this$'}\n"
	    "  job_success: {regex: '^\\xff\\xc3 (ok|fine) \\d+\\r$'}\n"
	    "  job_warn: {regex: '^x{16000}'}\n"
	    "deployment: {start: {kernel: {data: k}}}\n");
	dut_says("\x01\xfe\x80 noise no CR before this\r\n");
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	dut_says(line);
	await_told("Matched the patterns [\"job_warn\"]");
	dut_says("\xff\xc3 o");
	dut_says("k 17\r");
	dut_says("\n");
	await_told("{\"patterns\":[\"job_success\"],\"line\":\"?? ok 17\"}");
	dut_says("now no CR before this\n");
	await_session_end("WARN");
	await_end("WARN", "session_end matched");
}

static void promise_30_a_catastrophic_pattern_ends_its_job_by_name(void **state)
{
	static char line[16001];

	run("version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}, job_success: {regex: '^(a|aa)+$'}}\n"
	    "deployment: {start: {kernel: {data: k}}}\n");
	memset(line, 'a', sizeof(line) - 1);
	dut_says(line);
	dut_says("b\n");
	await_session_end("INCOMPLETE");
	await_end("INCOMPLETE",
		  "console_patterns.job_success: '^(a|aa)+$' takes too many steps on 16002 bytes; accepted: regexes that need few");
}

static void every_line_of_the_log_about_a_job_has_its_id(void **state)
{
	char *log, *at, *next;

	run(JOB);
	bootsd_stop(); /* makes libbus complain, which knows no jobs */
	bootsd_start();
	AWAIT(it_was_deployed_again);
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
	log = at = proc_log(&f.jobd); /* those of earlier tests, too */
	while ((next = strstr(at + 1, "job=17 dut=" MAC " user")))
		at = next;
	assert_ptr_not_equal(at, log);
	strsep(&at, "\n");
	for (char *record; (record = strsep(&at, "\n"));)
		if (*record && !strstr(record, ": job=17 "))
			fail_msg("no id: %s", record);
	free(log);
}

static int gives_before;

static bool something_was_given(void)
{
	return f.gives > gives_before;
}

static void dut_wants(const char *job, const char *path, const char *how)
{
	struct msg_boot_wanted wanted = {.job = (char *)(uintptr_t)job, .path = (char *)(uintptr_t)path, .how = (char *)(uintptr_t)how};

	gives_before = f.gives;
	bus_publish(&f.bootsd, MSG_BOOT_WANTED, &wanted);
}

static void assert_given(const char *path, const char *how, const char *artifact)
{
	AWAIT(something_was_given);
	assert_string_equal(f.given[0], path);
	assert_string_equal(f.given[1], how);
	assert_string_equal(f.given[2], artifact);
}

#define STORED                                                                                                                             \
	"version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}}\ndeployment:\n  start:\n    storage:\n"          \
	"      http: [{path: '/pool/(?P<what>.*)', url: 'http://files/\\g<what>'}, {path: /pool/own, data: x}, {path: /plain, data: "      \
	"plain}]\n"                                                                                                                        \
	"      tftp: [{path: /plain, data: plain}]\n"

static void what_a_regex_path_stands_for_is_fetched_when_the_machine_asks(void **state)
{
	run(STORED);
	assert_true(f.deployed->asks_http);
	assert_false(f.deployed->asks_tftp);
	assert_int_equal(f.deployed->files.n, 2); /* /pool/own is the regex's, which stands before it */
	assert_string_equal(f.deployed->files.v[0].path, "/plain");
	assert_int_equal(f.n_urls, 2); /* of data */
	dut_wants("17", "/pool/a/b", "http");
	assert_given("/pool/a/b", "http", "artifact-3");
	assert_string_equal(f.urls[2], "http://files/a/b");
	dut_wants("17", "/pool/own", "http");
	assert_given("/pool/own", "http", "artifact-4");
	dut_wants("17", "/pool/a/b", "http"); /* known by now */
	assert_given("/pool/a/b", "http", "artifact-3");
	dut_wants("17", "/elsewhere", "http");
	assert_given("/elsewhere", "http", "-");
	dut_wants("17", "/pool/a/b", "tftp");
	assert_given("/pool/a/b", "tftp", "-");
	dut_wants("18", "/pool/c", "http"); /* another's */
	f.no_artifacts = true;
	dut_wants("17", "/pool/d", "http");
	assert_given("/pool/d", "http", "-");
	f.no_artifacts = false;
	dut_wants("17", "/pool/d", "http");
	assert_given("/pool/d", "http", "artifact-5");
	assert_int_equal(f.n_urls, 5);
	dut_says("END\n");
	await_session_end("COMPLETE");
	await_end("COMPLETE", "session_end matched");
}

/* jobd is stopped for so long that bootsd drops events of it, a boot.wanted among them. */
static void what_the_machine_wants_is_asked_for_after_lost_events(void **state)
{
	struct msg_boot_seen another = {.mac = (char[]){"52:54:00:00:00:99"}, .how = (char[]){"dhcp"}};

	run(STORED);
	proc_signal(&f.jobd, SIGSTOP);
	for (int i = 0; i < 20000; i++)
		bus_publish(&f.bootsd, MSG_BOOT_SEEN, &another);
	snprintf(f.wanted, sizeof(f.wanted), "/pool/lost");
	gives_before = f.gives;
	proc_signal(&f.jobd, SIGCONT);
	assert_given("/pool/lost", "http", "artifact-3");
	proc_await(&f.jobd, "bus: events of bootsd were lost");
	assert_string_equal(f.urls[2], "http://files/lost");
	dut_says("END\n");
	await_session_end("COMPLETE");
	await_end("COMPLETE", "session_end matched");
}

static void a_long_fetch_says_what_it_waits_for(void **state)
{
	dut_connects();
	prepare("version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}}\ndeployment:\n  start:\n"
		"    kernel: {url: http://files/kernel}\n    initramfs: {url: http://files/slow}\n");
	go_to("127.0.0.1", CLIENT_PORT);
	accept_client();
	await_told("s: Still fetching: 1 of 2 are there; awaited: deployment.start.initramfs");
	bus_answer(f.held, &(struct msg_artifact){.name = (char[]){"artifact-slow"}, .size = 1});
	await_told("Infra setup complete");
	await_told("the machine is powered");
	dut_says("END\n");
	await_session_end("COMPLETE");
	await_end("COMPLETE", "session_end matched");
}

static void an_artifact_is_made_in_its_steps(void **state)
{
	run("version: 1\ntarget: {tags: []}\nconsole_patterns: {session_end: {regex: '^END'}}\ndeployment:\n  start:\n"
	    "    kernel: {url: http://files/deb, format: {archive: {match: 'boot/vmlinuz.*'}}}\n"
	    "    initramfs:\n      archive: {extension: cpio, compression: xz, add: [{path: init, mode: 0755, artifact: {url: "
	    "http://files/init}},\n"
	    "        {path: etc/x, artifact: {data: x, format: {uboot: }}}]}\n      format: {uboot: {type: ramdisk}}\n");
	assert_int_equal(f.n_urls, 3);
	assert_int_equal(f.n_made, 4);
	assert_string_equal(f.made[0], "archive artifact-1 - none boot/vmlinuz.*");
	assert_string_equal(f.made[1], "uboot artifact-3 - none -");
	assert_string_equal(f.made[2], "archive - cpio xz - init=artifact-2:100755 etc/x=made-2:100644");
	assert_string_equal(f.made[3], "uboot made-3 - none -");
	assert_string_equal(served("/_/job/kernel")->artifacts.v[0], "made-1");
	assert_string_equal(served("/_/job/initramfs")->artifacts.v[0], "made-4");
	dut_says("END\n");
	await_session_end("COMPLETE");
	await_end("COMPLETE", "session_end matched");
}

static void what_is_typed_reaches_the_machine(void **state)
{
	run(JOB);
	dut_says("# ");
	await_console("# ");
	type("ls\n");
	dut_reads("ls\n");
}

static void a_timeout_is_retried_and_the_next_boot_gets_continue(void **state)
{
	run(JOB "  continue:\n    kernel: {cmdline: two}\ntimeouts: {console_activity: {milliseconds: 300, retries: 1}}\n");
	assert_int_equal(f.deploys, 1);
	dut_says("booting\n");
	await_told("\"is_retrying\":true");
	await_told("Boot 2: the machine is powered");
	assert_int_equal(f.deploys, 2);
	assert_string_equal(f.deployed->cmdline, "two");
	dut_says("booting\n");
	await_told("\"is_retrying\":false");
	await_session_end("INCOMPLETE");
	await_end("INCOMPLETE", "the timeout console_activity of 0.3 s was hit");
}

static void a_client_that_goes_ends_the_job(void **state)
{
	run(JOB);
	client_close();
	await_end("INCOMPLETE", "the client is gone: it closed its connection");
}

static void a_client_that_talks_nonsense_ends_the_job(void **state)
{
	run(JOB);
	assert_int_equal(send(f.client, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	AWAIT(job_has_ended);
	assert_non_null(strstr(f.ended->reason, "the client is gone: what it says cannot be read: "));
	AWAIT(connection_has_ended);
	await_end("INCOMPLETE", f.ended->reason);
}

static void send_frame(const char *json)
{
	char frame[512];
	size_t n = strlen(json);
	uint32_t length = htonl((uint32_t)n);

	memcpy(frame, &length, sizeof(length));
	memcpy(frame + sizeof(length), json, n);
	assert_int_equal(send(f.client, frame, sizeof(length) + n, MSG_NOSIGNAL), sizeof(length) + n);
}

static void assert_client_is_cut_off(const char *why)
{
	char reason[256];

	AWAIT(job_has_ended);
	snprintf(reason, sizeof(reason), "the client is gone: what it says cannot be read: %s", why);
	await_end("INCOMPLETE", reason);
	AWAIT(connection_has_ended);
}

static void a_frame_that_is_too_long_ends_the_job_at_its_header(void **state)
{
	run(JOB);
	assert_int_equal(send(f.client, "\x7f\xff\xff\xff", 4, MSG_NOSIGNAL), 4);
	assert_client_is_cut_off("a frame of 2147483647 bytes is too long; accepted: up to 65536");
}

static void a_frame_of_an_unknown_type_ends_the_job(void **state)
{
	run(JOB);
	send_frame("{\"msg_type\": \"reboot\", \"date\": \"2026-01-01T00:00:00+00:00\", \"payload\": {}}");
	assert_client_is_cut_off("a frame: msg_type: 'reboot' is not known; accepted: ctrl, job_io, session_end");
}

static void a_frame_whose_bytes_are_no_base85_ends_the_job(void **state)
{
	run(JOB);
	send_frame("{\"msg_type\": \"job_io\", \"date\": \"2026-01-01T00:00:00+00:00\", \"payload\": \"\\u00e9\"}");
	AWAIT(job_has_ended);
	assert_non_null(strstr(f.ended->reason, "what it says cannot be read: a frame: job_io: "));
	await_end("INCOMPLETE", f.ended->reason);
}

static void a_client_that_trickles_is_understood(void **state)
{
	static const char typed[] = "slowly\n";
	size_t n;
	char *frame = frame_encode_job_io(0, typed, strlen(typed), &n);

	run(JOB);
	for (size_t i = 0; i < n; i++) /* jobd may see some at once, but never the whole */
		assert_int_equal(send(f.client, frame + i, 1, MSG_NOSIGNAL), 1);
	free(frame);
	dut_reads(typed);
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
}

static void half_a_frame_and_an_end_is_a_client_that_went(void **state)
{
	run(JOB);
	assert_int_equal(send(f.client, "\0\0\0\x20{\"msg", 9, MSG_NOSIGNAL), 9);
	client_close();
	await_end("INCOMPLETE", "the client is gone: it closed its connection");
}

/* Its listener takes no more connections, and what is refused so is not told: the connecting ends by itself. */
static void promise_32_a_client_that_never_answers_is_not_awaited_for_long(void **state)
{
	struct gw_error err = {0};
	int full[3], listener = activation_tcp_listen("127.0.0.1", CLIENT_PORT + 1, 0, &err);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(CLIENT_PORT + 1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_true(listener >= 0);
	for (size_t i = 0; i < 3; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(full[i], (struct sockaddr *)&to, sizeof(to));
	}
	dut_connects();
	prepare(JOB);
	go_to("127.0.0.1", CLIENT_PORT + 1);
	assert_answered_well();
	await_end("SETUP_FAIL", "the client could not be reached: 127.0.0.1 port 5556 did not answer within 10 s");
	for (size_t i = 0; i < 3; i++)
		close(full[i]);
	close(listener);
}

static void promise_32_a_callback_below_port_1024_is_refused(void **state)
{
	prepare(JOB);
	assert_answered_well();
	for (int port = 0; port < 1024; port += 341) {
		char expected[64];

		go_to("127.0.0.1", port);
		snprintf(expected, sizeof(expected), "callback.port: %d; accepted: 1024 to 65535", port);
		assert_string_equal(f.answer.text, expected);
	}
}

static void a_job_that_is_told_to_go_twice_goes_once(void **state)
{
	run(JOB);
	go_to("127.0.0.1", CLIENT_PORT);
	assert_answered_well();
	assert_int_equal(f.running, 1);
	prepare(JOB);
	assert_int_equal(f.answer.kind, GW_BUSY);
	assert_non_null(strstr(f.answer.text, "runs job 17"));
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
}

static void only_its_own_job_can_be_cancelled(void **state)
{
	struct msg_job_cancel body = {.job = (char[]){"18"}, .reason = (char[]){"a mistake"}};

	run(JOB);
	ask_jobd(MSG_JOB_CANCEL, &body);
	assert_int_equal(f.answer.kind, GW_NOT_FOUND);
	assert_non_null(strstr(f.answer.text, "does not run job 18"));
	dut_says("END\n");
	await_session_end("FAIL");
	await_end("FAIL", "session_end matched");
}

static void a_client_that_cannot_be_reached_ends_the_job(void **state)
{
	dut_connects();
	close_one(&f.listener);
	prepare(JOB);
	go_to("127.0.0.1", CLIENT_PORT);
	assert_answered_well();
	await_end("SETUP_FAIL", "the client could not be reached: Connection refused");
	assert_int_equal(f.running, 0);
}

static bool port_is_off(void)
{
	return f.port_is_off;
}

static bool port_was_switched_on(void)
{
	return f.was_switched_on;
}

static void a_job_without_a_submitter_runs_too(void **state)
{
	dut_connects();
	prepare(JOB);
	go_to(NULL, 0);
	assert_answered_well();
	AWAIT(port_was_switched_on);
	dut_says("ok\nEND\n");
	await_end("PASS", "session_end matched");
	assert_int_equal(f.running, 1);
}

static void a_cancelled_job_ends_without_a_session_end(void **state)
{
	run(JOB);
	cancel("by an admin");
	await_told("The job was cancelled: by an admin");
	AWAIT(connection_has_ended);
	assert_string_equal(f.status, "");
	await_end("INCOMPLETE", "cancelled: by an admin");
}

static void a_stop_ends_the_job_with_off(void **state)
{
	run(JOB);
	proc_signal(&f.jobd, SIGTERM);
	AWAIT(connection_has_ended);
	await_end("INCOMPLETE", "cancelled: the gateway stops");
}

static void an_artifact_that_cannot_be_had_fails_the_setup(void **state)
{
	f.no_artifacts = true;
	dut_connects();
	prepare(JOB);
	go_to("127.0.0.1", CLIENT_PORT);
	accept_client();
	await_session_end("SETUP_FAIL");
	await_end("SETUP_FAIL", "deployment.start.kernel: http://files/kernel: 404");
}

static void a_killed_jobd_leaves_its_lease_to_expire(void **state)
{
	run(JOB);
	f.was_off_before = false; /* as it was before its boot */
	proc_end(&f.jobd, SIGKILL);
	AWAIT(connection_has_ended);
	AWAIT(port_is_off);
	assert_false(f.was_off_before);
	assert_string_equal(f.lease_lost, "it was not renewed in time");
	assert_string_equal(port_state(), "OFF");
}

static bool it_was_deployed_again(void)
{
	return f.deploys == 2;
}

static void a_restart_of_bootsd_is_not_noticed(void **state)
{
	run(JOB);
	bootsd_stop();
	bootsd_start();
	AWAIT(it_was_deployed_again);
	assert_string_equal(f.deployed->cmdline, "one ip=http://10.42.0.1:8090");
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
}

static void a_restart_of_pdud_is_not_noticed(void **state)
{
	run(JOB);
	proc_end(&f.pdud, SIGKILL);
	f.configured = false;
	start_daemon(&f.pdud, "pdud");
	AWAIT(pdud_is_configured);
	assert_string_equal(port_state(), "ON");
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
}

static void a_restart_of_saladd_is_not_noticed(void **state)
{
	run(JOB);
	dut_says("ok\n");
	await_console("ok\n");
	proc_end(&f.saladd, SIGKILL);
	await_told("The console was lost");
	saladd_start();
	close_one(&f.dut);
	dut_connects();
	dut_says("END\n");
	await_session_end("PASS");
	await_end("PASS", "session_end matched");
}

static void a_result_waits_for_executord(void **state)
{
	run(JOB);
	executord_stop();
	dut_says("ok\nEND\n");
	await_session_end("PASS");
	executord_start();
	AWAIT(pdud_is_configured);
	AWAIT(jobd_said_hello);
	assert_string_equal(f.hello_job, "17");
	await_end("PASS", "session_end matched");
}

static void a_job_that_executord_does_not_know_any_more_ends(void **state)
{
	run(JOB);
	executord_stop();
	f.refuse_hello = true;
	executord_start();
	AWAIT(pdud_is_configured);
	AWAIT(connection_has_ended);
	await_end("INCOMPLETE", "cancelled: the gateway does not know this job any more");
}

static void promise_32_a_client_that_stops_reading_costs_4_mib_and_delays_nothing(void **state)
{
	static char flood[65536];
	struct stat log;
	size_t before, after;

	run(JOB);
	stop_reading();
	before = strlen(f.console ? f.console : "");
	memset(flood, 'x', sizeof(flood) - 1);
	for (size_t i = 999; i < sizeof(flood) - 1; i += 1000)
		flood[i] = '\n';
	for (int i = 0; i < 100; i++)
		dut_says(flood);
	dut_says("\nok\nEND\n");
	AWAIT(port_is_off); /* the job went on to its end */
	assert_int_equal(stat(tmp_path("state/jobs/17.log"), &log), 0);
	assert_true(log.st_size > 100 * 65535);
	on_client(&client_watch, 0);
	while (!f.client_eof)
		read_client();
	assert_non_null(strstr(f.said, "bytes of the console were left out: they were not read in time"));
	after = strlen(f.console);
	assert_in_range(after - before, 1024 * 1024, 4 * 1024 * 1024); /* what waited for it, here and in the kernel */
	assert_string_equal(f.status, "PASS");
	client_close();
	await_end("PASS", "session_end matched");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_spare_ends_when_its_connection_does),
		TEST(a_spare_says_hello_again_to_an_executord_that_comes_back),
		TEST(a_job_is_prepared_and_names_its_target),
		TEST(a_bad_job_is_refused_by_name_and_the_spare_goes_on),
		TEST(a_job_passes),
		TEST(a_job_fails_without_its_success),
		TEST(the_rendered_job_is_shown_with_its_secrets_masked),
		TEST(the_jobs_bucket_is_told_to_its_machine_and_its_secret_to_nobody_else),
		TEST(without_a_bucket_its_names_are_empty),
		TEST(an_error_that_quotes_the_buckets_secret_is_masked),
		TEST(the_client_is_told_of_the_bucket_and_awaited),
		TEST(a_client_that_never_closes_is_awaited_within_infra_teardown_alone),
		TEST(the_messages_have_the_fields_tags_and_metadata),
		TEST(a_warning_counts_beside_the_success),
		TEST(patterns_see_bytes_noise_and_long_lines),
		TEST(promise_30_a_catastrophic_pattern_ends_its_job_by_name),
		TEST(every_line_of_the_log_about_a_job_has_its_id),
		TEST(what_a_regex_path_stands_for_is_fetched_when_the_machine_asks),
		TEST(what_the_machine_wants_is_asked_for_after_lost_events),
		TEST(a_long_fetch_says_what_it_waits_for),
		TEST(an_artifact_is_made_in_its_steps),
		TEST(what_is_typed_reaches_the_machine),
		TEST(a_timeout_is_retried_and_the_next_boot_gets_continue),
		TEST(a_client_that_goes_ends_the_job),
		TEST(a_client_that_talks_nonsense_ends_the_job),
		TEST(a_frame_that_is_too_long_ends_the_job_at_its_header),
		TEST(a_frame_of_an_unknown_type_ends_the_job),
		TEST(a_frame_whose_bytes_are_no_base85_ends_the_job),
		TEST(a_client_that_trickles_is_understood),
		TEST(half_a_frame_and_an_end_is_a_client_that_went),
		TEST(promise_32_a_client_that_never_answers_is_not_awaited_for_long),
		TEST(promise_32_a_callback_below_port_1024_is_refused),
		TEST(a_job_that_is_told_to_go_twice_goes_once),
		TEST(only_its_own_job_can_be_cancelled),
		TEST(a_client_that_cannot_be_reached_ends_the_job),
		TEST(a_job_without_a_submitter_runs_too),
		TEST(a_cancelled_job_ends_without_a_session_end),
		TEST(a_stop_ends_the_job_with_off),
		TEST(an_artifact_that_cannot_be_had_fails_the_setup),
		cmocka_unit_test_setup_teardown(a_killed_jobd_leaves_its_lease_to_expire, setup_with_short_leases, teardown),
		TEST(a_restart_of_bootsd_is_not_noticed),
		TEST(a_restart_of_pdud_is_not_noticed),
		TEST(a_restart_of_saladd_is_not_noticed),
		TEST(a_result_waits_for_executord),
		TEST(a_job_that_executord_does_not_know_any_more_ends),
		TEST(promise_32_a_client_that_stops_reading_costs_4_mib_and_delays_nothing),
	};

	log_init("jobd_test", "warning");
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
