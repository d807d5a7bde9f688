#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "artifactd/image_command.h"

static const struct image_words words = {"/stores/a b", "true", "linux/amd64", "registry.org/it:1"};

static void assert_arguments(const char *command, const char *const *expected)
{
	struct gw_error err = {0};
	char **argv = image_command_make(command, &words, &err);
	size_t n = 0;

	assert_string_equal(err.text, "");
	assert_non_null(argv);
	for (; expected[n]; n++) {
		assert_non_null(argv[n]);
		assert_string_equal(argv[n], expected[n]);
	}
	assert_null(argv[n]);
	image_command_free(argv);
}

static void a_command_is_split_at_blanks_and_what_stands_for_a_variable_is_not(void **state)
{
	assert_arguments(" podman --root ${imgstore}\tpull --tls-verify=${tls_verify} --platform=${platform} ${image_name}\n",
			 (const char *const[]){"podman", "--root", "/stores/a b", "pull", "--tls-verify=true", "--platform=linux/amd64",
					       "registry.org/it:1", NULL});
}

static void quotes_keep_blanks_and_single_ones_keep_variables(void **state)
{
	assert_arguments("sh -c 'exec \"${x}\" $1' \"a  ${platform}\" ''",
			 (const char *const[]){"sh", "-c", "exec \"${x}\" $1", "a  linux/amd64", "", NULL});
}

static void no_shell_sees_it(void **state)
{
	assert_arguments("a;b $(c) `d` | e > f *", (const char *const[]){"a;b", "$(c)", "`d`", "|", "e", ">", "f", "*", NULL});
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *command, *error;
	} rows[] = {
		{"pull ${image}", "'${image}' is not a variable; accepted: ${imgstore}, ${tls_verify}, ${platform}, ${image_name}"},
		{"pull ${imgstore", "'${imgstore' is not a variable; accepted: ${imgstore}, ${tls_verify}, ${platform}, ${image_name}"},
		{"pull 'it", "a quote ' is not closed"},
		{"   ", "it names no program"},
		{"'' it", "it names no program"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gw_error err = {0};

		assert_null(image_command_make(rows[i].command, &words, &err));
		assert_string_equal(err.text, rows[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_split_at_blanks_and_what_stands_for_a_variable_is_not),
		cmocka_unit_test(quotes_keep_blanks_and_single_ones_keep_variables),
		cmocka_unit_test(no_shell_sees_it),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
