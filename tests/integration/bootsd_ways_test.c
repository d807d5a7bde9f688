/* What bootsd refuses, and how it can be run. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/boot_clients.h"
#include "tests/harness/boot_farm.h"

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
	set_address(&duts[1], "10.42.0.12");
	every_machine_gets_ipxe_s_binaries(NULL);
	await_seen(duts[0].mac, "dhcp");
	for (size_t i = 0; i < f.seen.n; i++)
		assert_string_not_equal(f.seen.v[i]->mac, "52:54:03:00:00:01");
	restart(SIGTERM, NULL, -1, -1);
}

/* If bootsd did not find them it could not open its own beside them. */
static void sockets_of_other_names_are_found_by_the_options(void **state)
{
	struct reply ack = {0};
	int dhcp, tftp;

	proc_end(&f.bootsd, SIGTERM);
	dhcp = open_as_systemd(67);
	tftp = open_as_systemd(69);
	restart(SIGTERM, (const char *const[]){"BOOTS_DHCP_IPv4_SOCKET_NAME=leases", "BOOTS_TFTP_IPv4_SOCKET_NAME=files", NULL}, dhcp,
		tftp);
	close(dhcp);
	close(tftp);
	boot_request(&duts[0], "ipxe-bios", duts[0].mac, &ack);
	assert_int_equal(ack.yiaddr, 0x0a2a000b);
	set_address(&duts[1], "10.42.0.12");
	every_machine_gets_ipxe_s_binaries(NULL);
	restart(SIGTERM, NULL, -1, -1);
}

static void machines_without_an_address_get_one_of_the_range(void **state)
{
	struct reply ack = {0};

	restart(SIGTERM, (const char *const[]){"BOOTS_DHCP_RANGE=10.42.9.7-10.42.9.7", NULL}, -1, -1);
	boot_request(&duts[0], "ipxe-bios", "52:54:03:00:00:07", &ack);
	assert_int_equal(ack.yiaddr, 0x0a2a0907);
	restart(SIGTERM, NULL, -1, -1);
}

/* The admin's file is read while bootsd runs, and what it says a DUT is served. */
static void a_users_boots_db_changes_what_a_dut_is_served(void **state)
{
	const char *setting = gw_sprintf("BOOTS_DB_USER_FILE=%s", tmp_path("boots_db.yml.j2"));
	struct reply ack = {0};

	unlink(tmp_path("boots_db.yml.j2"));
	restart(SIGTERM, (const char *const[]){setting, NULL}, -1, -1);
	set_address(&duts[0], "10.42.0.11");
	must_deploy("job-11", &duts[0], "quiet");
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "snponly.efi");
	file_put(tmp_path("boots_db.yml.j2"),
		 "#!jinja2\n"
		 "dhcp:\n"
		 "  mine:\n"
		 "    match: {vendor_class: 'PXEClient:Arch:00007:.*'}\n"
		 "    defaults:\n"
		 "      dhcp: {options: {bootfile: 'grub-{{ dhcp_request.architecture.goarch }}.efi', 224: '0x00ff'}}\n"
		 "      storage: {http: {path: /grub.cfg, data: \"boot {{ machine_id }}\"}}\n");
	proc_await(&f.bootsd, "boots DB: *boots_db.yml.j2 is read");
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "grub-amd64.efi");
	assert_int_equal(ack.packet.options[224].n, 2);
	expect_http(&duts[0], "GET", "/grub.cfg", "", 200, "boot machine_id");
	boot_request(&duts[0], "ovmf-http", duts[0].mac, &ack);
	assert_string_equal(text_of(&ack, DHCP_BOOTFILE), "http://10.42.0.1:8090/boot/snponly.efi");
	file_put(tmp_path("boots_db.yml.j2"), "dhcp:\n  mine: {match: {architecture: x64}}\n");
	proc_await(&f.bootsd, "boots_db.yml.j2:2:32: dhcp.mine.match.architecture: 'x64' is not an architecture; accepted: x86, x86_64, "
			      "arm32, arm64, riscv32, riscv64. The boots DB read at * stays in use.");
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "grub-amd64.efi");
	unlink(tmp_path("boots_db.yml.j2"));
	proc_await(&f.bootsd, "boots DB: *boots_db.yml.j2 is not there");
	file_put(tmp_path("default.yml.j2"), "dhcp: {all: {defaults: {dhcp: {options: {bootfile: other}}}}}\n");
	free((char *)setting);
	setting = gw_sprintf("BOOTS_DB_FILE=%s", tmp_path("default.yml.j2"));
	restart(SIGTERM, (const char *const[]){setting, NULL}, -1, -1);
	must_deploy("job-11", &duts[0], "quiet");
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "other");
	file_put(tmp_path("default.yml.j2"), "dhcp: {all: {defaults: {dhcp: {options: {bootfile: hung-up}}}}}\n");
	proc_signal(&f.bootsd, SIGHUP);
	proc_await(&f.bootsd, "boots DB: *default.yml.j2 is read");
	boot_request(&duts[0], "ovmf-pxe", duts[0].mac, &ack);
	assert_string_equal(ack.file, "hung-up");
	free((char *)setting);
	withdraw("job-11", &duts[0]);
	restart(SIGTERM, NULL, -1, -1);
}

static void a_bad_boots_db_is_refused_at_start_and_by_check(void **state)
{
	const char *setting = gw_sprintf("BOOTS_DB_USER_FILE=%s", tmp_path("bad.yml.j2"));
	static const char *const argv[][3] = {{GW_BUILD_ROOT "/bootsd/bootsd", "--check"}, {GW_BUILD_ROOT "/bootsd/bootsd"}};

	file_put(tmp_path("bad.yml.j2"), "dhcp:\n  mine: {mach: {}}\n");
	for (int i = 0; i < 2; i++) {
		struct proc p = {0};

		proc_start(&p, "bad-db", argv[i], (const char *const[]){setting, NULL});
		proc_await(&p, "bootsd: *bad.yml.j2:2:10: dhcp.mine: 'mach' is not a field of an entry of the boots DB; did you mean "
			       "'match'?");
		assert_int_equal(proc_wait(&p), 2);
	}
	free((char *)setting);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capability_of_another_farm_is_refused),
		cmocka_unit_test(an_artifact_outside_the_cache_is_refused),
		cmocka_unit_test(check_says_what_is_wrong_without_opening_anything),
		cmocka_unit_test(a_missing_interface_is_said_at_start),
		cmocka_unit_test(sockets_of_systemd_serve_the_private_interface_alone),
		cmocka_unit_test(sockets_of_other_names_are_found_by_the_options),
		cmocka_unit_test(machines_without_an_address_get_one_of_the_range),
		cmocka_unit_test(a_users_boots_db_changes_what_a_dut_is_served),
		cmocka_unit_test(a_bad_boots_db_is_refused_at_start_and_by_check),
		cmocka_unit_test(servers_can_be_left_to_others),
	};

	signal(SIGPIPE, SIG_IGN);
	duts_plug_in();
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
