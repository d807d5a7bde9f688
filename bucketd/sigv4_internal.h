/* The parts of sigv4: the query, and what is signed of a request. Private to sigv4*.c. */
#ifndef BUCKETD_SIGV4_INTERNAL_H
#define BUCKETD_SIGV4_INTERNAL_H

#include "bucketd/sigv4.h"
#include "libgateway/buffer.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

enum { SIGV4_QUERY_MAX = 64, SIGV4_HEADERS_MAX = 64 };

struct sigv4_pair {
	char *name, *value; /* owned */
};
struct sigv4_query {
	struct sigv4_pair v[SIGV4_QUERY_MAX]; /* decoded */
	size_t n;
};
/* S3_INVALID_URI. Finish it in any case. */
bool sigv4_query_read(struct sigv4_query *query, const char *uri, struct s3_error *err);
void sigv4_query_finish(struct sigv4_query *query);
const char *sigv4_query_value(const struct sigv4_query *query, const char *name); /* of the first; NULL: none */

/* The clients' two ways to spell what they sign: decoded and encoded anew, with the query sorted, as AWS says; and as it is sent, as curl
 * before 8.3 does. Both name this very request. */
enum sigv4_spelling { SIGV4_CANONICAL, SIGV4_AS_SENT, SIGV4_SPELLINGS };

bool sigv4_add_path(struct buffer *out, const char *uri, enum sigv4_spelling spelling, struct s3_error *err);
bool sigv4_add_query(struct buffer *out, const char *uri, enum sigv4_spelling spelling, struct s3_error *err); /* no X-Amz-Signature */

/* The first header of that name; how many there are in `n` (may be NULL). */
const char *sigv4_header(const struct sigv4_request *rq, const char *name, size_t *n);
const char *sigv4_payload_text(enum sigv4_payload payload); /* NULL for SIGV4_PAYLOAD_HASH */
bool sigv4_time(const char *at, time_t *seconds);           /* 20261125T123456Z */
void sigv4_hex(char *hex, const uint8_t bytes[SIGV4_HASH]); /* 65 bytes */

/* S3_AUTHORIZATION_MALFORMED. Always false. */
bool sigv4_malformed(struct s3_error *err, const char *what, const char *accepted);
/* Each checks one part and takes it over. The first three need not be terminated behind `n`. */
bool sigv4_take_credential(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err);
bool sigv4_take_signed_headers(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err);
bool sigv4_take_signature(struct sigv4 *sig, const char *text, size_t n, struct s3_error *err);
bool sigv4_take_at(struct sigv4 *sig, const char *text, struct s3_error *err); /* NULL: there is none. After the credential */
bool sigv4_take_expires(struct sigv4 *sig, const char *text, struct s3_error *err);
bool sigv4_take_payload(struct sigv4 *sig, const char *text, struct s3_error *err); /* x-amz-content-sha256's */

#endif
