#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "executord/registry_rules.h"

static void the_two_names_of_the_list_are_the_same(void **state)
{
	static const char *const texts[] = {"images:\n  - {match: ^quay.io, replace: 'ci-gateway:8100'}\n  - {match: a, replace: ''}\n",
					    "image_rewrites: [{replace: 'ci-gateway:8100', match: ^quay.io}, {match: a, replace: ''}]\n"};

	for (size_t i = 0; i < 2; i++) {
		struct registry_rules rules;
		struct gw_errors errs = {0};

		assert_true(registry_rules_decode(&rules, texts[i], strlen(texts[i]), "config.yml", &errs));
		assert_int_equal(rules.n, 2);
		assert_string_equal(rules.v[0].match, "^quay.io");
		assert_string_equal(rules.v[0].replace, "ci-gateway:8100");
		assert_string_equal(rules.v[1].replace, "");
		registry_rules_finish(&rules);
	}
}

static void an_empty_file_is_no_rules(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "images:\n", "images: []\n"};

	for (size_t i = 0; i < 4; i++) {
		struct registry_rules rules;
		struct gw_errors errs = {0};

		assert_true(registry_rules_decode(&rules, texts[i], strlen(texts[i]), "config.yml", &errs));
		assert_int_equal(rules.n, 0);
		registry_rules_finish(&rules);
	}
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[]\n", "config.yml:1:1: this is not a mapping; accepted: images, a list of rules"},
		{"image: []\n", "config.yml:1:1: image: it is not a field here; accepted: images (or image_rewrites)"},
		{"images: 5\n", "config.yml:1:9: images: this is not a list of rules; accepted: at most 1000, each with match and replace"},
		{"images:\n  - a\n", "config.yml:2:5: images[0]: this is not a rule; accepted: a mapping with match and replace"},
		{"images:\n  - match: a\n", "config.yml:2:5: images[0].replace: it is missing; a rule needs match and replace"},
		{"images:\n  - match: (\n    replace: x\n",
		 "config.yml:2:12: images[0].match: '(' is not a regex: missing closing parenthesis, at offset 1"},
		{"images:\n  - {match: a, replace: [x]}\n",
		 "config.yml:2:25: images[0].replace: this is not a text; accepted: one of at most 4096 bytes"},
		{"images:\n  - {match: a, replace: x, when: y}\n",
		 "config.yml:2:28: images[0].when: it is not a field of a rule; accepted: match, replace"},
		{"images: []\nimage_rewrites: []\n",
		 "config.yml:2:1: image_rewrites: images and image_rewrites are two names of the same; accepted: one of them"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct registry_rules rules;
		struct gw_errors errs = {0};

		assert_false(registry_rules_decode(&rules, rows[i].text, strlen(rows[i].text), "config.yml", &errs));
		assert_int_equal(errs.n, 1);
		assert_string_equal(errs.v[0].text, rows[i].error);
		gw_errors_finish(&errs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_names_of_the_list_are_the_same),
		cmocka_unit_test(an_empty_file_is_no_rules),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
