#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/bootsd_seeds.h"

static void what_ipxe_sends_is_understood(void **state)
{
	char mac[MAC_TEXT];
	struct seed seed;

	seed_load(&seed, "ipxe-bios-request", NULL);
	assert_int_equal(seed.packet.type, DHCP_REQUEST);
	assert_string_equal(mac_print(mac, seed.packet.mac), SEED_MAC);
	assert_int_equal(dhcp_ip_option(&seed.packet, DHCP_WANTED_ADDRESS), 0x0a4d0071);
	assert_int_equal(dhcp_ip_option(&seed.packet, DHCP_SERVER_ID), 0x0a4d0001);
	assert_true(dhcp_asks_for(&seed.packet, DHCP_BOOTFILE));
	assert_false(dhcp_asks_for(&seed.packet, DHCP_LEASE_TIME));
	assert_false(seed.packet.broadcast);
	assert_int_equal(dhcp_answer_max(&seed.packet), 1472 - 28);
	seed_load(&seed, "ovmf-pxe-request", NULL);
	assert_true(seed.packet.broadcast);
	assert_int_equal(dhcp_answer_max(&seed.packet), DHCP_PACKET_MAX); /* it says 65280 */
	seed_load(&seed, "uboot-arm-first-discover", NULL);
	assert_int_equal(dhcp_answer_max(&seed.packet), DHCP_LEAST_MAX);
}

/* Each row spoils a good packet at one place. */
static const struct bad {
	size_t at;
	uint8_t value;
	size_t cut; /* to so many bytes; 0: not */
	const char *error;
} bads[] = {
	{0, 1, 239, "239 bytes are not a DHCP packet; accepted: 240 to 1472"},
	{0, 1, 4, "4 bytes are not a DHCP packet; accepted: 240 to 1472"},
	{0, 2, 0, "operation 2 is not a request (1)"},
	{1, 6, 0, "hardware type 6 with addresses of 6 bytes is not Ethernet"},
	{2, 16, 0, "hardware type 1 with addresses of 16 bytes is not Ethernet"},
	{236, 98, 0, "no DHCP options (magic cookie 63825363) behind the header"},
	{28, 0x53, 0, "the client's MAC is no machine's: a group's or all zeros"},
	{240, 54, 0, "option 53 (message type) is missing or none of 1 to 8"},
	{242, 0, 0, "option 53 (message type) is missing or none of 1 to 8"},
	{242, 9, 0, "option 53 (message type) is missing or none of 1 to 8"},
	{241, 255, 0, "option 53 at byte 0 of the options reaches beyond its end"},
	{0, 1, 242, "option 53 at byte 0 of the options reaches beyond its end"},
	{0, 1, 241, "option 53 at byte 0 of the options reaches beyond its end"},
	{0, 1, 240, "option 53 (message type) is missing or none of 1 to 8"},
};

static void each_bad_packet_is_refused_with_its_reason(void **state)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *bad = &bads[i];
		struct gw_error err = {0};
		struct dhcp_packet packet;
		struct seed seed;
		uint8_t *exact; /* so that a byte read beyond it is seen */
		size_t n;

		seed_load(&seed, "ipxe-bios-discover", NULL);
		n = bad->cut ? bad->cut : seed.n;
		exact = malloc(n);
		memcpy(exact, seed.bytes, n);
		exact[bad->at] = bad->value;
		assert_false(dhcp_decode(&packet, exact, n, &err));
		assert_string_equal(err.text, bad->error);
		free(exact);
	}
}

static void options_may_go_on_in_the_header_s_text_fields(void **state)
{
	uint8_t bytes[244] = {1, 1,   6,          [28] = 2, [44] = 60, 2,  'h', 'i', 255, [108] = 53, 1,
			      3, 255, [236] = 99, 130,      83,        99, 52,  1,   3,   255};
	struct gw_error err = {0};
	struct dhcp_packet packet;

	assert_true(dhcp_decode(&packet, bytes, sizeof(bytes), &err));
	assert_int_equal(packet.type, DHCP_REQUEST);
	assert_int_equal(packet.options[DHCP_VENDOR_CLASS].n, 2);
	bytes[109] = 200; /* beyond the file field, though not beyond the packet */
	assert_false(dhcp_decode(&packet, bytes, sizeof(bytes), &err));
	assert_string_equal(err.text, "option 53 at byte 0 of the file field reaches beyond its end");
}

static void an_answer_holds_what_was_written_and_zeros(void **state)
{
	struct dhcp_writer w;
	struct seed seed;
	uint8_t expected[DHCP_REPLY_MIN] = {2, 1, 6};

	seed_load(&seed, "ovmf-pxe-discover", NULL);
	memset(&w, 0xee, sizeof(w));
	dhcp_begin(&w, &seed.packet, DHCP_OFFER);
	dhcp_set_your_ip(&w, 0x0a2a000b);
	dhcp_end(&w);
	assert_int_equal(w.n, DHCP_REPLY_MIN);
	memcpy(expected + 4, seed.bytes + 4, 4); /* xid */
	expected[10] = 0x80;
	memcpy(expected + 16, "\x0a\x2a\x00\x0b", 4);
	memcpy(expected + 28, seed.bytes + 28, 6);
	memcpy(expected + 236, "\x63\x82\x53\x63\x35\x01\x02\xff", 8);
	assert_memory_equal(w.bytes, expected, sizeof(expected));
}

static void an_option_that_does_not_fit_is_left_out_whole(void **state)
{
	static uint8_t big[400];
	struct dhcp_writer w;
	struct seed seed;
	size_t before;

	seed_load(&seed, "uboot-arm-first-discover", NULL); /* accepts 548 bytes */
	dhcp_begin(&w, &seed.packet, DHCP_ACK);
	before = w.n;
	assert_false(dhcp_add(&w, 200, big, sizeof(big)));
	assert_int_equal(w.n, before);
	assert_true(dhcp_add(&w, 200, big, 298)); /* in two pieces, RFC 3396 */
	assert_int_equal(w.n, before + 2 + 255 + 2 + 43);
	assert_int_equal(w.bytes[before + 1], 255);
	assert_int_equal(w.bytes[before + 257], 200);
	assert_int_equal(w.bytes[before + 258], 43);
	assert_true(dhcp_add(&w, 201, NULL, 0)); /* the last two bytes */
	assert_false(dhcp_add(&w, 202, NULL, 0));
	assert_false(dhcp_set_file(&w, big, 128));
	assert_true(dhcp_set_file(&w, big, 127));
	dhcp_end(&w);
	assert_true(w.n <= DHCP_LEAST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ipxe_sends_is_understood),
		cmocka_unit_test(each_bad_packet_is_refused_with_its_reason),
		cmocka_unit_test(options_may_go_on_in_the_header_s_text_fields),
		cmocka_unit_test(an_answer_holds_what_was_written_and_zeros),
		cmocka_unit_test(an_option_that_does_not_fit_is_left_out_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
