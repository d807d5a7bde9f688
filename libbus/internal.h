/* What the files of the bus share. Private to libbus and its tests.
 *
 * nng calls back on threads of its own. Those callbacks only leave a note (bus_nng.c) and wake the loop; all else is on the loop's thread.
 *
 * One connection carries everything between an asker (raw REQ) and an answerer (raw REP): requests, answers, and the answerer's events, as
 * further answers to the asker's hello. So events and answers keep their order, and only a listener that does not read loses events. */
#ifndef LIBBUS_INTERNAL_H
#define LIBBUS_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>
#include <sys/types.h>

#include "libbus/bus.h"
#include "libbus/wire.h"
#include "libgateway/files.h"

enum {
	/* nng's REP keeps 64 answers for a slow connection and drops what comes then: we never let it have so many. */
	BUS_WINDOW = 48,
	BUS_SEEN_EVERY = 16, /* messages read after which the asker says so */
	BUS_EVENTS_WAITING_MAX = 4096,
	BUS_CALLS_MAX = 4096, /* requests under way on one connection, at either end */
	BUS_HEADER_MAX = 64,
};

/* ---- bus_nng.c: nng's sockets and threads ---- */

/* What a thread of nng's saw: a connection came or went. */
struct bus_note {
	struct bus_note *next;
	uint64_t socket; /* bus_socket.serial */
	bool added;
	uint32_t pipe;
	pid_t pid; /* the other end's */
};
struct bus_socket {
	nng_socket nng;
	struct bus_state *bus;
	uint64_t serial; /* 0: not open */
	struct loop_fd readable;
};
struct bus_sending;
struct bus_sendings { /* sends under way; each has an aio, and they are used again and again */
	struct bus_sending *all, *idle;
};

typedef int bus_open_fn(nng_socket *nng); /* nng_rep0_open_raw */
bool bus_socket_open(struct bus_socket *socket, struct bus_state *bus, bus_open_fn *open, loop_fd_fn *on_readable, void *data,
		     struct gw_error *err);
void bus_socket_close(struct bus_socket *socket);       /* accepts one that is not open */
nng_msg *bus_socket_receive(struct bus_socket *socket); /* NULL: nothing is there. The caller frees */
/* `header` goes before the text; for REQ the id, for REP what the request came with. */
void bus_socket_send(struct bus_socket *socket, const void *header, size_t header_len, const char *text);
void bus_sendings_finish(struct bus_state *bus); /* once all sockets are closed */
bool bus_user_accepted(uint64_t uid, uint64_t gid);

/* ---- the whole ---- */

struct bus_connection; /* bus_server.c */
struct bus_peer;       /* bus_peer.c */
struct bus_asked;      /* bus_peer.c */

struct bus_state {
	struct loop *loop;
	char *runtime_dir, *name, *path; /* path: of our socket */
	enum bus_daemon who;
	bus_handler_fn *handlers[BUS_TYPES];
	void *owner;
	struct file_lock lock;
	uint64_t last_serial;

	pthread_mutex_t mutex; /* of notes and sendings */
	bool has_mutex;
	struct bus_note *notes, **notes_end;
	struct bus_sendings sendings;
	uv_async_t *wake;      /* owned */
	uv_fs_event_t *folder; /* owned; watches runtime_dir for the sockets of peers */

	struct bus_socket server;
	struct bus_connection *connections;
	uint64_t seq; /* of our last event */

	struct bus_peer *peers;
	struct bus_asked *asked; /* all requests of ours that are under way, the newest first */
	uint32_t last_id;
};

void bus_notes_deliver(struct bus_state *bus); /* to bus_server_note or bus_peers_note; what came before a message is known before it */
char *bus_socket_path(const struct bus_state *bus, const char *name); /* the caller frees */
enum bus_daemon bus_daemon_of(const char *name);                      /* "jobd-12" -> BUS_JOBD; 0: none */

bool bus_server_start(struct bus_state *bus, struct gw_error *err);
void bus_server_finish(struct bus_state *bus);
void bus_server_note(struct bus_state *bus, const struct bus_note *note);
void bus_server_event(struct bus_state *bus, const char *text); /* to all connections that said hello */

void bus_peers_note(struct bus_state *bus, const struct bus_note *note);
void bus_peers_folder_changed(struct bus_state *bus, const char *file); /* NULL: it cannot be told what changed */
void bus_peers_finish(struct bus_state *bus);

#endif
