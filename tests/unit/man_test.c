/* The man pages tell what the programs read: each one's ENVIRONMENT is what options.def says. With MAN_UPDATE=1 in the environment a page
 * that does not is written anew instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libgateway/env.h"
#include "libgateway/files.h"

#define PAGE_MAX (256 * 1024)
#define BEGIN    ".\\\" begin: "
#define END      ".\\\" end\n"

static const struct {
	const char *name;
	unsigned reader;
} programs[] = {{"executord", ENV_EXECUTORD}, {"jobd", ENV_JOBD},           {"bootsd", ENV_BOOTSD},   {"pdud", ENV_PDUD},
		{"saladd", ENV_SALADD},       {"artifactd", ENV_ARTIFACTD}, {"gitlabd", ENV_GITLABD}, {"bucketd", ENV_BUCKETD}};
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const struct {
	unsigned readers;
	const char *name, *dflt, *meaning;
} options[] = {
#define OPTION(readers, name, type, dflt, min, max, meaning) {readers, #name, dflt, meaning},
#include "libgateway/options.def"
#undef OPTION
};
#define OPTIONS_N (sizeof(options) / sizeof(options[0]))

/* As roff takes it: no request at a line's start, hyphens that can be copied. */
static void add_roff(struct buffer *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buffer_printf(out, "\\&");
	for (const char *c = text; *c; c++) {
		if (*c == '-')
			buffer_printf(out, "\\-");
		else if (*c == '\\')
			buffer_printf(out, "\\e");
		else
			buffer_add(out, c, 1);
	}
}

static char *environment_of(unsigned reader)
{
	struct buffer out = {0};

	for (size_t i = 0; i < OPTIONS_N; i++) {
		if (!(options[i].readers & reader))
			continue;
		buffer_printf(&out, ".TP\n.B %s\n", options[i].name);
		add_roff(&out, options[i].meaning);
		if (options[i].dflt && *options[i].dflt) {
			buffer_printf(&out, "\nDefault: ");
			add_roff(&out, options[i].dflt);
			buffer_printf(&out, ".");
		}
		buffer_printf(&out, "\n");
	}
	return buffer_take(&out);
}

static void update(const char *path, const char *page, const char *begin, const char *end, const char *expected)
{
	char *text = gw_sprintf("%.*s%s%s", (int)(begin - page), page, expected, end);

	assert_true(file_save(path, text, strlen(text), 0644, NULL));
	free(text);
}

static void check_page(const char *name, unsigned reader)
{
	char *path = gw_sprintf("%s/docs/man/%s.8", GW_SOURCE_ROOT, name), *expected = environment_of(reader), *begin, *end, *got;
	size_t len;
	char *page = file_read(path, PAGE_MAX, &len, NULL);

	assert_non_null(page);
	begin = strstr(page, BEGIN);
	assert_non_null(begin);
	begin = strchr(begin, '\n') + 1;
	end = strstr(begin - 1, "\n" END);
	assert_non_null(end);
	end += 1;
	got = gw_strndup(begin, (size_t)(end - begin));
	if (getenv("MAN_UPDATE") && strcmp(got, expected) != 0)
		update(path, page, begin, end, expected);
	else
		assert_string_equal(got, expected);
	free(got);
	free(page);
	free(path);
	free(expected);
}

static void each_page_has_every_option_that_its_program_reads(void **state)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		check_page(programs[i].name, programs[i].reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_has_every_option_that_its_program_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
