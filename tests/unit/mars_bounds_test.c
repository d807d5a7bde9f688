/* What a small text can make of itself is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/marsdb.h"
#include "libmars/text.h"

static long resident_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void assert_refused(const char *text, const char *why)
{
	long before = resident_kib();
	struct gw_errors errs = {0};

	assert_null(mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs));
	assert_true(errs.n > 0);
	if (!strstr(errs.v[0].text, why))
		fail_msg("%s", errs.v[0].text);
	gw_errors_finish(&errs);
	assert_true(resident_kib() - before < 64 * 1024);
}

/* Ten lists, each of eight times the one before: 8^10 nodes. */
static void promise_7_aliases_that_stand_for_a_billion_nodes_are_refused(void **state)
{
	struct text text = {0};

	text_adds(&text, "a0: &a0 [x]\n");
	for (int i = 1; i <= 10; i++)
		text_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1,
			  i - 1, i - 1, i - 1);
	assert_refused(text.bytes, "aliases stand for too much; accepted: 100000 nodes in all");
	text_finish(&text);
}

static void promise_7_ten_thousand_lists_in_each_other_are_refused(void **state)
{
	struct text text = {0};

	text_adds(&text, "duts: ");
	for (int i = 0; i < 10000; i++)
		text_adds(&text, "[");
	assert_refused(text.bytes, "too deep in each other; accepted: 32 levels");
	text_finish(&text);
}

static void add_aliases(struct text *text, const char *key, const char *alias, int n)
{
	text_addf(text, "      %s: &%s [", key, key);
	for (int i = 0; i < n; i++)
		text_addf(text, "%s*%s", i ? "," : "", alias);
	text_adds(text, "]\n");
}

/* A driver's configuration, which takes anything: a text of 5,000 bytes, so many lists of so many aliases of it. */
static void begin_config(struct text *text)
{
	text_adds(text, "pdus:\n  P:\n    driver: dummy\n    config:\n      t: &t '");
	for (int i = 0; i < 500; i++)
		text_adds(text, "ten bytes.");
	text_adds(text, "'\n");
}

static void promise_7_ten_KiB_that_stand_for_a_GiB_are_refused(void **state)
{
	struct text text = {0};

	begin_config(&text);
	add_aliases(&text, "a", "t", 60);
	add_aliases(&text, "b", "a", 60);
	add_aliases(&text, "c", "b", 60); /* 5,000 * 60^3 bytes */
	assert_true(text.len < 10240);
	assert_refused(text.bytes, "aliases stand for too much; accepted: 100000 nodes in all, each 64 bytes of a text counting as one");
	text_finish(&text);
}

/* Few nodes, but long ones: their configuration was made, of 450 MB. */
static void promise_7_few_nodes_of_long_texts_are_refused_too(void **state)
{
	struct text text = {0};

	begin_config(&text);
	add_aliases(&text, "a", "t", 100);
	add_aliases(&text, "b", "a", 900);
	assert_true(text.len < 10240);
	assert_refused(text.bytes, "aliases stand for too much; accepted: 100000 nodes in all, each 64 bytes of a text counting as one");
	text_finish(&text);
}

static void promise_7_long_keys_count_as_long_texts_do(void **state)
{
	struct text text = {0};

	text_adds(&text, "pdus:\n  P:\n    driver: dummy\n    config:\n      t: &t {");
	for (int i = 0; i < 90; i++)
		text_adds(&text, "ten bytes.");
	text_adds(&text, ": x}\n");
	add_aliases(&text, "a", "t", 100);
	add_aliases(&text, "b", "a", 900);
	assert_refused(text.bytes, "aliases stand for too much; accepted: 100000 nodes in all, each 64 bytes of a text counting as one");
	text_finish(&text);
}

/* --- Files ---------------------------------------------------------------------------------------------------------------------------- */

static void assert_file_refused(const char *text, off_t size, const char *why)
{
	char path[300];
	long before = resident_kib();
	struct gw_errors errs = {0};
	int fd;

	snprintf(path, sizeof(path), "%s/mars_bounds.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(ftruncate(fd, size), 0); /* zeroes that need no space */
	close(fd);
	assert_null(mars_db_read(path, NULL, &errs));
	assert_int_equal(unlink(path), 0);
	assert_true(errs.n > 0);
	if (!strstr(errs.v[0].text, why))
		fail_msg("%s", errs.v[0].text);
	gw_errors_finish(&errs);
	assert_true(resident_kib() - before < 1024);
}

static void promise_6_a_line_of_a_GiB_is_refused_before_it_is_read(void **state)
{
	assert_file_refused("duts: # ", 1 << 30, ": 1073741824 bytes are too many; accepted: up to 67108864");
	assert_file_refused("duts: # ", 100000000, ": 100000000 bytes are too many; accepted: up to 67108864");
	assert_file_refused("duts: # ", MARS_MAX_SIZE + 1L, ": 67108865 bytes are too many; accepted: up to 67108864");
}

/* What has no size in advance: a FIFO is no file, and is not waited for. */
static void a_fifo_is_no_database(void **state)
{
	struct gw_errors errs = {0};
	char path[300];

	snprintf(path, sizeof(path), "%s/mars_bounds_fifo.%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(mars_db_read(path, NULL, &errs));
	assert_non_null(strstr(errs.v[0].text, " is not a file"));
	gw_errors_finish(&errs);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_7_aliases_that_stand_for_a_billion_nodes_are_refused),
		cmocka_unit_test(promise_7_ten_thousand_lists_in_each_other_are_refused),
		cmocka_unit_test(promise_7_ten_KiB_that_stand_for_a_GiB_are_refused),
		cmocka_unit_test(promise_7_few_nodes_of_long_texts_are_refused_too),
		cmocka_unit_test(promise_7_long_keys_count_as_long_texts_do),
		cmocka_unit_test(promise_6_a_line_of_a_GiB_is_refused_before_it_is_read),
		cmocka_unit_test(a_fifo_is_no_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
