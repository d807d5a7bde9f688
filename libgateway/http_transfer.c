/* One request: its limits, its redirects and its answer. Redirects are followed here, hop by hop: libcurl would send a caller's own headers
 * to any host. */
#include "libgateway/http_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libgateway/fetch_url.h"
#include "libgateway/url.h"

enum {
	ANSWER_MAX_DEFAULT = 1024 * 1024,
	ERROR_BODY_MAX = 64 * 1024, /* of an answer that is not for the sink, since it is no success; the rest is left out */
	TOTAL_MS = 30000,
	CONNECT_MS = 5000,
	STALL_MS = 30000,
};

static void transfer_free(struct http_transfer *t)
{
	if (t->next)
		t->next->prev = t->prev;
	if (t->prev)
		t->prev->next = t->next;
	else
		t->client->transfers = t->next;
	curl_multi_remove_handle(t->client->multi, t->easy); /* nothing if it was removed */
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	loop_timer_finish(&t->stall);
	buffer_finish(&t->body);
	buffer_finish(&t->answer);
	free(t->method);
	free(t->url);
	free(t);
}

static long status_of(const struct http_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void byte_seen(struct http_transfer *t)
{
	t->last_byte_ms = loop_now_ms(t->client->loop);
}

static bool stop_for(struct http_transfer *t, enum stop_reason why)
{
	t->stopped = why;
	return false;
}

static bool take_bytes(struct http_transfer *t, const char *bytes, size_t n)
{
	long status = status_of(t);

	if (t->state == CANCELLED)
		return false;
	if (n > t->answer_max - t->came)
		return stop_for(t, STOP_TOO_LONG);
	t->came += n;
	if (is_redirect(status) && t->redirects)
		return true;
	if (!t->sink)
		return buffer_add(&t->answer, bytes, n);
	if (status >= 200 && status < 300)
		return t->sink(t->data, bytes, n) || stop_for(t, STOP_SINK);
	buffer_add(&t->answer, bytes, n < ERROR_BODY_MAX - t->answer.len ? n : ERROR_BODY_MAX - t->answer.len);
	return true;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *data)
{
	struct http_transfer *t = data;
	bool ok;

	byte_seen(t);
	t->client->in_curl = true;
	ok = take_bytes(t, bytes, n * size);
	t->client->in_curl = false;
	return ok ? n * size : CURL_WRITEFUNC_ERROR;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *data)
{
	byte_seen(data);
	return n * size;
}

static int on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct http_transfer *t = data;

	if (down + up != t->moved)
		byte_seen(t);
	t->moved = down + up;
	return t->state == CANCELLED;
}

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *t = data;
	bool allowed;

	t->client->in_curl = true;
	allowed = t->address_allowed(t->data, &address->addr);
	t->client->in_curl = false;
	t->stopped = allowed ? STOP_NONE : STOP_ADDRESS; /* a host may have several: the last one tried counts */
	if (allowed)
		return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (address->family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&address->addr)->sin_addr, t->address, sizeof(t->address));
	else if (address->family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address->addr)->sin6_addr, t->address, sizeof(t->address));
	return CURL_SOCKET_BAD;
}

static void on_stall(void *data)
{
	struct http_transfer *t = data;
	uint64_t silent_ms = loop_now_ms(t->client->loop) - t->last_byte_ms;

	if (silent_ms < t->stall_ms) {
		loop_timer_start(t->client->loop, &t->stall, t->stall_ms - silent_ms, on_stall, t);
		return;
	}
	t->stopped = STOP_STALL;
	t->state = FINISHED;
	t->code = CURLE_OPERATION_TIMEDOUT;
	http_client_settle(t->client);
}

static void set_body(struct http_transfer *t)
{
	bool is_post = strcmp(t->method, "POST") == 0;

	if (t->has_body || is_post) {
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.data ? t->body.data : "");
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
	}
	if (strcmp(t->method, "HEAD") == 0)
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	else if (!is_post && strcmp(t->method, "GET") != 0)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
	else if (t->has_body && !is_post)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, "GET");
}

static void set_limits(struct http_transfer *t)
{
	uint64_t now_ms = loop_now_ms(t->client->loop);

	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->deadline_ms > now_ms ? (long)(t->deadline_ms - now_ms) : 1L);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
	curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(t->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(t->easy, CURLOPT_XFERINFODATA, t);
	if (!t->address_allowed)
		return;
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L); /* one that is open was not asked about */
	curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
}

/* Sets the handle up for this hop and gives it to libcurl, which begins from the loop. */
static void hop(struct http_transfer *t)
{
	const char *ca_file = getenv("SSL_CERT_FILE");

	curl_easy_reset(t->easy);
	t->stopped = STOP_NONE;
	t->came = 0;
	t->moved = 0;
	t->error[0] = '\0';
	buffer_drop(&t->answer, t->answer.len);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)(t->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, t->http2 ? 1L : 0L);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "executor-gateway/" GW_VERSION);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L); /* else giving up while a name is looked up waits for the resolver */
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	if (ca_file && *ca_file)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, ca_file);
	set_body(t);
	set_limits(t);
	byte_seen(t);
	t->state = RUNNING;
	curl_multi_add_handle(t->client->multi, t->easy);
	loop_timer_start(t->client->loop, &t->stall, t->stall_ms, on_stall, t);
}

static bool same_origin(const struct url_host *a, const struct url_host *b)
{
	return a->tls == b->tls && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

/* RFC 9110 section 15.4: after 303, and by custom after 301 and 302 of a POST, a GET without the body follows. */
static void turn_into_get(struct http_transfer *t, long status)
{
	bool is_post = strcmp(t->method, "POST") == 0;

	if (strcmp(t->method, "HEAD") == 0 || (status != 303 && !(is_post && (status == 301 || status == 302))))
		return;
	free(t->method);
	t->method = gw_strdup("GET");
	buffer_finish(&t->body);
	t->has_body = false;
}

static bool redirect_accepted(struct http_transfer *t, const char *to, long status, struct gw_error *err)
{
	struct url_host from_host, to_host;

	if (!t->redirects_left--)
		return gw_fail(err, GW_BAD_INPUT, "more than %u redirects", t->redirects);
	if (!fetch_url_host_of(t->url, &from_host, err) || !fetch_url_host_of(to, &to_host, err))
		return gw_context(err, "it redirects to a URL that is not accepted");
	turn_into_get(t, status);
	if (same_origin(&from_host, &to_host))
		return true;
	if (t->has_body)
		return gw_fail(err, GW_BAD_INPUT, "it redirects a request with a body to another host, %.200s", to_host.host);
	curl_slist_free_all(t->headers); /* they may hold a token, and were meant for the first host */
	t->headers = NULL;
	return true;
}

/* The answer is a redirect that is to be followed: true, and it is on its way; or `err` is set. */
static bool follow(struct http_transfer *t, struct gw_error *err)
{
	char *to = NULL, *shown;
	long status = status_of(t);
	bool ok;

	if (t->code != CURLE_OK || !t->redirects || !is_redirect(status))
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to)
		return false;
	to = gw_strdup(to); /* it lives in the handle */
	ok = redirect_accepted(t, to, status, err);
	if (!ok) {
		shown = url_shown(t->url);
		gw_context(err, "%.200s", shown);
		free(shown);
		free(to);
		return false;
	}
	free(t->url);
	t->url = to;
	hop(t);
	return true;
}

static void explain(const struct http_transfer *t, struct gw_error *err)
{
	const char *text = t->error[0] ? t->error : curl_easy_strerror(t->code);
	char *shown;

	if (t->code == CURLE_OK)
		return;
	if (t->stopped == STOP_ADDRESS)
		gw_fail(err, GW_REFUSED, "its address %s is not allowed", t->address);
	else if (t->stopped == STOP_TOO_LONG)
		gw_fail(err, GW_BAD_INPUT, "the answer is longer than %zu bytes", t->answer_max);
	else if (t->stopped == STOP_SINK)
		gw_fail(err, GW_REFUSED, "the download was stopped");
	else if (t->stopped == STOP_STALL)
		gw_fail(err, GW_UNREACHABLE, "nothing came for %u ms; given up", t->stall_ms);
	else if (t->stopped == STOP_CLIENT)
		gw_fail(err, GW_UNREACHABLE, "given up, since this program stops");
	else if (t->code == CURLE_UNSUPPORTED_PROTOCOL || t->code == CURLE_URL_MALFORMAT)
		gw_fail(err, GW_BAD_INPUT, "%s", text);
	else
		gw_fail(err, GW_UNREACHABLE, "%s", text);
	shown = url_shown(t->url);
	gw_context(err, "%.200s", shown);
	free(shown);
}

static const char *answer_header(const struct http_transfer *t, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return strcmp(header->value, "\r") == 0 ? "" : header->value; /* libcurl 7.88 leaves that of an empty one */
}

const char *http_client_header(const struct http_answer *answer, const char *name)
{
	return answer->whence ? answer_header(answer->whence, name) : NULL;
}

static void deliver(struct http_transfer *t, const struct gw_error *err)
{
	struct http_answer answer = {.body = t->answer.data && err->kind == GW_OK ? t->answer.data : "", .effective_url = t->url};

	if (err->kind == GW_OK) {
		curl_off_t retry_after_s = 0;

		curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		answer.retry_after_s = retry_after_s;
		answer.whence = t;
		answer.status = (int)status_of(t);
		answer.len = t->answer.len;
		answer.etag = answer_header(t, "ETag");
		answer.last_modified = answer_header(t, "Last-Modified");
		answer.content_type = answer_header(t, "Content-Type");
	}
	t->done(t->data, &answer, err);
}

void http_transfer_conclude(struct http_transfer *t)
{
	struct gw_error err = {0};

	curl_multi_remove_handle(t->client->multi, t->easy);
	if (t->state == FINISHED) {
		if (follow(t, &err))
			return;
		explain(t, &err);
		t->state = CANCELLED; /* a http_client_cancel from within `done` has nothing left to do */
		deliver(t, &err);
	}
	transfer_free(t);
}

static bool accept_ask(const struct http_client *client, const struct http_ask *ask, struct gw_error *err)
{
	struct url_host host;

	gw_assert(ask->done);
	if (client->stopping)
		return gw_fail(err, GW_UNREACHABLE, "no request is begun any more: this program stops");
	return fetch_url_host_of(ask->url, &host, err);
}

static struct curl_slist *copy_headers(const struct http_ask *ask)
{
	struct curl_slist *list = NULL;
	bool has_type = false;

	for (size_t i = 0; ask->headers && ask->headers[i]; i++) {
		list = curl_slist_append(list, ask->headers[i]);
		has_type = has_type || strncasecmp(ask->headers[i], "Content-Type:", 13) == 0;
	}
	return has_type ? list : curl_slist_append(list, "Content-Type:"); /* not libcurl's own, a form's */
}

struct http_transfer *http_client_ask(struct http_client *client, const struct http_ask *ask, struct gw_error *err)
{
	struct http_transfer *t;

	if (!accept_ask(client, ask, err))
		return NULL;
	t = gw_calloc(1, sizeof(*t));
	t->client = client;
	t->next = client->transfers;
	if (t->next)
		t->next->prev = t;
	client->transfers = t;
	t->easy = curl_easy_init();
	gw_assert(t->easy); /* out of memory */
	t->method = gw_strdup(ask->method ? ask->method : "GET");
	t->url = gw_strdup(ask->url);
	t->headers = copy_headers(ask);
	t->has_body = ask->body != NULL;
	t->http2 = ask->http2;
	if (ask->body)
		buffer_add(&t->body, ask->body, ask->body_len);
	t->answer_max = ask->answer_max ? ask->answer_max : ANSWER_MAX_DEFAULT;
	t->connect_ms = ask->connect_ms ? ask->connect_ms : CONNECT_MS;
	t->stall_ms = ask->stall_ms ? ask->stall_ms : STALL_MS;
	t->redirects = t->redirects_left = ask->redirects;
	t->deadline_ms = loop_now_ms(client->loop) + (ask->total_ms ? ask->total_ms : TOTAL_MS);
	t->sink = ask->sink;
	t->address_allowed = ask->address_allowed;
	t->done = ask->done;
	t->data = ask->data;
	hop(t);
	return t;
}

void http_client_cancel(struct http_transfer *t)
{
	bool over = t->state == CANCELLED;

	t->state = CANCELLED;
	if (!over && !t->client->in_curl)
		transfer_free(t);
}
