/* The registration program as it runs on a test machine: this test plays the gateway's REST and, on pseudo terminals, SALAD. The machine's
 * facts are a tree of files; its network is the namespace's: `private`, 02:00:00:00:00:01, 10.42.0.1. */
#include <arpa/inet.h>
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "tests/harness/net.h"
#include "tests/harness/proc.h"

#define PROGRAM GW_BUILD_ROOT "/registration/registration"
#define PATIENT GW_BUILD_ROOT "/registration/registration_patient" /* waits for a pong as long as this test may take to send it */
#define MAC     "02:00:00:00:00:01"
#define IP      "10.42.0.1"
#define PORT    8000

static struct proc program;
static int gateway; /* a listening socket in the gateway's place */
static char tags[512], base_name[128];

static const char *root(void)
{
	return tmp_path("root");
}

static void put(const char *path, const char *text)
{
	char *full = gw_sprintf("%s%s", root(), path);

	for (char *slash = strchr(full + strlen(root()) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file_put(full, text);
	free(full);
}

/* A serial port of the machine: its other end. */
static int serial_port(const char *name)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char *path = gw_sprintf("/sys/class/tty/%s/type", name), *device = gw_sprintf("/sys/class/tty/%s/device", name);
	char *node = gw_sprintf("%s/dev/%s", root(), name);

	assert_int_equal(grantpt(fd) | unlockpt(fd), 0);
	put(path, "4\n");
	put(device, "");
	put("/dev/null", "");
	unlink(node);
	assert_int_equal(symlink(ptsname(fd), node), 0);
	free(path);
	free(device);
	free(node);
	return fd;
}

static int setup(void **state)
{
	struct utsname machine;
	char command[600];

	snprintf(command, sizeof(command), "rm -rf %s", root());
	assert_int_equal(system(command), 0);
	mkdir(root(), 0755);
	put("/proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 6\n");
	put("/proc/meminfo", "MemTotal: 500000 kB\n");
	put("/etc/hosts", "127.0.0.1 localhost\n" IP "\tother ci-gateway # the gateway\n");
	put("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
	put("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x1af4\n");
	put("/sys/bus/pci/devices/0000:00:02.0/device", "0x1050\n");
	uname(&machine);
	snprintf(tags, sizeof(tags),
		 "[\"cpu:arch:%s\",\"cpu:cores:1\",\"cpu:family:6\",\"cpu:model:6\",\"cpu:vendor:GenuineIntel\",\"mem:size:1GiB\","
		 "\"virtio:family:VIRTIO\",\"virtio:pciid:0x1af4:0x1050\"]",
		 machine.machine);
	snprintf(base_name, sizeof(base_name), "virtio");
	gateway = net_listen(PORT);
	return 0;
}

static int teardown(void **state)
{
	close(gateway);
	proc_end(&program, SIGKILL);
	return 0;
}

static void start_on(const char *path, int in, int out, const char *action, const char *option)
{
	const char *argv[] = {path, "--root", root(), "-m", "ci-gateway:8000", action, option, NULL};

	proc_start_io(&program, "registration", argv, NULL, in, out);
}

static void start(const char *action, const char *option)
{
	start_on(PROGRAM, -1, -1, action, option);
}

static void start_patiently(void)
{
	start_on(PATIENT, -1, -1, "register", NULL);
}

/* The next request, whole, is answered with `answer`. Returns it: the caller frees. */
static char *serve(const char *answer)
{
	int fd = net_accept(gateway);
	char *head = net_await(fd, "\r\n\r\n"), *body = strstr(head, "\r\n\r\n") + 4, *length = strstr(head, "Content-Length: "), *rest,
	     *all;
	size_t missing = length ? strtoul(length + 16, NULL, 10) - strlen(body) : 0;

	rest = net_read(fd, missing);
	all = gw_sprintf("%s%s", head, rest);
	net_send(fd, answer);
	close(fd);
	free(head);
	free(rest);
	return all;
}

static void serve_expecting(const char *request, const char *answer)
{
	char *got = serve(answer);

	assert_string_equal(got, request);
	free(got);
}

/* What the program sends, to the letter. */
static char *request(const char *method, const char *path, const char *tty)
{
	char *body = gw_sprintf("{\"base_name\":\"%s\",\"tags\":%s,\"mac_address\":\"" MAC "\",\"ip_address\":\"" IP
				"\",\"local_tty_device\":%s}",
				base_name, tags, tty);
	char *text = gw_sprintf(
		"%s %s HTTP/1.1\r\nHost: ci-gateway:8000\r\nUser-Agent: registration\r\nAccept: application/json\r\nConnection: "
		"close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, strlen(body), body);

	free(body);
	return text;
}

#define OK_ANSWER      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define REFUSED_ANSWER "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"error\":\"why\"}\r\n0\r\n\r\n"

static void expect_request(const char *method, const char *path, const char *tty, const char *answer)
{
	char *expected = request(method, path, tty);

	serve_expecting(expected, answer);
	free(expected);
}

static void register_finds_the_port_to_salad_and_posts_exactly_five_keys(void **state)
{
	int deaf = serial_port("ttyS0"), console = serial_port("ttyUSB0");
	struct termios before, after;

	assert_int_equal(tcgetattr(deaf, &before), 0);
	start_patiently();
	net_expect(deaf, "\nSALAD.ping\n");
	net_expect(console, "\nSALAD.ping\n");
	net_send(console, "\xff[ 1.0] noise SALAD.pong\n");
	net_expect(console, "SALAD.machine_id=" MAC "\n");
	expect_request("POST", "/api/v1/machine/", "\"ttyUSB0\"", OK_ANSWER);
	net_expect(console, "MaRS: Registration complete\n");
	proc_await(&program, "MaRS: Registration complete");
	assert_int_equal(proc_wait(&program), 0);
	assert_int_equal(tcgetattr(deaf, &after), 0);
	assert_memory_equal(&before, &after, offsetof(struct termios, c_line)); /* the console keeps its CR LF */
	assert_int_equal(cfgetospeed(&before), cfgetospeed(&after));
	close(deaf);
	close(console);
}

static void without_an_answering_port_the_machine_is_registered_without(void **state)
{
	int deaf = serial_port("ttyS0");

	start("register", NULL);
	expect_request("POST", "/api/v1/machine/", "null", OK_ANSWER);
	proc_await(&program, "MaRS: no serial port is connected to SALAD: jobs will see no console");
	proc_await(&program, "MaRS: Registration complete");
	assert_int_equal(proc_wait(&program), 0);
	close(deaf);
}

static void a_port_without_hardware_and_one_that_is_asked_not_to_are_left_alone(void **state)
{
	int phantom = serial_port("ttyS1"), console = serial_port("ttyS0");
	struct pollfd p = {.events = POLLIN};

	put("/sys/class/tty/ttyS1/type", "0\n");
	start_patiently();
	net_expect(console, "\nSALAD.ping\n");
	net_send(console, "SALAD.pong\n");
	expect_request("POST", "/api/v1/machine/", "\"ttyS0\"", OK_ANSWER);
	assert_int_equal(proc_wait(&program), 0);
	net_expect(console, "SALAD.machine_id=" MAC "\nMaRS: Registration complete\n");
	start("register", "--no-tty");
	expect_request("POST", "/api/v1/machine/", "null", OK_ANSWER);
	assert_int_equal(proc_wait(&program), 0);
	p.fd = phantom;
	assert_int_equal(poll(&p, 1, 0) > 0 && (p.revents & POLLIN), 0);
	p.fd = console;
	assert_int_equal(poll(&p, 1, 0) > 0 && (p.revents & POLLIN), 0);
	close(phantom);
	close(console);
}

static void a_refused_post_is_said_again_as_patch(void **state)
{
	start("register", "--no-tty");
	expect_request("POST", "/api/v1/machine/", "null", REFUSED_ANSWER);
	proc_await(&program, "MaRS: POST /api/v1/machine/: status 400: {\"error\":\"why\"}");
	expect_request("PATCH", "/api/v1/machine/" MAC "/", "null", OK_ANSWER);
	proc_await(&program, "MaRS: Registration complete");
	assert_int_equal(proc_wait(&program), 0);
}

static void what_the_gateway_refuses_twice_has_failed(void **state)
{
	int console = serial_port("ttyS0");

	start_patiently();
	net_expect(console, "\nSALAD.ping\n");
	net_send(console, "SALAD.pong\n");
	expect_request("POST", "/api/v1/machine/", "\"ttyS0\"", REFUSED_ANSWER);
	expect_request("PATCH", "/api/v1/machine/" MAC "/", "\"ttyS0\"", REFUSED_ANSWER);
	proc_await(&program, "MaRS: PATCH /api/v1/machine/" MAC "/: status 400: {\"error\":\"why\"}");
	proc_await(&program, "MaRS: Registration failed");
	net_expect(console, "SALAD.machine_id=" MAC "\nMaRS: Registration failed\n");
	assert_int_equal(proc_wait(&program), 1);
	close(console);
}

static void what_is_no_http_server_is_told(void **state)
{
	start("register", "--no-tty");
	free(serve("220 mail.example ESMTP\r\n\r\n"));
	proc_await(&program, "MaRS: POST http://ci-gateway:8000/api/v1/machine/: the answer is not valid HTTP");
	proc_await(&program, "MaRS: Registration failed");
	assert_int_equal(proc_wait(&program), 1);
	close(gateway);
	start("register", "--no-tty");
	proc_await(&program, "MaRS: cannot connect to ci-gateway (10.42.0.1) port 8000: Connection refused");
	proc_await(&program, "MaRS: Registration failed");
	assert_int_equal(proc_wait(&program), 1);
	put("/etc/hosts", "127.0.0.1 localhost\n");
	start("register", "--no-tty");
	proc_await(&program, "MaRS: 'ci-gateway' is not in /etc/hosts, and /etc/resolv.conf names no DNS server");
	assert_int_equal(proc_wait(&program), 1);
	gateway = net_listen(PORT);
}

/* The DNS server is this test: dnsmasq's part on a real farm. */
static void answer_by_dns(int dns)
{
	static const char address[] = "\300\014\0\1\0\1\0\0\0\x3c\0\4\x0a\x2a\0\1";
	unsigned char message[512];
	struct sockaddr_in client;
	socklen_t len = sizeof(client);
	ssize_t n = recvfrom(dns, message, sizeof(message) - sizeof(address), 0, (struct sockaddr *)&client, &len);

	assert_true(n > 12);
	message[2] |= 0x80;
	message[7] = 1;
	memcpy(message + n, address, sizeof(address) - 1);
	sendto(dns, message, (size_t)n + sizeof(address) - 1, 0, (struct sockaddr *)&client, len);
}

/* Each of its questions, since it asks again after 2 s. */
static void answer_by_dns_until_it_connects(int dns)
{
	struct pollfd p[] = {{.fd = gateway, .events = POLLIN}, {.fd = dns, .events = POLLIN}};

	while (assert_true(poll(p, 2, PROC_PATIENCE_MS) > 0), !p[0].revents)
		answer_by_dns(dns);
}

static void the_gateway_is_found_by_dns(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(dns, (struct sockaddr *)&at, sizeof(at)), 0);
	put("/etc/hosts", "127.0.0.1 localhost\n");
	put("/etc/resolv.conf", "search lan\nnameserver 127.0.0.1\n");
	start("register", "--no-tty");
	answer_by_dns_until_it_connects(dns);
	expect_request("POST", "/api/v1/machine/", "null", OK_ANSWER);
	assert_int_equal(proc_wait(&program), 0);
	close(dns);
	start("register", "--no-tty");
	proc_await(&program, "MaRS: 'ci-gateway' is not in /etc/hosts, and no DNS server answers");
	assert_int_equal(proc_wait(&program), 1);
}

/* ---- check ---- */

static void serve_dut(const char *theirs)
{
	char *body = gw_sprintf("{\"id\":\"x\",\"training\":{\"base_name\":[]},%s,\"comment\":null}", theirs);
	char *answer = gw_sprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);

	serve_expecting("GET /api/v1/machine/" MAC "/ HTTP/1.1\r\nHost: ci-gateway:8000\r\nUser-Agent: registration\r\nAccept: "
			"application/json\r\nConnection: close\r\n\r\n",
			answer);
	free(body);
	free(answer);
}

static char *own_dut(void)
{
	return gw_sprintf("\"mac_address\":\"" MAC "\",\"ip_address\":\"" IP "\",\"tags\":%s,\"base_name\":\"%s\"", tags, base_name);
}

static void check_finds_no_difference_and_tells_salad_whose_the_console_is(void **state)
{
	int console = serial_port("ttyS0"), stdio = open(ptsname(console), O_RDWR | O_NOCTTY | O_CLOEXEC);
	char *dut = own_dut();

	start_on(PATIENT, stdio, stdio, "check", NULL);
	serve_dut(dut);
	net_expect(console, "\nSALAD.ping\n");
	net_send(console, "SALAD.pong\n");
	net_expect(console, "SALAD.machine_id=" MAC "\nMaRS: Check complete\r\n");
	assert_int_equal(proc_wait(&program), 0);
	free(dut);
	close(stdio);
	close(console);
}

static void tags_are_compared_as_a_set(void **state)
{
	static const char order[] = "\"mac_address\":\"" MAC "\",\"ip_address\":\"" IP
				    "\",\"base_name\":\"virtio\",\"tags\":[\"virtio:family:VIRTIO\",%s";
	char *dut = gw_sprintf(order, strchr(tags, '"'));

	start("check", "--no-tty");
	serve_dut(dut);
	proc_await(&program, "MaRS: Check complete");
	assert_int_equal(proc_wait(&program), 0);
	free(dut);
}

static void each_difference_is_told(void **state)
{
	char *expected = gw_sprintf("Mismatch for 'tags': the gateway has [\"cpu:cores:2\"], this machine has %s", tags);

	start("check", "--no-tty");
	serve_dut("\"base_name\":\"gfx9\",\"tags\":[\"cpu:cores:2\"],\"mac_address\":null,\"ip_address\":10.42");
	proc_await(&program, "Mismatch for 'base_name': the gateway has \"gfx9\", this machine has \"virtio\"");
	proc_await(&program, expected);
	proc_await(&program, "Mismatch for 'mac_address': the gateway has null, this machine has \"" MAC "\"");
	proc_await(&program, "Mismatch for 'ip_address': the gateway has 10.42, this machine has \"" IP "\"");
	proc_await(&program, "MaRS: Check failed");
	assert_int_equal(proc_wait(&program), 1);
	free(expected);
	start("check", "--no-tty");
	serve_dut("\"tags\":\"cpu:cores:1\"");
	proc_await(&program, "Mismatch for 'base_name': the gateway has nothing, this machine has \"virtio\"");
	proc_await(&program, "Mismatch for 'tags': the gateway has \"cpu:cores:1\", this machine has");
	assert_int_equal(proc_wait(&program), 1);
}

static void an_unknown_machine_and_a_wrong_answer_are_told(void **state)
{
	start("check", "--no-tty");
	free(serve("HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\n{\"error\":\"unknown\"}"));
	proc_await(&program, "MaRS: GET /api/v1/machine/" MAC "/: status 404: {\"error\":\"unknown\"}");
	proc_await(&program, "MaRS: Check failed");
	assert_int_equal(proc_wait(&program), 1);
	start("check", "--no-tty");
	free(serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]"));
	proc_await(&program, "MaRS: GET /api/v1/machine/" MAC "/: the answer is not a JSON object");
	assert_int_equal(proc_wait(&program), 1);
}

static void a_console_that_does_not_answer_is_a_warning(void **state)
{
	char *dut = own_dut();
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	start_on(PROGRAM, null, -1, "check", NULL);
	serve_dut(dut);
	proc_await(&program, "SALAD.ping");
	proc_await(&program, "The configured console is not connected to SALAD");
	proc_await(&program, "MaRS: Check complete");
	assert_int_equal(proc_wait(&program), 0);
	free(dut);
	close(null);
}

/* ---- the rest ---- */

static void cache_says_that_it_is_not_built_yet(void **state)
{
	start("cache", NULL);
	proc_await(&program, "registration: cache is not built yet");
	assert_int_equal(proc_wait(&program), 1);
}

static void bad_usage_is_told_with_what_is_accepted(void **state)
{
	start("register", "check");
	proc_await(&program, "registration: not understood: check; accepted: [-m HOST[:PORT]] [--no-tty] register|check|cache");
	assert_int_equal(proc_wait(&program), 2);
	start("--no-tty", NULL);
	proc_await(&program, "registration: nothing to do; accepted: [-m HOST[:PORT]] [--no-tty] register|check|cache");
	assert_int_equal(proc_wait(&program), 2);
	start("check", "-m");
	proc_await(&program, "registration: a value is missing after -m; accepted: [-m HOST[:PORT]] [--no-tty] register|check|cache");
	assert_int_equal(proc_wait(&program), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(register_finds_the_port_to_salad_and_posts_exactly_five_keys),
		TEST(without_an_answering_port_the_machine_is_registered_without),
		TEST(a_port_without_hardware_and_one_that_is_asked_not_to_are_left_alone),
		TEST(a_refused_post_is_said_again_as_patch),
		TEST(what_the_gateway_refuses_twice_has_failed),
		TEST(what_is_no_http_server_is_told),
		TEST(the_gateway_is_found_by_dns),
		TEST(check_finds_no_difference_and_tells_salad_whose_the_console_is),
		TEST(tags_are_compared_as_a_set),
		TEST(each_difference_is_told),
		TEST(an_unknown_machine_and_a_wrong_answer_are_told),
		TEST(a_console_that_does_not_answer_is_a_warning),
		TEST(cache_says_that_it_is_not_built_yet),
		TEST(bad_usage_is_told_with_what_is_accepted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
