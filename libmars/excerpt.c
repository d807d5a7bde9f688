#include "libmars/excerpt.h"

#include "libmars/fields.h"
#include "libmars/text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE 60  /* characters shown before the place, in a long line */
#define SHOWN  100 /* and in all */

struct line {
	const char *text;
	size_t len;
};

/* --- Where ---------------------------------------------------------------------------------------------------------------------------- */

static bool place_of(const char *message, const char *name, unsigned long *line, unsigned long *column)
{
	size_t len = strlen(name);
	char *end;

	if (strncmp(message, name, len) != 0 || message[len] != ':' || !isdigit((unsigned char)message[len + 1]))
		return false;
	*line = strtoul(message + len + 1, &end, 10);
	if (*end != ':' || !isdigit((unsigned char)end[1]))
		return false;
	*column = strtoul(end + 1, &end, 10);
	return *end == ':' && *line && *column;
}

static bool find_line(const char *text, size_t len, unsigned long number, struct line *line)
{
	const char *end = text + len, *at = text, *feed;

	while (--number && at < end) {
		feed = memchr(at, '\n', (size_t)(end - at));
		at = feed ? feed + 1 : end;
	}
	feed = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	*line = (struct line){at, (size_t)((feed ? feed : end) - at)};
	if (line->len && at[line->len - 1] == '\r')
		line->len--;
	return line->len > 0;
}

/* --- What must not be shown ----------------------------------------------------------------------------------------------------------- */

/* Of a field that holds no secret. What the tables do not know may be a token under a mistyped name, or a driver's password. */
static bool is_harmless(const char *key, size_t len)
{
	static const struct mars_object *const objects[] = {&mars_root_object,       &mars_pdu_object,           &mars_dut_object,
							    &mars_gitlab_object,     &mars_acl_object,           &mars_acl_rules_object,
							    &mars_dut_gitlab_object, &mars_gateway_runner_object};
	const struct mars_field *field;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if ((field = mars_field_find(objects[i], key, len)))
			return field->type != MARS_SECRET && field->type != MARS_UNUSED;
	return false;
}

static bool ends_word(char c)
{
	return strchr(" \t,{}[]", c) != NULL;
}

/* The next `key:` at or after `from`; its first byte and the colon. */
static bool next_key(const struct line *line, size_t from, size_t *start, size_t *colon)
{
	for (size_t i = from; i < line->len; i++) {
		if (line->text[i] != ':' || (i + 1 < line->len && !ends_word(line->text[i + 1])) || i == from)
			continue;
		for (*start = i; *start > from && !ends_word(line->text[*start - 1]);)
			--*start;
		*colon = i;
		if (*start < i)
			return true;
	}
	return false;
}

static void mask(char *bytes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!ends_word(bytes[i]) && ((unsigned char)bytes[i] & 0xc0) != 0x80)
			bytes[i] = '*';
		else if ((unsigned char)bytes[i] >= 0x80)
			bytes[i] = '\0'; /* the rest of a character: not printed */
}

static bool key_is_harmless(const struct line *line, size_t start, size_t colon)
{
	size_t quoted = line->text[start] == '"' || line->text[start] == '\'';

	return colon - start > 2 * quoted && is_harmless(line->text + start + quoted, colon - start - 2 * quoted);
}

/* The value of a key that stands on a line above: `token: >` and its text below. */
static bool continues_a_secret(const char *text, const struct line *line)
{
	const char *at = line->text;
	size_t start, colon, from;

	for (int back = 0; back < 100 && at > text; back++) {
		struct line above = {at - 1, 0};
		bool found = false, harmless = true;

		while (above.text > text && above.text[-1] != '\n')
			above.text--;
		above.len = (size_t)(at - 1 - above.text);
		for (from = 0; next_key(&above, from, &start, &colon); from = colon + 1) {
			found = true;
			harmless = key_is_harmless(&above, start, colon);
		}
		if (found) /* `APC:` is a name with fields below; a secret has a value on its line, or a `>` or `|` */
			return !harmless && colon + 1 < above.len;
		at = above.text;
	}
	return false;
}

static void mask_secrets(const char *text, const struct line *line, char *bytes)
{
	const char *slashes = strstr(bytes, "://"), *user_end = slashes ? strchr(slashes, '@') : NULL;
	size_t start, colon, next, next_colon;
	bool more = next_key(line, 0, &start, &colon);

	if (user_end)
		mask(bytes, (size_t)(slashes - bytes) + 3, (size_t)(user_end - bytes));
	if (!more && (continues_a_secret(text, line) || strcasestr(bytes, "token")))
		mask(bytes, 0, line->len);
	while (more) {
		more = next_key(line, colon + 1, &next, &next_colon);
		if (!key_is_harmless(line, start, colon))
			mask(bytes, colon + 1, more ? next : line->len);
		start = next;
		colon = next_colon;
	}
}

/* --- The two lines -------------------------------------------------------------------------------------------------------------------- */

static bool is_rest_of_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80 || c == '\0';
}

static size_t skip_characters(const struct line *line, size_t from, size_t n)
{
	while (n-- && from < line->len)
		do
			from++;
		while (from < line->len && is_rest_of_character(line->text[from]));
	return from;
}

static size_t underlined_end(const struct line *line, size_t from)
{
	size_t to = from;
	char quote = from < line->len && strchr("'\"", line->text[from]) ? line->text[from] : 0;

	if (quote) {
		const char *closing = from + 1 < line->len ? memchr(line->text + from + 1, quote, line->len - from - 1) : NULL;

		return closing ? (size_t)(closing - line->text) + 1 : line->len;
	}
	while (to < line->len && !ends_word(line->text[to]) &&
	       !(line->text[to] == ':' && (to + 1 == line->len || line->text[to + 1] == ' ')))
		to++;
	return to;
}

static void add_shown(struct text *out, const struct line *line, const char *bytes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (bytes[i] == '\t' || (unsigned char)bytes[i] >= ' ')
			text_add(out, bytes[i] == 0x7f ? "?" : &bytes[i], 1);
		else if (bytes[i] == '\0' && (unsigned char)line->text[i] >= 0x80)
			continue; /* of a masked character */
		else
			text_adds(out, "?");
}

static void add_caret(struct text *out, const struct line *line, size_t from, size_t at, size_t end)
{
	for (size_t i = from; i < at; i++)
		if (!is_rest_of_character(line->text[i]))
			text_add(out, line->text[i] == '\t' ? "\t" : " ", 1);
	text_adds(out, "^");
	for (size_t i = at + 1; i < end; i++)
		if (!is_rest_of_character(line->text[i]))
			text_adds(out, "~");
}

static void add_lines(struct text *out, const char *text, const struct line *line, unsigned long number, unsigned long column)
{
	size_t at = skip_characters(line, 0, column - 1);
	size_t from = column - 1 > BEFORE && line->len > SHOWN ? skip_characters(line, 0, column - 1 - BEFORE) : 0;
	size_t to = skip_characters(line, from, SHOWN), end = underlined_end(line, at);
	char *bytes = calloc(line->len + 1, 1);

	if (!bytes)
		return;
	memcpy(bytes, line->text, line->len);
	if (text_first_invalid(line->text, line->len) == line->len) {
		mask_secrets(text, line, bytes);
		text_addf(out, "%7lu | %s", number, from ? "..." : "");
		add_shown(out, line, bytes, from, to);
		text_addf(out, "%s\n        | %s", to < line->len ? "..." : "", from ? "   " : "");
		add_caret(out, line, from, at, end < to ? end : to);
		text_adds(out, "\n");
	}
	free(bytes);
}

char *mars_excerpt(const char *message, const char *name, const char *text, size_t len)
{
	unsigned long number, column;
	struct text out = {0};
	struct line line;

	text_adds(&out, "");
	if (place_of(message, name, &number, &column) && find_line(text, len, number, &line))
		add_lines(&out, text, &line, number, column);
	return out.bytes;
}
