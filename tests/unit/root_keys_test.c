/* The administrator's keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bucketd/root_keys.h"
#include "libgateway/files.h"

static char folder[] = "/tmp/root_keys.XXXXXX";

static int setup(void **state)
{
	assert_non_null(mkdtemp(strcpy(folder, "/tmp/root_keys.XXXXXX")));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"root-password", "mc/config.json", "mc", ""};

	for (size_t i = 0; i < 4; i++) {
		char *path = gw_sprintf("%s/%s", folder, names[i]);

		remove(path);
		free(path);
	}
	return 0;
}

static void a_password_is_made_once_and_kept(void **state)
{
	char *path = gw_sprintf("%s/root-password", folder), *first, *again, *given;
	struct gw_error err = {0};
	struct stat st;

	first = root_password(folder, NULL, &err);
	again = root_password(folder, NULL, &err);
	given = root_password(folder, "given-by-an-option", &err);
	assert_string_equal(first, again);
	assert_int_equal(strlen(first), 32);
	assert_string_equal(given, "given-by-an-option");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(first);
	free(again);
	free(given);
	free(path);
}

static void an_empty_file_is_no_password(void **state)
{
	char *path = gw_sprintf("%s/root-password", folder), *said;
	struct gw_error err = {0};

	assert_true(file_save(path, "", 0, 0600, &err));
	assert_null(root_password(folder, NULL, &err));
	said = gw_sprintf("%s: the password in it is too short; accepted: 8 to 128 bytes, or no file: one is made then", path);
	assert_string_equal(err.text, said);
	free(said);
	free(path);
}

static void other_aliases_of_mcli_stay(void **state)
{
	char *path = gw_sprintf("%s/mc/config.json", folder), *text;
	struct gw_error err = {0};
	struct stat st;

	assert_true(root_alias_save(folder, "other", "http://elsewhere:9000", "someone", "theirs", &err));
	assert_true(root_alias_save(folder, "local", "http://127.0.0.1:9000", "minioadmin", "before", &err));
	assert_true(root_alias_save(folder, "local", "http://127.0.0.1:9000", "minioadmin", "ours", &err));
	text = file_read(path, 65536, NULL, &err);
	assert_string_equal(text,
			    "{\n\t\"version\":\t\"10\",\n\t\"aliases\":\t{\n\t\t\"other\":\t{\n\t\t\t\"url\":\t\"http://elsewhere:9000\",\n"
			    "\t\t\t\"accessKey\":\t\"someone\",\n\t\t\t\"secretKey\":\t\"theirs\",\n\t\t\t\"api\":\t\"S3v4\",\n"
			    "\t\t\t\"path\":\t\"auto\"\n\t\t},\n\t\t\"local\":\t{\n\t\t\t\"url\":\t\"http://127.0.0.1:9000\",\n"
			    "\t\t\t\"accessKey\":\t\"minioadmin\",\n\t\t\t\"secretKey\":\t\"ours\",\n\t\t\t\"api\":\t\"S3v4\",\n"
			    "\t\t\t\"path\":\t\"auto\"\n\t\t}\n\t}\n}");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(text);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_password_is_made_once_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_file_is_no_password, setup, teardown),
		cmocka_unit_test_setup_teardown(other_aliases_of_mcli_stay, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
