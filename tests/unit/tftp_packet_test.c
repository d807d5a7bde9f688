#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootsd/tftp_packet.h"

#define BYTES(text) text, sizeof(text) /* with the last NUL */

/* What a request with these options is agreed to: the OACK without its operation, or nothing. */
static const struct row {
	const char *options;
	size_t n;
	const char *oack;
	size_t oack_n;
	unsigned block, window, timeout;
} rows[] = {
	{"", 0, "", 0, 512, 1, 0},
	{BYTES("blksize\0001468"), BYTES("blksize\0001468"), 1468, 1, 0},
	{BYTES("BLKSIZE\0001432\0tsize\0000"), BYTES("tsize\00077\0blksize\0001432"), 1432, 1, 0}, /* iPXE */
	{BYTES("tsize\0000\0blksize\0001468\0windowsize\0004"), BYTES("tsize\00077\0blksize\0001468\0windowsize\0004"), 1468, 4,
	 0},                                                                                          /* OVMF */
	{BYTES("timeout\0005\0blksize\0001468"), BYTES("blksize\0001468\0timeout\0005"), 1468, 1, 5}, /* U-Boot */
	{BYTES("blksize\00065464"), BYTES("blksize\0001468"), 1468, 1, 0},
	{BYTES("blksize\0008"), BYTES("blksize\0008"), 8, 1, 0},
	{BYTES("blksize\0007"), "", 0, 512, 1, 0}, /* what no option may be is as if it were not there */
	{BYTES("blksize\00065465"), "", 0, 512, 1, 0},
	{BYTES("blksize\000-1"), "", 0, 512, 1, 0},
	{BYTES("blksize\000 512"), "", 0, 512, 1, 0},
	{BYTES("blksize\0004294967808"), "", 0, 512, 1, 0},
	{BYTES("blksize\0"), "", 0, 512, 1, 0},
	{BYTES("windowsize\0000"), "", 0, 512, 1, 0},
	{BYTES("windowsize\00065535"), BYTES("windowsize\00044"), 512, 44, 0},
	{BYTES("timeout\0000"), "", 0, 512, 1, 0},
	{BYTES("timeout\000255"), BYTES("timeout\000255"), 512, 1, 255},
	{BYTES("timeout\000256"), "", 0, 512, 1, 0},
	{BYTES("tsize\0001"), "", 0, 512, 1, 0},
	{BYTES("multicast\0"), "", 0, 512, 1, 0},
	{BYTES("blksize\000600\0blksize\000700"), BYTES("blksize\000600"), 600, 1, 0},
	{"blksize\000600\0tsize", 17, BYTES("blksize\000600"), 600, 1, 0}, /* the last has no value */
};

static void each_option_is_agreed_on_or_ignored(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = 13 + rows[i].n;
		uint8_t *bytes = malloc(n), oack[TFTP_OACK_MAX];
		struct gw_error err = {0};
		struct tftp_terms terms;
		struct tftp_request rq;

		memcpy(bytes, "\0\1file\0octet\0", 13);
		memcpy(bytes + 13, rows[i].options, rows[i].n);
		assert_true(tftp_request_decode(&rq, bytes, n, &err));
		assert_string_equal(rq.file, "file");
		assert_true(rq.octet);
		tftp_agree(&terms, &rq);
		assert_int_equal(terms.block, rows[i].block);
		assert_int_equal(terms.window, rows[i].window);
		assert_int_equal(terms.timeout_s, rows[i].timeout);
		assert_int_equal(terms.oack, rows[i].oack_n != 0);
		if (terms.oack) {
			assert_int_equal(tftp_oack_encode(oack, &rq, &terms, 77), 2 + rows[i].oack_n);
			assert_memory_equal(oack + 2, rows[i].oack, rows[i].oack_n);
		}
		free(bytes);
	}
}

static const struct {
	const char *bytes;
	size_t n;
	const char *error;
} bads[] = {
	{"\0\1a", 3, "3 bytes are not a TFTP request; accepted: 4 to 1024"},
	{"\0\3\0\1", 4, "operation 3 is neither a read (1) nor a write (2) request"},
	{"\1\0a\0octet\0", 10, "operation 256 is neither a read (1) nor a write (2) request"},
	{"\0\1name", 6, "the file's name or the mode is missing or has no end"},
	{"\0\1name\0", 7, "the file's name or the mode is missing or has no end"},
	{"\0\1name\0octet", 12, "the file's name or the mode is missing or has no end"},
	{"\0\1\0octet\0", 9, "the file's name or the mode is missing or has no end"},
};

static void each_bad_request_is_refused_with_its_reason(void **state)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		uint8_t *exact = malloc(bads[i].n);
		struct gw_error err = {0};
		struct tftp_request rq;

		memcpy(exact, bads[i].bytes, bads[i].n);
		assert_false(tftp_request_decode(&rq, exact, bads[i].n, &err));
		assert_string_equal(err.text, bads[i].error);
		free(exact);
	}
}

static void the_largest_oack_fits(void **state)
{
	struct tftp_request rq = {.block = 65464, .timeout = 255, .window = 65535, .size = true};
	struct tftp_terms terms = {.block = 65464, .timeout_s = 255, .window = 65535, .oack = true};
	uint8_t oack[TFTP_OACK_MAX];

	assert_in_range(tftp_oack_encode(oack, &rq, &terms, UINT64_MAX), 1, sizeof(oack));
}

static void an_error_is_cut_to_its_room(void **state)
{
	uint8_t out[12];

	assert_int_equal(tftp_error_encode(out, sizeof(out), TFTP_E_NOT_FOUND, "not found at all"), 12);
	assert_memory_equal(out, "\0\5\0\1not fou", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_is_agreed_on_or_ignored),
		cmocka_unit_test(each_bad_request_is_refused_with_its_reason),
		cmocka_unit_test(the_largest_oack_fits),
		cmocka_unit_test(an_error_is_cut_to_its_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
