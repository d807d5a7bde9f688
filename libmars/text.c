#include "libmars/text.h"

#include "libgateway/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t text_hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return h ^ (h >> 29);
}

/* Bytes of the character at `p` (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF), 0 if it is none. */
static size_t character(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first_lo, first_hi, second_lo, second_hi, len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (p[0] < 0x80)
		return (p[0] >= 0x20 && p[0] != 0x7f) || p[0] == '\t' || p[0] == '\n' || p[0] == '\r';
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if (p[0] < forms[f].first_lo || p[0] > forms[f].first_hi)
			continue;
		if (left < forms[f].len || p[1] < forms[f].second_lo || p[1] > forms[f].second_hi)
			return 0;
		for (size_t i = 2; i < forms[f].len; i++)
			if ((p[i] & 0xc0) != 0x80)
				return 0;
		return forms[f].len;
	}
	return 0;
}

size_t text_first_invalid(const char *text, size_t len)
{
	size_t i = 0, n;

	while (i < len && (n = character((const unsigned char *)text + i, len - i)))
		i += n;
	return i;
}

bool text_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void text_add(struct text *text, const char *bytes, size_t len)
{
	if (text->len + len + 1 > text->room) {
		text->room = (text->len + len + 1) * 2;
		text->bytes = gw_realloc(text->bytes, text->room);
	}
	if (len)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

void text_adds(struct text *text, const char *s)
{
	text_add(text, s, strlen(s));
}

void text_addf(struct text *text, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	gw_assert(n >= 0 && (size_t)n < sizeof(buf));
	text_add(text, buf, (size_t)n);
}

void text_finish(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}
