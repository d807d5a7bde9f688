/* One request of S3, from its head to its answer. What the operations' files share. Private to bucketd's server. */
#ifndef BUCKETD_S3_H
#define BUCKETD_S3_H

#include "bucketd/access.h"
#include "bucketd/s3_target.h"
#include "bucketd/server.h"
#include "bucketd/sigv4.h"
#include "bucketd/store.h"
#include "libgateway/buffer.h"
#include "libgateway/http_server.h"

struct s3_call {
	struct server *server;
	struct http_request *rq;
	const struct s3_action *action;
	struct s3_target target;
	struct sigv4 sig;
	struct sigv4_chain chain; /* of a body in signed chunks */
	char id[17];              /* x-amz-request-id */

	/* The body, as the thread finds it. */
	struct store_upload upload; /* owned: the file of the body, if the action takes one; zeroed: none, or put */
	const char *text;           /* a body in memory; borrowed of rq */
	size_t text_len;
	char *md5;                 /* owned: Content-MD5; NULL: none is said */
	const char *checksum_name; /* "crc32" of x-amz-checksum-crc32; NULL: none is said */
	char *checksum;            /* owned: its value */
	int64_t decoded_size;      /* x-amz-decoded-content-length; -1: not said */

	/* What the action's `read` took of the request. */
	struct store_object object; /* to be put; or that was found */
	struct s3_keys *list;       /* owned: of a listing */
	char source_bucket[S3_BUCKET_MAX + 1], source_key[S3_KEY_MAX + 1];
	int part;                 /* number */
	struct store_range range; /* of the source; n 0: all of it */

	/* What the thread found. */
	struct s3_error err;
	struct buffer xml;            /* of the answer */
	int fd;                       /* owned: to be served; -1: none */
	struct store_buckets buckets; /* of ListBuckets, which is printed on the loop: who may see what is known there */
};

enum s3_body { S3_BODY_NONE, S3_BODY_TEXT, S3_BODY_FILE };

/* What an operation does, in order. `read`, on the loop: takes what it needs of the request; false with call->err. `run`, on a thread:
 * asks the store; false with call->err. `answer`, on the loop: NULL answers with `status`, and call->xml as the body. */
struct s3_action {
	enum access_verb verb;
	enum s3_body body;
	bool (*read)(struct s3_call *call);
	bool (*run)(struct s3_call *call);
	void (*answer)(struct s3_call *call);
	int status;
};
extern const struct s3_action s3_actions[S3_OPS];

/* s3_call.c */
bool s3_head(void *server, struct http_request *rq); /* of every route */
void s3_handle(void *server, struct http_request *rq);
void s3_refuse(struct http_request *rq, int status, const char *text);
const char *s3_query(const struct s3_call *call, const char *name, const char *otherwise);
/* A whole number of the query; false: S3_INVALID_ARGUMENT. */
bool s3_query_number(struct s3_call *call, const char *name, long min, long max, long *n);

/* s3_body.c, on a thread: the body is what its head says: decoded where it came in chunks, and its sums right. It is read once; what is to
 * be put knows its size and MD5 then. */
bool s3_body_check(struct s3_call *call);

/* s3_buckets.c */
bool s3_run_list_buckets(struct s3_call *call);
void s3_answer_list_buckets(struct s3_call *call);
bool s3_run_create_bucket(struct s3_call *call);
void s3_answer_create_bucket(struct s3_call *call);
bool s3_run_head_bucket(struct s3_call *call);
bool s3_run_delete_bucket(struct s3_call *call);
bool s3_run_location(struct s3_call *call);
bool s3_run_versioning(struct s3_call *call);
bool s3_run_object_lock(struct s3_call *call);
bool s3_run_acl(struct s3_call *call);

/* s3_list.c */
bool s3_read_list(struct s3_call *call);
bool s3_read_list_v2(struct s3_call *call);
bool s3_run_list(struct s3_call *call);
bool s3_run_list_v2(struct s3_call *call);
void s3_keys_free(struct s3_keys *list); /* NULL is fine */
/* encoding-type=url of the query: names of the answer are to be escaped. */
void s3_name(struct s3_call *call, struct buffer *out, const char *element, const char *name);

/* s3_get.c */
bool s3_run_get(struct s3_call *call);
void s3_answer_get(struct s3_call *call);
bool s3_run_tagging(struct s3_call *call);

/* s3_put.c */
bool s3_read_put(struct s3_call *call);
bool s3_run_put(struct s3_call *call);
void s3_answer_put(struct s3_call *call);
bool s3_read_copy(struct s3_call *call);
bool s3_run_copy(struct s3_call *call);
bool s3_run_delete(struct s3_call *call);
bool s3_run_delete_several(struct s3_call *call);
bool s3_headers_served(struct s3_call *call); /* none of them asks for what is not built */
bool s3_object_read(struct s3_call *call);    /* content type and x-amz-meta-* of the head into call->object */
/* If-None-Match: * of the head into call->object; other conditions of what is put are refused. */
bool s3_condition_read(struct s3_call *call);

/* s3_multipart.c */
bool s3_run_multipart_create(struct s3_call *call);
bool s3_read_part(struct s3_call *call);
bool s3_run_part(struct s3_call *call);
bool s3_read_part_copy(struct s3_call *call);
bool s3_run_part_copy(struct s3_call *call);
bool s3_run_multipart_complete(struct s3_call *call);
bool s3_run_multipart_abort(struct s3_call *call);
bool s3_run_parts(struct s3_call *call);
bool s3_run_uploads(struct s3_call *call);

#endif
