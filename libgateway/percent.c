#include "libgateway/percent.h"

#include <stdint.h>
#include <string.h>

void url_escape(struct buffer *out, const char *text, const char *also)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};

		if (strchr(plain, *text) || strchr(also, *text))
			buffer_add(out, text, 1);
		else
			buffer_add(out, escaped, sizeof(escaped));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

size_t url_unescape(char *out, const char *in, size_t n, bool plus)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char c = in[i];

		if (c == '%') {
			int high = i + 2 < n ? hex_digit(in[i + 1]) : -1, low = i + 2 < n ? hex_digit(in[i + 2]) : -1;

			if (high < 0 || low < 0)
				return SIZE_MAX;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return len;
}
