#include "bucketd/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/sigv4_internal.h"

enum { SKEW_MAX_S = 15 * 60 };

static const char hash_of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void sigv4_hex(char *hex, const uint8_t bytes[SIGV4_HASH])
{
	for (size_t i = 0; i < SIGV4_HASH; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

static void hex_hash(char *hex, const void *bytes, size_t n)
{
	uint8_t hash[SIGV4_HASH];

	gw_assert(EVP_Digest(bytes, n, hash, NULL, EVP_sha256(), NULL) == 1);
	sigv4_hex(hex, hash);
}

static void hmac(uint8_t out[SIGV4_HASH], const void *key, size_t key_len, const char *text)
{
	gw_assert(HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, NULL));
}

static void signing_key(uint8_t key[SIGV4_HASH], const struct sigv4 *sig, const char *secret)
{
	const char *const steps[] = {sig->region, "s3", "aws4_request"};
	char *first = gw_sprintf("AWS4%s", secret);

	hmac(key, first, strlen(first), sig->date);
	gw_free_secret(first);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint8_t next[SIGV4_HASH];

		hmac(next, key, SIGV4_HASH, steps[i]);
		memcpy(key, next, SIGV4_HASH);
		OPENSSL_cleanse(next, sizeof(next));
	}
}

/* Whether the signature of `text` is `given`: in constant time. */
static bool is_signature(const uint8_t key[SIGV4_HASH], const char *text, const char *given)
{
	uint8_t bytes[SIGV4_HASH];
	char hex[65];

	hmac(bytes, key, SIGV4_HASH, text);
	sigv4_hex(hex, bytes);
	return strlen(given) == 64 && CRYPTO_memcmp(hex, given, 64) == 0;
}

static void scope_of(char scope[128], const struct sigv4 *sig)
{
	snprintf(scope, 128, "%s/%s/s3/aws4_request", sig->date, sig->region);
}

/* Trimmed, each run of blanks as one space. */
static void add_value(struct buffer *out, const char *value)
{
	const char *between = "";

	for (size_t n; value += strspn(value, " \t"), *value; value += n) {
		n = strcspn(value, " \t");
		buffer_printf(out, "%s%.*s", between, (int)n, value);
		between = " ";
	}
}

static bool add_headers(struct buffer *out, const struct sigv4 *sig, const struct sigv4_request *rq, struct s3_error *err)
{
	for (const char *at = sig->signed_headers; at; at = strchr(at, ';'), at = at ? at + 1 : NULL) {
		char name[sizeof(sig->signed_headers)];
		const char *value;
		size_t n;

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ";"), at);
		value = sigv4_header(rq, name, &n);
		if (n == 0)
			return s3_fail(err, S3_ACCESS_DENIED, "the header '%.64s' is signed, but not there", name);
		if (n > 1)
			return s3_fail(err, S3_INVALID_REQUEST, "the header '%.64s' is signed, but there %zu times; accepted: once", name,
				       n);
		buffer_printf(out, "%s:", name);
		add_value(out, value);
		buffer_add(out, "\n", 1);
	}
	return true;
}

static bool add_canonical(struct buffer *out, const struct sigv4 *sig, const struct sigv4_request *rq, enum sigv4_spelling spelling,
			  struct s3_error *err)
{
	const char *payload = sigv4_payload_text(sig->payload);
	char hex[65];

	sigv4_hex(hex, sig->hash);
	buffer_printf(out, "%s\n", rq->method);
	if (!sigv4_add_path(out, rq->uri, spelling, err) || !buffer_add(out, "\n", 1) || !sigv4_add_query(out, rq->uri, spelling, err) ||
	    !buffer_add(out, "\n", 1) || !add_headers(out, sig, rq, err))
		return false;
	return buffer_printf(out, "\n%s\n%s", sig->signed_headers, payload ? payload : hex);
}

static char *string_to_sign(const struct sigv4 *sig, const struct buffer *canonical)
{
	char scope[128], hex[65];

	scope_of(scope, sig);
	hex_hash(hex, canonical->data, canonical->len);
	return gw_sprintf(SIGV4_ALGORITHM "\n%s\n%s\n%s", sig->at, scope, hex);
}

static bool time_accepted(const struct sigv4 *sig, time_t now, struct s3_error *err)
{
	time_t at;

	if (!sigv4_time(sig->at, &at))
		return s3_fail(err, S3_ACCESS_DENIED, NULL);
	if (!sig->presigned && (now - at > SKEW_MAX_S || at - now > SKEW_MAX_S))
		return s3_fail(err, S3_REQUEST_TIME_SKEWED, NULL);
	if (sig->presigned && at - now > SKEW_MAX_S)
		return s3_fail(err, S3_ACCESS_DENIED, "Request is not valid yet");
	if (sig->presigned && now - at > sig->expires_s)
		return s3_fail(err, S3_EXPIRED, NULL);
	return true;
}

bool sigv4_check(const struct sigv4 *sig, const struct sigv4_request *rq, const char *secret, time_t now, struct s3_error *err)
{
	uint8_t key[SIGV4_HASH];
	bool ok = false;

	gw_assert(!sig->anonymous);
	if (!time_accepted(sig, now, err))
		return false;
	signing_key(key, sig, secret);
	s3_fail(err, S3_SIGNATURE_MISMATCH, NULL);
	for (enum sigv4_spelling spelling = 0; !ok && err->code == S3_SIGNATURE_MISMATCH && spelling < SIGV4_SPELLINGS; spelling++) {
		struct buffer canonical = {0};
		char *text;

		if (add_canonical(&canonical, sig, rq, spelling, err)) {
			text = string_to_sign(sig, &canonical);
			ok = is_signature(key, text, sig->signature);
			free(text);
		}
		buffer_finish(&canonical);
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (ok)
		*err = (struct s3_error){0};
	return ok;
}

void sigv4_chain_begin(struct sigv4_chain *chain, const struct sigv4 *sig, const char *secret)
{
	signing_key(chain->key, sig, secret);
	scope_of(chain->scope, sig);
	snprintf(chain->at, sizeof(chain->at), "%s", sig->at);
	snprintf(chain->previous, sizeof(chain->previous), "%s", sig->signature);
}

static bool chain_check(struct sigv4_chain *chain, const char *text, const char *signature)
{
	if (!is_signature(chain->key, text, signature))
		return false;
	snprintf(chain->previous, sizeof(chain->previous), "%s", signature);
	return true;
}

bool sigv4_chain_next(struct sigv4_chain *chain, const uint8_t hash[SIGV4_HASH], const char *signature)
{
	char text[512], hex[65];

	sigv4_hex(hex, hash);
	snprintf(text, sizeof(text), SIGV4_ALGORITHM "-PAYLOAD\n%s\n%s\n%s\n%s\n%s", chain->at, chain->scope, chain->previous,
		 hash_of_nothing, hex);
	return chain_check(chain, text, signature);
}

bool sigv4_chain_trailer(struct sigv4_chain *chain, const char *headers, const char *signature)
{
	char text[512], hex[65];

	hex_hash(hex, headers, strlen(headers));
	snprintf(text, sizeof(text), SIGV4_ALGORITHM "-TRAILER\n%s\n%s\n%s\n%s", chain->at, chain->scope, chain->previous, hex);
	return chain_check(chain, text, signature);
}
