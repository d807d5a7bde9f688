#include "executorctl/width.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "libgateway/error.h"
#include "libgateway/utf8.h"

/* The character at `text`, `n` bytes long (well-formed). */
static wchar_t character(const char *text, size_t n)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned long c = (unsigned char)text[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	return (wchar_t)c;
}

/* wcwidth goes by the locale: whatever the user's is, what a gateway says is UTF-8. */
static void use_utf8(void)
{
	static locale_t utf8;

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8)
		uselocale(utf8);
}

/* Columns of the next character, and its bytes in *n. */
static size_t next_width(const char *text, size_t *n)
{
	int width;

	*n = utf8_sequence(text, strnlen(text, 4));
	if (*n == 0) {
		*n = 1;
		return 1;
	}
	width = wcwidth(character(text, *n));
	return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
	size_t width = 0, n;

	use_utf8();
	for (; *text; text += n)
		width += next_width(text, &n);
	return width;
}

char *text_cut(const char *text, size_t columns)
{
	size_t width = 0, n, at = 0, one;
	char *cut;

	if (text_width(text) <= columns)
		return gw_strdup(text);
	while (text[at] && width + (one = next_width(text + at, &n)) + 1 <= columns) {
		width += one;
		at += n;
	}
	cut = gw_sprintf("%.*s%s", (int)at, text, columns ? "…" : "");
	return cut;
}
