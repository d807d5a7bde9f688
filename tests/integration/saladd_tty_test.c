/* saladd and serial ports: pseudo terminals stand for them, in a folder of SALAD_SERIAL_PORTS, and a small tree over /sys says where they
 * are plugged in. In namespaces of its own, so ports are fixed and /sys is ours. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/net.h"
#include "tests/harness/proc.h"

#define SALADD       GW_BUILD_ROOT "/saladd/saladd"
#define SALADD_SMALL GW_BUILD_ROOT "/saladd/saladd_small"
#define REST         8005
#define CONSOLES     8100
#define MEGABYTE     (1024 * 1024)
#define USB          "/sys/devices/pci0000:00/usb1"
#define SWITCH       "/devices/pci0000:00/usb1/1-0:1.0/usb1-port1/disable" /* below /sys */

static struct proc salad;
static int the_switch; /* of the hub's port 1 */

/* ---- this test's /sys and serial ports ---- */

/* A tree of the kernel's with a hub whose ports 1 to 4 have a switch each. That of port 1 is a pipe: what is written to it is all there to
 * be read, however late, and can be held up. */
static void make_sys(void)
{
	shell("set -e; d=$TMPDIR/sys; rm -rf $d/*; mkdir -p $d/dev/char $d/class/tty/console $d/devices/pci0000:00/00:04/tty; "
	      "echo tty0 ttyS0 >$d/class/tty/console/active; "
	      "for n in 1 2 3 4; do mkdir -p $d/devices/pci0000:00/usb1/1-0:1.0/usb1-port$n; "
	      "echo 0 >$d/devices/pci0000:00/usb1/1-0:1.0/usb1-port$n/disable; done; "
	      "rm $d/devices/pci0000:00/usb1/1-0:1.0/usb1-port1/disable; mkfifo $d/devices/pci0000:00/usb1/1-0:1.0/usb1-port1/disable");
	the_switch = open(tmp_path("sys" SWITCH), O_RDWR | O_CLOEXEC); /* for reading, too: no writer waits for a reader */
	assert_true(the_switch >= 0);
}

struct cable {
	int end; /* the machine's */
	char name[32];
	char sys_name[32];
};

static struct cable cable_make(const char *name)
{
	struct cable c = {.end = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};

	assert_true(c.end >= 0 && grantpt(c.end) == 0 && unlockpt(c.end) == 0);
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

/* Where /sys says that it is, below /sys/devices. */
static void cable_place(struct cable *c, const char *device)
{
	struct stat st;

	assert_int_equal(stat(ptsname(c->end), &st), 0);
	snprintf(c->sys_name, sizeof(c->sys_name), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	shell("mkdir -p $TMPDIR/sys/devices/%s && ln -sfn ../../devices/%s $TMPDIR/sys/dev/char/%s", device, device, c->sys_name);
}

/* A USB adapter, alone on its device. */
static void cable_place_usb(struct cable *c, int usb_port)
{
	char *device = gw_sprintf("pci0000:00/usb1/1-%d/1-%d:1.0/%s/tty/%s", usb_port, usb_port, c->name, c->name);

	cable_place(c, device);
	shell("d=$TMPDIR/sys/devices/pci0000:00/usb1/1-%d; echo 1 >$d/bNumInterfaces; ln -sfn ../1-0:1.0/usb1-port%d $d/port", usb_port,
	      usb_port);
	free(device);
}

/* As udev makes a port's node: at once with its name. */
static void cable_plug(const struct cable *c)
{
	shell("ln -s %s $TMPDIR/dev/.new && mv -T $TMPDIR/dev/.new $TMPDIR/dev/%s", ptsname(c->end), c->name);
}

static void cable_unplug(struct cable *c)
{
	close(c->end);
	shell("rm -f $TMPDIR/dev/%s $TMPDIR/sys/dev/char/%s", c->name, c->sys_name);
}

static struct cable cable_usb(const char *name, int usb_port)
{
	struct cable c = cable_make(name);

	cable_place_usb(&c, usb_port);
	cable_plug(&c);
	return c;
}

/* ---- saladd and who connects to it ---- */

static void start_with(const char *program, const char *option)
{
	char *runtime = gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", getenv("TMPDIR"));
	char *ports = gw_sprintf("SALAD_SERIAL_PORTS=%s %s", tmp_path("dev/ttyUSB*"), tmp_path("dev/ttyS*"));

	proc_start(&salad, "saladd", (const char *[]){program, NULL}, (const char *[]){"LOG_LEVEL=debug", runtime, ports, option, NULL});
	proc_await(&salad, "saladd info: listening on 0.0.0.0: REST on port 8005, TCP consoles on port 8100");
	free(ports);
	free(runtime);
}

static void restart(int signal, const char *program, const char *option)
{
	assert_int_equal(proc_end(&salad, signal), signal == SIGTERM ? 0 : 128 + signal);
	start_with(program, option);
}

static int setup(void **state)
{
	make_sys();
	shell("mkdir -p $TMPDIR/dev && rm -f $TMPDIR/dev/* $TMPDIR/saladd.*");
	start_with(SALADD, "SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME=0.1");
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(proc_end(&salad, SIGTERM), 0);
	close(the_switch);
	return 0;
}

static int port_of(const char *id, const char *key)
{
	char *path = gw_sprintf("/api/v1/machine/%s", id), *wanted = gw_sprintf("\"%s\":", key), *answer, *at;
	int status, port;

	answer = net_http(REST, "GET", path, NULL, &status);
	assert_int_equal(status, 200);
	at = strstr(answer, wanted);
	assert_non_null(at);
	port = atoi(at + strlen(wanted));
	free(answer);
	free(wanted);
	free(path);
	return port;
}

static int client_of(const char *id)
{
	int fd = net_connect((uint16_t)port_of(id, "tcp_port"));

	proc_await(&salad, "a client has come");
	return fd;
}

static void client_leaves(int client)
{
	close(client);
	proc_await(&salad, "its client has left");
}

/* What was sent before has been dealt with when the pong is there. */
static void settle(const struct cable *c)
{
	net_send(c->end, "SALAD.ping");
	net_expect(c->end, "SALAD.pong\n");
}

static void say_id(const struct cable *c, const char *id)
{
	char *line = gw_sprintf("SALAD.machine_id=%s\n", id);

	net_send(c->end, line);
	settle(c);
	free(line);
}

/* ---- ports ---- */

static void ports_are_found_at_the_start_and_when_they_are_plugged_in(void **state)
{
	struct cable early = cable_usb("ttyUSB0", 1), late;

	restart(SIGTERM, SALADD, NULL);
	proc_await(&salad, "saladd info: */dev/ttyUSB0 is a console, nobody's yet");
	late = cable_usb("ttyUSB1", 2);
	proc_await(&salad, "saladd info: */dev/ttyUSB1 is a console, nobody's yet");
	say_id(&early, "a");
	proc_await(&salad, "saladd info: machine a: its console is at ttyUSB0");
	say_id(&late, "b");
	proc_await(&salad, "saladd info: machine b: its console is at ttyUSB1");
	cable_unplug(&late);
	proc_await(&salad, "saladd info: machine b: its console is disconnected");
	cable_unplug(&early);
}

static void a_port_is_115200_8n1_and_raw(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	struct termios t;

	proc_await(&salad, "ttyUSB0 is a console");
	assert_int_equal(tcgetattr(c.end, &t), 0); /* a pseudo terminal's two ends have one setting */
	assert_int_equal(cfgetispeed(&t), B115200);
	assert_int_equal(cfgetospeed(&t), B115200);
	assert_int_equal(t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS | HUPCL | CLOCAL | CREAD), CS8 | CLOCAL | CREAD);
	assert_int_equal(t.c_lflag & (ECHO | ICANON | ISIG | IEXTEN), 0);
	assert_int_equal(t.c_iflag & (IXON | ICRNL | INLCR | ISTRIP), 0);
	assert_int_equal(t.c_oflag & OPOST, 0);
	cable_unplug(&c);
}

static void bytes_go_both_ways_as_they_are(void **state)
{
	static const char odd[] = "\r\n\x03\x04\x11\x13\x1a\x7f\xff\x80 end";
	struct cable c = cable_usb("ttyUSB0", 1);
	int client;

	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	client = client_of("m");
	net_send(c.end, odd);
	net_expect(client, odd);
	net_send(client, odd);
	net_expect(c.end, odd);
	close(client);
	cable_unplug(&c);
}

static void bytes_before_the_first_id_reach_the_client_that_was_there(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int client;

	proc_await(&salad, "ttyUSB0 is a console");
	net_send(c.end, "reboot: Power down, yesterday\r\n");
	settle(&c);
	client = client_of("m");
	net_send(c.end, "firmware\r\n");
	say_id(&c, "m");
	net_expect(client, "firmware\r\nSALAD.machine_id=m\nSALAD.ping");
	close(client);
	cable_unplug(&c);
}

static void a_port_that_comes_back_is_still_its_machines(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1), other;
	int client;

	proc_await(&salad, "ttyUSB0 is a console, nobody's yet");
	say_id(&c, "m");
	client = client_of("m");
	cable_unplug(&c);
	proc_await(&salad, "saladd info: machine m: its console is disconnected");
	net_send(client, "typed meanwhile");
	other = cable_usb("ttyUSB0", 2); /* the same name at another place is another */
	proc_await(&salad, "ttyUSB0 is a console, nobody's yet");
	c = cable_usb("ttyUSB7", 1);
	proc_await(&salad, "ttyUSB7 is a console, last of machine m");
	proc_await(&salad, "machine m: its console is at ttyUSB7");
	net_expect(c.end, "typed meanwhile");
	net_send(c.end, "no id is needed");
	net_expect(client, "no id is needed");
	close(client);
	cable_unplug(&other);
	cable_unplug(&c);
}

static void a_port_that_hangs_up_is_opened_again(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int slave;

	proc_await(&salad, "ttyUSB0 is a console, nobody's yet");
	say_id(&c, "m");
	slave = open(ptsname(c.end), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(setsid() < 0 && errno != EPERM, 0);
	assert_int_equal(ioctl(slave, TIOCSCTTY, 1), 0);
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(vhangup(), 0);
	proc_await(&salad, "saladd info: */ttyUSB0 is gone");
	proc_await(&salad, "ttyUSB0 is a console, last of machine m");
	settle(&c);
	close(slave);
	cable_unplug(&c);
}

static void a_port_that_another_program_has_is_taken_when_it_is_closed(void **state)
{
	struct cable c = cable_make("ttyUSB0");
	int slave = open(ptsname(c.end), O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_int_equal(flock(slave, LOCK_EX), 0);
	cable_place_usb(&c, 1);
	cable_plug(&c);
	proc_await(&salad, "saladd warning: */dev/ttyUSB0: another program has it; it is tried again");
	close(slave);
	proc_await(&salad, "ttyUSB0 is a console");
	slave = open(ptsname(c.end), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(flock(slave, LOCK_EX | LOCK_NB), -1); /* nor can another take it now */
	close(slave);
	cable_unplug(&c);
}

static void assert_nobody_has(const struct cable *c)
{
	int slave = open(ptsname(c->end), O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_int_equal(flock(slave, LOCK_EX | LOCK_NB), 0);
	close(slave);
}

static void the_gateways_own_console_and_numbers_without_a_port_are_left_alone(void **state)
{
	struct cable own = cable_make("ttyS0"), absent = cable_make("ttyS1"), real = cable_make("ttyS4");

	cable_place(&own, "pci0000:00/00:04/tty/ttyS0");
	cable_place(&absent, "pci0000:00/00:05/tty/ttyS1");
	cable_place(&real, "pci0000:00/00:06/tty/ttyS4");
	shell("echo 0 >$TMPDIR/sys/devices/pci0000:00/00:05/tty/ttyS1/type; echo 4 >$TMPDIR/sys/devices/pci0000:00/00:06/tty/ttyS4/type");
	cable_plug(&own);
	proc_await(&salad, "saladd info: */dev/ttyS0 is the gateway's own console: left alone");
	cable_plug(&absent);
	proc_await(&salad, "saladd debug: */dev/ttyS1: there is no such port");
	cable_plug(&real);
	proc_await(&salad, "ttyS4 is a console, nobody's yet");
	say_id(&real, "m");
	assert_nobody_has(&own);
	assert_nobody_has(&absent);
	cable_unplug(&own);
	cable_unplug(&absent);
	cable_unplug(&real);
}

static void of_two_ports_of_one_machine_the_one_that_said_so_last_is_its_console(void **state)
{
	struct cable one = cable_usb("ttyUSB0", 1), two = cable_usb("ttyUSB1", 2);
	int client;

	proc_await(&salad, "is a console");
	proc_await(&salad, "is a console");
	say_id(&one, "m");
	client = client_of("m");
	say_id(&two, "m");
	proc_await(&salad, "saladd warning: machine m: ttyUSB1 says that it is this machine's console; it takes over from ttyUSB0");
	net_expect(client, "SALAD.machine_id=m\nSALAD.ping");
	net_send(one.end, "from nobody");
	settle(&one);
	net_send(client, "typed");
	net_expect(two.end, "typed");
	net_send(two.end, "from m");
	net_expect(client, "from m");
	cable_unplug(&two);
	proc_await(&salad, "machine m: its console is disconnected");
	say_id(&one, "m");
	net_expect(client, "from nobodySALAD.pingSALAD.machine_id=m\nSALAD.ping");
	close(client);
	cable_unplug(&one);
}

static void promise_27_a_job_cannot_give_its_port_to_another_machine(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int client, other;

	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	client = client_of("m");
	other = client_of("other");
	say_id(&c, "other");
	proc_await(&salad, "saladd warning: machine m: its console says SALAD.machine_id=other; ignored: a port keeps its machine while a "
			   "client is connected");
	net_expect(client, "SALAD.machine_id=other\nSALAD.ping");
	client_leaves(client);
	net_send(c.end, "m's");
	settle(&c);
	net_send(c.end, "SALAD.machine_id=other\nother's"); /* its cable leads there now */
	proc_await(&salad, "saladd info: machine other: its console is at ttyUSB0");
	net_expect(other, "SALAD.machine_id=other\nother's");
	close(other);
	cable_unplug(&c);
}

static void a_flood_arrives_whole_and_holds_up_nobody(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1), calm = cable_usb("ttyUSB1", 2);
	size_t n = 8 * MEGABYTE, sent = 0, got = 0;
	char *bytes = gw_calloc(1, n), piece[65536];
	struct pollfd p[2];
	int client;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + i * 7 % 25);
	proc_await(&salad, "is a console");
	proc_await(&salad, "is a console");
	say_id(&c, "m");
	client = client_of("m");
	fcntl(c.end, F_SETFL, O_NONBLOCK);
	while (got < n) {
		p[0] = (struct pollfd){.fd = sent < n ? c.end : -1, .events = POLLOUT};
		p[1] = (struct pollfd){.fd = client, .events = POLLIN};
		assert_true(poll(p, 2, PROC_PATIENCE_MS) > 0);
		if (p[0].revents & POLLOUT) {
			ssize_t w = write(c.end, bytes + sent, n - sent);
			sent += w > 0 ? (size_t)w : 0;
		}
		if (p[1].revents & POLLIN) {
			ssize_t r = read(client, piece, sizeof(piece));
			assert_true(r > 0 && got + (size_t)r <= n);
			assert_memory_equal(piece, bytes + got, (size_t)r);
			if (got < n / 2 && got + (size_t)r >= n / 2)
				settle(&calm);
			got += (size_t)r;
		}
	}
	free(bytes);
	close(client);
	cable_unplug(&calm);
	cable_unplug(&c);
}

static void promise_9_after_a_kill_a_port_is_its_machines_at_once(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int client;

	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	client = client_of("m");
	restart(SIGKILL, SALADD, NULL);
	proc_await(&salad, "ttyUSB0 is a console, last of machine m");
	net_send(c.end, "kept for its client");
	settle(&c);
	close(client);
	client = client_of("m");
	net_expect(client, "kept for its clientSALAD.ping");
	close(client);
	cable_unplug(&c);
}

static void a_tcp_console_and_a_port_take_over_from_each_other(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int tcp;

	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	tcp = net_connect(CONSOLES);
	net_send(tcp, "SALAD.machine_id=m\nSALAD.ping");
	net_expect(tcp, "SALAD.pong\n");
	proc_await(&salad,
		   "saladd warning: machine m: a new connection says that it is this machine's console; it takes over from ttyUSB0");
	say_id(&c, "m");
	proc_await(&salad,
		   "saladd warning: machine m: ttyUSB0 says that it is this machine's console; it takes over, the old one is closed");
	net_expect_end(tcp);
	cable_unplug(&c);
}

static void refuses_to_start(const char *option, const char *why)
{
	struct proc p;
	char *runtime = gw_sprintf("EXECUTOR_RUNTIME_DIR=%s", tmp_path("none"));

	proc_start(&p, "refused", (const char *[]){SALADD, "--check", NULL}, (const char *[]){runtime, option, NULL});
	proc_await(&p, why);
	assert_int_equal(proc_wait(&p), 2);
	free(runtime);
}

static void bad_options_are_named(void **state)
{
	refuses_to_start("SALAD_SERIAL_PORTS=ttyUSB0",
			 "SALAD_SERIAL_PORTS: 'ttyUSB0' is no name of serial ports; accepted: absolute paths whose last part may have *, "
			 "? and [], such as /dev/ttyUSB*, or none");
	refuses_to_start("SALAD_SERIAL_PORTS=/dev/ttyS0 /d*v/x", "SALAD_SERIAL_PORTS: '/d*v/x' is no name of serial ports; accepted: ");
	refuses_to_start("SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME=61",
			 "SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME: '61' is not a number; accepted: 0.1 to 60");
}

static void with_none_and_without_a_folder_saladd_runs_on(void **state)
{
	struct cable c;

	restart(SIGTERM, SALADD, "SALAD_SERIAL_PORTS=/nowhere/ttyUSB*");
	assert_true(proc_has_said(&salad,
				  "saladd warning: SALAD_SERIAL_PORTS: /nowhere: No such file or directory; ports there are not found "
				  "until saladd starts anew"));
	c = cable_usb("ttyUSB0", 1);
	restart(SIGTERM, SALADD, "SALAD_SERIAL_PORTS=none");
	assert_int_equal(port_of("m", "has_client"), 0); /* it serves */
	assert_false(proc_has_said(&salad, "is a console"));
	cable_unplug(&c);
}

/* ---- the reset of USB consoles ---- */

static int ask_reset(const char *id)
{
	int fd = net_connect(REST);
	char *head = gw_sprintf(
		"POST /api/v1/machine/%s/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", id);

	net_send(fd, head);
	free(head);
	return fd;
}

static void expect_answer(int fd, const char *status, const char *body)
{
	char *answer = net_await(fd, body);

	if (strncmp(answer, status, strlen(status)) != 0)
		fail_msg("%s", answer);
	free(answer);
	close(fd);
}

static void refuses_reset(const char *id, const char *why)
{
	expect_answer(ask_reset(id), "HTTP/1.1 501 ", why);
}

/* Until the next time that it is set so: "0" is on. */
static void await_switch(const char *value)
{
	char *line = net_read(the_switch, 2);

	while (line[0] != value[0]) {
		free(line);
		line = net_read(the_switch, 2);
	}
	free(line);
}

/* The switch takes one setting more, and the next one waits. */
static void hold_switch(void)
{
	int size = fcntl(the_switch, F_SETPIPE_SZ, 4096);
	char *filler = gw_calloc(1, (size_t)size);

	assert_true(size > 2);
	assert_int_equal(write(the_switch, filler, (size_t)size - 2), size - 2);
	free(filler);
}

/* Until the one setting was made. */
static void await_held_switch(void)
{
	int size = fcntl(the_switch, F_GETPIPE_SZ), watch = inotify_init1(IN_CLOEXEC), n;
	char event[1024];

	assert_true(inotify_add_watch(watch, tmp_path("sys" SWITCH), IN_MODIFY) >= 0);
	while (assert_int_equal(ioctl(the_switch, FIONREAD, &n), 0), n < size)
		assert_true(read(watch, event, sizeof(event)) > 0);
	close(watch);
}

static void let_switch_go(const char *held)
{
	int size = fcntl(the_switch, F_GETPIPE_SZ);

	free(net_read(the_switch, (size_t)size - 2));
	await_switch(held);
}

static void a_reset_switches_the_port_off_and_on_and_waits_for_the_console(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1), other = cable_usb("ttyUSB1", 2);
	int answer, client;

	proc_await(&salad, "is a console");
	proc_await(&salad, "is a console");
	say_id(&c, "m");
	client = client_of("m");
	hold_switch();
	answer = ask_reset("m");
	await_held_switch();
	cable_unplug(&c);
	proc_await(&salad, "machine m: its console is disconnected");
	let_switch_go("1");
	await_switch("0");
	c = cable_usb("ttyUSB5", 1); /* whatever it is called now */
	expect_answer(answer, "HTTP/1.1 200 ", "{}");
	net_send(c.end, "the machine powers up");
	net_expect(client, "the machine powers up");
	settle(&other);
	close(client);
	cable_unplug(&other);
	cable_unplug(&c);
}

static void what_may_not_be_reset_says_why(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1), second, plain = cable_make("ttyS4");

	cable_place(&plain, "pci0000:00/00:06/tty/ttyS4");
	cable_plug(&plain);
	proc_await(&salad, "is a console");
	proc_await(&salad, "is a console");
	refuses_reset("m", "{\"error\":\"machine m has no console to reset\"}");
	say_id(&plain, "p");
	refuses_reset("p", "{\"error\":\"machine p: its console is no USB device; only those have a reset\"}");
	say_id(&c, "m");
	shell("echo 2 >$TMPDIR" USB "/1-1/bNumInterfaces");
	refuses_reset("m",
		      "{\"error\":\"machine m: it is part of a USB device with 2 interfaces; only one that is nothing else is reset\"}");
	shell("echo 1 >$TMPDIR" USB "/1-1/bNumInterfaces; rm $TMPDIR" USB "/1-1/port");
	refuses_reset("m",
		      "{\"error\":\"machine m: its USB hub does not switch the power of single ports, or the kernel is older than 6.0: " USB
		      "/1-1/port/disable: No such file or directory\"}");
	second = cable_make("ttyUSB1");
	cable_place(&second, "pci0000:00/usb1/1-1/1-1:1.0/ttyUSB1/tty/ttyUSB1");
	cable_plug(&second);
	proc_await(&salad, "ttyUSB1 is a console");
	refuses_reset("m", "{\"error\":\"machine m: its USB device has other consoles too\"}");
	cable_unplug(&second);
	cable_unplug(&plain);
	cable_unplug(&c);
}

static void an_admin_can_forbid_resets(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);

	restart(SIGTERM, SALADD, "SALAD_CONSOLE_USB_RESET_DISABLE=1");
	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	refuses_reset("m", "{\"error\":\"machine m: SALAD_CONSOLE_USB_RESET_DISABLE forbids it\"}");
	cable_unplug(&c);
}

static void a_switch_that_fails_is_told(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);

	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	shell("ln -sf /dev/full $TMPDIR" USB "/1-0:1.0/usb1-port1/disable");
	expect_answer(ask_reset("m"), "HTTP/1.1 503 ", "{\"error\":\"machine m: /dev/full: No space left on device\"}");
	proc_await(&salad, "saladd error: USB reset: /dev/full: No space left on device");
	cable_unplug(&c);
}

static void a_console_that_does_not_come_back_is_told(void **state)
{
	struct cable c = cable_usb("ttyUSB0", 1);
	int answer;

	restart(SIGTERM, SALADD_SMALL, "SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME=0.1");
	proc_await(&salad, "ttyUSB0 is a console");
	say_id(&c, "m");
	hold_switch();
	answer = ask_reset("m");
	await_held_switch();
	expect_answer(ask_reset("m"), "HTTP/1.1 503 ", "{\"error\":\"machine m: its console is being reset already\"}");
	cable_unplug(&c);
	proc_await(&salad, "machine m: its console is disconnected");
	let_switch_go("1");
	expect_answer(answer, "HTTP/1.1 503 ", "{\"error\":\"machine m: the console did not come back after its reset\"}");
	proc_await(&salad, "saladd warning: usb-1-1:1.0: its USB port is on again, but it did not come back within 1 s");
	await_switch("0");
}

static void a_port_whose_saladd_ends_in_its_reset_is_on_again(void **state)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	struct cable c = cable_usb("ttyUSB0", 1);
	int answer;

	for (int i = 0; i < 2; i++) {
		restart(SIGTERM, SALADD, "SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME=60");
		proc_await(&salad, "ttyUSB0 is a console");
		say_id(&c, "m");
		answer = ask_reset("m");
		await_switch("1");
		restart(signals[i], SALADD, NULL);
		assert_true(proc_has_said(&salad,
					  "saladd info: " USB "/1-0:1.0/usb1-port1/disable: its reset was not ended: it is switched on"));
		await_switch("0");
		close(answer);
	}
	cable_unplug(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ports_are_found_at_the_start_and_when_they_are_plugged_in),
		TEST(a_port_is_115200_8n1_and_raw),
		TEST(bytes_go_both_ways_as_they_are),
		TEST(bytes_before_the_first_id_reach_the_client_that_was_there),
		TEST(a_port_that_comes_back_is_still_its_machines),
		TEST(a_port_that_hangs_up_is_opened_again),
		TEST(a_port_that_another_program_has_is_taken_when_it_is_closed),
		TEST(the_gateways_own_console_and_numbers_without_a_port_are_left_alone),
		TEST(of_two_ports_of_one_machine_the_one_that_said_so_last_is_its_console),
		TEST(promise_27_a_job_cannot_give_its_port_to_another_machine),
		TEST(a_flood_arrives_whole_and_holds_up_nobody),
		TEST(promise_9_after_a_kill_a_port_is_its_machines_at_once),
		TEST(a_tcp_console_and_a_port_take_over_from_each_other),
		TEST(bad_options_are_named),
		TEST(with_none_and_without_a_folder_saladd_runs_on),
		TEST(a_reset_switches_the_port_off_and_on_and_waits_for_the_console),
		TEST(what_may_not_be_reset_says_why),
		TEST(an_admin_can_forbid_resets),
		TEST(a_switch_that_fails_is_told),
		TEST(a_console_that_does_not_come_back_is_told),
		TEST(a_port_whose_saladd_ends_in_its_reset_is_on_again),
	};
	const char *propagation = getenv("propagation");

	if (!propagation || strcmp(propagation, "private") != 0)
		return 77; /* its /sys would be everybody's */
	signal(SIGPIPE, SIG_IGN);
	shell("mkdir -p $TMPDIR/sys && mount --bind $TMPDIR/sys /sys");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
