/* What the files of the answering end share. Private to libbus. */
#ifndef LIBBUS_SERVER_H
#define LIBBUS_SERVER_H

#include "libbus/internal.h"

struct bus_connection {
	struct bus_connection *next; /* in server.connections */
	struct bus_state *bus;
	struct bus_line *line;  /* owned */
	char name[65];          /* as hello said; "" before */
	enum bus_daemon daemon; /* 0: no hello yet */
	uint32_t hello_id;      /* events are further answers to it */
	bool dropped;           /* events, since too much waited */
	struct bus_call *calls;
	unsigned n_calls;
};

struct bus_server {
	struct bus_state *bus;
	uint64_t serial;
	nng_stream_listener *listener;
	nng_aio *accepting;
	struct loop_timer again; /* after a failed accept */
	struct bus_connection *connections;
	unsigned n_connections;
};

struct bus_call {
	struct bus_call *next, *prev;      /* in connection.calls */
	struct bus_connection *connection; /* NULL: gone; the answer goes nowhere */
	enum bus_type type;
	uint32_t id;
};

void bus_connection_hear(struct bus_connection *connection, const struct bus_note *note); /* a message of it */
void bus_connection_drained(struct bus_connection *connection);                           /* tells it that events were dropped */

#endif
