#include "gitlabd/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/fetch_url.h"
#include "libgateway/log.h"
#include "libgateway/url.h"

uint64_t server_back_off_ms(unsigned failures, int64_t retry_after_s, double random)
{
	double ms = SERVER_BACK_OFF_MIN_MS;

	for (unsigned i = 1; i < failures && ms < SERVER_BACK_OFF_MAX_MS; i++)
		ms *= 2;
	if (ms > SERVER_BACK_OFF_MAX_MS)
		ms = SERVER_BACK_OFF_MAX_MS;
	ms *= 0.75 + 0.25 * random; /* not all farms at once */
	if (retry_after_s > SERVER_RETRY_AFTER_MAX_S)
		retry_after_s = SERVER_RETRY_AFTER_MAX_S;
	if (ms < (double)retry_after_s * 1000)
		ms = (double)retry_after_s * 1000 * (1 + 0.1 * random);
	return (uint64_t)ms;
}

/* ---- the queue ---- */

void work_drop(struct work *work)
{
	struct server *server = work->server;

	if (!server)
		return;
	if (work->next)
		work->next->prev = work->prev;
	else
		server->last = work->prev;
	if (work->prev)
		work->prev->next = work->next;
	else
		server->first = work->next;
	work->server = NULL;
	work->next = work->prev = NULL;
}

static bool may_ask(const struct server *server)
{
	unsigned places = server->failures ? 1 : SERVER_REQUESTS_MAX; /* after a failure, one tries */

	return !server->servers->stopping && !server->unusable && server->running < places &&
	       loop_now_ms(server->servers->loop) >= server->until_ms;
}

static void pump(struct server *server)
{
	if (server->pumping)
		return;
	server->pumping = true;
	while (server->first && may_ask(server)) {
		struct work *work = server->first;

		work_drop(work);
		work->begin(work, server);
	}
	server->pumping = false;
}

static void on_time(void *data)
{
	struct server *server = data;

	server->next_try = 0;
	pump(server);
}

/* From the loop: whoever queues is in the middle of something. */
static void pump_soon(struct server *server)
{
	if (!loop_timer_active(&server->timer))
		loop_timer_start(server->servers->loop, &server->timer, 0, on_time, server);
}

void work_queue(struct work *work, struct server *server)
{
	if (work->server == server)
		return;
	work_drop(work);
	work->server = server;
	work->prev = server->last;
	if (server->last)
		server->last->next = work;
	else
		server->first = work;
	server->last = work;
	pump_soon(server);
}

/* ---- requests ---- */

void server_ask(struct server *server, const struct api_ask *ask, api_done *done, void *data)
{
	struct api_ask here = *ask;

	here.url = server->url;
	server->running++;
	api_send(server->servers->http, &here, done, data);
}

void server_release(struct server *server)
{
	gw_assert(server->running);
	server->running--;
	pump_soon(server);
}

static void set_error(struct server *server, const char *text)
{
	char *copy = gw_strdup(text);

	free(server->last_error);
	server->last_error = copy;
}

static void leave_alone(struct server *server, const struct api_answer *answer)
{
	uint64_t now_ms = loop_now_ms(server->servers->loop), wait_ms;

	if (!server->last_error || strcmp(server->last_error, answer->text) != 0)
		log_warning("gitlab=%s %s; it is tried again, and what is registered stays", server->shown, answer->text);
	set_error(server, answer->text);
	if (now_ms < server->until_ms && !answer->retry_after_s)
		return; /* it was asked before it failed another: one failure */
	if (now_ms >= server->until_ms)
		server->failures++;
	wait_ms = server_back_off_ms(server->failures, answer->retry_after_s, drand48());
	if (now_ms + wait_ms <= server->until_ms)
		return;
	server->until_ms = now_ms + wait_ms;
	server->next_try = loop_wall_now() + (double)wait_ms / 1000;
	loop_timer_start(server->servers->loop, &server->timer, wait_ms, on_time, server);
}

void server_heard(struct server *server, const struct api_answer *answer)
{
	if (server->servers->stopping)
		return;
	if (answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB) {
		leave_alone(server, answer);
		return;
	}
	server->last_check = loop_wall_now();
	if (loop_now_ms(server->servers->loop) < server->until_ms)
		return; /* it was asked before the failure */
	if (server->last_error)
		log_info("gitlab=%s answers again", server->shown);
	server->failures = 0;
	set_error(server, NULL);
}

/* ---- all of them ---- */

static char *why_unusable(const struct servers *servers, const char *url)
{
	struct url_host host;
	struct gw_error err = {0};

	if (!fetch_url_host_of(url, &host, &err))
		return gw_strdup(err.text);
	if (!host.tls && !servers->allow_insecure)
		return gw_strdup("its url is not https://, and GITLAB_ALLOW_INSECURE is not set: it is not asked");
	return NULL;
}

struct server *servers_get(struct servers *servers, const char *url)
{
	struct server *server = servers->first;

	while (server && strcmp(server->url, url) != 0)
		server = server->next;
	if (server)
		return server;
	server = gw_calloc(1, sizeof(*server));
	server->servers = servers;
	server->url = gw_strdup(url);
	server->shown = url_shown(url);
	server->unusable = why_unusable(servers, url);
	server->last_error = gw_strdup(server->unusable);
	server->next = servers->first;
	servers->first = server;
	return server;
}

bool servers_init(struct servers *servers, struct loop *loop, bool allow_insecure, struct gw_error *err)
{
	srand48((long)(loop_wall_now() * 1000) ^ getpid());
	*servers = (struct servers){.loop = loop, .allow_insecure = allow_insecure};
	servers->http = http_client_create(loop, err);
	return servers->http != NULL;
}

void servers_finish(struct servers *servers)
{
	struct server *server;

	servers->stopping = true;
	http_client_destroy(servers->http);
	while ((server = servers->first)) {
		servers->first = server->next;
		while (server->first)
			work_drop(server->first);
		loop_timer_finish(&server->timer);
		free(server->url);
		free(server->shown);
		free(server->last_error);
		free(server->unusable);
		free(server);
	}
}
