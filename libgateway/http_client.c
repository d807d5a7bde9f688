/* libcurl's multi interface on our loop. */
#include "libgateway/http_client.h"

#include <stdlib.h>

#include "libgateway/http_transfer.h"

enum { IDLE_CONNECTIONS = 16 };

/* A socket of libcurl's. */
struct watch {
	struct watch *next, *prev; /* in client.watches */
	struct http_client *client;
	struct loop_fd fd;
	curl_socket_t socket;
};

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

void http_client_settle(struct http_client *client)
{
	struct http_transfer *t;

	if (client->depth)
		return; /* the caller below on the stack goes on with it */
	client->depth++;
	while ((t = first_over(client)))
		http_transfer_conclude(t);
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
	http_client_settle(client);
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
		http_transfer_conclude(t);
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
	http_client_settle(client);
}
