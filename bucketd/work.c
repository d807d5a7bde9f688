#include "bucketd/work.h"

#include <stdlib.h>
#include <string.h>

struct work_item {
	struct work_item *next; /* in work.first or work.active */
	struct work *work;
	char *name; /* owned; NULL: none */
	work_fn *fn;
	work_done *done;
	void *data;
	uv_work_t uv;
};

void work_init(struct work *work, struct loop *loop, unsigned at_once, unsigned waiting_max)
{
	*work = (struct work){.loop = loop, .at_once = at_once, .waiting_max = waiting_max};
	work->last = &work->first;
}

static void item_end(struct work_item *item, bool done)
{
	item->done(item->data, done);
	free(item->name);
	free(item);
}

static bool is_active(const struct work *work, const char *name)
{
	for (const struct work_item *item = work->active; name && item; item = item->next)
		if (item->name && strcmp(item->name, name) == 0)
			return true;
	return false;
}

/* The first that waits and whose name nobody has. Those of one name keep their order: the first of them is found first. */
static struct work_item *take_next(struct work *work)
{
	for (struct work_item **link = &work->first; *link; link = &(*link)->next) {
		struct work_item *item = *link;

		if (is_active(work, item->name))
			continue;
		*link = item->next;
		if (!*link)
			work->last = link;
		work->waiting--;
		return item;
	}
	return NULL;
}

static void on_thread(uv_work_t *uv)
{
	struct work_item *item = uv->data;

	item->fn(item->data);
}

static void start_more(struct work *work);

static void on_done(uv_work_t *uv, int status)
{
	struct work_item *item = uv->data;
	struct work *work = item->work;
	struct work_item **link = &work->active;

	while (*link != item)
		link = &(*link)->next;
	*link = item->next;
	work->running--;
	item_end(item, status == 0);
	start_more(work);
}

static void start_more(struct work *work)
{
	struct work_item *item;

	while (work->running < work->at_once && (item = take_next(work))) {
		item->next = work->active;
		work->active = item;
		work->running++;
		uv_queue_work(&work->loop->uv, &item->uv, on_thread, on_done);
	}
}

bool work_add(struct work *work, const char *name, work_fn *fn, work_done *done, void *data)
{
	struct work_item *item;

	if (work->waiting_max && work->waiting >= work->waiting_max)
		return false;
	item = gw_calloc(1, sizeof(*item));
	*item = (struct work_item){.work = work, .name = gw_strdup(name), .fn = fn, .done = done, .data = data};
	item->uv.data = item;
	*work->last = item;
	work->last = &item->next;
	work->waiting++;
	start_more(work);
	return true;
}

static void drop_waiting(struct work *work)
{
	struct work_item *waiting = work->first;

	work->first = NULL;
	work->last = &work->first;
	work->waiting = 0;
	while (waiting) {
		struct work_item *item = waiting;

		waiting = item->next;
		item_end(item, false);
	}
}

void work_finish(struct work *work)
{
	if (!work->loop)
		return;
	work->at_once = 0; /* what ends must not start more */
	drop_waiting(work);
	while (work->running)
		uv_run(&work->loop->uv, UV_RUN_ONCE);
	drop_waiting(work); /* what the loop brought meanwhile */
	work->loop = NULL;
}
