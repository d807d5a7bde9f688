/* What the files of the bus share. Private to libbus and its tests.
 *
 * The bus uses nng's streams, not its sockets: in nng 1.5.2 a listening socket accepts nothing any more once a peer has hung up during the
 * greeting (EPIPE is taken for "closed"); REP drops answers, and PUB events, that a slow peer has not read; REQ cannot tell that a peer is
 * gone.
 *
 * nng calls back on threads of its own. Those callbacks only leave a note (bus_notes.c) and wake the loop; all else is on the loop's
 * thread.
 *
 * One connection carries everything between an asker and an answerer: requests, answers, and the answerer's events, as further answers to
 * the asker's hello. So events and answers keep their order, and only a listener that does not read loses events. */
#ifndef LIBBUS_INTERNAL_H
#define LIBBUS_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>
#include <sys/types.h>

#include "libbus/bus.h"
#include "libbus/wire.h"
#include "libgateway/files.h"

enum {
	BUS_EVENTS_WAITING_MAX = 4096, /* messages to a listener that does not read, after which events are dropped */
	BUS_CALLS_MAX = 4096,          /* requests under way on one connection, at either end */
	BUS_CONNECTIONS_MAX = 1024,
};

/* ---- bus_notes.c: what nng's threads saw ---- */

enum bus_note_kind {
	BUS_ACCEPTED,      /* stream: from our listener */
	BUS_ACCEPT_FAILED, /* error */
	BUS_DIALED,        /* stream */
	BUS_DIAL_FAILED,   /* error */
	BUS_LINE_MESSAGE,  /* id, text */
	BUS_LINE_DRAINED,  /* as bus_line_tell_drained wished */
	BUS_LINE_GONE,     /* nothing follows */
};
struct bus_note {
	struct bus_note *next;
	enum bus_note_kind kind;
	uint64_t serial;    /* of the line or the dialer that it is about; nothing reuses one */
	nng_stream *stream; /* owned until taken */
	int error;          /* nng's */
	uint32_t id;
	char *text; /* owned */
	size_t len;
};
void bus_note_leave(struct bus_state *bus, const struct bus_note *note); /* from any thread; copied, with what it owns */
void bus_notes_deliver(struct bus_state *bus);                           /* to the server and the peers */
void bus_notes_drop(struct bus_state *bus);

/* ---- bus_line.c: a connection ---- */

struct bus_line;
struct bus_line *bus_line_create(struct bus_state *bus, nng_stream *stream); /* takes the stream; begins to receive */
void bus_line_destroy(struct bus_line *line);                                /* no note of it follows. NULL is fine */
uint64_t bus_line_serial(const struct bus_line *line);                       /* 0 for NULL */
pid_t bus_line_pid(const struct bus_line *line);
void bus_line_send(struct bus_line *line, uint32_t id, const char *text);
size_t bus_line_waiting(struct bus_line *line);     /* messages that the peer has not taken yet */
void bus_line_tell_drained(struct bus_line *line);  /* BUS_LINE_DRAINED when none waits any more, once */
void bus_line_heard(struct bus_line *line);         /* a message of it was dealt with: more may be received */
bool bus_user_accepted(uint64_t uid, uint64_t gid); /* root, our user, our group */
bool bus_stream_accepted(nng_stream *stream);       /* its user is, else a warning is logged */

/* ---- the whole ---- */

struct bus_server; /* bus_server.c */
struct bus_peer;   /* bus_peer.c */
struct bus_asked;  /* bus_peer.c */

struct bus_state {
	struct loop *loop;
	char *runtime_dir, *name, *path; /* path: of our socket */
	enum bus_daemon who;
	bus_handler_fn *handlers[BUS_TYPES];
	void *owner;
	struct file_lock lock;
	uint64_t last_serial;

	pthread_mutex_t mutex; /* of the notes, and of what lines share with nng's threads */
	struct bus_note *notes, **notes_end;
	uv_async_t *wake;      /* owned */
	uv_fs_event_t *folder; /* owned; watches runtime_dir for the sockets of peers */

	struct bus_server *server; /* owned */
	uint64_t seq;              /* of our last event */

	struct bus_peer *peers;
	struct bus_asked *asked; /* all requests of ours that are under way, the newest first */
	uint32_t last_id;
};

char *bus_socket_path(const struct bus_state *bus, const char *name); /* the caller frees */
enum bus_daemon bus_daemon_of(const char *name);                      /* "jobd-12" -> BUS_JOBD; 0: none */

bool bus_server_start(struct bus_state *bus, struct gw_error *err);
void bus_server_finish(struct bus_state *bus);
bool bus_server_note(struct bus_state *bus, struct bus_note *note); /* false: it is not about the server */
void bus_server_event(struct bus_state *bus, const char *text);     /* to all connections that said hello */

void bus_peers_note(struct bus_state *bus, struct bus_note *note);
void bus_peers_folder_changed(struct bus_state *bus, const char *file); /* NULL: it cannot be told what changed */
void bus_peers_finish(struct bus_state *bus);

#endif
