#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "saladd/scan.h"

/* Feeds `n` bytes in reads of at most `piece` and returns what was found, as "ping id=X bad " ...: the caller frees. */
static char *found(const char *bytes, size_t n, size_t piece)
{
	struct scan scan = {0};
	struct buffer all = {0};
	enum scan_event event;

	for (size_t at = 0; at < n;) {
		size_t given = piece < n - at ? piece : n - at, used = scan_bytes(&scan, bytes + at, given, &event);

		assert_true(used > 0 && used <= given);
		assert_true(event != SCAN_NOTHING || used == given);
		if (event == SCAN_PING)
			buffer_printf(&all, "ping ");
		else if (event == SCAN_ID)
			buffer_printf(&all, "id=%s ", scan.id);
		else if (event == SCAN_BAD_ID)
			buffer_printf(&all, "bad ");
		at += used;
	}
	return buffer_take(&all);
}

/* However the bytes are cut into reads, the same is found in them. */
static void assert_found_n(const char *bytes, size_t n, const char *expected)
{
	for (size_t piece = 1; piece <= n; piece++) {
		char *got = found(bytes, n, piece);
		assert_string_equal(got, expected);
		free(got);
	}
}

static void assert_found(const char *text, const char *expected)
{
	assert_found_n(text, strlen(text), expected);
}

static void an_id_is_found_anywhere_in_a_line(void **state)
{
	static const char noise[] = "\x1b[2Jnoise\xff\x00SALAD.machine_id=x\r\n";

	assert_found_n(noise, sizeof(noise) - 1, "id=x ");
	assert_found("SALAD.machine_id=52:54:00:11:22:0a\n", "id=52:54:00:11:22:0a ");
	assert_found("[    0.000000] Command line: console=ttyS0 SALAD.machine_id=farm-1 quiet\r\n", "id=farm-1 ");
	assert_found("a\nb SALAD.machine_id=1\tSALAD.machine_id=2\n", "id=1 id=2 ");
}

static void an_id_is_complete_only_with_the_white_space_behind_it(void **state)
{
	assert_found("SALAD.machine_id=52:54:00", "");
	assert_found("SALAD.machine_id=x\v", "id=x ");
	assert_found("SALAD.machine_id=SALAD.machine_id=x\n", "id=SALAD.machine_id=x ");
}

static void without_an_id_behind_it_the_word_means_nothing(void **state)
{
	assert_found("SALAD.machine_id= x\n", "");
	assert_found("SALAD.machine_id=\nSALAD.machine_id=y\n", "id=y ");
}

static void a_ping_is_found_behind_noise_and_at_once(void **state)
{
	assert_found("SALAD.ping", "ping ");
	assert_found("\n\xf0\x9f\x80SALAD.ping\n", "ping ");
	assert_found("SALAD.SALAD.ping SSALAD.ping", "ping ping ");
	assert_found("SALAD.pingSALAD.ping", "ping ping ");
}

static void what_only_begins_like_a_word_is_none(void **state)
{
	assert_found("SALAD.pin SALAD.pong salad.ping SALAD.machine_idx=1 SALAD\n.ping SALADSALAD.machine id=3\n", "");
	assert_found("SALAD.machine_SALAD.ping", "ping ");
	assert_found("SALAD.pSALAD.machine_id=7\n", "id=7 ");
}

static void an_id_of_128_bytes_is_the_longest(void **state)
{
	char text[256], expected[256];

	snprintf(text, sizeof(text), "SALAD.machine_id=%0128d\n", 1);
	snprintf(expected, sizeof(expected), "id=%0128d ", 1);
	assert_found(text, expected);
	snprintf(text, sizeof(text), "SALAD.machine_id=%0129d\n", 1);
	assert_found(text, "bad ");
}

static void an_id_that_is_not_printable_is_bad(void **state)
{
	assert_found("SALAD.machine_id=a\x1b]0;title\x07 \n", "bad ");
	assert_found("SALAD.machine_id=\xc3\xa4\n", "bad ");
	assert_found_n("SALAD.machine_id=a\0b\n", 21, "bad ");
	assert_found("SALAD.machine_id=\x7f\nSALAD.machine_id=fine\n", "bad id=fine ");
}

static void megabytes_without_a_line_end_leave_it_ready(void **state)
{
	size_t n = 4 * 1024 * 1024;
	char *bytes = gw_calloc(1, n + 64), *got;

	memset(bytes, 'S', n);
	strcpy(bytes + n, "ALAD.machine_id=x\n");
	got = found(bytes, n + strlen(bytes + n), 65536);
	assert_string_equal(got, "id=x ");
	free(got);
	memcpy(bytes, "SALAD.machine_id=", 17); /* an id of 4 MiB */
	memset(bytes + n, 0, 64);
	strcpy(bytes + n, "\nSALAD.ping");
	got = found(bytes, n + strlen(bytes + n), 65536);
	assert_string_equal(got, "bad ping ");
	free(got);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_found_anywhere_in_a_line),
		cmocka_unit_test(an_id_is_complete_only_with_the_white_space_behind_it),
		cmocka_unit_test(without_an_id_behind_it_the_word_means_nothing),
		cmocka_unit_test(a_ping_is_found_behind_noise_and_at_once),
		cmocka_unit_test(what_only_begins_like_a_word_is_none),
		cmocka_unit_test(an_id_of_128_bytes_is_the_longest),
		cmocka_unit_test(an_id_that_is_not_printable_is_bad),
		cmocka_unit_test(megabytes_without_a_line_end_leave_it_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
