/* bootsd on the wire: DHCP. */
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
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/boot_clients.h"
#include "tests/harness/boot_farm.h"

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

/* Else iPXE waits 16 s for it at each boot. */
static void a_router_solicitation_is_answered_with_no_router(void **state)
{
	struct sockaddr_in6 all_routers = {.sin6_family = AF_INET6, .sin6_addr = {{{0xff, 2, [15] = 2}}}};
	static const uint8_t solicitation[8] = {133};
	const int hops = 255;
	uint8_t got[256] = {0};
	int fd = dut_icmp6_socket(&duts[0]);

	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
	assert_int_equal(sendto(fd, solicitation, sizeof(solicitation), 0, (struct sockaddr *)&all_routers, sizeof(all_routers)), 8);
	do {
		assert_true(readable(fd, PROC_PATIENCE_MS));
		assert_true(recv(fd, got, sizeof(got), 0) > 0);
	} while (got[0] != 134);
	assert_memory_equal(got + 4, "\x40\0\0\0", 4); /* hop limit 64, no flags, lifetime 0 */
	assert_memory_equal(got + 24, "\3\4\x40\xc0", 4);
	assert_memory_equal(got + 40, "\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* the bridge's own network */
	close(fd);
}

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
	n = firmware_packet(bytes, "ipxe-bios-discover", duts[1].mac, NULL);
	broadcast(fd, bytes, n);
	do { /* as a client does: it hears what the others are offered, too, and asks again when all is silent */
		while (!readable(fd, 500))
			broadcast(fd, bytes, n);
		receive(fd, &offer);
	} while (memcmp(offer.bytes + 28, bytes + 28, 6) != 0);
	assert_int_equal(offer.yiaddr, 0x0a2a000c);
	await_seen(duts[1].mac, "dhcp");
	assert_in_range(strangers_seen(), 1, 200);
	close(fd);
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
		cmocka_unit_test(a_router_solicitation_is_answered_with_no_router),
		cmocka_unit_test(two_thousand_unknown_machines_do_not_flood_anybody),
	};

	signal(SIGPIPE, SIG_IGN);
	duts_plug_in();
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
