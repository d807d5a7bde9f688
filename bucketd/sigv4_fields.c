/* The parts of a signature, each as it is written in the header and in the query. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bucketd/sigv4_internal.h"

enum { EXPIRES_MAX_S = 7 * 24 * 3600 };

static const char *const payload_texts[] = {
	[SIGV4_PAYLOAD_UNSIGNED] = "UNSIGNED-PAYLOAD",
	[SIGV4_PAYLOAD_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	[SIGV4_PAYLOAD_CHUNKS_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
	[SIGV4_PAYLOAD_CHUNKS_UNSIGNED_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};
enum { PAYLOADS = sizeof(payload_texts) / sizeof(payload_texts[0]) };

const char *sigv4_payload_text(enum sigv4_payload payload)
{
	return payload_texts[payload];
}

bool sigv4_malformed(struct s3_error *err, const char *what, const char *accepted)
{
	return s3_fail(err, S3_AUTHORIZATION_MALFORMED, "The authorization is malformed: %s; accepted: %s", what, accepted);
}

bool sigv4_time(const char *at, time_t *seconds)
{
	struct tm tm = {0}, back;
	int used = 0;

	for (size_t i = 0; i < 16; i++)
		if (i == 8 ? at[i] != 'T' : i == 15 ? at[i] != 'Z' : !isdigit((unsigned char)at[i]))
			return false;
	if (at[16] ||
	    sscanf(at, "%4d%2d%2dT%2d%2d%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	back = tm;
	*seconds = timegm(&back); /* which makes the 31st of a short month another date */
	return back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday && back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min;
}

static bool all_of(const char *text, size_t n, int (*is)(int))
{
	for (size_t i = 0; i < n; i++)
		if (!is((unsigned char)text[i]))
			return false;
	return true;
}

/* KEY/20261125/REGION/s3/aws4_request. A key may have slashes. */
bool sigv4_take_credential(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	static const char rest[] = "/s3/aws4_request", accepted[] = "KEY/YYYYMMDD/REGION/s3/aws4_request";
	size_t region, date, end = n < sizeof(rest) - 1 ? 0 : n - (sizeof(rest) - 1);

	if (end == 0 || memcmp(text + end, rest, sizeof(rest) - 1) != 0)
		return sigv4_malformed(err, "the Credential does not end in /s3/aws4_request", accepted);
	for (region = end; region > 0 && text[region - 1] != '/'; region--)
		;
	if (region < 10 || region == end || end - region >= sizeof(sig->region) || !all_of(text + region, end - region, isgraph))
		return sigv4_malformed(err, "the Credential's region", accepted);
	date = region - 9;
	if (text[date - 1] != '/' || !all_of(text + date, 8, isdigit))
		return sigv4_malformed(err, "the Credential's date", accepted);
	if (date < 2 || date - 1 > SIGV4_KEY_MAX || !all_of(text, date - 1, isgraph))
		return sigv4_malformed(err, "the Credential's access key", "1 to 128 printable characters");
	snprintf(sig->key, sizeof(sig->key), "%.*s", (int)(date - 1), text);
	snprintf(sig->date, sizeof(sig->date), "%.8s", text + date);
	snprintf(sig->region, sizeof(sig->region), "%.*s", (int)(end - region), text + region);
	return true;
}

static bool is_header_name(const char *text, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 section 5.6.2 */

	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && !memchr(marks, text[i], sizeof(marks) - 1))
			return false;
	return n > 0;
}

/* Their order is what the client says: not all sort alike. */
bool sigv4_take_signed_headers(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	size_t count = 0;

	if (n >= sizeof(sig->signed_headers))
		return sigv4_malformed(err, "the SignedHeaders are too long", "1,023 characters");
	snprintf(sig->signed_headers, sizeof(sig->signed_headers), "%.*s", (int)n, text);
	for (const char *name = sig->signed_headers; name; name = strchr(name, ';'), name = name ? name + 1 : NULL)
		if (++count > SIGV4_HEADERS_MAX || !is_header_name(name, strcspn(name, ";")))
			return sigv4_malformed(err, "the SignedHeaders", "64 names at most, lower case, with ; between");
	return true;
}

bool sigv4_take_signature(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	if (n != sizeof(sig->signature) - 1 || !all_of(text, n, isxdigit))
		return sigv4_malformed(err, "the Signature", "64 hexadecimal digits");
	snprintf(sig->signature, sizeof(sig->signature), "%.*s", (int)n, text);
	return true;
}

bool sigv4_take_at(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	time_t seconds;

	if (!text)
		return s3_fail(err, S3_ACCESS_DENIED, "AWS authentication requires a valid x-amz-date");
	if (!sigv4_time(text, &seconds))
		return s3_fail(err, S3_ACCESS_DENIED, "x-amz-date: '%.40s' is no time; accepted: YYYYMMDDTHHMMSSZ", text);
	snprintf(sig->at, sizeof(sig->at), "%s", text);
	if (strncmp(sig->at, sig->date, 8) != 0)
		return sigv4_malformed(err, "the Credential's date is not x-amz-date's", "the same day");
	return true;
}

static bool take_hash(struct sigv4 *sig, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != (size_t)2 * SIGV4_HASH || strspn(text, digits) != (size_t)2 * SIGV4_HASH)
		return false;
	for (size_t i = 0; i < SIGV4_HASH; i++)
		sig->hash[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) * 16 + (strchr(digits, text[2 * i + 1]) - digits));
	sig->payload = SIGV4_PAYLOAD_HASH;
	return true;
}

bool sigv4_take_payload(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	for (int i = SIGV4_PAYLOAD_HASH + 1; i < PAYLOADS; i++)
		if (strcmp(payload_texts[i], text) == 0) {
			sig->payload = (enum sigv4_payload)i;
			return true;
		}
	if (take_hash(sig, text))
		return true;
	if (strncmp(text, "STREAMING-AWS4-ECDSA-", 21) == 0)
		return s3_fail(err, S3_NOT_IMPLEMENTED,
			       "x-amz-content-sha256: '%.64s' is not built; accepted: signatures of " SIGV4_ALGORITHM, text);
	return s3_fail(err, S3_INVALID_ARGUMENT,
		       "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
		       "STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] or 64 lower-case hexadecimal digits");
}

bool sigv4_take_expires(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n && n <= 6 && isdigit((unsigned char)text[i]); i++)
		sig->expires_s = sig->expires_s * 10 + (text[i] - '0');
	if (n == 0 || n > 6 || strspn(text, "0123456789") != n || sig->expires_s < 1 || sig->expires_s > EXPIRES_MAX_S)
		return sigv4_malformed(err, "X-Amz-Expires", "1 to 604800 seconds");
	return true;
}
