#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pdud/vpdud/wire.h"

static void a_request_is_four_bytes_big_endian(void **state)
{
	struct vpdu_request rq;

	assert_true(vpdu_request_decode((const uint8_t[]){0, 0, 0, 0x3f}, &rq));
	assert_int_equal(rq.op, VPDU_STATE);
	assert_int_equal(rq.port, 15);
	assert_true(vpdu_request_decode((const uint8_t[]){0, 0, 0x1f, 0xfd}, &rq));
	assert_int_equal(rq.op, VPDU_TURN_ON);
	assert_int_equal(rq.port, 2047);
}

static void reserved_bits_are_refused(void **state)
{
	struct vpdu_request rq;

	for (unsigned bit = 13; bit < 32; bit++) {
		uint32_t word = 1u << bit | 1;
		const uint8_t bytes[] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};

		assert_false(vpdu_request_decode(bytes, &rq));
	}
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
	struct vpdu_request rq;
	uint8_t bytes[VPDU_REQUEST_BYTES];

	for (unsigned port = 0; port < 2048; port++) {
		vpdu_request_encode(&(struct vpdu_request){VPDU_TURN_OFF, port}, bytes);
		assert_true(vpdu_request_decode(bytes, &rq));
		assert_int_equal(rq.op, VPDU_TURN_OFF);
		assert_int_equal(rq.port, port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_four_bytes_big_endian),
		cmocka_unit_test(reserved_bits_are_refused),
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
