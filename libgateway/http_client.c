/* libcurl's multi interface on our loop. Redirects are followed here, hop by hop: libcurl would send a caller's own headers to any host. */
#include "libgateway/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libgateway/buffer.h"
#include "libgateway/url.h"

enum {
	ANSWER_MAX_DEFAULT = 1024 * 1024,
	ERROR_BODY_MAX = 64 * 1024, /* of an answer that is not for the sink, since it is no success; the rest is left out */
	TOTAL_MS = 30000,
	CONNECT_MS = 5000,
	STALL_MS = 30000,
	IDLE_CONNECTIONS = 16,
};

/* A socket of libcurl's. */
struct watch {
	struct watch *next, *prev; /* in client.watches */
	struct http_client *client;
	struct loop_fd fd;
	curl_socket_t socket;
};

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer; /* libcurl's */
	struct watch *watches;
	struct http_transfer *transfers;
	unsigned depth; /* how many of our functions are on the stack that go on after a `done` */
	bool in_curl;   /* within a callback of libcurl's */
	bool stopping, dead;
};

enum transfer_state { RUNNING, FINISHED, CANCELLED };

/* Why libcurl was made to stop; else its own code tells. */
enum stop_reason { STOP_NONE, STOP_ADDRESS, STOP_TOO_LONG, STOP_SINK, STOP_STALL, STOP_CLIENT };

struct http_transfer {
	struct http_transfer *next, *prev; /* in client.transfers */
	struct http_client *client;
	CURL *easy;
	enum transfer_state state;
	CURLcode code;
	enum stop_reason stopped;
	char *method, *url; /* owned; of this hop */
	struct curl_slist *headers;
	struct buffer body, answer;
	bool has_body;
	size_t answer_max, came; /* bytes; of this hop */
	uint64_t deadline_ms, last_byte_ms;
	curl_off_t moved; /* bytes up and down, as last seen */
	unsigned connect_ms, stall_ms, redirects, redirects_left;
	struct loop_timer stall;
	char error[CURL_ERROR_SIZE], address[INET6_ADDRSTRLEN];
	bool (*sink)(void *data, const void *bytes, size_t n);
	bool (*address_allowed)(void *data, const struct sockaddr *address);
	void (*done)(void *data, const struct http_answer *answer, const struct gw_error *err);
	void *data;
};

static void settle(struct http_client *client);

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
	settle(t->client);
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
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
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
	if (!url_host_of(t->url, &from_host, err) || !url_host_of(to, &to_host, err))
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

	return curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

static void deliver(struct http_transfer *t, const struct gw_error *err)
{
	struct http_answer answer = {.body = t->answer.data && err->kind == GW_OK ? t->answer.data : "", .effective_url = t->url};

	if (err->kind == GW_OK) {
		answer.status = (int)status_of(t);
		answer.len = t->answer.len;
		answer.etag = answer_header(t, "ETag");
		answer.last_modified = answer_header(t, "Last-Modified");
		answer.content_type = answer_header(t, "Content-Type");
	}
	t->done(t->data, &answer, err);
}

static void conclude(struct http_transfer *t)
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

static struct http_transfer *first_over(const struct http_client *client)
{
	struct http_transfer *t = client->transfers;

	while (t && t->state == RUNNING)
		t = t->next;
	return t;
}

static void watch_remove(struct watch *watch)
{
	if (watch->next)
		watch->next->prev = watch->prev;
	if (watch->prev)
		watch->prev->next = watch->next;
	else
		watch->client->watches = watch->next;
	loop_fd_finish(&watch->fd);
	free(watch);
}

static void client_free(struct http_client *client)
{
	curl_multi_cleanup(client->multi);
	while (client->watches)
		watch_remove(client->watches);
	loop_timer_finish(&client->timer);
	curl_global_cleanup();
	free(client);
}

/* Ends what has ended. The client may be gone afterwards. */
static void settle(struct http_client *client)
{
	struct http_transfer *t;

	if (client->depth)
		return; /* the caller below on the stack goes on with it */
	client->depth++;
	while ((t = first_over(client)))
		conclude(t);
	client->depth--;
	if (client->dead)
		client_free(client);
}

/* Lets libcurl work, then ends what has ended. The client may be gone afterwards. */
static void run(struct http_client *client, curl_socket_t socket, int events)
{
	struct http_transfer *t;
	CURLMsg *msg;
	int n;

	curl_multi_socket_action(client->multi, socket, events, &n);
	while ((msg = curl_multi_info_read(client->multi, &n))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		if (t->state == RUNNING)
			t->state = FINISHED;
		t->code = msg->data.result;
	}
	settle(client);
}

static void on_timer(void *data)
{
	run(data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long in_ms, void *data)
{
	struct http_client *client = data;

	if (in_ms < 0)
		loop_timer_stop(&client->timer);
	else
		loop_timer_start(client->loop, &client->timer, (uint64_t)in_ms, on_timer, client);
	return 0;
}

static void on_socket(void *data, int events)
{
	struct watch *watch = data;
	int what = 0;

	if (events < 0)
		what = CURL_CSELECT_ERR;
	else
		what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	run(watch->client, watch->socket, what); /* the watch may be gone afterwards */
}

static struct watch *watch_add(struct http_client *client, curl_socket_t socket, int events)
{
	struct watch *watch = gw_calloc(1, sizeof(*watch));

	watch->client = client;
	watch->socket = socket;
	watch->next = client->watches;
	if (watch->next)
		watch->next->prev = watch;
	client->watches = watch;
	if (loop_fd_start(client->loop, &watch->fd, socket, events, on_socket, watch, NULL))
		return watch;
	watch_remove(watch);
	return NULL;
}

static int on_watch_wanted(CURL *easy, curl_socket_t socket, int what, void *data, void *socket_data)
{
	struct http_client *client = data;
	struct watch *watch = socket_data;
	int events = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
		     (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);

	if (what == CURL_POLL_REMOVE) {
		if (watch)
			watch_remove(watch);
		curl_multi_assign(client->multi, socket, NULL);
	} else if (watch) {
		loop_fd_events(&watch->fd, events);
	} else {
		curl_multi_assign(client->multi, socket, watch_add(client, socket, events));
	}
	return 0;
}

struct http_client *http_client_create(struct loop *loop, struct gw_error *err)
{
	struct http_client *client;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		gw_fail(err, GW_INTERNAL, "cannot start libcurl");
		return NULL;
	}
	client = gw_calloc(1, sizeof(*client));
	client->loop = loop;
	client->multi = curl_multi_init();
	gw_assert(client->multi); /* out of memory */
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_watch_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	return client;
}

/* Those that are cancelled stay: the `done` of one may be on the stack. */
static void give_up_all(struct http_client *client)
{
	struct http_transfer *t = client->transfers;

	client->depth++;
	while (t) {
		if (t->state == CANCELLED) {
			t = t->next;
			continue;
		}
		t->state = FINISHED;
		t->code = CURLE_ABORTED_BY_CALLBACK;
		t->stopped = STOP_CLIENT;
		conclude(t);
		t = client->transfers; /* its `done` may have cancelled others */
	}
	client->depth--;
}

void http_client_destroy(struct http_client *client)
{
	if (!client || client->stopping)
		return;
	gw_assert(!client->in_curl); /* not from within a sink: libcurl is still using what this frees */
	client->stopping = true;
	give_up_all(client);
	client->dead = true;
	settle(client);
}

static bool accept_ask(const struct http_client *client, const struct http_ask *ask, struct gw_error *err)
{
	struct url_host host;

	gw_assert(ask->done);
	if (client->stopping)
		return gw_fail(err, GW_UNREACHABLE, "no request is begun any more: this program stops");
	return url_host_of(ask->url, &host, err);
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
