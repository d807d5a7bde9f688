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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_6_each_bad_database_gets_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
