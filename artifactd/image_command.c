#include "artifactd/image_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

static const char *word_of(const struct image_words *words, const char *name, size_t n)
{
	const struct {
		const char *name, *text;
	} rows[] = {{"imgstore", words->imgstore},
		    {"tls_verify", words->tls_verify},
		    {"platform", words->platform},
		    {"image_name", words->image_name}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == n && strncmp(rows[i].name, name, n) == 0)
			return rows[i].text;
	return NULL;
}

/* `at` is at "${": what stands after it, or NULL. */
static const char *put_variable(FILE *out, const char *at, const struct image_words *words, struct gw_error *err)
{
	const char *end = strchr(at, '}'), *text = end ? word_of(words, at + 2, (size_t)(end - at) - 2) : NULL;

	if (!text) {
		gw_fail(err, GW_BAD_INPUT, "'%.*s' is not a variable; accepted: ${imgstore}, ${tls_verify}, ${platform}, ${image_name}",
			end ? (int)(end - at) + 1 : 20, at);
		return NULL;
	}
	fputs(text, out);
	return end + 1;
}

/* One argument: what stands after it, or NULL. */
static const char *put_argument(FILE *out, const char *at, const struct image_words *words, struct gw_error *err)
{
	char quote = 0;

	while (at && *at && (quote || !strchr(BLANKS, *at))) {
		if (quote ? *at == quote : *at == '\'' || *at == '"')
			quote = quote ? 0 : *at, at++;
		else if (quote != '\'' && strncmp(at, "${", 2) == 0)
			at = put_variable(out, at, words, err);
		else
			fputc(*at++, out);
	}
	if (!at || !quote)
		return at;
	gw_fail(err, GW_BAD_INPUT, "a quote %c is not closed", quote);
	return NULL;
}

char **image_command_make(const char *command, const struct image_words *words, struct gw_error *err)
{
	char **argv = gw_calloc(strlen(command) / 2 + 2, sizeof(*argv));
	const char *at = command + strspn(command, BLANKS);
	size_t n = 0, size;

	while (at && *at) {
		FILE *out = open_memstream(&argv[n++], &size);

		gw_assert(out);
		at = put_argument(out, at, words, err);
		fclose(out);
		at = at ? at + strspn(at, BLANKS) : NULL;
	}
	if (at && n && *argv[0])
		return argv;
	if (at)
		gw_fail(err, GW_BAD_INPUT, "it names no program");
	image_command_free(argv);
	return NULL;
}

void image_command_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}
