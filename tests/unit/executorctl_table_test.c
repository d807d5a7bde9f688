#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/table.h"
#include "executorctl/width.h"
#include "libgateway/error.h"

static const char *const titles[] = {"NAME", "STATE", "TAGS"};

/* What is printed of two rows; borrowed until the call after the next. */
static const char *printed(bool colour, size_t width, const char *tags)
{
	static char texts[2][1024];
	static unsigned next;
	char *text = texts[next++ % 2];
	struct table table;
	FILE *out = fmemopen(text, sizeof(texts[0]), "w");

	table_init(&table, titles, 3);
	table_row(&table);
	table_set(&table, 0, "farm-box-1");
	table_set(&table, 1, "IDLE");
	table_set(&table, 2, tags);
	table_row(&table);
	table_set(&table, 0, "b");
	table_print(&table, out, colour, width);
	fclose(out);
	return text;
}

static void columns_are_as_wide_as_their_cells_and_never_cut_in_a_pipe(void **state)
{
	assert_string_equal(printed(false, 0, "amdgpu:family:RV, amdgpu:APU"), "NAME        STATE  TAGS\n"
									       "farm-box-1  IDLE   amdgpu:family:RV, amdgpu:APU\n"
									       "b           -      -\n");
}

static void the_widest_column_gives_way_to_the_terminals_width(void **state)
{
	assert_string_equal(printed(false, 30, "amdgpu:family:RV, amdgpu:APU"), "NAME        STATE  TAGS\n"
										"farm-box-1  IDLE   amdgpu:fam…\n"
										"b           -      -\n");
	assert_string_equal(printed(false, 47, "amdgpu:family:RV, amdgpu:APU"), printed(false, 0, "amdgpu:family:RV, amdgpu:APU"));
}

static void no_column_is_cut_below_its_title(void **state)
{
	assert_string_equal(printed(false, 1, "long enough"), "NAME  STATE  TAGS\n"
							      "far…  IDLE   lon…\n"
							      "b     -      -\n");
}

static void wide_and_combining_characters_are_counted_as_they_are_shown(void **state)
{
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1); /* e and a combining accent */
	assert_int_equal(text_width("\xff\xfe"), 2);
	assert_int_equal(text_width("…"), 1);
	assert_string_equal(printed(false, 0, "日本"), "NAME        STATE  TAGS\nfarm-box-1  IDLE   日本\nb           -      -\n");
}

static void assert_cut(const char *text, size_t columns, const char *want)
{
	char *cut = text_cut(text, columns);

	assert_string_equal(cut, want);
	assert_true(text_width(cut) <= columns);
	free(cut);
}

static void text_is_cut_between_characters(void **state)
{
	assert_cut("abcdef", 6, "abcdef");
	assert_cut("abcdef", 5, "abcd…");
	assert_cut("日本語", 5, "日本…");
	assert_cut("日本語", 4, "日…"); /* half a character is none */
	assert_cut("abc", 1, "…");
	assert_cut("abc", 0, "");
}

static void states_have_colours_and_titles_are_bold(void **state)
{
	assert_string_equal(printed(true, 0, "x"), "\033[1mNAME\033[0m        \033[1mSTATE\033[0m  \033[1mTAGS\033[0m\n"
						   "farm-box-1  \033[32mIDLE\033[0m   x\n"
						   "b           \033[90m-\033[0m      \033[90m-\033[0m\n");
}

static void a_remark_in_brackets_takes_nothing_of_a_states_colour(void **state)
{
	assert_string_equal(colour_of("ON (pinned)"), colour_of("ON"));
	assert_string_equal(colour_of("ONE"), "");
	assert_string_equal(colour_of("O"), "");
	assert_string_equal(colour_of(" (pinned)"), "");
}

static void control_characters_never_reach_the_terminal(void **state)
{
	char *shown = printable("a\033[2Jb\x7f\xc2\x9b\x80é");

	assert_string_equal(shown, "a?[2Jb?"
				   "??"
				   "?é");
	free(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_cells_and_never_cut_in_a_pipe),
		cmocka_unit_test(the_widest_column_gives_way_to_the_terminals_width),
		cmocka_unit_test(no_column_is_cut_below_its_title),
		cmocka_unit_test(wide_and_combining_characters_are_counted_as_they_are_shown),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(states_have_colours_and_titles_are_bold),
		cmocka_unit_test(a_remark_in_brackets_takes_nothing_of_a_states_colour),
		cmocka_unit_test(control_characters_never_reach_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
