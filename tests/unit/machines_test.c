#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootsd/machines.h"
#include "libgateway/log.h"

#define T(text) ((char[]){text})

static const struct interface net = {.name = "private", .ip = 0x0a2a0001, .mask = 0xffff0000, .addresses = {0x0a2a0001}, .n_addresses = 1};
static struct machines m;

static int setup(void **state)
{
	machines_init(&m);
	return 0;
}

static int teardown(void **state)
{
	machines_finish(&m);
	return 0;
}

static void configure(struct msg_boot_dut *duts, size_t n)
{
	struct msg_boot_configure body = {0};

	body.duts.v = duts;
	body.duts.n = n;
	machines_configure(&m, &net, &body);
}

static struct machine *find(const char *mac)
{
	struct mac b;

	assert_true(mac_decode(&b, mac));
	return machines_by_mac(&m, b);
}

static uint32_t ip_of(const char *mac)
{
	return find(mac) ? find(mac)->ip : UINT32_MAX;
}

static struct deployment *deployment(const char *job)
{
	struct msg_boot_deploy body = {.cmdline = T("quiet")};

	return deployment_create("/", job, &body, NULL);
}

static void duts_are_found_by_mac_and_address(void **state)
{
	struct msg_boot_dut duts[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("farm-a-1")},
				      {.id = T("b"), .mac = T("52:54:00:00:00:02"), .hostname = T("farm-b-1")}};

	configure(duts, 2);
	assert_string_equal(find("52:54:00:00:00:01")->hostname, "farm-a-1");
	assert_string_equal(machines_by_ip(&m, 0x0a2a000b)->id, "a");
	assert_int_equal(ip_of("52:54:00:00:00:02"), 0);
	assert_null(find("52:54:00:00:00:03"));
	assert_null(machines_by_ip(&m, 0x0a2a000c));
}

static void two_duts_may_exchange_their_addresses(void **state)
{
	struct msg_boot_dut before[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("")},
					{.id = T("b"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.12"), .hostname = T("")}};
	struct msg_boot_dut after[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.12"), .hostname = T("")},
				       {.id = T("b"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.11"), .hostname = T("")}};

	configure(before, 2);
	configure(after, 2);
	assert_string_equal(machines_by_ip(&m, 0x0a2a000c)->id, "a");
	assert_string_equal(machines_by_ip(&m, 0x0a2a000b)->id, "b");
}

static void an_address_that_cannot_be_a_dut_s_is_not_taken(void **state)
{
	static const char *const bad[] = {"10.42.0.1", "10.42.0.0", "10.42.255.255", "10.43.0.1", "ten"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct msg_boot_dut dut = {.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = (char *)(uintptr_t)bad[i], .hostname = T("")};

		configure(&dut, 1);
		assert_int_equal(ip_of("52:54:00:00:00:01"), 0);
	}
}

static void of_two_duts_with_one_address_or_mac_the_first_wins(void **state)
{
	struct msg_boot_dut duts[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("")},
				      {.id = T("b"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.11"), .hostname = T("")},
				      {.id = T("c"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.13"), .hostname = T("")}};

	configure(duts, 3);
	assert_string_equal(machines_by_ip(&m, 0x0a2a000b)->id, "a");
	assert_int_equal(ip_of("52:54:00:00:00:02"), 0);
	assert_string_equal(find("52:54:00:00:00:01")->id, "a");
	assert_null(machines_by_ip(&m, 0x0a2a000d));
}

static void a_dut_that_is_deleted_during_its_job_is_served_to_its_end(void **state)
{
	struct msg_boot_dut dut = {.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("")};
	struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};

	configure(&dut, 1);
	machines_deploy(&m, mac, deployment("job-1"));
	configure(NULL, 0);
	assert_non_null(find("52:54:00:00:00:01")->deployment);
	assert_int_equal(ip_of("52:54:00:00:00:01"), 0x0a2a000b);
	assert_false(find("52:54:00:00:00:01")->known);
	machines_withdraw(&m, mac, "job-2"); /* another's */
	assert_non_null(find("52:54:00:00:00:01")->deployment);
	machines_withdraw(&m, mac, "job-1");
	assert_null(find("52:54:00:00:00:01"));
	assert_null(machines_by_ip(&m, 0x0a2a000b));
	assert_int_equal(m.n, 0);
}

static void requests_count_for_the_job_not_for_the_deployment(void **state)
{
	struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};

	machines_deploy(&m, mac, deployment("job-1"))->requests = 3;
	assert_int_equal(machines_deploy(&m, mac, deployment("job-1"))->requests, 3); /* its second boot */
	assert_int_equal(machines_deploy(&m, mac, deployment("job-2"))->requests, 0);
}

/* qemu's iPXE begins each cold boot with the same DHCP number: the second boot's request was taken for a repetition and not told. */
static void a_new_boot_s_first_request_is_no_repetition_of_the_last_boot_s(void **state)
{
	struct mac mac;

	assert_true(mac_decode(&mac, "52:54:00:00:00:01"));
	machines_deploy(&m, mac, deployment("job-1"))->last_xid = 0x1234;
	assert_int_equal(machines_deploy(&m, mac, deployment("job-1"))->last_xid, 0);
}

static void change(struct msg_boot_dut *duts, size_t n, char *gone)
{
	struct msg_boot_change body = {.gone = {&gone, gone ? 1 : 0}};

	body.duts.v = duts;
	body.duts.n = n;
	machines_change(&m, &net, &body);
}

static void a_change_leaves_all_others_as_they_are(void **state)
{
	struct msg_boot_dut before[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("farm-a-1")},
					{.id = T("b"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.12"), .hostname = T("farm-b-1")},
					{.id = T("c"), .mac = T("52:54:00:00:00:03"), .ip = T("10.42.0.13"), .hostname = T("farm-c-1")}};
	struct msg_boot_dut after[] = {{.id = T("b"), .mac = T("52:54:00:00:00:09"), .ip = T("10.42.0.12"), .hostname = T("farm-b-2")},
				       {.id = T("d"), .mac = T("52:54:00:00:00:04"), .ip = T("10.42.0.11"), .hostname = T("farm-d-1")}};

	configure(before, 3);
	change(after, 2, T("c"));
	assert_string_equal(find("52:54:00:00:00:01")->hostname, "farm-a-1");
	assert_int_equal(ip_of("52:54:00:00:00:01"), 0x0a2a000b);
	assert_null(find("52:54:00:00:00:02")); /* it has another MAC now */
	assert_string_equal(find("52:54:00:00:00:09")->hostname, "farm-b-2");
	assert_string_equal(machines_by_ip(&m, 0x0a2a000c)->id, "b");
	assert_null(find("52:54:00:00:00:03"));
	assert_int_equal(ip_of("52:54:00:00:00:04"), 0); /* a has that one */
	assert_int_equal(m.n, 3);
}

static void a_change_exchanges_two_macs_and_two_addresses(void **state)
{
	struct msg_boot_dut before[] = {{.id = T("a"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("")},
					{.id = T("b"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.12"), .hostname = T("")}};
	struct msg_boot_dut after[] = {{.id = T("a"), .mac = T("52:54:00:00:00:02"), .ip = T("10.42.0.12"), .hostname = T("")},
				       {.id = T("b"), .mac = T("52:54:00:00:00:01"), .ip = T("10.42.0.11"), .hostname = T("")}};

	configure(before, 2);
	change(after, 2, NULL);
	assert_string_equal(find("52:54:00:00:00:02")->id, "a");
	assert_string_equal(find("52:54:00:00:00:01")->id, "b");
	assert_string_equal(machines_by_ip(&m, 0x0a2a000c)->id, "a");
	assert_string_equal(machines_by_ip(&m, 0x0a2a000b)->id, "b");
}

static void a_changed_dut_keeps_the_deployment_of_its_job(void **state)
{
	struct msg_boot_dut dut = {.id = T("a"), .mac = T("52:54:00:00:00:01"), .hostname = T("farm-a-1")};
	struct mac mac;

	configure(&dut, 1);
	assert_true(mac_decode(&mac, dut.mac));
	machines_deploy(&m, mac, deployment("job-1"));
	dut.hostname = T("farm-b-1");
	change(&dut, 1, NULL);
	assert_string_equal(machine_job(find(dut.mac)), "job-1");
	change(NULL, 0, T("a"));
	assert_string_equal(machine_job(find(dut.mac)), "job-1"); /* to its end */
	machines_withdraw(&m, mac, "job-1");
	assert_null(find(dut.mac));
}

static void ten_thousand_duts_are_found_again(void **state)
{
	struct msg_boot_dut *duts = calloc(10000, sizeof(*duts));
	char(*text)[3][20] = calloc(10000, sizeof(*text));

	for (int i = 0; i < 10000; i++) {
		snprintf(text[i][0], 20, "52:54:00:00:%02x:%02x", i >> 8, i & 255);
		snprintf(text[i][1], 20, "10.42.%d.%d", 1 + i / 250, 1 + i % 250);
		duts[i] = (struct msg_boot_dut){.id = text[i][0], .mac = text[i][0], .ip = text[i][1], .hostname = text[i][2]};
	}
	configure(duts, 10000);
	for (int i = 0; i < 10000; i++)
		assert_ptr_equal(machines_by_ip(&m, ip_of(text[i][0])), find(text[i][0]));
	configure(duts, 1);
	assert_int_equal(m.n, 1);
	free(duts);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(duts_are_found_by_mac_and_address),
		TEST(two_duts_may_exchange_their_addresses),
		TEST(an_address_that_cannot_be_a_dut_s_is_not_taken),
		TEST(of_two_duts_with_one_address_or_mac_the_first_wins),
		TEST(a_dut_that_is_deleted_during_its_job_is_served_to_its_end),
		TEST(requests_count_for_the_job_not_for_the_deployment),
		TEST(a_new_boot_s_first_request_is_no_repetition_of_the_last_boot_s),
		TEST(ten_thousand_duts_are_found_again),
		TEST(a_change_leaves_all_others_as_they_are),
		TEST(a_change_exchanges_two_macs_and_two_addresses),
		TEST(a_changed_dut_keeps_the_deployment_of_its_job),
	};

	log_init("test", "error");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
