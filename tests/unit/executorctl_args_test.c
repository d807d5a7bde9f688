#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/ctl.h"

static const struct ctl_option options[] = {{'w', "wait", NULL, "Wait."}, {'t', "tag", "TAG", "A tag."}, {0}};
static const struct ctl_command command = {"work", "A [B]", 1, 2, "Works.", NULL, options, NULL};

/* `words` is split at blanks, in place. */
static bool parse(struct ctl_args *args, char *words, struct gw_error *err)
{
	static char *argv[16];
	int argc = 0;

	*err = (struct gw_error){0};
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return ctl_args_parse(args, &command, argc, argv, err);
}

static void options_and_operands_may_be_mixed(void **state)
{
	char words[] = "-t one first --tag=two -w -tthree --tag four -- -second";
	struct ctl_args args;
	struct gw_error err;
	size_t at = 0;

	assert_true(parse(&args, words, &err));
	assert_true(ctl_given(&args, 'w'));
	assert_false(ctl_given(&args, 'x'));
	assert_string_equal(ctl_next_value(&args, 't', &at), "one");
	assert_string_equal(ctl_next_value(&args, 't', &at), "two");
	assert_string_equal(ctl_next_value(&args, 't', &at), "three");
	assert_string_equal(ctl_next_value(&args, 't', &at), "four");
	assert_null(ctl_next_value(&args, 't', &at));
	assert_string_equal(ctl_value(&args, 't'), "four");
	assert_int_equal(args.n_operands, 2);
	assert_string_equal(args.operands[0], "first");
	assert_string_equal(args.operands[1], "-second");
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *words, *why;
	} bad[] = {
		{"", "usage: executorctl work A [B]; see executorctl work --help"},
		{"1 2 3", "usage: executorctl work A [B]; see executorctl work --help"},
		{"-x 1", "work: '-x' is not an option of it; see executorctl work --help"},
		{"--ta=1 1", "work: '--ta=1' is not an option of it; see executorctl work --help"},
		{"-wx 1", "work: '-wx' takes no value; see executorctl work --help"},
		{"--wait=1 1", "work: '--wait=1' takes no value; see executorctl work --help"},
		{"1 -t", "work: '-t' needs a value; see executorctl work --help"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ctl_args args;
		struct gw_error err;
		char words[64];

		snprintf(words, sizeof(words), "%s", bad[i].words);
		assert_false(parse(&args, words, &err));
		assert_string_equal(err.text, bad[i].why);
		assert_int_equal(gw_exit_code(&err), 2);
	}
}

static void help_comes_before_everything(void **state)
{
	char words[] = "--help -x 1 2 3";
	struct ctl_args args;
	struct gw_error err;

	assert_false(parse(&args, words, &err));
	assert_int_equal(err.kind, GW_OK);
}

/* "machine-tag" as the man page writes it: "machine\-tag". */
static void man_name(const char *name, char *out)
{
	for (; *name; name++) {
		if (*name == '-')
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
}

static void the_man_page_has_every_option_of_run(void **state)
{
	static char page[65536];
	FILE *file = fopen(TEST_DATA "/../../docs/man/executorctl.1", "r");

	assert_non_null(file);
	assert_true(fread(page, 1, sizeof(page) - 1, file) > 1000);
	fclose(file);
	for (const struct ctl_option *option = ctl_run_options; option->letter; option++) {
		char name[80], line[120];

		man_name(option->name, name);
		snprintf(line, sizeof(line), "\n.BR \\-%c \", \" \\-\\-%s", option->letter, name);
		if (!strstr(page, line))
			fail_msg("docs/man/executorctl.1 lacks%s", line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(help_comes_before_everything),
		cmocka_unit_test(the_man_page_has_every_option_of_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
