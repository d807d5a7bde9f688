/* What is TOML and what is not: a table, and Python's reader for its judgement. */
#include "gitlabd/toml_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const char *error; /* NULL: it is TOML */
} rows[] = {
	{"", NULL},
	{"\n\n# only this \xc3\xa9\t\n", NULL},
	{"a = 1\r\nb = 2\r\n", NULL},
	{"a = 1", NULL},
	{"a.b.c = 1\n\"a\".'b'.d=2\n a . e = 3", NULL},
	{"[a]\nx=1\n[b]\nx=1\n[ a . b ]\n[\"c d\"]", NULL},
	{"[[r]]\nx=1\n[r.d]\ny=1\n[[r]]\nx=1\n[r.d]\ny=1\n", NULL},
	{"s = \"a\\tb\\u00e9\\U0001F600\\\\\\\"\" # c\nt = 'C:\\dir'\nu = ''", NULL},
	{"s = \"\"\"\none\\\n   two\"x\"\" \\\"\"\"\"\nt = '''\n'\\''''", NULL},
	{"s = \"\"\"\"\"\"\nt = \"\"\"a\"\"\"\"\"", NULL},
	{"i = [1, +1, -1, 0, 1_000, 0xDEAD_beef, 0o17, 0b1_0]", NULL},
	{"f = [1.0, -0.5e+3, 1e6, 1_0.0_1, inf, +nan, -inf]", NULL},
	{"d = [1979-05-27, 07:32:00, 07:32:00.5, 1979-05-27T07:32:00Z, 1979-05-27 07:32:00.99-07:00]", NULL},
	{"a = [ # c\n 1,\n 2, # d\n]\nb = []\nc = [[1, 'x'], [true, false]]", NULL},
	{"t = {a = 1, b.c = \"x\", d = {}}", NULL},
	{"a", "line 1: a key without ="},
	{"a = ", "line 1: a value is missing"},
	{"\na = x", "line 2: this is no value; text stands in quotes"},
	{"a = None", "line 1: this is no value; text stands in quotes"},
	{"a = True", "line 1: this is no value; text stands in quotes"},
	{"a = 01", "line 1: this is no value; text stands in quotes"},
	{"a = 1_", "line 1: this is no value; text stands in quotes"},
	{"a = 1.", "line 1: this is no value; text stands in quotes"},
	{"a = .5", "line 1: this is no value; text stands in quotes"},
	{"a = 1e", "line 1: this is no value; text stands in quotes"},
	{"a = 0x", "line 1: this is no value; text stands in quotes"},
	{"a = 1979-05-27T", "line 1: this is no value; text stands in quotes"},
	{"a = 1 b = 2", "line 1: more behind the end of a value or a table's name"},
	{"a = \"x\"y\"", "line 1: more behind the end of a value or a table's name"},
	{"a = \"x\nb = 1", "line 1: a string does not end in its line"},
	{"a = 'x", "line 1: a string does not end in its line"},
	{"\n\na = \"\"\"x\n\n", "line 3: a string does not end"},
	{"a = \"\x01\"", "line 1: a control character in a string"},
	{"a = \"\x7f\"", "line 1: a control character in a string"},
	{"a = '''\x1b'''", "line 1: a control character in a string"},
	{"a = \"\"\"\r\"\"\"", "line 1: a control character in a string"},
	{"# \x01", "line 1: a control character in a comment"},
	{"a = \"\\/\"", "line 1: an escape that TOML does not know; accepted: \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX"},
	{"a = \"\\u12g4\"", "line 1: \\u wants 4 hexadecimal digits, \\U 8"},
	{"a = \"\\ud83d\\ude00\"", "line 1: an escape of no character"},
	{"a = \"\\UFFFFFFFF\"", "line 1: an escape of no character"},
	{"= 1", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
	{"a. = 1", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
	{"\xc3\xa9 = 1", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
	{"[a", "line 1: a table's name ends with ], an array's with ]]"},
	{"[[a]", "line 1: a table's name ends with ], an array's with ]]"},
	{"[]", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
	{"[a] x = 1", "line 1: more behind the end of a value or a table's name"},
	{"[a]\n[a]", "line 2: this table was there already"},
	{"a = 1\na = 2", "line 2: this key was there already"},
	{"a = [1 2]", "line 1: an array's items have commas between them"},
	{"a = [1,,2]", "line 1: a value is missing"},
	{"a = [1,\n\n", "line 3: an array does not end"},
	{"a = {b = 1,}", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
	{"a = {b = 1\n}", "line 1: an inline table's keys have commas between them, in one line"},
	{"{{ x }}", "line 1: a key is missing; accepted: letters, digits, _ and -, or a string"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void each_error_has_its_line(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct gw_error err = {0};
		bool ok = toml_check(rows[i].text, strlen(rows[i].text), &err);

		if (ok != !rows[i].error || (!ok && strcmp(err.text, rows[i].error) != 0))
			fail_msg("%s\nis said to be: %s", rows[i].text, ok ? "TOML" : err.text);
	}
}

static void what_nests_too_deeply_is_refused(void **state)
{
	char text[2000] = "a = ";
	struct gw_error err = {0};

	memset(text + 4, '[', 1990);
	assert_false(toml_check(text, strlen(text), &err));
	assert_string_equal(err.text, "line 1: nested too deeply");
}

/* The table's texts, each behind its length, to Python: it says which are TOML. */
static void python_thinks_the_same(void **state)
{
	static const char program[] = "import sys, tomllib\n"
				      "b = open(sys.argv[1], 'rb')\n"
				      "while line := b.readline():\n"
				      "  text = b.read(int(line))\n"
				      "  try: tomllib.loads(text.decode()); print(end='+')\n"
				      "  except tomllib.TOMLDecodeError: print(end='-')\n";
	char path[] = "/tmp/toml_check_test.XXXXXX", command[1024], said[ROWS + 1] = "", wanted[ROWS + 1] = "";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w"), *pipe;

	for (size_t i = 0; i < ROWS; i++) {
		fprintf(f, "%zu\n%s", strlen(rows[i].text), rows[i].text);
		wanted[i] = rows[i].error ? '-' : '+';
	}
	assert_int_equal(fclose(f), 0);
	setenv("PROGRAM", program, 1);
	snprintf(command, sizeof(command), "python3 -c \"$PROGRAM\" %s", path);
	pipe = popen(command, "r");
	assert_non_null(fgets(said, sizeof(said), pipe));
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	for (size_t i = 0; i < ROWS; i++)
		if (said[i] != wanted[i])
			fail_msg("Python says %c: %s", said[i], rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_has_its_line),
		cmocka_unit_test(what_nests_too_deeply_is_refused),
		cmocka_unit_test(python_thinks_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
