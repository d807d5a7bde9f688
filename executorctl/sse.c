#include "executorctl/sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void dispatch(struct sse *sse, sse_fn *fn, void *owner)
{
	if (sse->data.len)
		fn(owner, sse->name[0] ? sse->name : "message", sse->id, sse->data.data, sse->data.len - 1);
	sse->data.len = 0;
	sse->name[0] = '\0';
}

static void take_field(struct sse *sse, const char *name, const char *value, size_t len)
{
	if (strcmp(name, "data") == 0) {
		buffer_add(&sse->data, value, len);
		buffer_add(&sse->data, "\n", 1);
	} else if (strcmp(name, "event") == 0) {
		snprintf(sse->name, sizeof(sse->name), "%s", value);
	} else if (strcmp(name, "id") == 0) {
		sse->id = strtoull(value, NULL, 10);
	}
}

static void take_line(struct sse *sse, sse_fn *fn, void *owner)
{
	char *line = sse->line.data ? sse->line.data : (char *)"", *colon = memchr(line, ':', sse->line.len), *value = colon;

	if (sse->line.len == 0) {
		dispatch(sse, fn, owner);
	} else if (colon != line) { /* else a comment */
		if (colon) {
			*colon = '\0';
			value += 1 + (colon[1] == ' ');
		}
		take_field(sse, line, value ? value : "", value ? sse->line.len - (size_t)(value - line) : 0);
	}
	sse->line.len = 0;
}

bool sse_feed(struct sse *sse, const char *bytes, size_t n, sse_fn *fn, void *owner, struct gw_error *err)
{
	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t len = end ? (size_t)(end - bytes) : n;

		if (sse->line.len + sse->data.len + len > SSE_MAX)
			return gw_fail(err, GW_UNREACHABLE, "an event is too long; accepted: up to %u bytes", SSE_MAX);
		buffer_add(&sse->line, bytes, len);
		if (end && sse->line.len && sse->line.data[sse->line.len - 1] == '\r')
			sse->line.data[--sse->line.len] = '\0';
		if (end)
			take_line(sse, fn, owner);
		len += end != NULL;
		bytes += len;
		n -= len;
	}
	return true;
}

void sse_finish(struct sse *sse)
{
	buffer_finish(&sse->line);
	buffer_finish(&sse->data);
}
