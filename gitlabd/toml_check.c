/* The grammar of toml.io/en/v1.0.0 by recursive descent: each function takes what it is named after and leaves `at` behind it. */
#include "gitlabd/toml_check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define NAMES_MAX 4096 /* that are remembered: more in one table, or more tables in one element of an array, may be twice */

struct toml {
	const char *at;
	size_t line;
	unsigned depth;
	struct gw_error *err;
	struct names { /* as they are written, dots and quotes included; borrowed from the text */
		struct {
			const char *p;
			size_t n;
		} v[NAMES_MAX];
		size_t n;
	} keys, tables;
};

static bool fail(struct toml *t, const char *what)
{
	return gw_fail(t->err, GW_BAD_INPUT, "line %zu: %s", t->line, what);
}

static void skip_blanks(struct toml *t)
{
	while (*t->at == ' ' || *t->at == '\t')
		t->at++;
}

/* What must not stand in the file as it is: control characters but tab. */
static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* A newline, perhaps with a CR: taken; or the text's end. */
static bool at_line_end(struct toml *t)
{
	if (!*t->at)
		return true;
	if (t->at[0] == '\r' && t->at[1] == '\n')
		t->at++;
	if (*t->at != '\n')
		return false;
	t->at++;
	t->line++;
	return true;
}

static bool comment(struct toml *t)
{
	if (*t->at != '#')
		return true;
	while (*t->at && !is_control(*t->at))
		t->at++;
	return !*t->at || *t->at == '\n' || (t->at[0] == '\r' && t->at[1] == '\n') || fail(t, "a control character in a comment");
}

static bool rest_of_line(struct toml *t)
{
	skip_blanks(t);
	return comment(t) && (at_line_end(t) || fail(t, "more behind the end of a value or a table's name"));
}

/* Blanks, comments and newlines between an array's items. */
static bool blank_lines(struct toml *t)
{
	for (;;) {
		skip_blanks(t);
		if (!comment(t))
			return false;
		if (!*t->at || !at_line_end(t))
			return true;
	}
}

/* ---- names that must not come twice ---- */

static bool add_name(struct toml *t, struct names *names, const char *p, size_t n, const char *twice)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].n == n && memcmp(names->v[i].p, p, n) == 0)
			return fail(t, twice);
	if (names->n < NAMES_MAX) {
		names->v[names->n].p = p;
		names->v[names->n++].n = n;
	}
	return true;
}

/* A new element of an array of tables: its own tables begin anew. */
static void forget_below(struct names *names, const char *p, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n; i++)
		if (names->v[i].n <= n || memcmp(names->v[i].p, p, n) != 0 || names->v[i].p[n] != '.')
			names->v[kept++] = names->v[i];
	names->n = kept;
}

/* ---- strings ---- */

static bool escape(struct toml *t)
{
	size_t digits = t->at[1] == 'u' ? 4 : t->at[1] == 'U' ? 8 : 0;
	char hex[9] = "";
	unsigned long code;

	if (!digits) {
		if (!t->at[1] || !strchr("btnfr\"\\", t->at[1]))
			return fail(t, "an escape that TOML does not know; accepted: \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX");
		t->at += 2;
		return true;
	}
	for (size_t i = 0; i < digits; i++) {
		if (!isxdigit((unsigned char)t->at[2 + i]))
			return fail(t, "\\u wants 4 hexadecimal digits, \\U 8");
		hex[i] = t->at[2 + i];
	}
	code = strtoul(hex, NULL, 16);
	t->at += 2 + digits;
	return (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) || fail(t, "an escape of no character");
}

static bool one_line_string(struct toml *t)
{
	char quote = *t->at++;

	while (*t->at != quote) {
		if (!*t->at || *t->at == '\n' || *t->at == '\r')
			return fail(t, "a string does not end in its line");
		if (is_control(*t->at))
			return fail(t, "a control character in a string");
		if (quote == '"' && *t->at == '\\') {
			if (!escape(t))
				return false;
		} else {
			t->at++;
		}
	}
	t->at++;
	return true;
}

/* A backslash at a line's end, with blanks perhaps. */
static bool continues(const char *p)
{
	p++;
	while (*p == ' ' || *p == '\t')
		p++;
	return *p == '\n' || (p[0] == '\r' && p[1] == '\n');
}

static bool long_string(struct toml *t)
{
	char quote = *t->at, three[] = {quote, quote, quote, 0};
	size_t begin = t->line, more = 0;

	t->at += 3;
	while (strncmp(t->at, three, 3) != 0) {
		if (!*t->at) {
			t->line = begin;
			return fail(t, "a string does not end");
		}
		if (quote == '"' && *t->at == '\\' && !continues(t->at)) {
			if (!escape(t))
				return false;
		} else if (*t->at == '\n' || *t->at == '\r') {
			if (!at_line_end(t))
				return fail(t, "a control character in a string");
		} else if (is_control(*t->at)) {
			return fail(t, "a control character in a string");
		} else {
			t->at++;
		}
	}
	t->at += 3;
	while (more < 2 && *t->at == quote) /* one or two quotes may be the string's last characters */
		t->at++, more++;
	return true;
}

static bool string(struct toml *t)
{
	return t->at[1] == *t->at && t->at[2] == *t->at ? long_string(t) : one_line_string(t);
}

/* ---- keys ---- */

static bool is_bare(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* a."b c".d, with blanks around the dots; *p and *n: the whole of it. */
static bool key(struct toml *t, const char **p, size_t *n)
{
	*p = t->at;
	for (;;) {
		if (*t->at == '"' || *t->at == '\'') {
			if (!one_line_string(t))
				return false;
		} else if (is_bare(*t->at)) {
			while (is_bare(*t->at))
				t->at++;
		} else {
			return fail(t, "a key is missing; accepted: letters, digits, _ and -, or a string");
		}
		*n = (size_t)(t->at - *p);
		skip_blanks(t);
		if (*t->at != '.')
			return true;
		t->at++;
		skip_blanks(t);
	}
}

/* ---- values ---- */

static bool digits(const char **p, int (*is_digit)(int c))
{
	for (bool again = true; again; again = *(*p)++ == '_') {
		if (!is_digit((unsigned char)**p))
			return false;
		while (is_digit((unsigned char)**p))
			(*p)++;
	}
	(*p)--;
	return true;
}

static int is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static int is_binary(int c)
{
	return c == '0' || c == '1';
}

static bool is_number(const char *p, const char *end)
{
	const char *start;

	if (*p == '0' && (p[1] == 'x' || p[1] == 'o' || p[1] == 'b')) {
		int (*is_digit)(int c) = p[1] == 'x' ? isxdigit : p[1] == 'o' ? is_octal : is_binary;

		p += 2;
		return digits(&p, is_digit) && p == end;
	}
	p += *p == '+' || *p == '-';
	if (end - p == 3 && (memcmp(p, "inf", 3) == 0 || memcmp(p, "nan", 3) == 0))
		return true;
	start = p;
	if (!digits(&p, isdigit) || (*start == '0' && p - start > 1))
		return false;
	if (*p == '.' && (p++, !digits(&p, isdigit)))
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!digits(&p, isdigit))
			return false;
	}
	return p == end;
}

/* `form` with digits for each 0. */
static bool has_form(const char **p, const char *form)
{
	size_t i = 0;

	while (form[i] && (form[i] == '0' ? isdigit((unsigned char)(*p)[i]) : (*p)[i] == form[i]))
		i++;
	if (form[i])
		return false;
	*p += i;
	return true;
}

static bool is_date(const char *p, const char *end)
{
	bool date = has_form(&p, "0000-00-00");

	if (p == end)
		return date;
	if (date && !strchr("Tt ", *p))
		return false;
	p += date;
	if (!has_form(&p, "00:00:00"))
		return false;
	if (p[0] == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p);)
			p++;
	if (date && (*p == 'Z' || *p == 'z'))
		p++;
	else if (date && p < end)
		(void)(has_form(&p, "+00:00") || has_form(&p, "-00:00"));
	return p == end;
}

static bool bare_value(struct toml *t)
{
	const char *p = t->at, *end = p;

	while (is_bare(*end) || (*end && strchr("+.:", *end)))
		end++;
	if (end - p == 10 && p[4] == '-' && *end == ' ' && isdigit((unsigned char)end[1])) /* 1979-05-27 07:32:00 */
		for (end++; is_bare(*end) || (*end && strchr("+.:", *end));)
			end++;
	t->at = end;
	return (end - p == 4 && memcmp(p, "true", 4) == 0) || (end - p == 5 && memcmp(p, "false", 5) == 0) || is_number(p, end) ||
	       is_date(p, end) || fail(t, p == end ? "a value is missing" : "this is no value; text stands in quotes");
}

static bool value(struct toml *t);

static bool array(struct toml *t)
{
	for (t->at++;;) {
		if (!blank_lines(t))
			return false;
		if (*t->at == ']')
			break;
		if (!*t->at)
			return fail(t, "an array does not end");
		if (!value(t) || !blank_lines(t))
			return false;
		if (*t->at == ']')
			break;
		if (*t->at++ != ',')
			return fail(t, "an array's items have commas between them");
	}
	t->at++;
	return true;
}

static bool key_and_value(struct toml *t, const char **p, size_t *n)
{
	if (!key(t, p, n))
		return false;
	if (*t->at != '=')
		return fail(t, "a key without =");
	t->at++;
	skip_blanks(t);
	return value(t);
}

static bool inline_table(struct toml *t)
{
	const char *p;
	size_t n;

	t->at++;
	skip_blanks(t);
	if (*t->at == '}') {
		t->at++;
		return true;
	}
	for (;;) {
		if (!key_and_value(t, &p, &n))
			return false;
		skip_blanks(t);
		if (*t->at == '}')
			break;
		if (*t->at++ != ',')
			return fail(t, "an inline table's keys have commas between them, in one line");
		skip_blanks(t);
	}
	t->at++;
	return true;
}

static bool value(struct toml *t)
{
	bool ok;

	if (++t->depth > DEPTH_MAX)
		return fail(t, "nested too deeply");
	if (*t->at == '"' || *t->at == '\'')
		ok = string(t);
	else
		ok = *t->at == '[' ? array(t) : *t->at == '{' ? inline_table(t) : bare_value(t);
	t->depth--;
	return ok;
}

/* ---- lines ---- */

static bool table(struct toml *t)
{
	bool element = t->at[1] == '[';
	const char *p;
	size_t n;

	t->at += 1 + element;
	skip_blanks(t);
	if (!key(t, &p, &n))
		return false;
	if (strncmp(t->at, "]]", 1 + element) != 0)
		return fail(t, "a table's name ends with ], an array's with ]]");
	t->at += 1 + element;
	t->keys.n = 0;
	if (element)
		forget_below(&t->tables, p, n);
	return (element || add_name(t, &t->tables, p, n, "this table was there already")) && rest_of_line(t);
}

static bool line(struct toml *t)
{
	const char *p;
	size_t n;

	skip_blanks(t);
	if (*t->at == '[')
		return table(t);
	if (!*t->at || strchr("#\r\n", *t->at))
		return rest_of_line(t);
	return key_and_value(t, &p, &n) && add_name(t, &t->keys, p, n, "this key was there already") && rest_of_line(t);
}

bool toml_check(const char *text, size_t n, struct gw_error *err)
{
	struct toml *t = gw_calloc(1, sizeof(*t));
	bool ok = true;

	t->at = text;
	t->line = 1;
	t->err = err;
	while (ok && t->at < text + n)
		ok = line(t);
	free(t);
	return ok;
}
