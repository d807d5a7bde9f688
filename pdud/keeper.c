#include "pdud/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/files.h"
#include "libgateway/log.h"

#define LARGE (64U << 10) /* bytes of a file; what they were printed from takes twenty times as many */

struct keeping {
	uv_work_t work;
	struct keeper *k;
	char *path, *bytes; /* owned */
	bool ok;
	struct gw_error err;
};

void keeper_init(struct keeper *k, struct loop *loop, char *path, char *(*collect)(void *), void (*saved)(void *), void *owner)
{
	*k = (struct keeper){.loop = loop, .path = path, .collect = collect, .saved = saved, .owner = owner};
}

static void begin(struct keeper *k);

static void write_it(uv_work_t *work) /* on libuv's thread */
{
	struct keeping *w = work->data;

	w->ok = file_save(w->path, w->bytes, strlen(w->bytes), 0600, &w->err);
}

static void on_retry(void *data)
{
	begin(data);
}

static void on_written(uv_work_t *work, int status)
{
	struct keeping *w = work->data;
	struct keeper *k = w->k;
	bool ok = w->ok;

	k->under_way = NULL;
	if (!ok) {
		log_error("%s; trying again in %d s", w->err.text, KEEPER_RETRY_MS / 1000);
		k->dirty = true;
	}
	if (strlen(w->bytes) > LARGE)
		loop_tidy_later(k->loop);
	free(w->path);
	free(w->bytes);
	free(w);
	if (k->saved)
		k->saved(k->owner);
	if (ok && k->dirty)
		begin(k);
	else if (!ok)
		loop_timer_start(k->loop, &k->retry, KEEPER_RETRY_MS, on_retry, k);
}

static void begin(struct keeper *k)
{
	char *bytes;

	if (k->under_way || !k->dirty)
		return;
	loop_timer_stop(&k->retry);
	k->dirty = false;
	bytes = k->collect(k->owner);
	if (!bytes)
		return;
	k->under_way = gw_calloc(1, sizeof(*k->under_way));
	*k->under_way = (struct keeping){.k = k, .path = gw_strdup(k->path), .bytes = bytes};
	k->under_way->work.data = k->under_way;
	uv_queue_work(&k->loop->uv, &k->under_way->work, write_it, on_written);
}

void keeper_touch(struct keeper *k)
{
	k->dirty = true;
	begin(k);
}

bool keeper_is_idle(const struct keeper *k)
{
	return !k->under_way && !k->dirty;
}

void keeper_finish(struct keeper *k)
{
	struct gw_error err = {0};
	char *bytes;

	if (!k->path)
		return;
	k->saved = NULL;
	loop_timer_finish(&k->retry);
	while (k->under_way)
		uv_run(&k->loop->uv, UV_RUN_ONCE);
	loop_timer_finish(&k->retry); /* of a write that has just failed */
	bytes = k->dirty ? k->collect(k->owner) : NULL;
	if (bytes && !file_save(k->path, bytes, strlen(bytes), 0600, &err))
		log_failure("pdud", &err);
	free(bytes);
	free(k->path);
	*k = (struct keeper){0};
}
