/* Server-sent events (the HTML standard, section 9.2), as they come in. Pure; the bytes are a server's. */
#ifndef EXECUTORCTL_SSE_H
#define EXECUTORCTL_SSE_H

#include <stdint.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"

#define SSE_MAX (16U << 20) /* bytes of an event */

struct sse {
	struct buffer line, data; /* of what has come but in part */
	char name[32];
	uint64_t id; /* the last one that was given */
};

/* `name`: "message" where the event has none; `data`: without the last line end. Both borrowed during the call. */
typedef void sse_fn(void *owner, const char *name, uint64_t id, const char *data, size_t n);
/* False: an event is too long; nothing more can be read. Zeroed memory is a parser at its beginning. */
bool sse_feed(struct sse *sse, const char *bytes, size_t n, sse_fn *fn, void *owner, struct gw_error *err);
void sse_finish(struct sse *sse);

#endif
