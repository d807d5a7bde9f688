#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/ctl.h"
#include "libgateway/files.h"

static const struct ctl_option options[] = {{'w', "wait", NULL, "Wait."}, {'t', "tag", "TAG", "A tag."}, {0}};
static const struct ctl_command command = {"work", "A [B]", 1, 2, "Works.", NULL, options, NULL, ""};

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

static char *page_text(void)
{
	char *page = file_read(GW_SOURCE_ROOT "/docs/man/executorctl.1", 1 << 20, NULL, NULL);

	assert_non_null(page);
	return page;
}

/* In [from, to) of the page, as `-w, --wait`. */
static void assert_documented(const char *from, const char *to, const char *where, const struct ctl_option *option)
{
	char name[80], tag[120];

	man_name(option->name, name);
	snprintf(tag, sizeof(tag), "\n.BR \\-%c \", \" \\-\\-%s", option->letter, name);
	for (; from < to; from++)
		if (strncmp(from, tag, strlen(tag)) == 0)
			return;
	fail_msg("docs/man/executorctl.1 lacks, in %s: %s", where, tag + 1);
}

static void the_man_page_has_every_command_with_its_operands_and_options(void **state)
{
	char *page = page_text();

	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		char name[40], title[60];
		const char *from, *to;

		man_name(c->name, name);
		snprintf(title, sizeof(title), "\n.SS %s", name);
		from = strstr(page, title);
		if (!from)
			fail_msg("docs/man/executorctl.1 lacks%s", title);
		if (c->options == ctl_job_options || c->options == ctl_simulate_options) /* told at the first of them */
			from = strstr(page, "\n.SS lint");
		to = strstr(page, title);
		while (to && strncmp(to, title, strlen(title)) == 0) /* one with words of its own may have several sections */
			to = strstr(to + 1, "\n.S");
		assert_non_null(to);
		for (const struct ctl_option *o = c->options; o && o->letter; o++)
			if (o->letter != 'J') /* said of all of them at once */
				assert_documented(from, to, c->name, o);
	}
	assert_documented(page, page + strlen(page), "OPTIONS", &(const struct ctl_option){'J', "json", NULL, NULL});
	for (const struct ctl_option *o = ctl_global_options; o->letter; o++)
		assert_documented(page, page + strlen(page), "OPTIONS", o);
	free(page);
}

static void options_are_told_apart_within_a_command(void **state)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		for (const struct ctl_option *o = c->options; o && o->letter; o++) {
			assert_true(o->letter != 'h' && o->meaning[strlen(o->meaning) - 1] == '.');
			for (const struct ctl_option *p = o + 1; p->letter; p++)
				assert_true(p->letter != o->letter && strcmp(p->name, o->name) != 0);
		}
		assert_true(c->run && c->words && c->min <= c->max && c->meaning[strlen(c->meaning) - 1] == '.');
	}
}

static void colours_are_as_they_are_asked_for(void **state)
{
	struct gw_error err = {0};
	bool colour = false;

	assert_true(ctl_colour("always", &colour, &err) && colour);
	assert_true(ctl_colour("never", &colour, &err) && !colour);
	assert_true(ctl_colour(NULL, &colour, &err)); /* as standard output is */
	assert_false(ctl_colour("maybe", &colour, &err));
	assert_string_equal(err.text, "--color: 'maybe' is not a choice; accepted: always, auto, never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_may_be_mixed),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(help_comes_before_everything),
		cmocka_unit_test(the_man_page_has_every_command_with_its_operands_and_options),
		cmocka_unit_test(options_are_told_apart_within_a_command),
		cmocka_unit_test(colours_are_as_they_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
