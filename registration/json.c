#include "registration/json.h"

#include <string.h>

struct reader {
	const char *at, *end;
	unsigned depth;
};

static bool read_value(struct reader *r, struct json *value);

static void skip_space(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
}

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits; -1 if they are none. */
static int read_hex(struct reader *r)
{
	int value = 0;

	for (int i = 0; i < 4; i++, r->at++) {
		int digit = r->at < r->end ? hex_digit(*r->at) : -1;
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool read_escape(struct reader *r)
{
	if (r->at == r->end)
		return false;
	if (*r->at++ == 'u')
		return read_hex(r) >= 0;
	return r->at[-1] && strchr("\"\\/bfnrt", r->at[-1]);
}

static bool read_string(struct reader *r)
{
	if (!take(r, '"'))
		return false;
	while (r->at < r->end && *r->at != '"') {
		if ((unsigned char)*r->at < 0x20)
			return false;
		if (*r->at++ == '\\' && !read_escape(r))
			return false;
	}
	return take(r, '"');
}

static bool read_digits(struct reader *r)
{
	const char *start = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > start;
}

static bool read_number(struct reader *r)
{
	take(r, '-');
	if (!take(r, '0') && !read_digits(r))
		return false;
	if (take(r, '.') && !read_digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		return read_digits(r);
	}
	return true;
}

static bool read_member(struct reader *r, bool keys)
{
	struct json value;

	skip_space(r);
	if (keys) {
		if (!read_string(r))
			return false;
		skip_space(r);
		if (!take(r, ':'))
			return false;
	}
	return read_value(r, &value);
}

static bool read_members(struct reader *r, char open, char close, bool keys)
{
	if (!take(r, open) || ++r->depth > JSON_DEPTH_MAX)
		return false;
	skip_space(r);
	if (!take(r, close)) {
		do {
			if (!read_member(r, keys))
				return false;
		} while (take(r, ','));
		if (!take(r, close))
			return false;
	}
	r->depth--;
	return true;
}

static bool read_by_type(struct reader *r, struct json *value)
{
	switch (r->at == r->end ? '\0' : *r->at) {
	case 'n':
		value->type = JSON_NULL;
		return read_word(r, "null");
	case 't':
		value->type = JSON_BOOLEAN;
		return read_word(r, "true");
	case 'f':
		value->type = JSON_BOOLEAN;
		return read_word(r, "false");
	case '"':
		value->type = JSON_STRING;
		return read_string(r);
	case '[':
		value->type = JSON_LIST;
		return read_members(r, '[', ']', false);
	case '{':
		value->type = JSON_OBJECT;
		return read_members(r, '{', '}', true);
	default:
		value->type = JSON_NUMBER;
		return read_number(r);
	}
}

/* A value with the white space around it. */
static bool read_value(struct reader *r, struct json *value)
{
	skip_space(r);
	value->at = r->at;
	if (!read_by_type(r, value))
		return false;
	value->len = (size_t)(r->at - value->at);
	skip_space(r);
	return true;
}

bool json_document(const char *bytes, size_t len, struct json *value)
{
	struct reader r = {bytes, bytes + len, 0};

	return read_value(&r, value) && r.at == r.end;
}

bool json_find(const struct json *object, const char *key, struct json *value)
{
	struct reader r = {object->at + 1, object->at + object->len, 1};
	struct json name;

	if (object->type != JSON_OBJECT)
		return false;
	do { /* it was checked: only its end stops this */
		if (!read_value(&r, &name) || !take(&r, ':') || !read_value(&r, value))
			return false;
		if (json_is_text(&name, key))
			return true;
	} while (take(&r, ','));
	return false;
}

bool json_next(const struct json *list, size_t *at, struct json *value)
{
	struct reader r = {list->at + (*at ? *at : 1), list->at + list->len, 1};

	if (list->type != JSON_LIST || *at >= list->len || !read_value(&r, value))
		return false;
	*at = (size_t)(r.at - list->at) + 1; /* behind the comma or the bracket */
	return true;
}

static void add_utf8(struct text *out, unsigned code)
{
	char c[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; code >>= 6)
		c[i] = (char)(0x80 | (code & 0x3f));
	c[0] = (char)(lead[n] | code);
	text_add_bytes(out, c, n);
}

/* Behind "\u". */
static bool add_unicode(struct reader *r, struct text *out)
{
	int code = read_hex(r), low;

	if (code <= 0 || (code >= 0xdc00 && code < 0xe000))
		return false;
	if (code >= 0xd800 && code < 0xdc00) {
		low = read_word(r, "\\u") ? read_hex(r) : -1;
		if (low < 0xdc00 || low >= 0xe000)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	add_utf8(out, (unsigned)code);
	return true;
}

bool json_text(const struct json *value, struct text *out)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	struct reader r = {value->at + 1, value->at + value->len - 1, 0};

	if (value->type != JSON_STRING)
		return false;
	while (r.at < r.end) {
		char c = *r.at++;
		if (c != '\\') {
			text_add_bytes(out, &c, 1);
		} else if (*r.at == 'u') {
			r.at++;
			if (!add_unicode(&r, out))
				return false;
		} else {
			text_add_bytes(out, &meant[strchr(names, *r.at++) - names], 1);
		}
	}
	return true;
}

bool json_is_text(const struct json *value, const char *text)
{
	char copy[512];
	struct text out = TEXT_ON(copy);

	copy[0] = '\0';
	return json_text(value, &out) && !out.cut && strcmp(copy, text) == 0;
}

void json_add_text(struct text *out, const char *text)
{
	text_add(out, "\"");
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			text_add(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			text_add(out, "\\u%04x", (unsigned)*c);
		else
			text_add_bytes(out, c, 1);
	}
	text_add(out, "\"");
}
