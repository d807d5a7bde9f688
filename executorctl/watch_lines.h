/* What has changed in the farm, a line a change. */
#ifndef EXECUTORCTL_WATCH_LINES_H
#define EXECUTORCTL_WATCH_LINES_H

#include <cjson/cJSON.h>
#include <stdint.h>

/* The farm as full-state has it, kept up to date by events. */
struct farm_view {
	cJSON *state; /* owned: {"duts":{...},"pdus":{...},"jobs":{...},"discover":{...},"database":{"error":...},"alarms":[...],...} */
	uint64_t id;  /* of the last event that is in it */
};

/* A change, for people, without a line end; what a server said is printable. Borrowed during the call. */
typedef void line_fn(void *owner, const char *line);

/* `state` (taken over) replaces what there was; what differs is told, unless nothing was there before. */
void farm_view_take(struct farm_view *view, cJSON *state, line_fn *fn, void *owner);
/* Applies an event and tells what it changed. Events that are in the state already, or make no sense, change nothing. */
void farm_view_event(struct farm_view *view, const char *name, uint64_t id, const cJSON *data, line_fn *fn, void *owner);
void farm_view_finish(struct farm_view *view);

#endif
