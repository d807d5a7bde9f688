#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bootsd/tftp_window.h"

static struct tftp_window w;

/* Sends all that is due. */
static unsigned send_due(void)
{
	unsigned n = tftp_window_to_send(&w);

	w.sent += n;
	return n;
}

static void a_file_ends_with_a_short_block(void **state)
{
	static const struct {
		uint64_t size, last;
	} sizes[] = {{0, 1}, {1, 1}, {511, 1}, {512, 2}, {513, 2}, {1024, 3}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		tftp_window_start(&w, sizes[i].size, 512, 1, false);
		assert_int_equal(w.last, sizes[i].last);
		for (uint64_t block = 1; block <= w.last; block++) {
			assert_false(tftp_window_done(&w));
			assert_int_equal(send_due(), 1);
			assert_int_equal(send_due(), 0);
			assert_true(tftp_window_ack(&w, (unsigned)block));
		}
		assert_true(tftp_window_done(&w));
	}
}

static void nothing_is_sent_before_the_options_are_acknowledged(void **state)
{
	tftp_window_start(&w, 1000, 512, 4, true);
	assert_int_equal(send_due(), 0);
	assert_false(tftp_window_ack(&w, 1));
	tftp_window_timeout(&w);
	assert_int_equal(send_due(), 0);
	assert_true(tftp_window_ack(&w, 0));
	assert_int_equal(send_due(), 2);
}

static void a_repeated_ack_of_a_plain_client_sends_nothing(void **state)
{
	tftp_window_start(&w, 10000, 512, 1, false);
	send_due();
	assert_true(tftp_window_ack(&w, 1));
	send_due();
	assert_false(tftp_window_ack(&w, 1)); /* the sorcerer's apprentice */
	assert_false(tftp_window_ack(&w, 3)); /* not sent yet */
	tftp_window_timeout(&w);
	assert_int_equal(w.sent + 1, 2);
	assert_int_equal(send_due(), 1);
}

static void a_lost_block_is_sent_again_with_what_follows(void **state)
{
	tftp_window_start(&w, 100000, 512, 8, false);
	assert_int_equal(send_due(), 8);
	assert_true(tftp_window_ack(&w, 3)); /* 4 was lost */
	assert_int_equal(w.sent + 1, 4);
	assert_int_equal(send_due(), 8);
	assert_true(tftp_window_ack(&w, 3)); /* 4 again: the last one that came in order is said once more */
	assert_int_equal(w.sent + 1, 4);
	send_due();
	assert_false(tftp_window_ack(&w, 3)); /* but not for ever: the timeout decides */
	assert_false(tftp_window_ack(&w, 2)); /* late */
	assert_true(tftp_window_ack(&w, 11));
	assert_int_equal(send_due(), 8);
}

static void block_numbers_go_round(void **state)
{
	uint64_t size = 512ull * 200000;

	tftp_window_start(&w, size, 512, 32, false);
	while (!tftp_window_done(&w)) {
		assert_int_not_equal(send_due(), 0);
		assert_true(tftp_window_ack(&w, (unsigned)(w.sent & 0xffff)));
	}
	assert_int_equal(w.acked, 200001);
}

/* A bad wire: blocks and acknowledgements are lost and come twice. The client's file is whole at the end. */
static void a_bad_wire_costs_time_only(void **state)
{
	srandom(7);
	for (unsigned window = 1; window <= 44; window += 3) {
		uint64_t has = 0; /* the client's last block in order */

		tftp_window_start(&w, 512 * 3000, 512, window, false);
		for (long steps = 0; !tftp_window_done(&w); steps++) {
			uint64_t from = w.sent + 1;
			unsigned n = send_due();

			assert_in_range(steps, 0, 200000);
			for (unsigned i = 0; i < n; i++)
				if (random() % 20 && from + i == has + 1)
					has++;
			assert_true(has <= w.last);
			for (int twice = 0; twice < 2; twice++)
				if (random() % 3)
					tftp_window_ack(&w, (unsigned)(has & 0xffff));
			if (w.sent != w.acked && random() % 2)
				tftp_window_timeout(&w);
		}
		assert_int_equal(has, w.last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_ends_with_a_short_block),
		cmocka_unit_test(nothing_is_sent_before_the_options_are_acknowledged),
		cmocka_unit_test(a_repeated_ack_of_a_plain_client_sends_nothing),
		cmocka_unit_test(a_lost_block_is_sent_again_with_what_follows),
		cmocka_unit_test(block_numbers_go_round),
		cmocka_unit_test(a_bad_wire_costs_time_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
