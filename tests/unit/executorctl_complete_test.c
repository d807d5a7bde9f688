#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/complete.h"
#include "executorctl/ctl.h"

static const char farm[] =
	"{\"duts\":{\"52:54:00:11:22:0a\":{\"full_name\":\"lab-gfx9-1\",\"tags\":[\"amdgpu:APU\",\"gfx9\"],\"manual_tags\":[\"desk\"]},"
	"\"rack-2\":{\"full_name\":\"lab-x-1\",\"tags\":[\"gfx9\"]},\"evil\":{\"full_name\":\"$(reboot)\"},\"a b\":{}},"
	"\"pdus\":{\"APC\":{\"ports\":{\"1\":{},\"2\":{}}},\"VPDU\":{\"ports\":{\"0\":{}}}}}";

static const char *asked_url;
static int asked;

static cJSON *ask(void *data, const char *url)
{
	asked++;
	asked_url = url;
	return data ? cJSON_Parse(farm) : NULL;
}

/* The candidates for the last of `words` (parted by blanks), with blanks between them. */
static const char *candidates(const char *line, bool gateway)
{
	static char text[2048], copy[256];
	const char *words[16];
	char *out, *rest = copy, *word;
	size_t size, n = 0;
	FILE *file = open_memstream(&out, &size);

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) && n < 16)
		words[n++] = word;
	asked = 0;
	asked_url = NULL;
	complete_words(file, words, n, ask, gateway ? (void *)farm : NULL);
	fclose(file);
	snprintf(text, sizeof(text), "%s", out);
	for (char *end = text; (end = strchr(end, '\n'));)
		*end = ' ';
	free(out);
	return text;
}

static void commands_and_options_complete_without_a_gateway(void **state)
{
	assert_string_equal(candidates("re", true), "retire render ");
	assert_string_equal(candidates("--", true), "--executor --color --version --help ");
	assert_string_equal(candidates("--color a", true), "always auto ");
	assert_string_equal(candidates("quick-check --", true), "--wait --help ");
	assert_string_equal(candidates("db ", true), "check diff ");
	assert_string_equal(candidates("dut rack-2 s", true), "set ");
	assert_string_equal(candidates("dut rack-2 set is_", true), "is_retired ");
	assert_string_equal(candidates("dut rack-2 set is_retired ", true), "true false ");
	assert_string_equal(candidates("port APC 1 re", true), "reserve ");
	assert_string_equal(candidates("nonsense ", true), "");
	assert_int_equal(asked, 0);
}

static void every_command_is_offered(void **state)
{
	char all[1024];

	snprintf(all, sizeof(all), " %s", candidates("", true));
	for (const struct ctl_command *command = ctl_commands; command->name; command++) {
		char word[64];

		snprintf(word, sizeof(word), " %s ", command->name);
		assert_int_equal(strstr(all, word) != NULL, strcmp(command->name, "complete") != 0);
	}
}

static void names_come_from_the_gateway(void **state)
{
	assert_string_equal(candidates("dut 52:54:", true), "52:54:00:11:22:0a ");
	assert_string_equal(candidates("retire l", true), "lab-gfx9-1 lab-x-1 ");
	assert_string_equal(candidates("run -t ", true), "amdgpu:APU gfx9 desk ");
	assert_string_equal(candidates("run -w --machine-id r", true), "rack-2 ");
	assert_string_equal(candidates("port ", true), "APC VPDU ");
	assert_string_equal(candidates("port APC ", true), "1 2 ");
	assert_string_equal(candidates("discover ", true), "APC VPDU cancel ");
	assert_string_equal(candidates("discover -t ", true), ""); /* a time */
}

static void the_gateway_is_that_of_the_line(void **state)
{
	candidates("-e http://other/ dut ", true);
	assert_string_equal(asked_url, "http://other/");
	candidates("--executor=http://third/ dut ", true);
	assert_string_equal(asked_url, "http://third/");
	candidates("dut ", true);
	assert_null(asked_url);
	assert_int_equal(asked, 1);
}

static void a_lost_gateway_offers_nothing(void **state)
{
	assert_string_equal(candidates("dut ", false), "");
	assert_string_equal(candidates("discover ", false), "cancel ");
}

static void names_that_a_shell_would_run_are_not_offered(void **state)
{
	assert_null(strstr(candidates("dut ", true), "reboot"));
	assert_null(strstr(candidates("dut ", true), "a b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_options_complete_without_a_gateway),
		cmocka_unit_test(every_command_is_offered),
		cmocka_unit_test(names_come_from_the_gateway),
		cmocka_unit_test(the_gateway_is_that_of_the_line),
		cmocka_unit_test(a_lost_gateway_offers_nothing),
		cmocka_unit_test(names_that_a_shell_would_run_are_not_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
