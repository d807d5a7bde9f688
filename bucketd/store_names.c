/* What names and keys may be. Pure. */
#include <string.h>

#include "bucketd/store_internal.h"

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_ip_address(const char *name)
{
	size_t dots = 0, digits = 0;

	for (; *name; name++)
		if (*name == '.' && digits)
			dots++, digits = 0;
		else if (*name < '0' || *name > '9' || ++digits > 3)
			return false;
	return dots == 3 && digits;
}

bool bucket_name_accepted(const char *name, struct s3_error *err)
{
	size_t len = strlen(name);

	if (len >= 3 && len <= BUCKET_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
	    is_alphanumeric(name[0]) && is_alphanumeric(name[len - 1]) && !strstr(name, "..") && !is_ip_address(name))
		return true;
	return s3_fail(err, S3_INVALID_BUCKET_NAME, NULL);
}

bool key_accepted(const char *key, struct s3_error *err)
{
	if (strlen(key) > KEY_MAX)
		return s3_fail(err, S3_KEY_TOO_LONG, NULL);
	return *key || s3_fail(err, S3_INVALID_ARGUMENT, "A key has at least one byte.");
}

void key_range_of(struct key_range *range, const char *prefix)
{
	range->end_len = strnlen(prefix, KEY_MAX);
	memcpy(range->end, prefix, range->end_len);
	while (range->end_len && range->end[range->end_len - 1] == 0xff)
		range->end_len--;
	if (range->end_len) {
		range->end[range->end_len - 1]++;
		return;
	}
	memset(range->end, 0xff, sizeof(range->end)); /* longer than any key */
	range->end_len = sizeof(range->end);
}

void hex(char *to, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}
