#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/sse.h"

static char got[4096];

static void on_event(void *owner, const char *name, uint64_t id, const char *data, size_t n)
{
	size_t used = strlen(got);

	snprintf(got + used, sizeof(got) - used, "%s %llu [%.*s]\n", name, (unsigned long long)id, (int)n, data);
}

static const char *fed(const char *text, size_t piece)
{
	struct sse sse = {0};
	struct gw_error err = {0};
	size_t left = strlen(text);

	got[0] = '\0';
	for (size_t n; left; text += n, left -= n) {
		n = left < piece ? left : piece;
		assert_true(sse_feed(&sse, text, n, on_event, NULL, &err));
	}
	sse_finish(&sse);
	return got;
}

static void events_come_however_the_bytes_do(void **state)
{
	static const char text[] = ":a comment\n\nid: 7\nevent: dut\ndata: {\"id\":\"x\"}\n\nevent: gap\r\ndata: {}\r\n\r\n";

	for (size_t piece = 1; piece < sizeof(text); piece++)
		assert_string_equal(fed(text, piece), "dut 7 [{\"id\":\"x\"}]\ngap 7 [{}]\n");
}

static void the_standards_corners(void **state)
{
	assert_string_equal(fed("data: one\ndata:two\ndata\n\n", 99), "message 0 [one\ntwo\n]\n");
	assert_string_equal(fed("event: nothing\n\ndata: x\n\n", 99), "message 0 [x]\n"); /* without data there is no event */
	assert_string_equal(fed("retry: 5\nwhat: ever\nid: 3\ndata: y\n\n", 99), "message 3 [y]\n");
	assert_string_equal(fed("data: cut", 99), "");
}

static void an_endless_event_is_refused(void **state)
{
	static char block[1 << 16];
	struct sse sse = {0};
	struct gw_error err = {0};
	size_t n = 0;

	memset(block, 'x', sizeof(block));
	while (sse_feed(&sse, block, sizeof(block), on_event, NULL, &err))
		assert_true((n += sizeof(block)) <= SSE_MAX);
	assert_string_equal(err.text, "an event is too long; accepted: up to 16777216 bytes");
	sse_finish(&sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_however_the_bytes_do),
		cmocka_unit_test(the_standards_corners),
		cmocka_unit_test(an_endless_event_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
