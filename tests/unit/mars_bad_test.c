/* Each database in tests/data/bad is refused with exactly the messages in the .txt beside it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/marsdb.h"
#include "libmars/text.h"
#include "tests/harness/mars_mutants.h"

static char *text_of(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	char *text;

	if (!file)
		fail_msg("cannot open %s", path);
	text = gw_calloc(1, 1 << 20);
	*len = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static char *messages_of(const char *path)
{
	struct gw_errors errs = {0};
	size_t len, used = 0;
	char *text = text_of(path, &len), *all = gw_calloc(GW_ERRORS_MAX + 1, sizeof(struct gw_error));
	struct mars_db *db = mars_db_parse(text, len, strrchr(path, '/') + 1, NULL, &errs);

	for (size_t i = 0; i < errs.n; i++)
		used += (size_t)sprintf(all + used, "%s\n", errs.v[i].text);
	if (errs.left_out)
		sprintf(all + used, "and %zu more\n", errs.left_out);
	if (db)
		sprintf(all, "it was accepted\n");
	mars_db_destroy(db);
	gw_errors_finish(&errs);
	free(text);
	return all;
}

static int is_yaml(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".yaml") == 0;
}

static void promise_6_each_bad_database_gets_its_message(void **state)
{
	struct dirent **entries;
	int n = scandir(TEST_DATA "/bad", &entries, is_yaml, alphasort), wrong = 0;

	assert_true(n > 40);
	for (int i = 0; i < n; i++) {
		char path[512], expected[512];
		char *got, *want;
		size_t len;

		snprintf(path, sizeof(path), TEST_DATA "/bad/%s", entries[i]->d_name);
		snprintf(expected, sizeof(expected), "%.*s.txt", (int)(strlen(path) - strlen(".yaml")), path);
		got = messages_of(path);
		want = text_of(expected, &len);
		if (strcmp(got, want) != 0) {
			print_error("%s: found:\n%swanted:\n%s\n", entries[i]->d_name, got, want);
			wrong++;
		}
		free(got);
		free(want);
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(wrong, 0);
}

/* ---- The annotated sample of the reference, made wrong at each place ---- */

/* Everything that the sample does not show is put beside what it does. */
static void read_sample(struct text *sample)
{
	static const char more[] = "    mac_address: 52:54:00:11:22:33\n"
				   "    firmware_boot_time: 7.5\n"
				   "    boot_sequence_power: 60\n";
	size_t len;
	char *text = text_of(TEST_DATA "/mars/sample.yaml", &len), *at = strstr(text, "    pdu: APC");

	assert_non_null(at);
	text_add(sample, text, (size_t)(at - text));
	text_adds(sample, more);
	text_adds(sample, at);
	free(text);
}

/* `*` stands for anything. */
static bool matches(const char *pattern, const char *text)
{
	for (; *pattern && *pattern != '*'; pattern++, text++)
		if (*pattern != *text)
			return false;
	if (!*pattern)
		return !*text;
	for (;; text++) {
		if (matches(pattern + 1, text))
			return true;
		if (!*text)
			return false;
	}
}

static void check_mutant(void *data, const struct mutant *mutant)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(mutant->text, mutant->len, "db", NULL, &errs);
	bool said = false;
	int *wrong = data;

	for (size_t i = 0; !db && i < errs.n && !said; i++)
		said = matches(mutant->error, errs.v[i].text + strlen("db:"));
	if (!said) {
		print_error("wanted: %s\nfound:  %s\n", mutant->error, db ? "it was accepted" : errs.v[0].text);
		++*wrong;
	}
	mars_db_destroy(db);
	gw_errors_finish(&errs);
}

static void promise_6_the_sample_made_wrong_at_any_place_gets_its_message(void **state)
{
	struct gw_errors errs = {0};
	struct text sample = {0};
	struct mars_db *db;
	int wrong = 0;
	size_t n;

	read_sample(&sample);
	db = mars_db_parse(sample.bytes, sample.len, "db", NULL, &errs);
	if (!db)
		fail_msg("%s", errs.v[0].text);
	mars_db_destroy(db);
	n = mars_mutants(sample.bytes, sample.len, check_mutant, &wrong);
	printf("%zu bad databases\n", n);
	assert_true(n >= 500);
	assert_int_equal(wrong, 0);
	text_finish(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_6_each_bad_database_gets_its_message),
		cmocka_unit_test(promise_6_the_sample_made_wrong_at_any_place_gets_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
