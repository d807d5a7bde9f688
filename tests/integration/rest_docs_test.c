/* docs/rest.md, tried: its database is a farm's, each of its curl lines is run, and what it shows is what is answered. In a network
 * namespace of its own. */
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
#include "tests/harness/farm.h"

#define PAGE TEST_DATA "/../../docs/rest.md"

static char *page, *database;

/* What is between `from` and `to`. The caller frees. */
static char *between(const char *text, const char *from, const char *to)
{
	const char *begin = strstr(text, from), *end;

	assert_non_null(begin);
	begin += strlen(from);
	end = strstr(begin, to);
	assert_non_null(end);
	return gw_strndup(begin, (size_t)(end - begin));
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_QUICK_CHECK=disabled", NULL};
	struct farm_options options = {.env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;

	page = file_get(PAGE);
	database = between(page, "\n```yaml\n", "\n```\n");
	options.db = database;
	farm = farm_start(&options);
	farm_await(farm, "/pdus", "pdus/rack1/state", "OK");
	farm_await_value(farm, "/dut/52:54:00:11:22:00", "logs_endpoint/port");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	free(page);
	free(database);
	return 0;
}

/* As glob_line wants it: `...` stands for anything, and a line's end is `|`. The caller frees. */
static char *pattern_of(const char *shown, size_t n)
{
	struct buffer out = {0};

	for (size_t i = 0; i < n; i++)
		if (n - i >= 3 && memcmp(shown + i, "...", 3) == 0) {
			buffer_add(&out, "*", 1);
			i += 2;
		} else {
			buffer_add(&out, shown[i] == '\n' ? "|" : &shown[i], 1);
		}
	return buffer_take(&out);
}

static char *output_of(const char *command)
{
	char *whole = gw_sprintf("no_proxy='*' curl -s%s", command + strlen("curl")), *text = gw_calloc(1 << 20, 1);
	FILE *out = popen(whole, "r");
	size_t n;

	assert_non_null(out);
	n = fread(text, 1, (1 << 20) - 1, out);
	pclose(out); /* its status is curl's: a stream ends by its time */
	free(whole);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	for (char *p = text; (p = strchr(p, '\n'));)
		*p = '|';
	return text;
}

/* A stream is read for as long as its line says; a busy machine may take longer to say it all. */
static char *with_more_time(const char *command, unsigned seconds)
{
	const char *limit = strstr(command, "--max-time 1 ");

	return limit ? gw_sprintf("%.*s--max-time %u %s", (int)(limit - command), command, seconds, limit + strlen("--max-time 1 ")) : NULL;
}

static bool answers(const char *command, const char *pattern, bool complain)
{
	char *answer = output_of(command);
	bool same = glob_line(pattern, answer, strlen(answer));

	if (!same && complain)
		print_error("%s\n  answered: %s\n  docs/rest.md: %s\n", command, answer, pattern);
	free(answer);
	return same;
}

/* One "$ curl ..." line and what is shown behind it. */
static bool is_as_shown(const char *command, const char *shown, size_t n)
{
	char *pattern = pattern_of(shown, n), *longer = with_more_time(command, 15);
	bool same = answers(command, pattern, !longer) || (longer && answers(longer, pattern, true));

	free(longer);
	free(pattern);
	return same;
}

static void each_answer_is_as_the_page_shows_it(void **state)
{
	unsigned n = 0, wrong = 0;

	for (const char *at = page; (at = strstr(at, "\n$ curl"));) {
		size_t len = strcspn(at + 3, "\n");
		char *command = gw_strndup(at + 3, len);
		const char *shown = at + 3 + len + 1, *end = strstr(shown, "\n```"), *next = strstr(shown, "\n$ curl");

		assert_non_null(end);
		if (next && next < end)
			end = next;
		wrong += !is_as_shown(command, shown, (size_t)(end - shown));
		free(command);
		at = end;
		n++;
	}
	assert_int_equal(wrong, 0);
	assert_true(n > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_answer_is_as_the_page_shows_it)};

	return cmocka_run_group_tests(tests, start, stop);
}
