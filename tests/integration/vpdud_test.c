/* vpdud by its wire protocol, with real qemu machines that run tinydut (loaded by qemu itself: no network boot here), and with this test in
 * SALAD's place. Runs in a network namespace of its own, so ports are fixed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "pdud/vpdud/wire.h"

#define VPDUD      GW_BUILD_ROOT "/pdud/vpdud/vpdud"
#define TINYDUT    GW_BUILD_ROOT "/tests/harness/tinydut/tinydut.bin"
#define PDU_PORT   9191
#define SALAD_PORT 8100
#define PATIENCE   30000 /* ms: only a failing test waits that long */

static struct {
	pid_t pid;
	int errors; /* a pipe from its standard error */
	int salad;  /* our listening socket in SALAD's place; -1: nobody listens */
	char script[256];
} v;

static struct sockaddr_in local(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void salad_listen(void)
{
	struct sockaddr_in address = local(SALAD_PORT);
	int one = 1;

	v.salad = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(v.salad, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(v.salad, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(v.salad, 16), 0);
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, PATIENCE) == 1;
}

static int salad_accept(void)
{
	assert_true(readable(v.salad));
	return accept4(v.salad, NULL, NULL, SOCK_CLOEXEC);
}

/* Reads from `fd` until `text` has come, and returns what came: the caller frees. NULL: it did not come. */
static char *await(int fd, const char *text)
{
	size_t size = 256 * 1024, n = 0;
	char *got = gw_calloc(1, size);
	ssize_t r = 1;

	while (!strstr(got, text) && n + 1 < size && readable(fd) && (r = read(fd, got + n, size - 1 - n)) > 0) {
		for (ssize_t i = 0; i < r; i++)
			got[n + (size_t)i] = got[n + (size_t)i] ? got[n + (size_t)i] : '?';
		n += (size_t)r;
	}
	if (strstr(got, text))
		return got;
	print_error("'%s' did not come; there came: %s\n", text, got);
	free(got);
	return NULL;
}

static void expect(int fd, const char *text)
{
	char *got = await(fd, text);

	assert_non_null(got);
	free(got);
}

/* Starts vpdud with `args` (NULL-terminated) and waits until it listens. */
static void start(const char *const *args)
{
	const char *argv[40] = {VPDUD};
	int out[2], errors[2], n = 1;

	while (*args)
		argv[n++] = *args++;
	assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(errors, O_CLOEXEC), 0);
	v.pid = fork();
	if (v.pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(errors[1], STDERR_FILENO);
		execv(VPDUD, (char **)argv);
		_exit(127);
	}
	close(out[1]);
	close(errors[1]);
	v.errors = errors[0];
	expect(out[0], "vpdud: listening on 127.0.0.1:9191\n");
	close(out[0]);
}

/* Waits for its end. */
static int ended(void)
{
	int status = -1;

	assert_int_equal(waitpid(v.pid, &status, 0), v.pid);
	close(v.errors);
	v.pid = 0;
	return status;
}

static int stop(void)
{
	kill(v.pid, SIGTERM);
	return ended();
}

static int connect_pdu(void)
{
	struct sockaddr_in address = local(PDU_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends raw bytes and returns the answer's byte, or -1 where the connection ends without one. `half_close`: says that nothing follows. */
static int ask_raw(const void *bytes, size_t n, bool half_close)
{
	int fd = connect_pdu();
	uint8_t answer = 0;
	ssize_t r;

	assert_int_equal(send(fd, bytes, n, 0), n);
	if (half_close)
		shutdown(fd, SHUT_WR);
	assert_true(readable(fd));
	r = read(fd, &answer, 1);
	close(fd);
	return r == 1 ? answer : -1;
}

static int ask(enum vpdu_op op, unsigned port)
{
	uint8_t bytes[VPDU_REQUEST_BYTES];

	vpdu_request_encode(&(struct vpdu_request){op, port}, bytes);
	return ask_raw(bytes, sizeof(bytes), false);
}

static const char *script(const char *text)
{
	FILE *file;

	snprintf(v.script, sizeof(v.script), "%s/script", getenv("TMPDIR"));
	file = fopen(v.script, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return v.script;
}

/* vpdud whose machines load tinydut with this script by themselves. */
static void start_with_script(const char *text, const char *more, const char *more_value)
{
	const char *args[] = {"--salad",    "127.0.0.1:8100", "--memory",   "64",         "--accel", "tcg",        "--qemu-arg",
			      "-kernel",    "--qemu-arg",     TINYDUT,      "--qemu-arg", "-append", "--qemu-arg", "console=ttyS0",
			      "--qemu-arg", "-initrd",        "--qemu-arg", script(text), more,      more_value,   NULL};

	start(args);
}

static int setup(void **state)
{
	v.pid = 0;
	v.salad = -1;
	return 0;
}

static int teardown(void **state)
{
	if (v.pid)
		stop();
	if (v.salad >= 0)
		close(v.salad);
	return 0;
}

static void each_operation_has_its_answer(void **state)
{
	start((const char *const[]){NULL});
	assert_int_equal(ask(VPDU_COUNT_PORTS, 0), 16);
	assert_int_equal(ask(VPDU_STATE, 0), VPDU_IS_OFF);
	assert_int_equal(ask(VPDU_STATE, 15), VPDU_IS_OFF);
	assert_int_equal(ask(VPDU_TURN_OFF, 15), VPDU_DONE); /* off said twice is off */
	assert_int_equal(stop(), 0);
}

static void a_port_out_of_range_or_a_short_read_is_answered_0(void **state)
{
	start((const char *const[]){NULL});
	assert_int_equal(ask(VPDU_STATE, 16), VPDU_BAD_REQUEST);
	assert_int_equal(ask(VPDU_TURN_ON, 2047), VPDU_BAD_REQUEST);
	assert_int_equal(ask_raw("\0\0\0", 3, true), VPDU_BAD_REQUEST);
	assert_int_equal(ask_raw("\0", 1, false), VPDU_BAD_REQUEST); /* and the rest never comes */
}

static void a_reserved_bit_closes_the_connection_without_a_byte(void **state)
{
	start((const char *const[]){NULL});
	assert_int_equal(ask_raw("\x80\0\0\3", 4, false), -1);
	assert_int_equal(ask_raw("\0\0\x20\3", 4, false), -1); /* bit 13, the lowest */
	assert_int_equal(ask_raw("\0\0\0\3", 4, false), VPDU_IS_OFF);
}

/* Of the machine that was switched on just now. */
static pid_t qemu_pid(void)
{
	char *got = await(v.errors, "qemu is process ");
	int pid = 0;

	assert_non_null(got);
	assert_int_equal(sscanf(strstr(got, "qemu is process "), "qemu is process %d", &pid), 1);
	assert_true(pid > 1);
	free(got);
	return pid;
}

static void a_port_goes_on_and_off_with_its_machine(void **state)
{
	char line[64];
	pid_t pid;

	salad_listen();
	start_with_script("hello\n@hang\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 10), VPDU_DONE);
	assert_int_equal(ask(VPDU_TURN_ON, 10), VPDU_DONE);
	assert_int_equal(ask(VPDU_STATE, 10), VPDU_IS_ON);
	pid = qemu_pid();
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(ask(VPDU_TURN_OFF, 10), VPDU_DONE);
	assert_int_equal(kill(pid, 0), -1); /* dead and reaped before the answer */
	assert_int_equal(errno, ESRCH);
	assert_int_equal(ask(VPDU_STATE, 10), VPDU_IS_OFF);
	snprintf(line, sizeof(line), "SALAD.machine_id=52:54:00:11:22:0a\n");
	expect(salad_accept(), line);
	assert_int_equal(stop(), 0);
}

static void the_console_reaches_salad_from_its_first_byte_and_back(void **state)
{
	char *got;
	int console;

	salad_listen();
	start_with_script("name?\n@read\n@poweroff\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 1), VPDU_DONE);
	console = salad_accept();
	got = await(console, "name?\r\n");
	assert_non_null(got);
	assert_memory_equal(got, "SALAD.machine_id=52:54:00:11:22:01\n", 35);
	assert_non_null(strstr(got, "SeaBIOS"));
	assert_non_null(strstr(got, "Linux version 6.1.0-tinydut\r\n[    0.000000] Command line: console=ttyS0\r\n"));
	free(got);
	assert_int_equal(write(console, "Ada\r", 4), 4);
	expect(console, "read: Ada\r\n[    1.234567] reboot: Power down\r\n");
	expect(v.errors, "port 1: the guest has powered itself off");
	assert_int_equal(ask(VPDU_STATE, 1), VPDU_IS_ON); /* the port still has power */
	close(console);
}

static void what_a_machine_says_while_saladd_restarts_is_kept(void **state)
{
	char *got;
	int console;
	pid_t qemu;

	salad_listen();
	start_with_script("before\n@read\nmeanwhile\n@poweroff\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 2), VPDU_DONE);
	qemu = qemu_pid();
	console = salad_accept();
	expect(console, "before\r\n");
	kill(qemu, SIGSTOP); /* it says nothing before saladd is gone */
	close(v.salad);
	assert_int_equal(write(console, "\n", 1), 1);
	close(console);
	expect(v.errors, "port 2: no connection to SALAD");
	kill(qemu, SIGCONT);
	expect(v.errors, "port 2: the guest has powered itself off"); /* so it has spoken */
	salad_listen();
	console = salad_accept();
	got = await(console, "meanwhile\r\n");
	assert_non_null(got);
	assert_memory_equal(got, "SALAD.machine_id=52:54:00:11:22:02\n", 35);
	free(got);
	close(console);
}

static void without_a_salad_the_power_still_goes_on(void **state)
{
	start_with_script("@hang\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 3), VPDU_DONE);
	assert_int_equal(ask(VPDU_STATE, 3), VPDU_IS_ON);
	expect(v.errors, "port 3: no connection to SALAD (connection refused); trying again");
}

static void no_byte_of_a_burst_is_lost(void **state)
{
	char *got, *at;
	int console, lines = 0;

	salad_listen();
	start_with_script("@flood 2000\nflooded\n@hang\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 4), VPDU_DONE);
	console = salad_accept();
	got = await(console, "flooded\r\n");
	assert_non_null(got);
	for (at = got; (at = strstr(at, "\r\n0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmno\r\n")); at += 2)
		lines++;
	assert_int_equal(lines, 2000);
	free(got);
	close(console);
}

static bool tap_exists(void)
{
	char name[IF_NAMESIZE];
	bool found = false;

	for (unsigned i = 1; i < 64 && !found; i++)
		found = if_indextoname(i, name) && strncmp(name, "vpdu", 4) == 0;
	return found;
}

static void a_tap_lives_as_long_as_its_machine(void **state)
{
	struct pollfd qemu = {.events = POLLIN};

	salad_listen();
	start_with_script("@hang\n", "--bridge", "private");
	assert_int_equal(ask(VPDU_TURN_ON, 0), VPDU_DONE);
	qemu_pid();
	assert_true(tap_exists());
	assert_int_equal(ask(VPDU_TURN_OFF, 0), VPDU_DONE);
	assert_false(tap_exists());
	assert_int_equal(ask(VPDU_TURN_ON, 0), VPDU_DONE);
	assert_true(tap_exists());
	qemu.fd = (int)syscall(SYS_pidfd_open, qemu_pid(), 0);
	assert_true(qemu.fd >= 0);
	kill(v.pid, SIGKILL); /* nothing is cleaned up by vpdud itself here */
	waitpid(v.pid, NULL, 0);
	v.pid = 0;
	close(v.errors);
	assert_int_equal(poll(&qemu, 1, PATIENCE), 1); /* the kernel kills qemu, which is not our child */
	close(qemu.fd);
	assert_false(tap_exists());
}

static void a_machine_that_cannot_start_is_answered_with_an_error(void **state)
{
	start((const char *const[]){"--qemu", "/nonexistent/qemu", NULL});
	assert_int_equal(ask(VPDU_TURN_ON, 0), VPDU_ERROR);
	expect(v.errors, "port 0: not ON: cannot start /nonexistent/qemu: No such file or directory");
	assert_int_equal(ask(VPDU_STATE, 0), VPDU_IS_OFF);
	stop();
	start((const char *const[]){"--qemu-arg", "-nonsense", NULL});
	assert_int_equal(ask(VPDU_TURN_ON, 0), VPDU_ERROR);
	expect(v.errors, "port 0: not ON: qemu ended with exit code 1 before it ran");
	stop();
	start((const char *const[]){"--bridge", "nowhere", NULL});
	assert_int_equal(ask(VPDU_TURN_ON, 0), VPDU_ERROR);
	expect(v.errors, "bridge 'nowhere': cannot add vpdu0 to it: No such device");
}

static void a_crashed_machine_leaves_its_port_on(void **state)
{
	start_with_script("@hang\n", NULL, NULL);
	assert_int_equal(ask(VPDU_TURN_ON, 7), VPDU_DONE);
	kill(qemu_pid(), SIGKILL);
	expect(v.errors, "port 7: qemu killed by signal 9; the port stays ON");
	assert_int_equal(ask(VPDU_STATE, 7), VPDU_IS_ON);
	assert_int_equal(ask(VPDU_TURN_OFF, 7), VPDU_DONE);
	assert_int_equal(ask(VPDU_STATE, 7), VPDU_IS_OFF);
}

static void a_term_switches_everything_off(void **state)
{
	start_with_script("@hang\n", NULL, NULL);
	for (unsigned port = 0; port < 3; port++)
		assert_int_equal(ask(VPDU_TURN_ON, port), VPDU_DONE);
	kill(v.pid, SIGTERM);
	expect(v.errors, "port 2: OFF");
	assert_int_equal(ended(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_operation_has_its_answer),
		TEST(a_port_out_of_range_or_a_short_read_is_answered_0),
		TEST(a_reserved_bit_closes_the_connection_without_a_byte),
		TEST(a_port_goes_on_and_off_with_its_machine),
		TEST(the_console_reaches_salad_from_its_first_byte_and_back),
		TEST(what_a_machine_says_while_saladd_restarts_is_kept),
		TEST(without_a_salad_the_power_still_goes_on),
		TEST(no_byte_of_a_burst_is_lost),
		TEST(a_tap_lives_as_long_as_its_machine),
		TEST(a_machine_that_cannot_start_is_answered_with_an_error),
		TEST(a_crashed_machine_leaves_its_port_on),
		TEST(a_term_switches_everything_off),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
