/* AWS Signature Version 4 as S3 has it (AWS S3 API Reference, "Authenticating Requests"): read from the Authorization header or from the
 * query (presigned), and checked. Pure; constant-time where secrets are compared. Bounds: 64 signed headers, URIs as the server takes them.
 */
#ifndef BUCKETD_SIGV4_H
#define BUCKETD_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bucketd/s3_error.h"

enum { SIGV4_KEY_MAX = 128, SIGV4_HASH = 32 };

/* A request as it came. All borrowed. */
struct sigv4_request {
	const char *method;
	const char *uri; /* path and query, still escaped */
	/* The i-th header in any order, case as it came; false behind the last. As http_header_at. */
	bool (*header_at)(const void *data, size_t i, const char **name, const char **value);
	const void *data;
};

enum sigv4_payload {
	SIGV4_PAYLOAD_HASH,                    /* SHA-256 of the body is `hash` */
	SIGV4_PAYLOAD_UNSIGNED,                /* UNSIGNED-PAYLOAD */
	SIGV4_PAYLOAD_CHUNKS,                  /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD: aws-chunked, each chunk signed */
	SIGV4_PAYLOAD_CHUNKS_TRAILER,          /* the same with -TRAILER */
	SIGV4_PAYLOAD_CHUNKS_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

struct sigv4 {
	bool anonymous;                   /* no signature is there; nothing else is set then */
	char key[SIGV4_KEY_MAX + 1];      /* access key, not checked */
	char date[9], region[65], at[17]; /* 20261125, us-east-1, 20261125T123456Z */
	char signed_headers[1024];        /* as given: lower case, `;` between */
	char signature[65];               /* hexadecimal */
	bool presigned;
	int64_t expires_s; /* of a presigned one */
	enum sigv4_payload payload;
	uint8_t hash[SIGV4_HASH];
};

/* Reads what the request says of its signature; signature version 2 and unknown algorithms are refused by name. `host` and every
 * x-amz-* header must be among the signed. */
bool sigv4_read(struct sigv4 *sig, const struct sigv4_request *rq, struct s3_error *err);
/* Whether `secret` made it, at a time within 15 minutes of `now` (a presigned one: within its expiry, 7 days at most). */
bool sigv4_check(const struct sigv4 *sig, const struct sigv4_request *rq, const char *secret, time_t now, struct s3_error *err);

/* The chunks of a body that was signed so: the signing key, and the signature that the first chunk's is chained to. */
struct sigv4_chain {
	uint8_t key[SIGV4_HASH];
	char scope[128], at[17], previous[65];
};
void sigv4_chain_begin(struct sigv4_chain *chain, const struct sigv4 *sig, const char *secret);
/* Whether `signature` is the next chunk's, whose bytes have this SHA-256; the chain goes on from it. */
bool sigv4_chain_next(struct sigv4_chain *chain, const uint8_t hash[SIGV4_HASH], const char *signature);
/* The same of the trailing headers, `name:value\n` each, lower case. */
bool sigv4_chain_trailer(struct sigv4_chain *chain, const char *headers, const char *signature);

#endif
