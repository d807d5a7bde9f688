/* A request from its first line to its end: read, checked, given to its handler, asked for facts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libgateway/http_internal.h"
#include "libgateway/http_site.h"
#include "libgateway/json.h"

enum {
	HEADERS_MAX = 16 * 1024,
	DISCARD_MAX = 1024 * 1024, /* of a refused body: read, so that the client sees the answer and not a reset; more is cut */
};

void *http_request_begin(void *data, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *server = data;
	struct http_request *rq = gw_calloc(1, sizeof(*rq));

	rq->server = server;
	rq->uri = gw_strdup(uri);
	rq->body_fd = -1;
	rq->connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	rq->peer = rq->connection->peer;
	rq->local = rq->connection->local;
	rq->next = server->requests;
	if (rq->next)
		rq->next->prev = rq;
	server->requests = rq;
	return rq;
}

static void request_unlink(struct http_request *rq)
{
	if (rq->next)
		rq->next->prev = rq->prev;
	if (rq->prev)
		rq->prev->next = rq->next;
	else
		rq->server->requests = rq->next;
	rq->next = rq->prev = NULL;
}

static void pairs_free(struct http_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(pairs[i].name);
		free(pairs[i].value);
	}
	free(pairs);
}

void http_request_keep(struct http_request *rq, void *data, void (*gone)(void *data))
{
	gw_assert(!rq->kept_gone);
	rq->kept = data;
	rq->kept_gone = gone;
}

void *http_request_kept(const struct http_request *rq)
{
	return rq->kept;
}

void http_request_free(struct http_request *rq)
{
	if (rq->kept_gone)
		rq->kept_gone(rq->kept);
	if (rq->shared)
		http_shared_release(rq->shared);
	else if (rq->response)
		MHD_destroy_response(rq->response);
	http_multipart_finish(&rq->parts);
	http_body_finish(rq);
	http_target_finish(&rq->target);
	pairs_free(rq->headers, rq->n_headers);
	pairs_free(rq->answer_headers, rq->n_answer_headers);
	free(rq->method);
	free(rq->uri);
	free(rq);
}

void http_request_completed(void *data, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how)
{
	struct http_request *rq = *request;

	if (!rq)
		return;
	*request = NULL;
	http_connection_phase(rq->connection, HTTP_PHASE_HEADERS);
	request_unlink(rq);
	if (rq->stream)
		http_stream_gone(rq->stream);
	rq->stream = NULL;
	rq->server = NULL;
	rq->connection = NULL;
	if (!rq->handed || rq->answered)
		http_request_free(rq);
}

void http_request_resume_all(struct http_server *server)
{
	for (struct http_request *rq = server->requests; rq; rq = rq->next)
		http_request_resume(rq);
}

void http_request_resume(struct http_request *rq)
{
	if (!rq->suspended)
		return;
	rq->suspended = false;
	MHD_resume_connection(rq->connection->mhd);
	http_server_kick(rq->server);
}

void http_request_suspend(struct http_request *rq)
{
	rq->suspended = true;
	MHD_suspend_connection(rq->connection->mhd);
}

void http_pair_add(struct http_pair **pairs, size_t *n, const char *name, const char *value)
{
	*pairs = gw_realloc(*pairs, (*n + 1) * sizeof(**pairs));
	(*pairs)[*n] = (struct http_pair){.name = gw_strdup(name), .value = gw_strdup(value ? value : "")};
	(*n)++;
}

static enum MHD_Result on_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_request *rq = data;
	size_t len = value ? strlen(value) : 0;

	http_pair_add(&rq->headers, &rq->n_headers, name, value);
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) /* RFC 9110 section 5.5: no part of the value */
		rq->headers[rq->n_headers - 1].value[--len] = '\0';
	return MHD_YES;
}

/* Answered before a handler saw it, in the form that its route wants. Always false. */
static bool refuse(struct http_request *rq, int status, const char *text)
{
	http_refusal *in_its_form = rq->route ? rq->route->refuse : rq->server->refuse;

	if (in_its_form)
		in_its_form(rq, status, text);
	else
		http_answer_status(rq, status, "%s", text);
	rq->refused = true;
	return false;
}

static size_t header_bytes(const struct http_request *rq)
{
	size_t n = strlen(rq->uri);

	for (size_t i = 0; i < rq->n_headers; i++)
		n += strlen(rq->headers[i].name) + strlen(rq->headers[i].value) + 4;
	return n;
}

static uint64_t content_length(const struct http_request *rq)
{
	const char *text = http_header(rq, "Content-Length");

	return text ? strtoull(text, NULL, 10) : 0; /* libmicrohttpd has refused what is no number */
}

static bool route(struct http_request *rq)
{
	char allow[128], text[512];

	rq->route = http_route_find(rq->server->routes, rq->method, &rq->target, &rq->args, allow, sizeof(allow));
	if (rq->route)
		return true;
	if (!allow[0]) {
		snprintf(text, sizeof(text), "there is no %.400s", rq->target.path);
		return refuse(rq, 404, text);
	}
	http_answer_header(rq, "Allow", allow);
	snprintf(text, sizeof(text), "%.30s is not accepted for %.300s; accepted: %s", rq->method, rq->target.path, allow);
	return refuse(rq, 405, text);
}

static bool refuse_size(struct http_request *rq)
{
	char text[400];

	http_body_finish(rq);
	if (rq->route->body_max)
		snprintf(text, sizeof(text), "the body is too large; accepted: %zu bytes", rq->route->body_max);
	else
		snprintf(text, sizeof(text), "%.30s %.300s takes no body", rq->method, rq->target.path);
	return refuse(rq, 413, text);
}

/* RFC 9110 section 8.3.1: parameters do not matter, nor does the case. */
static bool type_is(const char *content_type, const char *type)
{
	size_t n = strlen(type);

	return content_type && strncasecmp(content_type, type, n) == 0 && (!content_type[n] || strchr("; \t", content_type[n]));
}

static bool type_accepted(struct http_request *rq)
{
	const char *given = http_header(rq, "Content-Type"), *wanted = rq->route->body_type;
	bool has_body = content_length(rq) || http_header(rq, "Transfer-Encoding");
	char text[400];

	if (!wanted || !has_body || type_is(given, wanted))
		return true;
	snprintf(text, sizeof(text), "the body's Content-Type is %s%.100s%s; accepted: %s", given ? "'" : "", given ? given : "missing",
		 given ? "'" : "", wanted);
	return refuse(rq, 415, text);
}

/* Nothing behind it is served, since it may not begin where it seems to. */
static bool refuse_unclear(struct http_request *rq, const struct gw_error *err)
{
	http_answer_header(rq, "Connection", "close");
	return refuse(rq, 400, err->text);
}

static bool is_reading(const struct http_request *rq)
{
	return strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;
}

bool http_is_of_another_site(const struct http_request *rq)
{
	return http_site_is_another(http_header(rq, "Host"), http_header(rq, "Origin"), http_header(rq, "Sec-Fetch-Site"));
}

/* RFC 9112 section 3.2.2: an absolute target's host counts, not the header's. */
static const char *authority_of(const struct http_request *rq, char *out, size_t size)
{
	const char *slashes = *rq->uri == '/' ? NULL : strstr(rq->uri, "://");

	if (!slashes)
		return http_header(rq, "Host");
	snprintf(out, size, "%.*s", (int)strcspn(slashes + 3, "/?#"), slashes + 3);
	return out;
}

static bool site_accepted(struct http_request *rq)
{
	char text[300];
	const char *host = authority_of(rq, text, sizeof(text));

	if (!rq->server->names)
		return true;
	if (host && !http_site_is_ours(host, rq->server->names)) {
		http_answer_status(rq, 421,
				   "Host: '%.100s' is not this gateway; accepted: an IP address, its host name, and the names in "
				   "EXECUTOR_HOST_NAMES",
				   host);
		rq->refused = true;
		return false;
	}
	if (is_reading(rq) || !http_is_of_another_site(rq))
		return true;
	host = http_header(rq, "Origin");
	snprintf(text, sizeof(text), "a page of another site (%.128s) may not change anything here", host ? host : "by Sec-Fetch-Site");
	return refuse(rq, 400, text);
}

static bool head_accepted(struct http_request *rq, const char *method, const char *version)
{
	struct gw_error err = {0};

	if (header_bytes(rq) > HEADERS_MAX)
		return refuse(rq, 431, "the headers are too large; accepted: 16 KiB");
	if (!http_framing_check(rq, method, version, &err))
		return refuse_unclear(rq, &err);
	if (!site_accepted(rq))
		return false;
	if (!http_target_decode(&rq->target, rq->uri, &err))
		return refuse(rq, 400, err.text);
	if (http_header(rq, "Transfer-Encoding")) /* libmicrohttpd takes chunks in more than one spelling */
		http_answer_header(rq, "Connection", "close");
	if (!route(rq) || (content_length(rq) > rq->route->body_max && !refuse_size(rq)) || !type_accepted(rq))
		return false;
	rq->refused = rq->route->head && !rq->route->head(rq->server->owner, rq);
	return !rq->refused;
}

static enum MHD_Result queue_answer(struct http_request *rq, struct MHD_Connection *mhd)
{
	http_connection_phase(rq->connection, rq->stream ? HTTP_PHASE_WORK : HTTP_PHASE_ANSWER);
	return MHD_queue_response(mhd, (unsigned)rq->status, rq->response);
}

/* The headers are there. What is refused now is answered at once where the client waits for that or would send too much. */
static enum MHD_Result read_head(struct http_request *rq, struct MHD_Connection *mhd, const char *method, const char *version)
{
	rq->begun = true;
	rq->connection->consumed += MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
	rq->method = gw_strdup(method);
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_header, rq);
	http_connection_phase(rq->connection, HTTP_PHASE_BODY);
	if (head_accepted(rq, method, version))
		return MHD_YES;
	rq->body_lost = rq->status >= 500; /* it is no mistake of a client that sends all before it looks at the answer */
	if (http_header(rq, "Expect") || (content_length(rq) > DISCARD_MAX && !rq->body_lost) || rq->status == 400)
		return queue_answer(rq, mhd);
	return MHD_YES;
}

/* It cannot be kept: its client has been told to send it, and sees the answer only behind all of it. */
static void lose_body(struct http_request *rq, const struct gw_error *err)
{
	http_body_finish(rq);
	rq->body_lost = true;
	refuse(rq, gw_http_status(err->kind), err->text);
}

static enum MHD_Result read_body(struct http_request *rq, const char *data, size_t n)
{
	struct gw_error err = {0};

	rq->connection->bytes += n;
	rq->connection->consumed += n;
	if (!rq->refused && n > rq->route->body_max - rq->body_len)
		refuse_size(rq);
	else if (!rq->refused && !http_body_add(rq, data, n, &err))
		lose_body(rq, &err);
	if (!rq->refused)
		return MHD_YES;
	rq->discarded += n;
	return rq->discarded <= (rq->body_lost && rq->route ? rq->route->body_max : DISCARD_MAX) ? MHD_YES : MHD_NO;
}

void http_request_hand_over(struct http_request *rq, const struct gw_error *err)
{
	rq->handed = true;
	if (err->kind == GW_OK)
		rq->route->handler(rq->server->owner, rq);
	else
		refuse(rq, gw_http_status(err->kind), err->text);
}

static void hand_over(struct http_request *rq)
{
	struct gw_error err = {0};

	if (rq->route->plain || !http_multipart_is(http_header(rq, "Content-Type"))) {
		http_request_hand_over(rq, &err);
	} else if (rq->body_fd >= 0) {
		http_body_decode_later(rq);
	} else {
		http_body_decode(rq, &err);
		http_request_hand_over(rq, &err);
	}
}

enum MHD_Result http_request_read(void *data, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
				  const char *upload, size_t *n, void **request)
{
	struct http_request *rq = *request;

	if (!rq->begun)
		return read_head(rq, mhd, method, version);
	if (*n) {
		size_t given = *n;

		*n = 0;
		return read_body(rq, upload, given);
	}
	http_connection_phase(rq->connection, HTTP_PHASE_WORK);
	if (!rq->answered && !rq->handed)
		hand_over(rq);
	if (rq->answered)
		return queue_answer(rq, mhd);
	http_request_suspend(rq);
	return MHD_YES;
}

const char *http_method(const struct http_request *rq)
{
	return rq->method;
}

const char *http_uri(const struct http_request *rq)
{
	return rq->uri;
}

const char *http_path(const struct http_request *rq)
{
	return rq->target.path;
}

const char *http_arg(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->args.n; i++)
		if (strlen(name) == rq->args.v[i].name_len && memcmp(name, rq->args.v[i].name, rq->args.v[i].name_len) == 0)
			return rq->args.v[i].value;
	return NULL;
}

const char *http_query(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->target.n_query; i++)
		if (strcmp(rq->target.query[i].name, name) == 0)
			return rq->target.query[i].value;
	return NULL;
}

const char *http_header(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->n_headers; i++)
		if (strcasecmp(rq->headers[i].name, name) == 0)
			return rq->headers[i].value;
	return NULL;
}

bool http_header_at(const struct http_request *rq, size_t i, const char **name, const char **value)
{
	if (i >= rq->n_headers)
		return false;
	*name = rq->headers[i].name;
	*value = rq->headers[i].value;
	return true;
}

const char *http_body(const struct http_request *rq, size_t *len)
{
	if (len)
		*len = rq->body.len;
	return rq->body.data ? rq->body.data : "";
}

const struct sockaddr *http_peer(const struct http_request *rq)
{
	return (const struct sockaddr *)&rq->peer;
}

const struct sockaddr *http_local(const struct http_request *rq)
{
	return (const struct sockaddr *)&rq->local;
}

const struct http_part *http_part(const struct http_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->parts.n; i++)
		if (strcmp(rq->parts.v[i].name, name) == 0)
			return &rq->parts.v[i].part;
	return NULL;
}

const struct http_part *http_part_at(const struct http_request *rq, size_t i)
{
	return i < rq->parts.n ? &rq->parts.v[i].part : NULL;
}

cJSON *http_body_json(const struct http_request *rq, struct gw_error *err)
{
	cJSON *json = json_decode(http_body(rq, NULL), rq->body.len, err);

	if (!json)
		gw_context(err, "the body");
	return json;
}
