/* Python's spelling of a regex on bytes, as PCRE2 reads it. What both write alike is left as it is. */
#include "libjob/pattern_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void put(struct python_regex *r, const char *bytes, size_t n, size_t origin)
{
	for (size_t i = 0; i < n; i++) {
		r->text[r->n] = bytes[i];
		r->origin[r->n++] = (uint16_t)origin;
	}
}

/* What comes after a `{`: Python's {,5} is {0,5}, and how often an item must come counts. */
static void put_brace(struct python_regex *r, const char *regex, size_t at)
{
	const char *p = regex + at + 1;
	unsigned long least = strtoul(p, NULL, 10);

	put(r, "{", 1, at);
	if (p[strspn(p, "0123456789,")] != '}')
		return;
	if (p[0] == ',' && p[1 + strspn(p + 1, "0123456789")] == '}')
		put(r, "0", 1, at + 1);
	least = is_digit(p[0]) ? least : 0;
	if (least > r->longest_repeat)
		r->longest_repeat = least > UINT16_MAX ? UINT16_MAX : (uint32_t)least; /* PCRE2 refuses more */
}

/* A class up to its end: `[` is nothing special in Python's. Returns the offset behind it. */
static size_t put_class(struct python_regex *r, const char *regex, size_t at)
{
	size_t begin = at;

	put(r, "[", 1, at++);
	if (regex[at] == '^')
		put(r, "^", 1, at++);
	if (regex[at] == ']')
		put(r, "\\]", 2, at++);
	for (; regex[at] && regex[at] != ']'; at++) {
		if (regex[at] == '[')
			put(r, "\\", 1, at);
		put(r, regex + at, 1, at);
		if (regex[at] == '\\' && regex[at + 1]) {
			at++;
			put(r, regex + at, 1, at);
		}
	}
	if (!regex[at])
		return at;
	put(r, "]", 1, begin);
	return at + 1;
}

bool python_regex_read(struct python_regex *out, const char *regex, size_t *bad_at, const char **why)
{
	size_t n = strlen(regex), at = 0;

	*out = (struct python_regex){0};
	if (n > REGEX_MAX) {
		*bad_at = REGEX_MAX;
		*why = "it is too long; accepted: up to 8192 bytes";
		return false;
	}
	out->text = gw_calloc(2 * n + 1, 1);
	out->origin = gw_calloc(2 * n + 1, sizeof(*out->origin));
	while (regex[at]) {
		if (regex[at] == '(' && regex[at + 1] == '*') {
			*bad_at = at + 1;
			*why = "nothing to repeat";
			python_regex_finish(out);
			return false;
		}
		if (regex[at] == '[') {
			at = put_class(out, regex, at);
		} else if (regex[at] == '{') {
			put_brace(out, regex, at++);
		} else if (regex[at] == '\\' && regex[at + 1]) {
			put(out, regex[at + 1] == 'Z' ? "\\z" : regex + at, 2, at);
			at += 2;
		} else {
			put(out, regex + at, 1, at);
			at++;
		}
	}
	out->origin[out->n] = (uint16_t)at;
	return true;
}

void python_regex_finish(struct python_regex *r)
{
	free(r->text);
	free(r->origin);
	*r = (struct python_regex){0};
}
