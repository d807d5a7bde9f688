/* What a request says of its signature. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

const char *sigv4_header(const struct sigv4_request *rq, const char *name, size_t *n)
{
	const char *found = NULL, *at, *value;
	size_t count = 0;

	for (size_t i = 0; rq->header_at(rq->data, i, &at, &value); i++)
		if (strcasecmp(at, name) == 0 && count++ == 0)
			found = value;
	if (n)
		*n = count;
	return found;
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

static bool malformed(struct s3_error *err, const char *what, const char *accepted)
{
	return s3_fail(err, S3_AUTHORIZATION_MALFORMED, "The authorization is malformed: %s; accepted: %s", what, accepted);
}

/* ---- the three parts, in the header and in the query ---- */

static bool all_of(const char *text, size_t n, int (*is)(int))
{
	for (size_t i = 0; i < n; i++)
		if (!is((unsigned char)text[i]))
			return false;
	return true;
}

/* KEY/20261125/REGION/s3/aws4_request. A key may have slashes. */
static bool take_credential(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	static const char rest[] = "/s3/aws4_request", accepted[] = "KEY/YYYYMMDD/REGION/s3/aws4_request";
	size_t region, date, end = n < sizeof(rest) - 1 ? 0 : n - (sizeof(rest) - 1);

	if (end == 0 || memcmp(text + end, rest, sizeof(rest) - 1) != 0)
		return malformed(err, "the Credential does not end in /s3/aws4_request", accepted);
	for (region = end; region > 0 && text[region - 1] != '/'; region--)
		;
	if (region < 10 || region == end || end - region >= sizeof(sig->region) || !all_of(text + region, end - region, isgraph))
		return malformed(err, "the Credential's region", accepted);
	date = region - 9;
	if (text[date - 1] != '/' || !all_of(text + date, 8, isdigit))
		return malformed(err, "the Credential's date", accepted);
	if (date < 2 || date - 1 > SIGV4_KEY_MAX || !all_of(text, date - 1, isgraph))
		return malformed(err, "the Credential's access key", "1 to 128 printable characters");
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
static bool take_signed_headers(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	size_t count = 0;

	if (n >= sizeof(sig->signed_headers))
		return malformed(err, "the SignedHeaders are too long", "1,023 characters");
	snprintf(sig->signed_headers, sizeof(sig->signed_headers), "%.*s", (int)n, text);
	for (const char *name = sig->signed_headers; name; name = strchr(name, ';'), name = name ? name + 1 : NULL)
		if (++count > SIGV4_HEADERS_MAX || !is_header_name(name, strcspn(name, ";")))
			return malformed(err, "the SignedHeaders", "64 names at most, lower case, with ; between");
	return true;
}

static bool take_signature(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err)
{
	if (n != sizeof(sig->signature) - 1 || !all_of(text, n, isxdigit))
		return malformed(err, "the Signature", "64 hexadecimal digits");
	snprintf(sig->signature, sizeof(sig->signature), "%.*s", (int)n, text);
	return true;
}

static const struct part {
	const char *name, *parameter;
	bool (*take)(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err);
} parts[] = {
	{"Credential", "X-Amz-Credential", take_credential},
	{"SignedHeaders", "X-Amz-SignedHeaders", take_signed_headers},
	{"Signature", "X-Amz-Signature", take_signature},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* ---- of either ---- */

static bool take_at(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	time_t seconds;

	if (!text)
		return s3_fail(err, S3_ACCESS_DENIED, "AWS authentication requires a valid x-amz-date");
	if (!sigv4_time(text, &seconds))
		return s3_fail(err, S3_ACCESS_DENIED, "x-amz-date: '%.40s' is no time; accepted: YYYYMMDDTHHMMSSZ", text);
	snprintf(sig->at, sizeof(sig->at), "%s", text);
	if (strncmp(sig->at, sig->date, 8) != 0)
		return malformed(err, "the Credential's date is not x-amz-date's", "the same day");
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

static bool take_payload(struct sigv4 *sig, const char *text, struct s3_error *err)
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

static bool is_signed(const struct sigv4 *sig, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = sig->signed_headers; at; at = strchr(at, ';'), at = at ? at + 1 : NULL)
		if (strncasecmp(at, name, len) == 0 && (at[len] == ';' || !at[len]))
			return true;
	return false;
}

/* Else one might be added, or changed, on the way. */
static bool all_needed_are_signed(const struct sigv4 *sig, const struct sigv4_request *rq, struct s3_error *err)
{
	const char *name, *value;

	if (!is_signed(sig, "host"))
		return s3_fail(err, S3_ACCESS_DENIED, "There were headers present in the request which were not signed: host");
	for (size_t i = 0; rq->header_at(rq->data, i, &name, &value); i++)
		if (strncasecmp(name, "x-amz-", 6) == 0 && !is_signed(sig, name))
			return s3_fail(err, S3_ACCESS_DENIED, "There were headers present in the request which were not signed: %.64s",
				       name);
	return true;
}

/* ---- the Authorization header ---- */

static bool algorithm_accepted(const char *text, size_t n, struct s3_error *err)
{
	if (n == sizeof(SIGV4_ALGORITHM) - 1 && memcmp(text, SIGV4_ALGORITHM, n) == 0)
		return true;
	return s3_fail(err, S3_INVALID_REQUEST,
		       "The authorization mechanism you have provided ('%.*s') is not supported. Please use " SIGV4_ALGORITHM ".",
		       n > 40 ? 40 : (int)n, text);
}

/* One NAME=VALUE. */
static bool read_part(struct sigv4 *sig, const char *text, size_t n, unsigned *seen, struct s3_error *err)
{
	static const char accepted[] = "Credential=, SignedHeaders= and Signature=, each once, with commas between";

	for (unsigned i = 0; i < PARTS; i++) {
		size_t len = strlen(parts[i].name);

		if (n <= len || strncmp(text, parts[i].name, len) != 0 || text[len] != '=')
			continue;
		if (*seen & 1U << i)
			return malformed(err, "one part is there twice", accepted);
		*seen |= 1U << i;
		return parts[i].take(sig, text + len + 1, n - len - 1, err);
	}
	return malformed(err, "a part is unknown", accepted);
}

static bool read_parts(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	unsigned seen = 0;

	for (size_t n; *text; text += n) {
		size_t used;

		text += strspn(text, " \t,");
		n = used = strcspn(text, ",");
		while (used && strchr(" \t", text[used - 1]))
			used--;
		if (used && !read_part(sig, text, used, &seen, err))
			return false;
	}
	for (unsigned i = 0; i < PARTS; i++)
		if (!(seen & 1U << i))
			return malformed(err, parts[i].name, "none of Credential, SignedHeaders and Signature may be missing");
	return true;
}

static bool read_header(struct sigv4 *sig, const struct sigv4_request *rq, const char *text, struct s3_error *err)
{
	size_t n = strcspn(text, " \t");
	const char *payload = sigv4_header(rq, "x-amz-content-sha256", NULL);

	if (!algorithm_accepted(text, n, err) || !read_parts(sig, text + n, err) ||
	    !take_at(sig, sigv4_header(rq, "x-amz-date", NULL), err))
		return false;
	if (!payload)
		return s3_fail(err, S3_INVALID_REQUEST, "Missing required header for this request: x-amz-content-sha256");
	return take_payload(sig, payload, err);
}

/* ---- the query ---- */

/* The parameter's value; NULL if there is none. It may not be there twice: which one counts could be read in two ways. */
static bool parameter(const struct sigv4_query *query, const char *name, const char **value, struct s3_error *err)
{
	size_t n = 0;

	*value = NULL;
	for (size_t i = 0; i < query->n; i++)
		if (strcmp(query->v[i].name, name) == 0 && n++ == 0)
			*value = query->v[i].value;
	return n <= 1 || malformed(err, name, "each parameter once");
}

static bool needed_parameter(const struct sigv4_query *query, const char *name, const char **value, struct s3_error *err)
{
	return parameter(query, name, value, err) &&
	       (*value || s3_fail(err, S3_AUTHORIZATION_MALFORMED, "The query has no %s, which its signature needs", name));
}

static bool take_expires(struct sigv4 *sig, const char *text, struct s3_error *err)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n && n <= 6 && isdigit((unsigned char)text[i]); i++)
		sig->expires_s = sig->expires_s * 10 + (text[i] - '0');
	if (n == 0 || n > 6 || strspn(text, "0123456789") != n || sig->expires_s < 1 || sig->expires_s > EXPIRES_MAX_S)
		return malformed(err, "X-Amz-Expires", "1 to 604800 seconds");
	return true;
}

static bool read_query_payload(struct sigv4 *sig, const struct sigv4_request *rq, const struct sigv4_query *query, struct s3_error *err)
{
	const char *text;

	if (!parameter(query, "X-Amz-Content-Sha256", &text, err))
		return false;
	text = text ? text : sigv4_header(rq, "x-amz-content-sha256", NULL);
	if (!take_payload(sig, text ? text : payload_texts[SIGV4_PAYLOAD_UNSIGNED], err))
		return false;
	if (sig->payload != SIGV4_PAYLOAD_HASH && sig->payload != SIGV4_PAYLOAD_UNSIGNED)
		return s3_fail(err, S3_NOT_IMPLEMENTED, "a presigned request in signed chunks is not built; accepted: UNSIGNED-PAYLOAD");
	return true;
}

static bool read_query(struct sigv4 *sig, const struct sigv4_request *rq, const struct sigv4_query *query, struct s3_error *err)
{
	const char *text;

	sig->presigned = true;
	if (!needed_parameter(query, "X-Amz-Algorithm", &text, err) || !algorithm_accepted(text, strlen(text), err))
		return false;
	for (unsigned i = 0; i < PARTS; i++)
		if (!needed_parameter(query, parts[i].parameter, &text, err) || !parts[i].take(sig, text, strlen(text), err))
			return false;
	return needed_parameter(query, "X-Amz-Date", &text, err) && take_at(sig, text, err) &&
	       needed_parameter(query, "X-Amz-Expires", &text, err) && take_expires(sig, text, err) &&
	       read_query_payload(sig, rq, query, err);
}

static bool is_presigned(const struct sigv4_query *query)
{
	return sigv4_query_value(query, "X-Amz-Algorithm") || sigv4_query_value(query, "X-Amz-Credential") ||
	       sigv4_query_value(query, "X-Amz-Signature");
}

static bool read_either(struct sigv4 *sig, const struct sigv4_request *rq, const struct sigv4_query *query, struct s3_error *err)
{
	size_t n;
	const char *authorization = sigv4_header(rq, "authorization", &n);

	if (n > 1 || (n && is_presigned(query)))
		return s3_fail(err, S3_INVALID_ARGUMENT,
			       "Only one auth mechanism allowed: the X-Amz-Algorithm query parameter or one "
			       "Authorization header");
	if (n)
		return read_header(sig, rq, authorization, err) && all_needed_are_signed(sig, rq, err);
	if (is_presigned(query))
		return read_query(sig, rq, query, err) && all_needed_are_signed(sig, rq, err);
	if (sigv4_query_value(query, "AWSAccessKeyId"))
		return algorithm_accepted("AWSAccessKeyId", 14, err);
	sig->anonymous = true;
	return true;
}

bool sigv4_read(struct sigv4 *sig, const struct sigv4_request *rq, struct s3_error *err)
{
	struct sigv4_query query;
	bool ok;

	*sig = (struct sigv4){0};
	ok = sigv4_query_read(&query, rq->uri, err) && read_either(sig, rq, &query, err);
	sigv4_query_finish(&query);
	return ok;
}
