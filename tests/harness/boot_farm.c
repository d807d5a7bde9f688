#include "tests/harness/boot_farm.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

struct boot_farm f;

static void on_seen(void *owner, const void *body, struct bus_call *call)
{
	if (f.seen.n < EVENTS_MAX)
		f.seen.v[f.seen.n++] = bus_body_dup(&bus_body_boot_seen, body);
}

static void on_unexpected(void *owner, const void *body, struct bus_call *call)
{
	if (call)
		bus_answer(call, NULL);
}

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	f.up += what == BUS_PEER_UP ? 1 : what == BUS_PEER_DOWN ? -1 : 0;
}

static void join(struct bus *bus, enum bus_daemon who, const char *name)
{
	static struct bus_handler handlers[2][BUS_TYPES + 1];
	struct bus_handler *h = handlers[who == BUS_JOBD];
	struct gw_error err = {0};
	int n = 0;

	for (int type = 0; type < BUS_TYPES; type++)
		if (type != MSG_HELLO && bus_types[type].answer && (bus_types[type].to & who))
			h[n++] = (struct bus_handler){type, on_unexpected};
	if (who == BUS_EXECUTORD)
		h[n++] = (struct bus_handler){MSG_BOOT_SEEN, on_seen};
	if (!bus_join(bus, &f.loop, tmp_path("run"), who, name, h, NULL, &err))
		fail_msg("%s", err.text);
	bus_watch(bus, "bootsd", on_peer, NULL);
}

static void on_patience(void *data)
{
	proc_show(&f.bootsd);
	fail_msg("it did not come");
}

static void turn_until(bool (*done)(void))
{
	struct loop_timer patience = {0};

	/* An emulated firmware on a busy machine may take a minute to its first packet. */
	loop_timer_start(&f.loop, &patience, 3 * PROC_PATIENCE_MS, on_patience, NULL);
	while (!done())
		uv_run(&f.loop.uv, UV_RUN_ONCE);
	loop_timer_finish(&patience);
}

static bool both_up(void)
{
	return f.up == 2;
}

static bool both_down(void)
{
	return f.up == 0;
}

static bool answered(void)
{
	return f.answered;
}

static void on_answer(void *data, const void *answer, const struct gw_error *err)
{
	const struct bus_type_info *info = data;

	f.error = err ? *err : (struct gw_error){0};
	f.answer = answer ? bus_body_dup(info->answer, answer) : NULL;
	f.answered = true;
}

/* The answer (to be freed with done_with), or NULL and f.error. */
void *ask(struct bus *bus, enum bus_type type, const void *body)
{
	f.answered = false;
	bus_ask(bus, "bootsd", type, body, 0, on_answer, (void *)&bus_types[type]);
	turn_until(answered);
	return f.answer;
}

void done_with(enum bus_type type, void *answer)
{
	bus_body_free(bus_types[type].answer, answer);
}

void must(struct bus *bus, enum bus_type type, const void *body)
{
	void *answer = ask(bus, type, body);

	if (!answer)
		fail_msg("%s: %s", bus_types[type].name, f.error.text);
	done_with(type, answer);
}

static const char *wanted_how, *wanted_mac;
static const struct msg_boot_seen *found;

static bool seen_it(void)
{
	for (; f.seen.from < f.seen.n; f.seen.from++) {
		const struct msg_boot_seen *e = f.seen.v[f.seen.from];

		if (strcmp(e->how, wanted_how) == 0 && strcmp(e->mac, wanted_mac) == 0) {
			found = e;
			f.seen.from++;
			return true;
		}
	}
	return false;
}

/* The next event of this machine and kind. */
const struct msg_boot_seen *await_seen(const char *mac, const char *how)
{
	wanted_mac = mac;
	wanted_how = how;
	turn_until(seen_it);
	return found;
}

void configure(bool discovering)
{
	struct msg_boot_dut v[] = {{.id = T("one"), .mac = (char *)duts[0].mac, .ip = T("10.42.0.11"), .hostname = T("farm-one-1")},
				   {.id = T("two"), .mac = (char *)duts[1].mac, .ip = T("10.42.0.12"), .hostname = T("farm-two-1")},
				   {.id = T("qemu"), .mac = T(QEMU_MAC), .ip = T("10.42.0.20"), .hostname = T("farm-qemu-1")}};
	struct msg_boot_configure body = {.capability_key = f.key, .discovering = discovering};

	body.duts.v = v;
	body.duts.n = sizeof(v) / sizeof(v[0]);
	must(&f.executord, MSG_BOOT_CONFIGURE, &body);
}

const char *capability(const char *job, const char *id, const char *mac)
{
	static char text[CAPABILITY_TEXT_MAX + 1];
	struct capability cap = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", job);
	snprintf(cap.dut, sizeof(cap.dut), "%s", id);
	snprintf(cap.mac, sizeof(cap.mac), "%s", mac);
	assert_true(capability_make(f.key, &cap, text, NULL));
	return text;
}

void artifact(const char *name, const char *bytes)
{
	file_put(tmp_path("state/artifacts/%s", name), bytes);
}

/* A job of DUT `id` with kernel and initramfs (of two artifacts) by HTTP and TFTP. NULL cmdline: nothing to boot. */
void *deploy(const char *job, const char *id, const char *mac, const char *kernel, const char *cmdline)
{
	char *kernels[] = {(char *)kernel}, *images[] = {T("first"), T("second")};
	struct msg_boot_file files[] = {
		{.path = T("/_/job/kernel"), .http = true, .tftp = true, .artifacts = {kernels, 1}},
		{.path = T("/_/job/initramfs"), .http = true, .tftp = true, .artifacts = {images, 2}},
		{.path = T("/only-http"), .http = true, .artifacts = {kernels, 1}},
	};
	struct msg_boot_deploy body = {.capability = (char *)capability(job, id, mac), .cmdline = (char *)cmdline, .initramfs = true};

	body.files.v = files;
	body.files.n = sizeof(files) / sizeof(files[0]);
	return ask(&f.jobd, MSG_BOOT_DEPLOY, &body);
}

void must_deploy(const char *job, const struct dut *dut, const char *cmdline)
{
	struct msg_boot_status *status;

	artifact("kernel", "the kernel");
	artifact("first", "first, ");
	artifact("second", "second");
	status = deploy(job, dut->id, dut->mac, "kernel", cmdline);
	if (!status)
		fail_msg("boot.deploy: %s", f.error.text);
	done_with(MSG_BOOT_DEPLOY, status);
}

int64_t requests_of(const char *job, const struct dut *dut)
{
	struct msg_boot_status *status = ask(&f.jobd, MSG_BOOT_STATUS,
					     &(struct msg_capability){(char)0, .capability = (char *)capability(job, dut->id, dut->mac)});
	int64_t n = status ? status->requests : -1;

	if (status)
		done_with(MSG_BOOT_STATUS, status);
	return n;
}

void withdraw(const char *job, const struct dut *dut)
{
	must(&f.jobd, MSG_BOOT_WITHDRAW, &(struct msg_capability){.capability = (char *)capability(job, dut->id, dut->mac)});
}

/* As systemd would: `in` and `out` are its DHCP and TFTP sockets; -1: it opens its own. */
static void start_bootsd_with(const char *const *more, int in, int out)
{
	static const char activated[] =
		"exec 3<&0 4<&1 1>&2 </dev/null; LISTEN_PID=$$ LISTEN_FDS=2 "
		"LISTEN_FDNAMES=${BOOTS_DHCP_IPv4_SOCKET_NAME:-dhcp_ipv4}:${BOOTS_TFTP_IPv4_SOCKET_NAME:-tftp_ipv4} exec \"$0\"";
	static const char program[] = GW_BUILD_ROOT "/bootsd/bootsd";
	const char *env[8] = {NULL};
	int n = 0;

	env[n++] = gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", tmp_path("run"));
	env[n++] = gw_sprintf("EXECUTOR_STATE_DIR=%s", tmp_path("state"));
	for (; more && *more; more++)
		env[n++] = *more;
	if (in < 0)
		proc_start(&f.bootsd, "bootsd", (const char *const[]){program, NULL}, env);
	else
		proc_start_io(&f.bootsd, "bootsd", (const char *const[]){"sh", "-c", activated, program, NULL}, env, in, out);
	free((char *)env[0]);
	free((char *)env[1]);
}

static void start_bootsd(const char *const *more)
{
	start_bootsd_with(more, -1, -1);
}

/* Ends it, starts it again, and tells it of the DUTs. */
void restart(int signal, const char *const *more, int in, int out)
{
	proc_end(&f.bootsd, signal);
	turn_until(both_down);
	start_bootsd_with(more, in, out);
	turn_until(both_up);
	configure(false);
}

int setup_farm(void **state)
{
	struct gw_error err = {0};

	mkdir(tmp_path("run"), 0755);
	start_bootsd(NULL);
	proc_await(&f.bootsd, "serving private as 10.42.0.1, boot HTTP on port 8090, dynamic range 10.42.240.0-10.42.255.254");
	assert_true(loop_init(&f.loop, &err) && capability_key_make(f.key, &err));
	join(&f.executord, BUS_EXECUTORD, "executord");
	join(&f.jobd, BUS_JOBD, "jobd-1");
	turn_until(both_up);
	configure(false);
	return 0;
}

int teardown_farm(void **state)
{
	bus_finish(&f.jobd);
	bus_finish(&f.executord);
	loop_finish(&f.loop);
	assert_int_equal(proc_end(&f.bootsd, SIGTERM), 0);
	for (size_t i = 0; i < f.seen.n; i++)
		bus_body_free(&bus_body_boot_seen, f.seen.v[i]);
	return 0;
}
