#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/tarball.h"

/* What `command` writes. The caller frees. */
static char *output_of(const char *command, size_t *len)
{
	char *bytes = calloc(1, 65536);
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	*len = fread(bytes, 1, 65536, pipe);
	assert_int_equal(pclose(pipe), 0);
	return bytes;
}

static const struct row {
	const char *command;
	bool is_tar;
} rows[] = {
	{"tar -cf - --format=ustar /etc/hostname 2>/dev/null", true},
	{"tar -cf - --format=gnu /etc/hostname 2>/dev/null", true},
	{"tar -cf - --format=pax /etc/hostname 2>/dev/null", true},
	{"tar -cf - --format=v7 /etc/hostname 2>/dev/null", true},
	{"tar -czf - /etc/hostname 2>/dev/null", true},
	{"tar -cf - -T /dev/null", true}, /* empty */
	{"tar -czf - -T /dev/null", true},
	{"tar -cf - /etc/hostname 2>/dev/null | xz", false}, /* plain or gzip alone */
	{"tar -cf - /etc/hostname 2>/dev/null | head -c 511", false},
	{"tar -cf - /etc/hostname 2>/dev/null | tail -c +2", false},
	{"tar -czf - /etc/hostname 2>/dev/null | head -c 30", false},
	{"yes | head -c 2000", false},
	{"yes | head -c 2000 | gzip", false},
	{"printf '\\037\\213'", false},
	{"printf ''", false},
	{"printf 'PK\\003\\004'", false},
};

static void a_tar_is_told_from_what_is_none(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len;
		char *bytes = output_of(rows[i].command, &len);

		if (tarball_begins(bytes, len) != rows[i].is_tar)
			fail_msg("%s: %zu bytes", rows[i].command, len);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_tar_is_told_from_what_is_none)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
