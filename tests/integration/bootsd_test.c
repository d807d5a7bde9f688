/* bootsd itself, on the private bridge, with this test as executord and as a jobd on the bus. Two machines hang on the bridge: network
 * namespaces with a card each, where the test opens sockets as the machine would. And one real qemu machine boots from the network. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootsd/dhcp_packet.h"
#include "bootsd/tftp_packet.h"
#include "libbus/bus.h"
#include "libbus/capability.h"
#include "pdud/vpdud/wire.h"
#include "tests/harness/proc.h"

#define GATEWAY    0x0a2a0001u /* 10.42.0.1 */
#define QEMU_MAC   "52:54:00:11:22:00"
#define EVENTS_MAX 512
#define T(text)    ((char[]){text}) /* a text as messages have them: not constant */

/* ---- the two machines ---- */

static struct dut {
	const char *mac, *id;
	pid_t pid;
	int ns; /* its network namespace */
} duts[] = {{"52:54:00:aa:00:01", "one", 0, -1}, {"52:54:00:aa:00:02", "two", 0, -1}};

static int home = -1; /* the gateway's namespace */

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static pid_t make_namespace(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void plug_in(struct dut *dut, int number)
{
	char path[64];

	dut->pid = make_namespace();
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)dut->pid);
	dut->ns = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(dut->ns >= 0);
	shell("ip link add port%d type veth peer name eth0 address %s netns %d && ip link set port%d master private up && "
	      "nsenter --net=%s ip link set eth0 up && nsenter --net=%s ip link set lo up",
	      number, dut->mac, (int)dut->pid, number, path, path);
}

static void set_address(const struct dut *dut, const char *address)
{
	shell("nsenter --net=/proc/%d/ns/net sh -c 'ip addr flush dev eth0 && ip addr add %s/16 dev eth0'", (int)dut->pid, address);
}

/* A socket of the machine. */
static int dut_socket(const struct dut *dut, int type, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	int fd;

	assert_int_equal(setns(dut->ns, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

/* ---- the bus ---- */

static struct farm {
	struct proc bootsd;
	struct loop loop;
	struct bus executord, jobd;
	char key[CAPABILITY_KEY_HEX + 1];
	struct {
		struct msg_boot_seen *v[EVENTS_MAX];
		size_t n, from;
	} seen;
	void *answer; /* of the last request; NULL: see error */
	struct gw_error error;
	bool answered;
	int up;
} f;

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

	loop_timer_start(&f.loop, &patience, PROC_PATIENCE_MS, on_patience, NULL);
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
static void *ask(struct bus *bus, enum bus_type type, const void *body)
{
	f.answered = false;
	bus_ask(bus, "bootsd", type, body, 0, on_answer, (void *)&bus_types[type]);
	turn_until(answered);
	return f.answer;
}

static void done_with(enum bus_type type, void *answer)
{
	bus_body_free(bus_types[type].answer, answer);
}

static void must(struct bus *bus, enum bus_type type, const void *body)
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
static const struct msg_boot_seen *await_seen(const char *mac, const char *how)
{
	wanted_mac = mac;
	wanted_how = how;
	turn_until(seen_it);
	return found;
}

/* ---- what executord and jobd say ---- */

static void configure(bool discovering)
{
	struct msg_boot_dut v[] = {{.id = T("one"), .mac = (char *)duts[0].mac, .ip = T("10.42.0.11"), .hostname = T("farm-one-1")},
				   {.id = T("two"), .mac = (char *)duts[1].mac, .ip = T("10.42.0.12"), .hostname = T("farm-two-1")},
				   {.id = T("qemu"), .mac = T(QEMU_MAC), .ip = T("10.42.0.20"), .hostname = T("farm-qemu-1")}};
	struct msg_boot_configure body = {.capability_key = f.key, .discovering = discovering};

	body.duts.v = v;
	body.duts.n = sizeof(v) / sizeof(v[0]);
	must(&f.executord, MSG_BOOT_CONFIGURE, &body);
}

static const char *capability(const char *job, const char *id, const char *mac)
{
	static char text[CAPABILITY_TEXT_MAX + 1];
	struct capability cap = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", job);
	snprintf(cap.dut, sizeof(cap.dut), "%s", id);
	snprintf(cap.mac, sizeof(cap.mac), "%s", mac);
	assert_true(capability_make(f.key, &cap, text, NULL));
	return text;
}

static void artifact(const char *name, const char *bytes)
{
	file_put(tmp_path("state/artifacts/%s", name), bytes);
}

/* A job of DUT `id` with kernel and initramfs (of two artifacts) by HTTP and TFTP. NULL cmdline: nothing to boot. */
static void *deploy(const char *job, const char *id, const char *mac, const char *kernel, const char *cmdline)
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

static void must_deploy(const char *job, const struct dut *dut, const char *cmdline)
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

static int64_t requests_of(const char *job, const struct dut *dut)
{
	struct msg_boot_status *status = ask(&f.jobd, MSG_BOOT_STATUS,
					     &(struct msg_capability){(char)0, .capability = (char *)capability(job, dut->id, dut->mac)});
	int64_t n = status ? status->requests : -1;

	if (status)
		done_with(MSG_BOOT_STATUS, status);
	return n;
}

static void withdraw(const char *job, const struct dut *dut)
{
	must(&f.jobd, MSG_BOOT_WITHDRAW, &(struct msg_capability){.capability = (char *)capability(job, dut->id, dut->mac)});
}

/* As systemd would: `in` and `out` are its DHCP and TFTP sockets; -1: it opens its own. */
static void start_bootsd_with(const char *const *more, int in, int out)
{
	static const char activated[] =
		"exec 3<&0 4<&1 1>&2 </dev/null; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=dhcp_ipv4:tftp_ipv4 exec \"$0\"";
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
static void restart(int signal, const char *const *more, int in, int out)
{
	proc_end(&f.bootsd, signal);
	turn_until(both_down);
	start_bootsd_with(more, in, out);
	turn_until(both_up);
	configure(false);
}

static int setup_farm(void **state)
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

static int teardown_farm(void **state)
{
	bus_finish(&f.jobd);
	bus_finish(&f.executord);
	loop_finish(&f.loop);
	assert_int_equal(proc_end(&f.bootsd, SIGTERM), 0);
	for (size_t i = 0; i < f.seen.n; i++)
		bus_body_free(&bus_body_boot_seen, f.seen.v[i]);
	return 0;
}

/* ---- DHCP ---- */

struct reply {
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t n;
	struct dhcp_packet packet;
	uint32_t yiaddr, siaddr;
	char file[129];
};

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *option_in(uint8_t *bytes, size_t n, uint8_t code)
{
	for (size_t i = 240; i + 2 < n && bytes[i] != 255; i += bytes[i] ? 2u + bytes[i + 1] : 1u)
		if (bytes[i] == code)
			return bytes + i + 2;
	return NULL;
}

/* What a firmware really sent (tests/fuzz/corpus), with this MAC; a REQUEST names the address and server of `offer`. */
static size_t firmware_packet(uint8_t bytes[DHCP_PACKET_MAX], const char *seed, const char *mac, const struct reply *offer)
{
	static uint32_t xid = 0x42;
	char *path = gw_sprintf("%s/../fuzz/corpus/dhcp_packet/%s", TEST_DATA, seed);
	FILE *file = fopen(path, "r");
	struct mac m;
	size_t n;

	assert_non_null(file);
	free(path);
	n = fread(bytes, 1, DHCP_PACKET_MAX, file);
	fclose(file);
	assert_true(mac_decode(&m, mac));
	memcpy(bytes + 28, m.b, 6);
	if (!offer)
		xid++;
	memcpy(bytes + 4, &xid, 4);
	if (offer) {
		memcpy(option_in(bytes, n, 50), offer->bytes + 16, 4);
		memcpy(option_in(bytes, n, 54), (uint8_t[]){10, 42, 0, 1}, 4);
	}
	return n;
}

static void broadcast(int fd, const uint8_t *bytes, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(67), .sin_addr.s_addr = INADDR_BROADCAST};

	assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

static void receive(int fd, struct reply *r)
{
	uint8_t as_request[DHCP_PACKET_MAX];
	struct gw_error err = {0};
	ssize_t n;

	assert_true(readable(fd, PROC_PATIENCE_MS));
	n = recv(fd, r->bytes, sizeof(r->bytes), 0);
	assert_true(n >= DHCP_REPLY_MIN);
	r->n = (size_t)n;
	assert_int_equal(r->bytes[0], 2);
	memcpy(as_request, r->bytes, r->n);
	r->bytes[0] = 1;
	if (!dhcp_decode(&r->packet, r->bytes, r->n, &err))
		fail_msg("%s", err.text);
	r->yiaddr = u32(r->bytes + 16);
	r->siaddr = u32(r->bytes + 20);
	memcpy(r->file, r->bytes + 108, 128);
}

static const char *text_of(const struct reply *r, enum dhcp_code code)
{
	static char text[256];
	struct dhcp_bytes o = r->packet.options[code];

	if (!o.v)
		return "(none)";
	memcpy(text, o.v, o.n);
	text[o.n] = '\0';
	return text;
}

/* DISCOVER, OFFER, REQUEST, ACK of a firmware on `dut`'s wire. */
static void boot_request(const struct dut *dut, const char *firmware, const char *mac, struct reply *ack)
{
	int fd = dut_socket(dut, SOCK_DGRAM, 68);
	uint8_t bytes[DHCP_PACKET_MAX];
	struct reply offer = {0};
	char seed[64];

	snprintf(seed, sizeof(seed), "%s-discover", firmware);
	broadcast(fd, bytes, firmware_packet(bytes, seed, mac, NULL));
	receive(fd, &offer);
	assert_int_equal(offer.packet.type, DHCP_OFFER);
	snprintf(seed, sizeof(seed), "%s-request", firmware);
	broadcast(fd, bytes, firmware_packet(bytes, seed, mac, &offer));
	receive(fd, ack);
	assert_int_equal(ack->packet.type, DHCP_ACK);
	assert_int_equal(ack->yiaddr, offer.yiaddr);
	close(fd);
}

static void a_dut_without_a_job_gets_its_own_address_only(void **state)
{
	const struct msg_boot_seen *seen;
	struct reply ack = {0};

	boot_request(&duts[0], "ipxe-bios", duts[0].mac, &ack);
	assert_int_equal(ack.yiaddr, 0x0a2a000b);
	assert_int_equal(dhcp_ip_option(&ack.packet, DHCP_SERVER_ID), GATEWAY);
	assert_int_equal(dhcp_ip_option(&ack.packet, DHCP_ROUTER), GATEWAY);
	assert_int_equal(dhcp_ip_option(&ack.packet, DHCP_NAME_SERVER), GATEWAY);
	assert_int_equal(dhcp_ip_option(&ack.packet, DHCP_SUBNET_MASK), 0xffff0000);
	assert_int_equal(dhcp_ip_option(&ack.packet, DHCP_LEASE_TIME), 3600);
	assert_string_equal(text_of(&ack, DHCP_HOSTNAME), "farm-one-1");
	assert_null(ack.packet.options[DHCP_BOOTFILE].v);
	assert_string_equal(ack.file, "");
	assert_int_equal(ack.siaddr, 0);
	seen = await_seen(duts[0].mac, "dhcp");
	assert_string_equal(seen->dut, "one");
	assert_null(seen->job);
	assert_string_equal(seen->ip, "10.42.0.11");
	assert_true(seen->netboot);
	assert_string_equal(seen->architecture, "x86");
	assert_string_equal(seen->firmware, "bios");
	assert_string_equal(seen->protocol, "tftp");
}

static void each_firmware_is_told_how_to_boot_its_job(void **state)
{
	struct reply ack = {0};

	must_deploy("job-1", &duts[0], "console=ttyS0");
	boot_request(&duts[0], "ipxe-bios", duts[0].mac, &ack);
	assert_string_equal(text_of(&ack, DHCP_BOOTFILE), "http://10.42.0.1:8090/boot/52:54:00:aa:00:01/boot.ipxe?platform=${platform}"
							  "&buildarch=${buildarch}");
	assert_int_equal(ack.packet.options[DHCP_IPXE].n, 3);
	assert_memory_equal(ack.packet.options[DHCP_IPXE].v, "\xb0\1\1", 3); /* no-pxedhcp */
	assert_int_equal(ack.siaddr, GATEWAY);
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "snponly.efi");
	assert_string_equal(text_of(&ack, DHCP_TFTP_SERVER), "10.42.0.1");
	assert_int_equal(ack.siaddr, GATEWAY);
	assert_null(ack.packet.options[DHCP_IPXE].v);
	boot_request(&duts[0], "ovmf-http", duts[0].mac, &ack);
	assert_string_equal(text_of(&ack, DHCP_BOOTFILE), "http://10.42.0.1:8090/boot/snponly.efi");
	assert_string_equal(text_of(&ack, DHCP_VENDOR_CLASS), "HTTPClient");
	boot_request(&duts[0], "uboot-arm64-first", duts[0].mac, &ack);
	assert_string_equal(ack.file, "");
	assert_string_equal(await_seen(duts[0].mac, "dhcp")->job, "job-1");
	assert_int_equal(requests_of("job-1", &duts[0]), 4); /* an exchange counts once */
	withdraw("job-1", &duts[0]);
	assert_int_equal(requests_of("job-1", &duts[0]), -1);
	assert_string_equal(f.error.text, "job job-1 has nothing deployed");
}

static void a_job_s_own_dhcp_options_win(void **state)
{
	struct msg_boot_option v[] = {
		{.code = 67, .hex = T("6d792e73637200")}, {.code = 66, .hex = T("31302e34322e302e39")}, {.code = 224, .hex = T("00ff")}};
	struct msg_boot_dhcp rules[] = {{.firmware = T("bios")}, {.architecture = T("arm64"), .vendor_class = T("U-Boot\\..*")}};
	struct msg_boot_deploy body = {.capability = (char *)capability("job-2", "one", duts[0].mac)};
	struct reply ack = {0};
	void *answer;

	rules[1].options.v = v;
	rules[1].options.n = 3;
	body.dhcp.v = rules;
	body.dhcp.n = 2;
	must(&f.jobd, MSG_BOOT_DEPLOY, &body);
	boot_request(&duts[0], "uboot-arm64-first", duts[0].mac, &ack);
	assert_string_equal(ack.file, "my.scr");
	assert_int_equal(ack.siaddr, 0x0a2a0009);
	assert_int_equal(ack.packet.options[224].n, 2);
	rules[1].vendor_class = T("U-Boot(");
	answer = ask(&f.jobd, MSG_BOOT_DEPLOY, &body);
	assert_null(answer);
	assert_string_equal(f.error.text, "dhcp.1: match.vendor_class: 'U-Boot(' is not a regex: missing closing parenthesis at offset 7");
	withdraw("job-2", &duts[0]);
}

static void an_unknown_machine_gets_an_address_of_the_range_and_an_event(void **state)
{
	const struct msg_boot_seen *seen;
	struct reply ack = {0}, again = {0};

	boot_request(&duts[0], "ovmf-pxe", "52:54:00:bb:00:01", &ack);
	assert_in_range(ack.yiaddr, 0x0a2af000, 0x0a2afffe);
	assert_string_equal(text_of(&ack, DHCP_HOSTNAME), "(none)");
	assert_string_equal(ack.file, "");
	seen = await_seen("52:54:00:bb:00:01", "dhcp");
	assert_null(seen->dut);
	assert_true(seen->netboot);
	assert_string_equal(seen->architecture, "x86_64");
	boot_request(&duts[0], "ipxe-uefi", "52:54:00:bb:00:01", &again);
	assert_int_equal(again.yiaddr, ack.yiaddr);
}

static void a_restart_keeps_the_leases_and_hears_of_the_duts_again(void **state)
{
	struct reply before = {0}, after = {0};

	boot_request(&duts[0], "ipxe-bios", "52:54:00:bb:00:02", &before);
	restart(SIGKILL, NULL, -1, -1);
	boot_request(&duts[0], "ipxe-bios", "52:54:00:bb:00:02", &after);
	assert_int_equal(after.yiaddr, before.yiaddr);
}

/* A real client, which is as strict as clients are. */
static void busybox_udhcpc_gets_and_renews_its_lease(void **state)
{
	struct proc client = {0};
	char ns[64], *script = gw_strdup(tmp_path("on-dhcp"));

	file_put(script, "#!/bin/sh\necho \"$1 ip=$ip mask=$mask router=$router dns=$dns lease=$lease host=$hostname\" >&2\n");
	chmod(script, 0755);
	snprintf(ns, sizeof(ns), "--net=/proc/%d/ns/net", (int)duts[1].pid);
	proc_start(&client, "udhcpc",
		   (const char *const[]){"nsenter", ns, "busybox", "udhcpc", "-f", "-R", "-i", "eth0", "-s", script, NULL}, NULL);
	proc_await(&client, "bound ip=10.42.0.12 mask=16 router=10.42.0.1 dns=10.42.0.1 lease=3600 host=farm-two-1");
	set_address(&duts[1], "10.42.0.12"); /* as its script would */
	proc_signal(&client, SIGUSR1);       /* renew */
	proc_await(&client, "renew ip=10.42.0.12 *");
	proc_end(&client, SIGTERM);
	proc_await(&f.bootsd, "dhcp: RELEASE of 52:54:00:aa:00:02 (two): *");
	free(script);
}

static void what_is_no_request_gets_no_answer_and_a_line_in_the_log(void **state)
{
	int fd = dut_socket(&duts[0], SOCK_DGRAM, 68);
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t n = firmware_packet(bytes, "ipxe-bios-discover", duts[0].mac, NULL);
	struct reply offer = {0};

	broadcast(fd, (const uint8_t *)"hello", 5);
	proc_await(&f.bootsd, "dhcp: a packet is ignored: 5 bytes are not a DHCP packet; accepted: 240 to 1472");
	bytes[0] = 2;
	broadcast(fd, bytes, n);
	proc_await(&f.bootsd, "dhcp: a packet is ignored: operation 2 is not a request (1)");
	bytes[0] = 1;
	bytes[24] = 10; /* giaddr */
	broadcast(fd, bytes, n);
	proc_await(&f.bootsd, "dhcp: DISCOVER of * (one): no answer: it comes by a relay, and none is configured");
	assert_false(readable(fd, 0));
	bytes[24] = 0;
	broadcast(fd, bytes, n);
	receive(fd, &offer);
	assert_int_equal(offer.yiaddr, 0x0a2a000b);
	close(fd);
}

/* ---- HTTP ---- */

static int connect_http(const struct dut *dut)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8090), .sin_addr.s_addr = htonl(GATEWAY)};
	int fd = dut_socket(dut, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The whole answer; the caller frees. `more`: header lines. */
static char *http(const struct dut *dut, const char *method, const char *path, const char *more)
{
	char *rq = gw_sprintf("%s %s HTTP/1.1\r\nHost: 10.42.0.1\r\nConnection: close\r\n%s\r\n", method, path, more),
	     *got = gw_calloc(1, 65536);
	int fd = connect_http(dut);
	size_t n = 0;
	ssize_t r;

	assert_int_equal(send(fd, rq, strlen(rq), 0), strlen(rq));
	while (readable(fd, PROC_PATIENCE_MS) && (r = recv(fd, got + n, 65535 - n, 0)) > 0)
		n += (size_t)r;
	close(fd);
	free(rq);
	return got;
}

static void expect_http(const struct dut *dut, const char *method, const char *path, const char *more, int status, const char *body)
{
	char *got = http(dut, method, path, more), *at = strstr(got, "\r\n\r\n");

	assert_non_null(at);
	if (atoi(got + 9) != status || (body && strcmp(at + 4, body) != 0))
		fail_msg("%s %s: wanted %d and '%s', got: %s", method, path, status, body, got);
	free(got);
}

static void a_dut_fetches_its_own_job_s_files_and_nobody_else_s(void **state)
{
	char etag[128], *got, *at;

	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-3", &duts[0], "console=ttyS0");
	expect_http(&duts[0], "GET", "/_/job/kernel?x=1", "", 200, "the kernel");
	expect_http(&duts[0], "GET", "/_/job/initramfs", "", 200, "first, second");
	expect_http(&duts[0], "HEAD", "/_/job/initramfs", "", 200, "");
	expect_http(&duts[0], "GET", "/_/job/initramfs", "Range: bytes=5-8\r\n", 206, ", se");
	expect_http(&duts[0], "GET", "/_/job/kernel", "Range: bytes=-6\r\n", 206, "kernel");
	expect_http(&duts[1], "GET", "/_/job/kernel", "", 404, NULL);
	expect_http(&duts[0], "GET", "/_/job/nothing", "", 404, NULL);
	expect_http(&duts[0], "GET", "/boot/default_kernel/../../etc/passwd", "", 400, NULL);
	expect_http(&duts[0], "GET", "/boot/nothing", "", 404, NULL);
	got = http(&duts[0], "GET", "/_/job/initramfs", "");
	at = strstr(got, "ETag: ");
	assert_non_null(at);
	snprintf(etag, sizeof(etag), "If-None-Match: %.*s\r\n", (int)strcspn(at + 6, "\r"), at + 6);
	free(got);
	expect_http(&duts[0], "GET", "/_/job/initramfs", etag, 304, "");
	assert_string_equal(await_seen(duts[0].mac, "http")->detail, "/_/job/kernel");
	withdraw("job-3", &duts[0]);
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 404, NULL);
}

static void a_dut_gets_its_script_and_nobody_else_s(void **state)
{
	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-4", &duts[0], "console=ttyS0 a;b");
	expect_http(&duts[0], "GET", "/boot/52:54:00:aa:00:01/boot.ipxe?platform=pcbios&buildarch=i386", "", 200,
		    "#!ipxe\n"
		    "set semicolon:hex 3b\n"
		    "kernel http://10.42.0.1:8090/_/job/kernel console=ttyS0 a${semicolon:string}b || goto again\n"
		    "initrd --name initrd http://10.42.0.1:8090/_/job/initramfs || goto again\n"
		    "boot || goto again\n"
		    ":again\n"
		    "echo That failed; trying again in a second\n"
		    "sleep 1\n"
		    "imgfree\n"
		    "chain --replace http://10.42.0.1:8090/boot/52:54:00:aa:00:01/boot.ipxe?platform=${platform}&buildarch=${buildarch} || "
		    "goto "
		    "again\n");
	expect_http(&duts[1], "GET", "/boot/52:54:00:aa:00:01/boot.ipxe", "", 404, NULL);
	expect_http(&duts[1], "GET", "/boot/52:54:00:aa:00:02/boot.ipxe", "", 200,
		    "#!ipxe\necho No job for this machine: switching it off\npoweroff || exit\n");
	withdraw("job-4", &duts[0]);
}

static void a_dut_with_another_s_address_gets_nothing_of_the_other_s(void **state)
{
	must_deploy("job-5", &duts[0], "console=ttyS0");
	shell("nsenter --net=/proc/%d/ns/net ip addr flush dev eth0", (int)duts[0].pid);
	set_address(&duts[1], "10.42.0.11");
	shell("ip neigh flush dev private");
	expect_http(&duts[1], "GET", "/_/job/kernel", "", 404, NULL);
	proc_await(&f.bootsd, "http: 52:54:00:aa:00:02 uses the address 10.42.0.11 of another machine; it is served nothing of it");
	set_address(&duts[1], "10.42.0.12");
	set_address(&duts[0], "10.42.0.11");
	shell("ip neigh flush dev private");
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 200, "the kernel");
	withdraw("job-5", &duts[0]);
}

static void executord_is_told_the_script_of_any_dut(void **state)
{
	struct msg_boot_script body = {.mac = (char *)duts[0].mac, .platform = T("efi"), .gateway = T("192.0.2.1")};
	struct msg_boot_script_text *text;

	must_deploy("job-6", &duts[0], "quiet");
	text = ask(&f.executord, MSG_BOOT_SCRIPT, &body);
	assert_non_null(text);
	assert_non_null(strstr(text->script, "#!ipxe\nkernel http://192.0.2.1:8090/_/job/kernel initrd=initrd quiet || goto again\n"));
	done_with(MSG_BOOT_SCRIPT, text);
	withdraw("job-6", &duts[0]);
}

/* ---- TFTP ---- */

struct tftp {
	int fd;
	struct sockaddr_in peer;
	uint8_t bytes[2048];
	ssize_t n;
};

static void tftp_ask(struct tftp *t, const struct dut *dut, const char *request, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(69), .sin_addr.s_addr = htonl(GATEWAY)};

	t->fd = dut_socket(dut, SOCK_DGRAM, 0);
	assert_int_equal(sendto(t->fd, request, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

static void tftp_hear(struct tftp *t)
{
	socklen_t len = sizeof(t->peer);

	assert_true(readable(t->fd, PROC_PATIENCE_MS));
	memset(t->bytes, 0, sizeof(t->bytes));
	t->n = recvfrom(t->fd, t->bytes, sizeof(t->bytes) - 1, 0, (struct sockaddr *)&t->peer, &len);
}

static void tftp_ack(struct tftp *t, unsigned block)
{
	uint8_t bytes[] = {0, TFTP_ACK, (uint8_t)(block >> 8), (uint8_t)block};

	assert_int_equal(sendto(t->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&t->peer, sizeof(t->peer)), sizeof(bytes));
}

#define RRQ(text) "\0\1" text, sizeof(text) + 2

static void expect_tftp_error(const struct dut *dut, const char *request, size_t n, int code, const char *text)
{
	struct tftp t = {0};

	tftp_ask(&t, dut, request, n);
	tftp_hear(&t);
	assert_int_equal(t.bytes[1], TFTP_ERROR);
	assert_int_equal(t.bytes[3], code);
	assert_string_equal((char *)t.bytes + 4, text);
	close(t.fd);
}

static void a_plain_tftp_client_gets_its_file(void **state)
{
	struct tftp t = {0};

	set_address(&duts[0], "10.42.0.11");
	must_deploy("job-7", &duts[0], "console=ttyS0");
	tftp_ask(&t, &duts[0], RRQ("_/job/initramfs\0octet"));
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\3\0\1first, second", 17);
	assert_int_equal(t.n, 17);
	tftp_ack(&t, 1);
	close(t.fd);
	assert_string_equal(await_seen(duts[0].mac, "tftp")->detail, "_/job/initramfs");
}

static void a_client_with_options_gets_windows_and_lost_blocks_again(void **state)
{
	static char big[10001];
	struct tftp t = {0};

	memset(big, 'x', 10000);
	artifact("big", big);
	must_deploy("job-7", &duts[0], "console=ttyS0");
	done_with(MSG_BOOT_DEPLOY, deploy("job-7", "one", duts[0].mac, "big", "console=ttyS0"));
	tftp_ask(&t, &duts[0], RRQ("/_/job/kernel\0octet\0tsize\0000\0blksize\0009000\0windowsize\0004"));
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\6tsize\00010000\0blksize\0001468\0windowsize\0004\0", 41);
	tftp_ack(&t, 0);
	for (unsigned block = 1; block <= 4; block++) {
		tftp_hear(&t);
		assert_int_equal(t.bytes[3], block);
		assert_int_equal(t.n, 1472);
	}
	tftp_ack(&t, 2); /* 3 was lost */
	for (unsigned block = 3; block <= 6; block++) {
		tftp_hear(&t);
		assert_int_equal(t.bytes[3], block);
	}
	tftp_ack(&t, 6);
	tftp_hear(&t);
	assert_int_equal(t.bytes[3], 7);
	assert_int_equal(t.n, 4 + 10000 - 6 * 1468);
	tftp_ack(&t, 7);
	close(t.fd);
}

static void tftp_refuses_what_is_not_the_dut_s(void **state)
{
	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-7", &duts[0], "console=ttyS0");
	expect_tftp_error(&duts[1], RRQ("_/job/kernel\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("../../etc/passwd\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("only-http\0octet"), 1, "there is no such file for the machine that asks");
	expect_tftp_error(&duts[0], RRQ("_/job/kernel\0netascii"), 4, "the mode is not known; accepted: octet");
	expect_tftp_error(&duts[0], "\0\2_/job/kernel\0octet", 21, 2, "nothing can be written here");
	expect_tftp_error(&duts[0], "\0\1name-without-an-end", 21, 4, "the file's name or the mode is missing or has no end");
	withdraw("job-7", &duts[0]);
	expect_tftp_error(&duts[0], RRQ("_/job/kernel\0octet"), 1, "there is no such file for the machine that asks");
}

static void every_machine_gets_ipxe_s_binaries(void **state)
{
	struct tftp t = {0};

	tftp_ask(&t, &duts[1], RRQ("snponly.efi\0octet\0blksize\0001468"));
	tftp_hear(&t);
	assert_int_equal(t.bytes[1], TFTP_OACK);
	tftp_ack(&t, 0);
	tftp_hear(&t);
	assert_memory_equal(t.bytes, "\0\3\0\1MZ", 6);
	close(t.fd);
}

/* ---- abuse, and other ways to run ---- */

static int strangers_seen(void)
{
	int n = 0;

	for (size_t i = 0; i < f.seen.n; i++)
		n += strncmp(f.seen.v[i]->mac, "52:54:02:", 9) == 0;
	return n;
}

static void two_thousand_unknown_machines_do_not_flood_anybody(void **state)
{
	int fd = dut_socket(&duts[0], SOCK_DGRAM, 68);
	uint8_t bytes[DHCP_PACKET_MAX];
	struct reply offer = {0};
	char mac[MAC_TEXT];
	size_t n;

	for (int i = 0; i < 2000; i++) {
		snprintf(mac, sizeof(mac), "52:54:02:00:%02x:%02x", i >> 8, i & 255);
		broadcast(fd, bytes, firmware_packet(bytes, "ovmf-pxe-discover", mac, NULL));
	}
	close(fd);
	fd = dut_socket(&duts[1], SOCK_DGRAM, 68);
	do { /* as a client does; it hears what the others are offered, too */
		if (!readable(fd, 500)) {
			n = firmware_packet(bytes, "ipxe-bios-discover", duts[1].mac, NULL);
			broadcast(fd, bytes, n);
		}
		receive(fd, &offer);
	} while (memcmp(offer.bytes + 28, bytes + 28, 6) != 0);
	assert_int_equal(offer.yiaddr, 0x0a2a000c);
	await_seen(duts[1].mac, "dhcp");
	assert_in_range(strangers_seen(), 1, 200);
	close(fd);
}

static int open_as_systemd(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void sockets_of_systemd_serve_the_private_interface_alone(void **state)
{
	struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_port = htons(67), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t bytes[DHCP_PACKET_MAX];
	struct reply ack = {0};
	int dhcp, tftp, fd;
	size_t n;

	proc_end(&f.bootsd, SIGTERM);
	dhcp = open_as_systemd(67);
	tftp = open_as_systemd(69);
	restart(SIGTERM, NULL, dhcp, tftp);
	close(dhcp);
	close(tftp);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	n = firmware_packet(bytes, "ipxe-bios-discover", "52:54:03:00:00:01", NULL);
	assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&loopback, sizeof(loopback)), n);
	close(fd);
	boot_request(&duts[0], "ipxe-bios", duts[0].mac, &ack);
	assert_int_equal(ack.yiaddr, 0x0a2a000b);
	every_machine_gets_ipxe_s_binaries(NULL);
	await_seen(duts[0].mac, "dhcp");
	for (size_t i = 0; i < f.seen.n; i++)
		assert_string_not_equal(f.seen.v[i]->mac, "52:54:03:00:00:01");
	restart(SIGTERM, NULL, -1, -1);
}

static void servers_can_be_left_to_others(void **state)
{
	restart(SIGTERM, (const char *const[]){"BOOTS_DISABLE_SERVERS=yes", NULL}, -1, -1);
	proc_await(&f.bootsd, "BOOTS_DISABLE_SERVERS: no DHCP, no TFTP, no router advertisements");
	close(open_as_systemd(67));
	close(open_as_systemd(69));
	set_address(&duts[0], "10.42.0.11");
	must_deploy("job-10", &duts[0], "quiet");
	expect_http(&duts[0], "GET", "/_/job/kernel", "", 200, "the kernel");
	restart(SIGTERM, NULL, -1, -1);
}

static int open_files(void)
{
	char command[64], text[16] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)f.bootsd.pid);
	pipe = popen(command, "re");
	assert_non_null(fgets(text, sizeof(text), pipe));
	pclose(pipe);
	return atoi(text);
}

static void transfers_that_nobody_answers_are_few_and_leave_room_for_others(void **state)
{
	struct tftp half = {0};
	int before, fd;

	set_address(&duts[0], "10.42.0.11");
	set_address(&duts[1], "10.42.0.12");
	must_deploy("job-11", &duts[0], "quiet");
	before = open_files();
	for (int i = 0; i < 200; i++) {
		tftp_ask(&half, &duts[0], RRQ("_/job/kernel\0octet\0blksize\0001468\0windowsize\00044"));
		tftp_hear(&half);
		assert_int_equal(half.bytes[1], TFTP_OACK);
		close(half.fd);
	}
	fd = dut_socket(&duts[1], SOCK_DGRAM, 0);
	close(fd);
	every_machine_gets_ipxe_s_binaries(NULL);
	assert_in_range(open_files(), before,
			before + 4 + 1 + 1); /* and what every_machine_gets_ipxe_s_binaries left half done: socket and file */
	withdraw("job-11", &duts[0]);
}

/* ---- refusals ---- */

static void a_capability_of_another_farm_is_refused(void **state)
{
	char *real = gw_strdup(f.key);

	f.key[0] = f.key[0] == '0' ? '1' : '0';
	artifact("kernel", "the kernel");
	assert_null(deploy("job-8", "one", duts[0].mac, "kernel", "quiet"));
	memcpy(f.key, real, sizeof(f.key));
	free(real);
	assert_int_equal(f.error.kind, GW_REFUSED);
}

static void an_artifact_outside_the_cache_is_refused(void **state)
{
	artifact("first", "");
	artifact("second", "");
	assert_null(deploy("job-8", "one", duts[0].mac, "../mars_db.yaml", "quiet"));
	assert_string_equal(f.error.text, "/_/job/kernel: artifact '../mars_db.yaml' cannot be opened: Invalid cross-device link");
	assert_int_equal(symlink("/etc/passwd", tmp_path("state/artifacts/link")), 0);
	assert_null(deploy("job-8", "one", duts[0].mac, "link", "quiet"));
	assert_string_equal(f.error.text, "/_/job/kernel: artifact 'link' cannot be opened: Too many levels of symbolic links");
}

static void check_says_what_is_wrong_without_opening_anything(void **state)
{
	const char *const argv[] = {GW_BUILD_ROOT "/bootsd/bootsd", "--check", NULL};
	struct proc p = {0};

	proc_start(&p, "check", argv, NULL); /* while the other one holds the ports and the lock */
	assert_int_equal(proc_wait(&p), 0);
	proc_start(&p, "check", argv, (const char *const[]){"BOOTS_DHCP_RANGE=10.42.0.9", NULL});
	proc_await(
		&p,
		"bootsd: BOOTS_DHCP_RANGE: '10.42.0.9' is not a range of addresses; accepted: FIRST-LAST, at most 65536, within private's "
		"subnet (10.42.0.0 to 10.42.255.255)");
	assert_int_equal(proc_wait(&p), 2);
}

static void a_missing_interface_is_said_at_start(void **state)
{
	struct proc p = {0};

	proc_start(&p, "lost", (const char *const[]){GW_BUILD_ROOT "/bootsd/bootsd", NULL},
		   (const char *const[]){"PRIVATE_INTERFACE=nowhere", NULL});
	proc_await(
		&p,
		"bootsd: PRIVATE_INTERFACE: there is no network interface 'nowhere'; accepted: the name of the one that leads to the DUTs");
	assert_int_equal(proc_wait(&p), 1);
}

/* ---- a real machine ---- */

static void vpdu(enum vpdu_op op)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9191), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t bytes[VPDU_REQUEST_BYTES], answer = 0;

	vpdu_request_encode(&(struct vpdu_request){op, 0}, bytes);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(recv(fd, &answer, 1, 0), 1);
	assert_int_equal(answer, VPDU_DONE);
	close(fd);
}

static int listen_as_salad(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8100), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* What the console says up to `text`, borrowed until the next call. */
static const char *await_console(int fd, const char *text)
{
	static char got[256 * 1024];
	size_t n = 0;
	ssize_t r = 1;

	memset(got, 0, sizeof(got));
	while (!strstr(got, text) && n + 1 < sizeof(got) && readable(fd, PROC_PATIENCE_MS) &&
	       (r = read(fd, got + n, sizeof(got) - 1 - n)) > 0)
		for (ssize_t i = 0; i < r; i++, n++)
			got[n] = got[n] ? got[n] : '?';
	if (!strstr(got, text)) {
		fprintf(stderr, "%s\n", got); /* longer than what cmocka prints */
		fail_msg("'%s' did not come", text);
	}
	return got;
}

static void a_real_machine_boots_its_job_by_dhcp_http_and_script(void **state)
{
	const struct dut qemu = {.mac = QEMU_MAC, .id = "qemu"};
	struct proc vpdud = {0};
	int salad = listen_as_salad(), console;
	const char *said;
	void *answer;

	proc_start(&vpdud, "vpdud",
		   (const char *const[]){GW_BUILD_ROOT "/pdud/vpdud/vpdud", "--salad", "127.0.0.1:8100", "--bridge", "private", "--memory",
					 "64", "--skip-ipxe-prompt", NULL},
		   NULL);
	proc_await(&vpdud, "vpdud: listening on 127.0.0.1:9191");
	shell("cp %s %s", GW_BUILD_ROOT "/tests/harness/tinydut/tinydut.bin", tmp_path("state/artifacts/tinydut"));
	artifact("first", "hello from ");
	artifact("second", "the network\n@poweroff\n");
	answer = deploy("job-9", "qemu", QEMU_MAC, "tinydut", "console=ttyS0 mark=a;b # || x");
	if (!answer)
		fail_msg("%s", f.error.text);
	done_with(MSG_BOOT_DEPLOY, answer);
	vpdu(VPDU_TURN_ON);
	console = accept(salad, NULL, NULL);
	said = await_console(console, "hello from the network\r\n");
	assert_non_null(strstr(said, "Command line: console=ttyS0 mark=a;b # || x\r\n[    0.000000] initramfs: 33 bytes"));
	assert_true(await_seen(QEMU_MAC, "dhcp")->netboot);
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/boot/" QEMU_MAC "/boot.ipxe");
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/_/job/kernel");
	withdraw("job-9", &qemu);
	vpdu(VPDU_TURN_OFF);
	close(console);
	close(salad);
	proc_end(&vpdud, SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dut_without_a_job_gets_its_own_address_only),
		cmocka_unit_test(each_firmware_is_told_how_to_boot_its_job),
		cmocka_unit_test(a_job_s_own_dhcp_options_win),
		cmocka_unit_test(an_unknown_machine_gets_an_address_of_the_range_and_an_event),
		cmocka_unit_test(a_restart_keeps_the_leases_and_hears_of_the_duts_again),
		cmocka_unit_test(busybox_udhcpc_gets_and_renews_its_lease),
		cmocka_unit_test(what_is_no_request_gets_no_answer_and_a_line_in_the_log),
		cmocka_unit_test(a_dut_fetches_its_own_job_s_files_and_nobody_else_s),
		cmocka_unit_test(a_dut_gets_its_script_and_nobody_else_s),
		cmocka_unit_test(a_dut_with_another_s_address_gets_nothing_of_the_other_s),
		cmocka_unit_test(executord_is_told_the_script_of_any_dut),
		cmocka_unit_test(a_plain_tftp_client_gets_its_file),
		cmocka_unit_test(a_client_with_options_gets_windows_and_lost_blocks_again),
		cmocka_unit_test(tftp_refuses_what_is_not_the_dut_s),
		cmocka_unit_test(every_machine_gets_ipxe_s_binaries),
		cmocka_unit_test(a_capability_of_another_farm_is_refused),
		cmocka_unit_test(an_artifact_outside_the_cache_is_refused),
		cmocka_unit_test(two_thousand_unknown_machines_do_not_flood_anybody),
		cmocka_unit_test(transfers_that_nobody_answers_are_few_and_leave_room_for_others),
		cmocka_unit_test(sockets_of_systemd_serve_the_private_interface_alone),
		cmocka_unit_test(servers_can_be_left_to_others),
		cmocka_unit_test(check_says_what_is_wrong_without_opening_anything),
		cmocka_unit_test(a_missing_interface_is_said_at_start),
		cmocka_unit_test(a_real_machine_boots_its_job_by_dhcp_http_and_script),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_test_filter(getenv("TEST_FILTER")); /* by hand */
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++)
		plug_in(&duts[i], i);
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
