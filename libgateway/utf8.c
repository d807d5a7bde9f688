#include "libgateway/utf8.h"

#include <string.h>

/* RFC 3629 section 4: what the first byte says of the length and of the second byte's range. */
static const struct {
	unsigned char first_low, first_high, length, second_low, second_high;
} forms[] = {
	{0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, /* no overlong form */
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},                              /* no surrogates */
	{0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},                              /* no overlong form */
	{0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},                              /* up to U+10FFFF */
};

size_t utf8_sequence(const char *bytes, size_t n)
{
	const unsigned char *b = (const unsigned char *)bytes;

	for (size_t i = 0; n && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (b[0] < forms[i].first_low || b[0] > forms[i].first_high)
			continue;
		if (forms[i].length > n || (forms[i].length > 1 && (b[1] < forms[i].second_low || b[1] > forms[i].second_high)))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if (b[k] < 0x80 || b[k] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

size_t utf8_prefix(const char *bytes, size_t n)
{
	size_t at = 0, step;

	while (at < n && (step = utf8_sequence(bytes + at, n - at)) > 0)
		at += step;
	return at;
}

void utf8_clean(char *text)
{
	for (size_t at = 0, n = strlen(text); (at += utf8_prefix(text + at, n - at)) < n;)
		text[at] = '?';
}
