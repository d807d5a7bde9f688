/* The way of a request: who asks, what for, whether they may; its body; the work; the answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"
#include "libgateway/log.h"

enum { TEXT_MAX = XML_BODY_MAX };

const struct s3_action s3_actions[S3_OPS] = {
	[S3_OP_LIST_BUCKETS] = {ACCESS_LIST_BUCKETS, S3_BODY_NONE, NULL, s3_run_list_buckets, s3_answer_list_buckets, 200},
	[S3_OP_CREATE_BUCKET] = {ACCESS_MAKE_BUCKET, S3_BODY_TEXT, NULL, s3_run_create_bucket, s3_answer_create_bucket, 200},
	[S3_OP_HEAD_BUCKET] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_head_bucket, NULL, 200},
	[S3_OP_DELETE_BUCKET] = {ACCESS_REMOVE_BUCKET, S3_BODY_NONE, NULL, s3_run_delete_bucket, NULL, 204},
	[S3_OP_LOCATION] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_location, NULL, 200},
	[S3_OP_VERSIONING] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_versioning, NULL, 200},
	[S3_OP_OBJECT_LOCK] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_object_lock, NULL, 200},
	[S3_OP_ACL] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_acl, NULL, 200},
	[S3_OP_LIST] = {ACCESS_READ, S3_BODY_NONE, s3_read_list, s3_run_list, NULL, 200},
	[S3_OP_LIST_V2] = {ACCESS_READ, S3_BODY_NONE, s3_read_list_v2, s3_run_list_v2, NULL, 200},
	[S3_OP_LIST_UPLOADS] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_uploads, NULL, 200},
	[S3_OP_DELETE_SEVERAL] = {ACCESS_WRITE, S3_BODY_TEXT, NULL, s3_run_delete_several, NULL, 200},
	[S3_OP_GET] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_get, s3_answer_get, 200},
	[S3_OP_HEAD] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_get, s3_answer_get, 200},
	[S3_OP_TAGGING] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_tagging, NULL, 200},
	[S3_OP_PUT] = {ACCESS_WRITE, S3_BODY_FILE, s3_read_put, s3_run_put, s3_answer_put, 200},
	[S3_OP_COPY] = {ACCESS_WRITE, S3_BODY_TEXT, s3_read_copy, s3_run_copy, NULL, 200},
	[S3_OP_DELETE] = {ACCESS_WRITE, S3_BODY_NONE, NULL, s3_run_delete, NULL, 204},
	[S3_OP_MULTIPART_CREATE] = {ACCESS_WRITE, S3_BODY_TEXT, s3_object_read, s3_run_multipart_create, NULL, 200},
	[S3_OP_PART] = {ACCESS_WRITE, S3_BODY_FILE, s3_read_part, s3_run_part, s3_answer_put, 200},
	[S3_OP_PART_COPY] = {ACCESS_WRITE, S3_BODY_TEXT, s3_read_part_copy, s3_run_part_copy, NULL, 200},
	[S3_OP_MULTIPART_COMPLETE] = {ACCESS_WRITE, S3_BODY_TEXT, s3_condition_read, s3_run_multipart_complete, NULL, 200},
	[S3_OP_MULTIPART_ABORT] = {ACCESS_WRITE, S3_BODY_NONE, NULL, s3_run_multipart_abort, NULL, 204},
	[S3_OP_PARTS] = {ACCESS_READ, S3_BODY_NONE, NULL, s3_run_parts, NULL, 200},
};

const char *s3_query(const struct s3_call *call, const char *name, const char *otherwise)
{
	const char *value = s3_target_query(&call->target, name);

	return value ? value : otherwise;
}

bool s3_query_number(struct s3_call *call, const char *name, long min, long max, long *n)
{
	const char *text = s3_query(call, name, "");
	char *end;

	errno = 0;
	*n = strtol(text, &end, 10);
	return (*text >= '0' && *text <= '9' && !*end && errno == 0 && *n >= min && *n <= max) ||
	       s3_fail(&call->err, S3_INVALID_ARGUMENT, "%s: '%.40s'; accepted: a whole number from %ld to %ld", name, text, min, max);
}

/* ---- the answer; it ends the request, and the call with it ---- */

static void answer_error(struct http_request *rq, int status, const struct s3_error *err)
{
	struct buffer out = {0};

	xml_error(&out, err, http_path(rq) ? http_path(rq) : "/"); /* one that cannot be read has none */
	http_answer(rq, status, "application/xml", out.data, out.len);
	buffer_finish(&out);
}

static void note(const struct s3_call *call)
{
	char bucket[256], key[256];

	log_debug("%s %s of bucket '%s', key '%s', by '%s': %s", call->id, call->target.name ? call->target.name : "a request",
		  log_escape(bucket, sizeof(bucket), call->target.bucket, strlen(call->target.bucket)),
		  log_escape(key, sizeof(key), call->target.key, strlen(call->target.key)), call->sig.key,
		  call->err.code == S3_OK ? "done" : s3_code_name(call->err.code));
}

static void answer(struct s3_call *call)
{
	const struct s3_action *action = call->action;

	note(call);
	if (call->err.code != S3_OK)
		answer_error(call->rq, s3_code_status(call->err.code), &call->err);
	else if (action->answer)
		action->answer(call);
	else
		http_answer(call->rq, action->status, call->xml.len ? "application/xml" : NULL, call->xml.data, call->xml.len);
}

/* What the HTTP server refuses by itself. */
void s3_refuse(struct http_request *rq, int status, const char *text)
{
	static const struct {
		int status;
		enum s3_code code;
	} codes[] = {{413, S3_ENTITY_TOO_LARGE}, {507, S3_FULL}, {500, S3_INTERNAL}, {400, S3_INVALID_URI}, {405, S3_METHOD_NOT_ALLOWED}};
	struct s3_error err = {0};
	enum s3_code code = S3_INVALID_REQUEST;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == status)
			code = codes[i].code;
	s3_fail(&err, code, code == S3_FULL || code == S3_INTERNAL ? NULL : "%s", text);
	answer_error(rq, status, &err);
}

/* ---- its beginning ---- */

static void on_gone(void *data)
{
	struct s3_call *call = data;

	if (call->upload.id)
		uploads_drop(call->server->uploads, &call->upload);
	if (call->fd >= 0)
		close(call->fd);
	s3_target_finish(&call->target);
	store_buckets_finish(&call->buckets);
	s3_keys_free(call->list);
	buffer_finish(&call->xml);
	free(call->md5);
	free(call->checksum);
	free(call);
}

static bool header_at(const void *data, size_t i, const char **name, const char **value)
{
	return http_header_at(data, i, name, value);
}

/* An access key that is not there and a wrong secret are told apart, as S3 does: whether a job has ended is no secret to who knows the key.
 */
static bool authenticate(struct s3_call *call)
{
	const struct sigv4_request signed_rq = {http_method(call->rq), http_uri(call->rq), header_at, call->rq};
	const char *secret;

	if (!sigv4_read(&call->sig, &signed_rq, &call->err))
		return false;
	if (call->sig.anonymous)
		return true;
	secret = access_secret(call->server->access, call->sig.key);
	if (!secret)
		return s3_fail(&call->err, S3_INVALID_ACCESS_KEY, NULL);
	if (!sigv4_check(&call->sig, &signed_rq, secret, time(NULL), &call->err))
		return false;
	if (call->sig.payload == SIGV4_PAYLOAD_CHUNKS || call->sig.payload == SIGV4_PAYLOAD_CHUNKS_TRAILER)
		sigv4_chain_begin(&call->chain, &call->sig, secret);
	return true;
}

static bool may(const struct s3_call *call, const char *bucket, enum access_verb verb)
{
	return access_allows(call->server->access, call->sig.anonymous ? NULL : call->sig.key, http_peer(call->rq), bucket, verb);
}

static bool authorise(struct s3_call *call)
{
	const struct s3_action *action = &s3_actions[call->target.op];
	const char *bucket = call->target.bucket[0] ? call->target.bucket : NULL;
	bool allowed = call->target.op == S3_OP_NONE ? bucket && may(call, bucket, ACCESS_READ) : may(call, bucket, action->verb);

	if (!allowed)
		return s3_fail(&call->err, S3_ACCESS_DENIED, NULL);
	if (call->target.op == S3_OP_NONE)
		return s3_fail(&call->err, S3_NOT_IMPLEMENTED, "%s is not implemented here", call->target.name);
	if ((call->target.op == S3_OP_COPY || call->target.op == S3_OP_PART_COPY) &&
	    (!s3_source_decode(http_header(call->rq, "x-amz-copy-source"), call->source_bucket, call->source_key, &call->err) ||
	     (!may(call, call->source_bucket, ACCESS_READ) && !s3_fail(&call->err, S3_ACCESS_DENIED, NULL))))
		return false;
	call->action = action;
	return true;
}

/* What the head says the body is. */
static void read_sums(struct s3_call *call)
{
	static const char *const names[] = {"crc32", "crc32c", "sha1", "sha256"};
	const char *decoded = http_header(call->rq, "x-amz-decoded-content-length");

	call->decoded_size = decoded ? strtoll(decoded, NULL, 10) : -1;
	call->md5 = gw_strdup(http_header(call->rq, "Content-MD5"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !call->checksum; i++) {
		char header[32];

		snprintf(header, sizeof(header), "x-amz-checksum-%s", names[i]);
		call->checksum_name = names[i];
		call->checksum = gw_strdup(http_header(call->rq, header));
	}
}

/* Where the body goes, decided before it comes. */
static bool take_body(struct s3_call *call)
{
	const char *length = http_header(call->rq, "Content-Length");
	int fd;

	read_sums(call);
	if (http_header(call->rq, "Transfer-Encoding") || (call->action->body == S3_BODY_FILE && !length))
		return s3_fail(&call->err, S3_MISSING_LENGTH, NULL);
	if (call->action->body != S3_BODY_FILE)
		return !length || strtoull(length, NULL, 10) <= TEXT_MAX || s3_fail(&call->err, S3_ENTITY_TOO_LARGE, NULL);
	if (!uploads_take(call->server->uploads, &call->upload, &call->err))
		return false;
	fd = dup(call->upload.fd);
	if (fd < 0)
		return s3_fail(&call->err, S3_BUSY, NULL);
	http_body_into(call->rq, fd);
	return true;
}

bool s3_head(void *owner, struct http_request *rq)
{
	struct server *server = owner;
	struct s3_call *call = gw_calloc(1, sizeof(*call));

	call->server = server;
	call->rq = rq;
	call->fd = -1;
	snprintf(call->id, sizeof(call->id), "%016llX", (unsigned long long)server->ids++);
	http_request_keep(rq, call, on_gone);
	http_answer_header(rq, "Server", "bucketd");
	http_answer_header(rq, "x-amz-request-id", call->id);
	if (s3_target_decode(&call->target, http_method(rq), http_uri(rq), http_header(rq, "x-amz-copy-source") != NULL, &call->err) &&
	    authenticate(call) && authorise(call) && (!call->action->read || call->action->read(call)) && take_body(call))
		return true;
	answer(call);
	return false;
}

/* ---- its work ---- */

static void run(void *data)
{
	struct s3_call *call = data;

	if (s3_body_check(call))
		call->action->run(call);
}

static void on_run(void *data, bool done)
{
	struct s3_call *call = data;

	if (!done)
		s3_fail(&call->err, S3_BUSY, NULL);
	answer(call);
}

void s3_handle(void *owner, struct http_request *rq)
{
	struct server *server = owner;
	struct s3_call *call = http_request_kept(rq);

	if (call->action->body != S3_BODY_FILE)
		call->text = http_body(rq, &call->text_len);
	if (!work_add(server->work, NULL, run, on_run, call)) {
		s3_fail(&call->err, S3_BUSY, NULL);
		answer(call);
	}
}
