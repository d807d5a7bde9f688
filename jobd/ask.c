#include "jobd/ask.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

#define NOT_YET_MS 100 /* until a peer that is up but not configured yet is asked again */

struct ask {
	struct ask *next, *prev; /* in asks.all */
	struct asks *asks;
	const char *peer; /* a literal */
	enum bus_type type;
	void *body;              /* owned; NULL: it fits no message */
	struct gw_error refused; /* why */
	bus_done *done;
	void *data;
	struct loop_timer again;
	uint64_t sent_at;
	bool sent;
};

static void on_done(void *data, const void *answer, const struct gw_error *err);

static void unlink_ask(struct ask *ask)
{
	if (ask->next)
		ask->next->prev = ask->prev;
	if (ask->prev)
		ask->prev->next = ask->next;
	else
		ask->asks->all = ask->next;
}

static void ask_free(struct ask *ask)
{
	unlink_ask(ask);
	loop_timer_finish(&ask->again);
	bus_body_free(bus_types[ask->type].body, ask->body);
	free(ask);
}

static void send_ask(void *data)
{
	struct ask *ask = data;

	if (!ask->body || ask->sent || !bus_peer_up(ask->asks->bus, ask->peer))
		return; /* asks_peer_up comes */
	ask->sent = true;
	ask->sent_at = loop_now_ms(ask->asks->loop);
	bus_ask(ask->asks->bus, ask->peer, ask->type, ask->body, 0, on_done, ask);
}

/* A deadline that passed is an answer of its own. */
static bool waits(struct ask *ask, const struct gw_error *err)
{
	uint64_t took = loop_now_ms(ask->asks->loop) - ask->sent_at;

	if (err->kind != GW_UNREACHABLE || took >= (uint64_t)bus_types[ask->type].deadline_ms)
		return false;
	log_debug("%s is asked again: %s", bus_types[ask->type].name, err->text);
	if (bus_peer_up(ask->asks->bus, ask->peer))
		loop_timer_start(ask->asks->loop, &ask->again, NOT_YET_MS, send_ask, ask);
	return true;
}

static void on_done(void *data, const void *answer, const struct gw_error *err)
{
	struct ask *ask = data;
	bus_done *done = ask->done;
	void *owner = ask->data;

	ask->sent = false;
	if (!answer && waits(ask, err))
		return;
	ask_free(ask);
	done(owner, answer, err);
}

/* What a job asks for may be larger than any message: that is the job's error. */
static void on_refused(void *data)
{
	struct ask *ask = data;
	struct gw_error err = ask->refused;
	bus_done *done = ask->done;
	void *owner = ask->data;

	ask_free(ask);
	done(owner, NULL, &err);
}

struct ask *ask_start(struct asks *asks, const char *peer, enum bus_type type, const void *body, bus_done *done, void *data)
{
	struct ask *ask = gw_calloc(1, sizeof(*ask));

	ask->asks = asks;
	ask->peer = peer;
	ask->type = type;
	ask->body = bus_body_try_dup(bus_types[type].body, body, &ask->refused);
	ask->done = done;
	ask->data = data;
	ask->next = asks->all;
	if (ask->next)
		ask->next->prev = ask;
	asks->all = ask;
	if (ask->body) {
		send_ask(ask);
	} else {
		gw_context(&ask->refused, "%s", bus_types[type].name);
		loop_timer_start(asks->loop, &ask->again, 0, on_refused, ask);
	}
	return ask;
}

void ask_cancel(struct ask **ask)
{
	if (!*ask)
		return;
	bus_forget((*ask)->asks->bus, *ask);
	ask_free(*ask);
	*ask = NULL;
}

void asks_peer_up(struct asks *asks, const char *peer)
{
	for (struct ask *ask = asks->all, *next; ask; ask = next) {
		next = ask->next;
		if (strcmp(ask->peer, peer) == 0)
			send_ask(ask);
	}
}

void asks_finish(struct asks *asks)
{
	while (asks->all) {
		struct ask *first = asks->all;
		ask_cancel(&first);
	}
}
