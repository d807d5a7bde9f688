/* Addresses against forged packets: whatever a machine sends, a DUT gets its own address, and nobody else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bootsd/dhcp_answer.h"
#include "tests/unit/bootsd_seeds.h"

#define GATEWAY 0x0a2a0001u /* 10.42.0.1 */
#define ONE     0x0a2a0065u /* 10.42.0.101, within the range */
#define FIRST   0x0a2a0064u
#define LAST    0x0a2a0068u
#define DUT     "52:54:00:77:00:01"
#define HOSTILE "52:54:00:66:00:01"
#define T(text) ((char[]){text})

static struct world {
	struct interface net;
	struct machines machines;
	struct leases leases;
	struct dhcp_context ctx;
	struct dhcp_answer answer;
	uint64_t now;
} w;

static void configure(size_t n)
{
	struct msg_boot_dut duts[] = {{.id = T("one"), .mac = T(DUT), .ip = T("10.42.0.101"), .hostname = T("farm-one-1")}};
	struct msg_boot_configure body = {0};

	body.duts.v = duts;
	body.duts.n = n;
	machines_configure(&w.machines, &w.net, &body);
}

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	w.net = (struct interface){.name = "private", .ip = GATEWAY, .mask = 0xffff0000, .addresses = {GATEWAY, LAST}, .n_addresses = 2};
	machines_init(&w.machines);
	leases_init(&w.leases, (struct dhcp_range){FIRST, LAST}, &w.net,
		    &w.machines); /* .101 is the DUT's, .104 the gateway's: three left */
	w.ctx = (struct dhcp_context){.net = &w.net, .machines = &w.machines, .leases = &w.leases};
	w.now = 1000;
	configure(1);
	return 0;
}

static int teardown(void **state)
{
	leases_finish(&w.leases);
	machines_finish(&w.machines);
	return 0;
}

static bool say(struct seed *seed)
{
	return dhcp_answer(&w.answer, &w.ctx, &seed->packet, w.now);
}

/* A message of any type, made from iPXE's REQUEST: 50 and 54 as given. */
static bool say_type(enum dhcp_type type, const char *mac, uint32_t wanted, uint32_t server, uint32_t ciaddr)
{
	struct seed seed;

	seed_load(&seed, "ipxe-bios-request", mac);
	seed_set_ip(&seed, DHCP_WANTED_ADDRESS, wanted);
	seed_set_ip(&seed, DHCP_SERVER_ID, server);
	seed.packet.type = type;
	seed.packet.ciaddr = ciaddr;
	return say(&seed);
}

static bool discover(const char *mac)
{
	struct seed seed;

	seed_load(&seed, "ipxe-bios-discover", mac);
	return say(&seed);
}

static void expect_own_address(void)
{
	assert_true(discover(DUT));
	assert_int_equal(w.answer.type, DHCP_OFFER);
	assert_int_equal(w.answer.ip, ONE);
	assert_true(say_type(DHCP_REQUEST, DUT, ONE, GATEWAY, 0));
	assert_int_equal(w.answer.type, DHCP_ACK);
	assert_int_equal(w.answer.ip, ONE);
}

static void a_dut_keeps_its_address_whatever_is_forged_in_its_name(void **state)
{
	expect_own_address();
	assert_false(say_type(DHCP_RELEASE, DUT, ONE, GATEWAY, ONE));
	expect_own_address();
	assert_false(say_type(DHCP_DECLINE, DUT, ONE, GATEWAY, 0));
	expect_own_address();
	assert_true(say_type(DHCP_REQUEST, DUT, FIRST, GATEWAY, 0));
	assert_int_equal(w.answer.type, DHCP_NAK);
	expect_own_address();
	assert_true(say_type(DHCP_INFORM, DUT, 0, GATEWAY, FIRST));
	assert_int_equal(w.answer.type, DHCP_ACK);
	expect_own_address();
}

static void another_machine_never_gets_a_dut_s_address(void **state)
{
	assert_true(say_type(DHCP_REQUEST, HOSTILE, ONE, GATEWAY, 0));
	assert_int_equal(w.answer.type, DHCP_NAK);
	assert_string_equal(w.answer.why_not, "this address is not yours");
	assert_int_equal(w.answer.to, 0);
	assert_true(say_type(DHCP_REQUEST, HOSTILE, 0, GATEWAY, ONE)); /* as a renewal */
	assert_int_equal(w.answer.type, DHCP_NAK);
	assert_true(say_type(DHCP_DISCOVER, HOSTILE, ONE, GATEWAY, 0));
	assert_int_not_equal(w.answer.ip, ONE);
}

static void nobody_gets_the_gateway_s_the_network_s_or_the_broadcast_address(void **state)
{
	static const uint32_t never[] = {GATEWAY, LAST, 0x0a2a0000, 0x0a2affff, 0x0a2b0001, 0x7f000001, 0xffffffff};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_true(say_type(DHCP_REQUEST, HOSTILE, never[i], GATEWAY, 0));
		assert_int_equal(w.answer.type, DHCP_NAK);
		assert_true(say_type(DHCP_DISCOVER, HOSTILE, never[i], GATEWAY, 0));
		assert_in_range(w.answer.ip, FIRST, LAST - 1);
	}
}

static void a_full_range_leaves_strangers_without_and_duts_with_an_address(void **state)
{
	char mac[MAC_TEXT];

	for (int i = 0; i < 3; i++) {
		snprintf(mac, sizeof(mac), "52:54:00:66:00:%02x", i);
		assert_true(discover(mac));
	}
	assert_false(discover("52:54:00:66:00:99"));
	assert_string_equal(w.answer.why_not, "no address of the range is free");
	expect_own_address();
	w.now += LEASE_OFFER_MS; /* what was offered and never asked for is free again */
	assert_true(discover("52:54:00:66:00:99"));
}

static void a_machine_that_becomes_a_dut_elsewhere_loses_its_lease(void **state)
{
	configure(0);
	assert_true(say_type(DHCP_REQUEST, HOSTILE, ONE, GATEWAY, 0)); /* free for now */
	assert_int_equal(w.answer.type, DHCP_ACK);
	configure(1);
	assert_true(say_type(DHCP_REQUEST, HOSTILE, 0, GATEWAY, ONE)); /* its renewal */
	assert_int_equal(w.answer.type, DHCP_NAK);
	expect_own_address();
}

static void only_the_holder_gives_an_address_back(void **state)
{
	uint32_t ip;

	assert_true(discover(HOSTILE));
	ip = w.answer.ip;
	assert_true(say_type(DHCP_REQUEST, HOSTILE, ip, GATEWAY, 0));
	assert_false(say_type(DHCP_RELEASE, "52:54:00:66:00:02", ip, GATEWAY, ip));
	assert_int_equal(
		leases_address_of(&w.leases, w.answer.machine ? w.answer.machine->mac : (struct mac){{0x52, 0x54, 0, 0x66, 0, 1}}, w.now),
		ip);
	assert_false(say_type(DHCP_RELEASE, HOSTILE, ip, GATEWAY, ip));
	assert_int_equal(leases_address_of(&w.leases, (struct mac){{0x52, 0x54, 0, 0x66, 0, 1}}, w.now), 0);
	assert_true(discover(HOSTILE)); /* and it gets the same again */
	assert_int_equal(w.answer.ip, ip);
}

static void an_address_that_somebody_else_uses_is_left_alone_for_a_while(void **state)
{
	uint32_t ip;

	assert_true(discover(HOSTILE));
	ip = w.answer.ip;
	assert_true(say_type(DHCP_REQUEST, HOSTILE, ip, GATEWAY, 0));
	assert_false(say_type(DHCP_DECLINE, HOSTILE, ip, GATEWAY, 0));
	assert_string_equal(w.answer.why_not, "it says that another machine uses its address");
	assert_true(say_type(DHCP_DISCOVER, HOSTILE, ip, GATEWAY, 0));
	assert_int_not_equal(w.answer.ip, ip);
	w.now += LEASE_DECLINE_MS;
	assert_true(say_type(DHCP_DISCOVER, "52:54:00:66:00:03", ip, GATEWAY, 0));
	assert_int_equal(w.answer.ip, ip);
}

static void what_is_not_for_us_is_not_answered(void **state)
{
	struct seed seed;

	assert_false(say_type(DHCP_REQUEST, DUT, ONE, 0x0a2a0009, 0));
	assert_string_equal(w.answer.why_not, "it is for another server");
	seed_load(&seed, "ipxe-bios-discover", DUT);
	seed.packet.giaddr = 0x0a2a0009;
	assert_false(say(&seed));
	assert_string_equal(w.answer.why_not, "it comes by a relay, and none is configured");
	for (enum dhcp_type type = DHCP_OFFER; type <= DHCP_NAK; type++) {
		if (type == DHCP_REQUEST || type == DHCP_DECLINE)
			continue;
		assert_false(say_type(type, DUT, ONE, GATEWAY, 0));
		assert_string_equal(w.answer.why_not, "it is a server's");
	}
	assert_false(say_type(DHCP_INFORM, DUT, 0, GATEWAY, 0x08080808)); /* the answer would leave the farm */
	assert_false(say_type(DHCP_REQUEST, DUT, 0, GATEWAY, 0));
	assert_string_equal(w.answer.why_not, "it names no address");
}

static void an_answer_goes_where_the_client_is(void **state)
{
	assert_true(discover(DUT));
	assert_int_equal(w.answer.to, 0);
	assert_true(say_type(DHCP_REQUEST, DUT, 0, GATEWAY, ONE));
	assert_int_equal(w.answer.to, ONE);
	assert_true(say_type(DHCP_DISCOVER, DUT, 0, GATEWAY, 0x08080808));
	assert_int_equal(w.answer.to, 0);
	assert_true(say_type(DHCP_REQUEST, DUT, ONE, GATEWAY, 0x0a2a0042)); /* it claims to have another's */
	assert_int_equal(w.answer.to, 0);
}

static void nobody_is_answered_before_the_duts_are_known(void **state)
{
	w.machines.configured = false;
	assert_false(discover(HOSTILE));
	assert_string_equal(w.answer.why_not, "the DUTs are not known yet");
}

static void a_hostile_sequence_never_moves_a_dut(void **state)
{
	srandom(1);
	for (int i = 0; i < 5000; i++) {
		char mac[MAC_TEXT];
		uint32_t wanted = random() % 3 ? FIRST + (uint32_t)random() % 5 : (uint32_t)random();
		bool answered;

		snprintf(mac, sizeof(mac), "52:54:00:%02lx:00:01", random() % 8 ? (unsigned long)random() % 256 : 0x77);
		answered = say_type((enum dhcp_type)(1 + random() % 8), mac, wanted, random() % 4 ? GATEWAY : (uint32_t)random(),
				    random() % 2 ? wanted : 0);
		w.now += (uint64_t)random() % 5000;
		if (answered && (w.answer.type == DHCP_OFFER || w.answer.type == DHCP_ACK) && w.answer.ip == ONE &&
		    w.answer.packet.bytes[19])
			assert_string_equal(mac, DUT);
		if (answered && w.answer.type == DHCP_OFFER && strcmp(mac, DUT) != 0)
			assert_in_range(w.answer.ip, FIRST, LAST - 1);
	}
	expect_own_address();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_dut_keeps_its_address_whatever_is_forged_in_its_name),
		TEST(another_machine_never_gets_a_dut_s_address),
		TEST(nobody_gets_the_gateway_s_the_network_s_or_the_broadcast_address),
		TEST(a_full_range_leaves_strangers_without_and_duts_with_an_address),
		TEST(a_machine_that_becomes_a_dut_elsewhere_loses_its_lease),
		TEST(only_the_holder_gives_an_address_back),
		TEST(an_address_that_somebody_else_uses_is_left_alone_for_a_while),
		TEST(what_is_not_for_us_is_not_answered),
		TEST(an_answer_goes_where_the_client_is),
		TEST(nobody_is_answered_before_the_duts_are_known),
		TEST(a_hostile_sequence_never_moves_a_dut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
