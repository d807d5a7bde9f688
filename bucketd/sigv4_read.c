/* What a request says of its signature. */
#include <string.h>
#include <strings.h>

#include "bucketd/sigv4_internal.h"

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

static const struct part {
	const char *name, *parameter;
	bool (*take)(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err);
} parts[] = {
	{"Credential", "X-Amz-Credential", sigv4_take_credential},
	{"SignedHeaders", "X-Amz-SignedHeaders", sigv4_take_signed_headers},
	{"Signature", "X-Amz-Signature", sigv4_take_signature},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

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
			return sigv4_malformed(err, "one part is there twice", accepted);
		*seen |= 1U << i;
		return parts[i].take(sig, text + len + 1, n - len - 1, err);
	}
	return sigv4_malformed(err, "a part is unknown", accepted);
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
			return sigv4_malformed(err, parts[i].name, "none of Credential, SignedHeaders and Signature may be missing");
	return true;
}

static bool read_header(struct sigv4 *sig, const struct sigv4_request *rq, const char *text, struct s3_error *err)
{
	size_t n = strcspn(text, " \t");
	const char *payload = sigv4_header(rq, "x-amz-content-sha256", NULL);

	if (!algorithm_accepted(text, n, err) || !read_parts(sig, text + n, err) ||
	    !sigv4_take_at(sig, sigv4_header(rq, "x-amz-date", NULL), err))
		return false;
	if (!payload)
		return s3_fail(err, S3_INVALID_REQUEST, "Missing required header for this request: x-amz-content-sha256");
	return sigv4_take_payload(sig, payload, err);
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
	return n <= 1 || sigv4_malformed(err, name, "each parameter once");
}

static bool needed_parameter(const struct sigv4_query *query, const char *name, const char **value, struct s3_error *err)
{
	return parameter(query, name, value, err) &&
	       (*value || s3_fail(err, S3_AUTHORIZATION_MALFORMED, "The query has no %s, which its signature needs", name));
}

static bool read_query_payload(struct sigv4 *sig, const struct sigv4_request *rq, const struct sigv4_query *query, struct s3_error *err)
{
	const char *text;

	if (!parameter(query, "X-Amz-Content-Sha256", &text, err))
		return false;
	text = text ? text : sigv4_header(rq, "x-amz-content-sha256", NULL);
	if (!sigv4_take_payload(sig, text ? text : sigv4_payload_text(SIGV4_PAYLOAD_UNSIGNED), err))
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
	return needed_parameter(query, "X-Amz-Date", &text, err) && sigv4_take_at(sig, text, err) &&
	       needed_parameter(query, "X-Amz-Expires", &text, err) && sigv4_take_expires(sig, text, err) &&
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
