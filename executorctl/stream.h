/* The gateway's event stream (docs/events.md). Blocking, but other input can be waited for at the same time. */
#ifndef EXECUTORCTL_STREAM_H
#define EXECUTORCTL_STREAM_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "executorctl/ctl.h"

struct stream;

struct event {
	char name[32];
	uint64_t id;
	cJSON *data; /* owned: event_finish */
};
void event_finish(struct event *event); /* zeroed memory is fine */

/* Asks for it, and waits until it has begun: its first event is `hello`. NULL: why not; GW_NOT_FOUND where the gateway has none (the
 * field's original). */
struct stream *stream_open(const struct ctl *ctl, struct gw_error *err);
void stream_close(struct stream *stream); /* NULL is fine */

enum stream_got {
	STREAM_EVENT,   /* `event` is the caller's */
	STREAM_INPUT,   /* `fd` can be read */
	STREAM_NOTHING, /* `wait_ms` is over */
	STREAM_LOST,    /* `err` says why; heartbeats that stay away count */
};
/* The next event. `fd` -1: none is waited for; `wait_ms` negative: as long as it takes. */
enum stream_got stream_next(struct stream *stream, struct event *event, int fd, int wait_ms, struct gw_error *err);

#endif
