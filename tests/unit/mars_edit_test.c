/* Edits change the bytes that they must and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/edit.h"

#define DUT_1 "52:54:00:00:00:01"
#define DUT_2 "52:54:00:00:00:02"

static char *edited(const char *before, const struct mars_edit *edits, size_t n)
{
	struct gw_error err = {0};
	size_t len;
	char *after;

	if (!mars_edit_text(before, strlen(before), "mars_db.yaml", edits, n, &after, &len, &err))
		fail_msg("%s\nin:\n%s", err.text, before);
	assert_int_equal(strlen(after), len);
	return after;
}

static void assert_edit(const char *before, struct mars_edit edit, const char *after)
{
	char *got = edited(before, &edit, 1);

	assert_string_equal(got, after);
	free(got);
}

static void assert_refused(const char *before, struct mars_edit edit, const char *why)
{
	struct gw_error err = {0};
	size_t len;
	char *after;

	assert_false(mars_edit_text(before, strlen(before), "mars_db.yaml", &edit, 1, &after, &len, &err));
	assert_string_equal(err.text, why);
}

#define SET(value, ...)    ((struct mars_edit){MARS_SET, {__VA_ARGS__}, value, false, 0})
#define INSERT(value, ...) ((struct mars_edit){MARS_INSERT, {__VA_ARGS__}, value, false, 0})
#define REMOVE(...)        ((struct mars_edit){MARS_REMOVE, {__VA_ARGS__}, MARS_V_NULL, false, 0})
#define COMMENT(text)      SET(MARS_V_TEXT(text), "duts", DUT_1, "comment")

/* --- Replacing a value -------------------------------------------------------------------------------------------------------------- */

static void a_scalars_line_keeps_its_comment_and_its_place(void **state)
{
	assert_edit("# the farm\n\nduts:   # machines\n    " DUT_1
		    ":\n        pdu_off_delay:   30    # slow\n        comment: x # y\n\n# end\n",
		    SET(MARS_V_NUMBER(2.5), "duts", DUT_1, "pdu_off_delay"),
		    "# the farm\n\nduts:   # machines\n    " DUT_1
		    ":\n        pdu_off_delay:   2.5    # slow\n        comment: x # y\n\n# end\n");
}

static void quotes_stay_as_the_admin_likes_them(void **state)
{
	assert_edit("duts: {" DUT_1 ": {comment: 'old'}}\n", COMMENT("it's new"), "duts: {" DUT_1 ": {comment: 'it''s new'}}\n");
	assert_edit("duts: {" DUT_1 ": {comment: \"old\"}}\n", COMMENT("new"), "duts: {" DUT_1 ": {comment: \"new\"}}\n");
	assert_edit("duts: {" DUT_1 ": {comment: old}}\n", COMMENT("new"), "duts: {" DUT_1 ": {comment: new}}\n");
}

static void texts_are_quoted_where_yaml_would_take_them_for_something_else(void **state)
{
	static const struct {
		const char *text, *written;
	} texts[] = {
		{"", "''"},
		{"null", "'null'"},
		{"~", "'~'"},
		{"yes", "'yes'"},
		{"Off", "'Off'"},
		{"30", "'30'"},
		{"1e3", "'1e3'"},
		{"2021-12-22", "'2021-12-22'"},
		{DUT_2, "'" DUT_2 "'"},
		{"de:ad:be:ef:ca:fe", "'de:ad:be:ef:ca:fe'"},
		{"10.42.0.17", "10.42.0.17"},
		{"a: b", "'a: b'"},
		{"a #b", "'a #b'"},
		{"- a", "'- a'"},
		{"*a", "'*a'"},
		{"[a", "'[a'"},
		{" a ", "' a '"},
		{"ends:", "'ends:'"},
		{"a, b", "'a, b'"},
		{"new fan", "new fan"},
		{"amdgpu:pciid:0x1002:0x1636", "amdgpu:pciid:0x1002:0x1636"},
		{"two\nlines\t\"x\"\\", "\"two\\nlines\\x09\\\"x\\\"\\\\\""},
		{"caf\xc3\xa9", "\"caf\xc3\xa9\""},
		{"\x1b[2J", "\"\\x1b[2J\""},
		{"\xc2\x85", "\"\\x85\""},
		{"\xe2\x80\xa8", "\"\\u2028\""},
	};
	char after[256];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(after, sizeof(after), "duts:\n  " DUT_1 ":\n    comment: %s\n", texts[i].written);
		assert_edit("duts:\n  " DUT_1 ":\n    comment: null\n", COMMENT(texts[i].text), after);
	}
}

static void other_types_are_written_as_yaml_has_them(void **state)
{
	static const char before[] = "duts:\n  " DUT_1 ":\n    x: y\n";

	assert_edit(before, SET(MARS_V_BOOL(true), "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: true\n");
	assert_edit(before, SET(MARS_V_NULL, "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: null\n");
	assert_edit(before, SET(MARS_V_INTEGER(-7), "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: -7\n");
	assert_edit(before, SET(MARS_V_NUMBER(0.1), "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: 0.1\n");
	assert_edit(before, SET(MARS_V_NUMBER(1e-7), "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: 1.0e-07\n");
	assert_edit(before, SET(MARS_V_NUMBER(2.5e30), "duts", DUT_1, "x"), "duts:\n  " DUT_1 ":\n    x: 2.5e+30\n");
	assert_edit(before, SET(MARS_V_DATE("2026-01-31 12:00:00.000001"), "duts", DUT_1, "x"),
		    "duts:\n  " DUT_1 ":\n    x: 2026-01-31 12:00:00.000001\n");
}

static void a_value_that_reads_the_same_is_left_as_it_is_written(void **state)
{
	static const char before[] = "duts:\n  " DUT_1 ":\n    comment: \"new\"\n    pdu_off_delay: 30.0\n    tags: [ a,b ]\n";
	const char *tags[] = {"a", "b"};

	assert_edit(before, COMMENT("new"), before);
	assert_edit(before, SET(MARS_V_INTEGER(30), "duts", DUT_1, "pdu_off_delay"), before);
	assert_edit(before, SET(MARS_V_TEXTS(tags, 2), "duts", DUT_1, "tags"), before);
}

static void a_value_that_is_not_written_gets_its_blank(void **state)
{
	assert_edit("duts:\n  " DUT_1 ":\n    comment:\n    tags: []\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    comment: x\n    tags: []\n");
	assert_edit("duts:\n  " DUT_1 ":\n    comment:  # none yet\n", COMMENT("x"), "duts:\n  " DUT_1 ":\n    comment: x  # none yet\n");
	assert_edit("duts:\n  " DUT_1 ":\n    comment:", COMMENT("x"), "duts:\n  " DUT_1 ":\n    comment: x");
}

static void a_block_text_is_replaced_as_a_whole(void **state)
{
	assert_edit("duts:\n  " DUT_1 ":\n    comment: |\n      two\n      lines\n    tags: []\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    comment: x\n    tags: []\n");
	assert_edit("duts:\n  " DUT_1 ":\n    comment: >-\n      folded\n      text\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    comment: x\n");
	assert_edit("duts:\n  " DUT_1 ":\n    comment: a plain\n      text of two lines\n    tags: []\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    comment: x\n    tags: []\n");
}

/* --- Lists -------------------------------------------------------------------------------------------------------------------------- */

static void assert_tags(const char *before, const char *const *tags, size_t n, const char *after)
{
	assert_edit(before, SET(MARS_V_TEXTS(tags, n), "duts", DUT_1, "tags"), after);
}

#define LIST(items) "duts:\n  " DUT_1 ":\n    tags:\n" items "    comment: x\n"

static void items_that_stay_keep_their_bytes_and_comments(void **state)
{
	static const char before[] = LIST("    - a  # first\n    # about b\n    - \"b\"\n    - c # last\n");
	const char *added[] = {"a", "b", "c", "d"}, *middle[] = {"a", "x", "c"}, *fewer[] = {"a", "c"}, *front[] = {"0", "a", "b", "c"};

	assert_tags(before, added, 4, LIST("    - a  # first\n    # about b\n    - \"b\"\n    - c # last\n    - d\n"));
	assert_tags(before, middle, 3, LIST("    - a  # first\n    # about b\n    - x\n    - c # last\n"));
	assert_tags(before, fewer, 2, LIST("    - a  # first\n    # about b\n    - c # last\n"));
	assert_tags(before, front, 4, LIST("    - '0'\n    - a  # first\n    # about b\n    - \"b\"\n    - c # last\n"));
}

static void a_list_becomes_empty_and_gets_items_again(void **state)
{
	const char *tags[] = {"a", "b"};

	assert_tags(LIST("    - a\n    - b\n"), tags, 0, "duts:\n  " DUT_1 ":\n    tags: []\n    comment: x\n");
	assert_tags("duts:\n  " DUT_1 ":\n    tags: []  # none\n    comment: x\n", tags, 2,
		    "duts:\n  " DUT_1 ":\n    tags:  # none\n      - a\n      - b\n    comment: x\n");
	assert_tags("duts:\n  " DUT_1 ":\n    tags:\n", tags, 2, "duts:\n  " DUT_1 ":\n    tags:\n      - a\n      - b\n");
}

static void a_flow_list_stays_one(void **state)
{
	const char *tags[] = {"a", "x, y"};

	assert_tags("duts:\n  " DUT_1 ":\n    tags: [a, b] # both\n", tags, 2, "duts:\n  " DUT_1 ":\n    tags: [a, 'x, y'] # both\n");
}

/* --- Inserting ---------------------------------------------------------------------------------------------------------------------- */

static const char *const two_tags[] = {"gfx9", "APU"};
static const struct mars_member dut_fields[] = {
	{"base_name", {.type = MARS_VALUE_TEXT, .text = "gfx9"}},
	{"tags", {.type = MARS_VALUE_TEXTS, .texts = two_tags, .n = 2}},
	{"gitlab", {.type = MARS_VALUE_MAPPING}},
};
#define NEW_DUT INSERT(MARS_V_MAPPING(dut_fields, 3), "duts", DUT_2)

static void a_field_is_added_behind_the_last_one(void **state)
{
	assert_edit("duts:\n  " DUT_1 ":\n    is_retired: false # in use\n\n# GitLab\ngitlab: {}\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    is_retired: false # in use\n    comment: x\n\n# GitLab\ngitlab: {}\n");
	assert_edit("duts:\n  " DUT_1 ":\n    is_retired: false", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    is_retired: false\n    comment: x");
	assert_edit("duts:\n  " DUT_1 ":\n    tags:\n    - a\n    - b # c\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ":\n    tags:\n    - a\n    - b # c\n    comment: x\n");
}

static void a_dut_is_added_in_its_neighbours_style(void **state)
{
	assert_edit("duts:\n  " DUT_1 ":\n    tags:\n    - a\n", NEW_DUT,
		    "duts:\n  " DUT_1 ":\n    tags:\n    - a\n  '" DUT_2
		    "':\n    base_name: gfx9\n    tags:\n    - gfx9\n    - APU\n    gitlab: {}\n");
	assert_edit("pdus:\n  P:\n    driver: dummy\nduts:\n    \"" DUT_1 "\":\n        tags:\n          - a\n", NEW_DUT,
		    "pdus:\n  P:\n    driver: dummy\nduts:\n    \"" DUT_1 "\":\n        tags:\n          - a\n    \"" DUT_2
		    "\":\n        base_name: gfx9\n        tags:\n          - gfx9\n          - APU\n        gitlab: {}\n");
}

static void a_dut_is_set_apart_as_its_neighbours_are(void **state)
{
	assert_edit("duts:\n  a1:\n    x: 1\n\n  # the second\n  a2:\n    x: 2\n\ngitlab: {}\n",
		    INSERT(MARS_V_MAPPING(dut_fields, 1), "duts", "a3"),
		    "duts:\n  a1:\n    x: 1\n\n  # the second\n  a2:\n    x: 2\n\n  a3:\n    base_name: gfx9\n\ngitlab: {}\n");
}

static void a_mac_address_is_quoted_as_a_key(void **state)
{
	assert_edit("", NEW_DUT, "duts:\n  '" DUT_2 "':\n    base_name: gfx9\n    tags:\n      - gfx9\n      - APU\n    gitlab: {}\n");
	assert_edit("duts: {}\n", INSERT(MARS_V_MAPPING(dut_fields, 1), "duts", DUT_2), "duts:\n  '" DUT_2 "':\n    base_name: gfx9\n");
	assert_edit("duts: {" DUT_1 ": {}}\n", INSERT(MARS_V_MAPPING(dut_fields, 2), "duts", DUT_2),
		    "duts: {" DUT_1 ": {}, '" DUT_2 "': {base_name: gfx9, tags: [gfx9, APU]}}\n");
}

static void missing_mappings_on_the_way_are_made(void **state)
{
	assert_edit("duts:\n  " DUT_1 ":\n", SET(MARS_V_INTEGER(7), "duts", DUT_1, "gitlab", "fdo", "runner_id"),
		    "duts:\n  " DUT_1 ":\n    gitlab:\n      fdo:\n        runner_id: 7\n");
	assert_edit("# only pdus\npdus: {}", SET(MARS_V_TEXT("x"), "duts", DUT_1, "comment"),
		    "# only pdus\npdus: {}\nduts:\n  '" DUT_1 "':\n    comment: x");
	assert_edit("# nothing\n", SET(MARS_V_TEXT("x"), "duts", DUT_1, "comment"), "# nothing\nduts:\n  '" DUT_1 "':\n    comment: x\n");
}

static void flow_style_stays_flow_style(void **state)
{
	assert_edit("duts:\n  " DUT_1 ": {is_retired: no}   # spare\n", COMMENT("x"),
		    "duts:\n  " DUT_1 ": {is_retired: no, comment: x}   # spare\n");
	assert_edit("duts:\n  " DUT_1 ": {\n    is_retired: no, # really\n  }\n", SET(MARS_V_BOOL(true), "duts", DUT_1, "is_retired"),
		    "duts:\n  " DUT_1 ": {\n    is_retired: true, # really\n  }\n");
	assert_edit("{duts: {" DUT_1 ": {}}}", COMMENT("x"), "{duts: {" DUT_1 ": {comment: x}}}");
}

static void line_ends_stay_as_they_are(void **state)
{
	assert_edit("duts:\r\n  " DUT_1 ":\r\n    is_retired: no # x\r\n", COMMENT("z"),
		    "duts:\r\n  " DUT_1 ":\r\n    is_retired: no # x\r\n    comment: z\r\n");
	assert_edit("duts:\r\n  " DUT_1 ":\r\n    comment: a\r\n    tags:\r\n    - a\r\n    - b\r\n", COMMENT("z"),
		    "duts:\r\n  " DUT_1 ":\r\n    comment: z\r\n    tags:\r\n    - a\r\n    - b\r\n");
	assert_edit("duts:\r\n  " DUT_1 ":\r\n    tags:\r\n    - a\r\n    - b\r\n", REMOVE("duts", DUT_1, "tags"),
		    "duts:\r\n  " DUT_1 ":\r\n");
	assert_edit("", SET(MARS_V_TEXT("x"), "pdus"), "pdus: x\n");
}

static void characters_of_several_bytes_do_not_shift_anything(void **state)
{
	assert_edit("# caf\xc3\xa9 \xf0\x9f\x98\x80\nduts:\n  " DUT_1
		    ":\n    base_name: \xc3\xa9\xc3\xa9 # \xc3\xa9\n    comment: \"\xe2\x82\xac\" # x\n",
		    COMMENT("y"),
		    "# caf\xc3\xa9 \xf0\x9f\x98\x80\nduts:\n  " DUT_1
		    ":\n    base_name: \xc3\xa9\xc3\xa9 # \xc3\xa9\n    comment: \"y\" # x\n");
}

/* --- Removing ----------------------------------------------------------------------------------------------------------------------- */

static void an_entry_is_removed_with_its_lines_and_no_others(void **state)
{
	static const char before[] = "duts:\n  # the first\n  a1:\n    x: 1\n    # in it\n    y: 2\n  # the second\n  a2: {x: 3}\n# end\n";

	assert_edit(before, REMOVE("duts", "a1"), "duts:\n  # the first\n  # the second\n  a2: {x: 3}\n# end\n");
	assert_edit(before, REMOVE("duts", "a2"), "duts:\n  # the first\n  a1:\n    x: 1\n    # in it\n    y: 2\n  # the second\n# end\n");
	assert_edit(before, REMOVE("duts", "a1", "x"),
		    "duts:\n  # the first\n  a1:\n    # in it\n    y: 2\n  # the second\n  a2: {x: 3}\n# end\n");
	assert_edit(before, REMOVE("duts"), "# end\n");
	assert_edit(before, REMOVE("duts", "a9"), before);
	assert_edit(before, REMOVE("gitlab", "fdo", "url"), before);
}

static void an_entry_is_removed_from_flow_style(void **state)
{
	assert_edit("duts: {a1: {x: 1}, a2: {}, a3: 4}\n", REMOVE("duts", "a1"), "duts: {a2: {}, a3: 4}\n");
	assert_edit("duts: {a1: {x: 1}, a2: {}, a3: 4}\n", REMOVE("duts", "a2"), "duts: {a1: {x: 1}, a3: 4}\n");
	assert_edit("duts: {a1: {x: 1}, a2: {}, a3: 4}\n", REMOVE("duts", "a3"), "duts: {a1: {x: 1}, a2: {}}\n");
	assert_edit("duts: {a1: {x: 1}}\n", REMOVE("duts", "a1", "x"), "duts: {a1: {}}\n");
}

/* --- Several, and none -------------------------------------------------------------------------------------------------------------- */

static void edits_of_a_batch_see_each_other(void **state)
{
	const struct mars_edit edits[] = {NEW_DUT, SET(MARS_V_TEXT("x"), "duts", DUT_2, "comment"), REMOVE("duts", DUT_1),
					  SET(MARS_V_TEXTS(two_tags, 1), "duts", DUT_2, "tags")};
	char *after = edited("duts:\n  " DUT_1 ":\n    x: 1\n", edits, 4);

	assert_string_equal(after, "duts:\n  '" DUT_2 "':\n    base_name: gfx9\n    tags:\n      - gfx9\n    gitlab: {}\n    comment: x\n");
	free(after);
}

static void what_cannot_be_edited_is_refused_and_says_so(void **state)
{
	assert_refused("duts:\n  " DUT_1 ":\n    comment: x\n", INSERT(MARS_V_TEXT("y"), "duts", DUT_1),
		       "duts.'" DUT_1 "': it is there already; nothing was changed");
	assert_refused("x: &d {comment: a}\nduts:\n  " DUT_1 ": *d\n", COMMENT("y"),
		       "duts.'" DUT_1 "'.comment: '" DUT_1 "' is an alias of another entry; change it by hand; nothing was changed");
	assert_refused("x: &d {comment: a}\nduts:\n  " DUT_1 ": *d\n", REMOVE("duts", DUT_1, "comment"),
		       "duts.'" DUT_1 "'.comment: '" DUT_1 "' is an alias of another entry; change it by hand; nothing was changed");
	assert_refused("duts:\n  " DUT_1 ":\n    comment: &c a\n  " DUT_2 ":\n    comment: *c\n", COMMENT("y"),
		       "duts.'" DUT_1 "'.comment: the alias in line 5 shares it; change it by hand; nothing was changed");
	assert_refused("duts:\n  " DUT_1 ":\n    comment: &c a\n  " DUT_2 ":\n    comment: *c\n", REMOVE("duts", DUT_1),
		       "duts.'" DUT_1 "': the alias in line 5 shares it; change it by hand; nothing was changed");
	assert_refused("duts:\n  " DUT_1 ": &d\n    comment: a\n  " DUT_2 ": *d\n", COMMENT("y"),
		       "duts.'" DUT_1 "'.comment: the alias in line 4 shares it; change it by hand; nothing was changed");
	assert_refused("duts:\n  " DUT_1 ": text\n", COMMENT("y"),
		       "duts.'" DUT_1 "'.comment: '" DUT_1 "' is not a mapping; nothing was changed");
	assert_refused("duts: [\n", COMMENT("y"), "mars_db.yaml:2:1: this is not valid YAML: flow sequence without a closing bracket");
}

static void what_was_removed_does_not_come_back_with_a_late_edit(void **state)
{
	struct mars_edit comment = COMMENT("z"), flow = SET(MARS_V_TEXT("z"), "duts", "a", "gitlab", "b", "token");

	comment.existing = 2;
	assert_refused("duts:\n  " DUT_2 ":\n    comment: x\n", comment,
		       "duts.'" DUT_1 "'.comment: '" DUT_1 "' is not there any more; nothing was changed");
	assert_refused("{}\n", comment, "duts.'" DUT_1 "'.comment: 'duts' is not there any more; nothing was changed");
	assert_edit("duts:\n  " DUT_1 ":\n", comment, "duts:\n  " DUT_1 ":\n    comment: z\n");
	flow.existing = 3;
	assert_refused("duts: {a: {comment: x}}\n", flow, "duts.a.gitlab.b.token: 'gitlab' is not there any more; nothing was changed");
	assert_edit("duts: {a: {gitlab: {}}}\n", flow, "duts: {a: {gitlab: {b: {token: z}}}}\n");
}

static void the_annotated_sample_survives_every_edit_of_it(void **state)
{
	static char before[16384];
	FILE *file = fopen(TEST_DATA "/mars/sample.yaml", "r");
	size_t n = fread(before, 1, sizeof(before) - 1, file);
	const struct mars_edit there[] = {SET(MARS_V_BOOL(false), "duts", "de:ad:be:ef:ca:fe", "ready_for_service"),
					  SET(MARS_V_TEXT("x"), "gitlab", "freedesktop", "gateway_runner", "token"),
					  SET(MARS_V_NUMBER(7.5), "duts", "de:ad:be:ef:ca:fe", "firmware_boot_time")};
	const struct mars_edit back[] = {SET(MARS_V_BOOL(true), "duts", "de:ad:be:ef:ca:fe", "ready_for_service"),
					 SET(MARS_V_TEXT("glrt-gateway"), "gitlab", "freedesktop", "gateway_runner", "token"),
					 REMOVE("duts", "de:ad:be:ef:ca:fe", "firmware_boot_time")};
	char *changed, *again;

	fclose(file);
	assert_true(n > 1000 && n < sizeof(before) - 1);
	changed = edited(before, there, 3);
	again = edited(changed, back, 3);
	assert_string_not_equal(changed, before);
	assert_string_equal(again, before);
	free(changed);
	free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scalars_line_keeps_its_comment_and_its_place),
		cmocka_unit_test(quotes_stay_as_the_admin_likes_them),
		cmocka_unit_test(texts_are_quoted_where_yaml_would_take_them_for_something_else),
		cmocka_unit_test(other_types_are_written_as_yaml_has_them),
		cmocka_unit_test(a_value_that_reads_the_same_is_left_as_it_is_written),
		cmocka_unit_test(a_value_that_is_not_written_gets_its_blank),
		cmocka_unit_test(a_block_text_is_replaced_as_a_whole),
		cmocka_unit_test(items_that_stay_keep_their_bytes_and_comments),
		cmocka_unit_test(a_list_becomes_empty_and_gets_items_again),
		cmocka_unit_test(a_flow_list_stays_one),
		cmocka_unit_test(a_field_is_added_behind_the_last_one),
		cmocka_unit_test(a_dut_is_added_in_its_neighbours_style),
		cmocka_unit_test(a_dut_is_set_apart_as_its_neighbours_are),
		cmocka_unit_test(a_mac_address_is_quoted_as_a_key),
		cmocka_unit_test(missing_mappings_on_the_way_are_made),
		cmocka_unit_test(flow_style_stays_flow_style),
		cmocka_unit_test(line_ends_stay_as_they_are),
		cmocka_unit_test(characters_of_several_bytes_do_not_shift_anything),
		cmocka_unit_test(an_entry_is_removed_with_its_lines_and_no_others),
		cmocka_unit_test(an_entry_is_removed_from_flow_style),
		cmocka_unit_test(edits_of_a_batch_see_each_other),
		cmocka_unit_test(what_cannot_be_edited_is_refused_and_says_so),
		cmocka_unit_test(what_was_removed_does_not_come_back_with_a_late_edit),
		cmocka_unit_test(the_annotated_sample_survives_every_edit_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
