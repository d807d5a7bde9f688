#include "libgateway/base85.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

size_t base85_encode(char *out, const void *bytes, size_t n)
{
	const uint8_t *in = bytes;
	char *at = out;

	for (size_t i = 0; i < n; i += 4) {
		size_t have = n - i < 4 ? n - i : 4;
		uint32_t group = 0;
		char digits[5];

		for (size_t k = 0; k < 4; k++)
			group = group << 8 | (k < have ? in[i + k] : 0);
		for (int k = 4; k >= 0; k--, group /= 85)
			digits[k] = alphabet[group % 85];
		memcpy(at, digits, have + 1);
		at += have + 1;
	}
	*at = '\0';
	return (size_t)(at - out);
}

static int digit_of(char c)
{
	const char *found = c ? strchr(alphabet, c) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

bool base85_decode(void *out, size_t *out_len, const char *digits, size_t n, struct gw_error *err)
{
	uint8_t *to = out;

	*out_len = 0;
	if (n % 5 == 1)
		return gw_fail(err, GW_BAD_INPUT, "base85: a lone digit at its end, %zu", n);
	for (size_t i = 0; i < n; i += 5) {
		size_t have = n - i < 5 ? n - i : 5;
		uint64_t group = 0;

		for (size_t k = 0; k < 5; k++) {
			int digit = k < have ? digit_of(digits[i + k]) : 84; /* a short last group counts as filled up with `~` */

			if (digit < 0)
				return gw_fail(err, GW_BAD_INPUT, "base85: byte 0x%02x at %zu is no digit", (unsigned char)digits[i + k],
					       i + k + 1);
			group = group * 85 + (uint64_t)digit;
		}
		if (group > UINT32_MAX)
			return gw_fail(err, GW_BAD_INPUT, "base85: the digits at %zu stand for more than four bytes", i + 1);
		for (size_t k = 0; k + 1 < have; k++)
			to[(*out_len)++] = (uint8_t)(group >> (24 - 8 * k));
	}
	return true;
}
