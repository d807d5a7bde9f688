#include "saladd/tty_port.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libgateway/log.h"
#include "saladd/tty.h"
#include "saladd/tty_ports.h"

#define AGAIN_FIRST_MS 250 /* doubled each time: for what no event tells */
#define AGAIN_LAST_MS  32000

/* It outlives its port, if that goes meanwhile. */
struct tty_port_opening {
	uv_work_t work;
	struct tty_port *port; /* NULL: nobody waits for it */
	char *path;
	dev_t device;
	struct place place;
	int fd; /* -1: see err */
	struct gw_error err;
};

static void on_work(uv_work_t *work)
{
	struct tty_port_opening *o = work->data;

	place_read(&o->place, o->device);
	if (!o->place.absent && !o->place.own_console)
		o->fd = tty_open(o->path, &o->err);
}

static void opening_free(struct tty_port_opening *o)
{
	if (o->fd >= 0)
		close(o->fd);
	place_finish(&o->place);
	free(o->path);
	free(o);
}

static void on_again(void *data)
{
	tty_port_try(data);
}

/* Whoever has it will close it: that is told by a watch that knows nothing yet of our own closing of it. */
static void watch_closing(struct tty_port *p)
{
	if (p->closing_watch < 0)
		p->closing_watch = inotify_add_watch(p->all->inotify, p->path, IN_CLOSE | IN_ONESHOT);
}

static void try_later(struct tty_port *p)
{
	unsigned doublings = p->failures < 7 ? p->failures : 7;

	p->failures++;
	loop_timer_start(p->all->loop, &p->again, (uint64_t)AGAIN_FIRST_MS << doublings, on_again, p);
}

/* That another program has it is known at once; anything else may pass, as udev may not be done with a port that has just come. */
static void failed(struct tty_port *p, const struct gw_error *err)
{
	if (err->kind != GW_NOT_FOUND && p->failures == (err->kind == GW_BUSY ? 0 : 1))
		log_warning("%s; it is tried again", err->text);
	if (err->kind == GW_BUSY)
		watch_closing(p);
	try_later(p);
}

/* Unplugged, which the folder will tell, or hung up. */
static void on_gone(void *data)
{
	struct tty_port *p = data;

	log_info("%s is gone", p->path);
	p->stream = NULL;
	place_finish(&p->place);
	p->failures = 0;
	try_later(p);
}

static void on_bound(void *data, const char *id)
{
	struct tty_port *p = data;

	known_set(&p->all->known, p->place.key, id);
}

static void settle(struct tty_port *p, const struct place *place)
{
	p->settled = true;
	if (place->own_console)
		log_info("%s is the gateway's own console: left alone", p->path);
	else
		log_debug("%s: there is no such port", p->path);
}

static bool take(struct tty_port *p, struct tty_port_opening *o, struct gw_error *err)
{
	const char *id;

	p->place = o->place;
	o->place = (struct place){0};
	if (!*p->place.key && strlen(p->name) <= PLACE_KEY_MAX && !strpbrk(p->name, " \n"))
		strcpy(p->place.key, p->name);
	id = known_find(&p->all->known, p->place.key);
	log_info("%s is a console, %s%s", p->path, id ? "last of machine " : "nobody's yet", id ? id : "");
	p->stream = streams_add_port(p->all->streams, o->fd, &p->as_stream, id, err);
	o->fd = -1;
	return p->stream != NULL;
}

static void opened(struct tty_port *p, struct tty_port_opening *o)
{
	struct gw_error err = o->err;

	p->opening = NULL;
	if (o->place.absent || o->place.own_console) {
		settle(p, &o->place);
	} else if (o->fd < 0 || !take(p, o, &err)) {
		place_finish(&p->place);
		failed(p, &err);
	} else {
		p->failures = 0;
		if (p->all->came)
			p->all->came(p->all->data, p);
	}
}

static void on_worked(uv_work_t *work, int status)
{
	struct tty_port_opening *o = work->data;

	if (o->port)
		opened(o->port, o);
	opening_free(o);
}

void tty_port_try(struct tty_port *p)
{
	struct tty_port_opening *o;

	if (p->stream || p->opening || p->settled)
		return;
	loop_timer_stop(&p->again);
	o = gw_calloc(1, sizeof(*o));
	o->work.data = o;
	o->port = p;
	o->path = gw_strdup(p->path);
	o->device = p->device;
	o->fd = -1;
	p->opening = o;
	gw_assert(uv_queue_work(&p->all->loop->uv, &o->work, on_work, on_worked) == 0);
}

struct tty_port *tty_port_create(struct tty_ports *all, const char *path, dev_t device, dev_t on, ino_t node)
{
	struct tty_port *p = gw_calloc(1, sizeof(*p));
	const char *slash;

	p->all = all;
	p->path = gw_strdup(path);
	slash = strrchr(p->path, '/');
	p->name = slash ? slash + 1 : p->path;
	p->device = device;
	p->on = on;
	p->node = node;
	p->closing_watch = -1;
	p->as_stream = (struct stream_port){.name = p->name, .bound = on_bound, .gone = on_gone, .data = p};
	return p;
}

void tty_port_destroy(struct tty_port *p)
{
	if (p->stream)
		stream_close(p->stream);
	if (p->opening)
		p->opening->port = NULL;
	if (p->closing_watch >= 0)
		inotify_rm_watch(p->all->inotify, p->closing_watch);
	loop_timer_finish(&p->again);
	place_finish(&p->place);
	free(p->path);
	free(p);
}
