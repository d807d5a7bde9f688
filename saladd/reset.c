#include "saladd/reset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libgateway/log.h"
#include "saladd/note.h"
#include "saladd/usb_switch.h"

#define NOTE_MAX (64 * 1024)

struct reset {
	struct reset *next; /* in resets.first */
	struct resets *all; /* NULL: nobody waits any more */
	char key[PLACE_KEY_MAX + 1];
	char *device; /* owned */
	char *file;   /* owned; the switch; NULL: not known yet */
	bool off;     /* or may be */
	bool on;      /* again: its console is awaited */
	void (*next_step)(struct reset *r);
	struct loop_timer timer;
	uv_work_t work;
	void (*job)(struct reset *r); /* on a worker thread */
	struct gw_error err;          /* its failure */
	reset_done *done;
	void *data;
};

static struct loop *loop_of(const struct reset *r)
{
	return r->all->ports->loop;
}

static void reset_free(struct reset *r)
{
	free(r->device);
	free(r->file);
	free(r);
}

/* ---- the note ---- */

static void note(const struct resets *all)
{
	struct buffer text = {0};

	for (const struct reset *r = all->first; r; r = r->next)
		if (r->off)
			buffer_printf(&text, "%s\n", r->file);
	if (!note_save(all->note_path, text.len ? text.data : "", text.len))
		log_warning("%s: %s; a USB port stays off if saladd dies while it resets it", all->note_path, strerror(errno));
	buffer_finish(&text);
}

static bool is_switch(const char *path)
{
	static const char folder[] = "/sys/devices/", name[] = "/disable";
	size_t n = strlen(path);

	return strncmp(path, folder, sizeof(folder) - 1) == 0 && n > sizeof(name) && strcmp(path + n - sizeof(name) + 1, name) == 0 &&
	       !strstr(path, "/../");
}

static void switch_on_noted(const struct resets *all)
{
	size_t n;
	char *text = note_read(all->note_path, NOTE_MAX, &n), *rest = text, *path;
	struct gw_error err = {0};

	while (text && (path = strsep(&rest, "\n")))
		if (is_switch(path)) {
			log_info("%s: its reset was not ended: it is switched on", path);
			if (!usb_switch_set(path, true, &err))
				log_failure("USB reset", &err);
		}
	free(text);
	if (n && text)
		note(all);
}

/* ---- the steps ---- */

static void end(struct reset *r, enum reset_end how, const char *text)
{
	struct reset **link = &r->all->first;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	loop_timer_finish(&r->timer);
	r->done(r->data, how, text);
	reset_free(r);
}

static void on_work(uv_work_t *work)
{
	struct reset *r = work->data;

	r->job(r);
}

/* The note stays: the next start does it once more. */
static void switch_on_again(const struct reset *r)
{
	struct gw_error err = {0};

	if (r->off && !usb_switch_set(r->file, true, &err))
		log_failure("USB reset", &err);
}

static void on_worked(uv_work_t *work, int status)
{
	struct reset *r = work->data;

	if (r->all) {
		r->next_step(r);
		return;
	}
	switch_on_again(r); /* saladd ends */
	reset_free(r);
}

static void work(struct reset *r, void (*job)(struct reset *r), void (*next_step)(struct reset *r))
{
	r->job = job;
	r->next_step = next_step;
	r->work.data = r;
	gw_assert(uv_queue_work(&loop_of(r)->uv, &r->work, on_work, on_worked) == 0);
}

static void job_find(struct reset *r)
{
	r->file = usb_switch_find(r->device, &r->err);
}

static void job_off(struct reset *r)
{
	usb_switch_set(r->file, false, &r->err);
}

static void job_on(struct reset *r)
{
	usb_switch_set(r->file, true, &r->err);
}

static void on_not_back(void *data)
{
	struct reset *r = data;

	log_warning("%s: its USB port is on again, but it did not come back within %d s", r->key, RESET_RETURN_MS / 1000);
	end(r, RESET_FAILED, "the console did not come back after its reset");
}

static void step_switched_on(struct reset *r)
{
	if (r->err.kind) {
		log_failure("USB reset", &r->err);
		end(r, RESET_FAILED, r->err.text);
		return;
	}
	r->off = false;
	r->on = true;
	note(r->all);
	if (tty_ports_at(r->all->ports, r->key)) /* a hub that pretends */
		end(r, RESET_DONE, "");
	else
		loop_timer_start(loop_of(r), &r->timer, RESET_RETURN_MS, on_not_back, r);
}

static void on_off_long_enough(void *data)
{
	work(data, job_on, step_switched_on);
}

static void step_switched_off(struct reset *r)
{
	if (r->err.kind) {
		r->off = false;
		note(r->all);
		log_failure("USB reset", &r->err);
		end(r, RESET_FAILED, r->err.text);
		return;
	}
	loop_timer_start(loop_of(r), &r->timer, r->all->off_ms, on_off_long_enough, r);
}

static void step_found(struct reset *r)
{
	if (!r->file) {
		end(r, RESET_UNSUPPORTED, r->err.text);
		return;
	}
	log_info("%s: its USB port is off for %.3g s", r->key, (double)r->all->off_ms / 1000);
	r->off = true;
	note(r->all);
	work(r, job_off, step_switched_off);
}

/* ---- from outside ---- */

static void on_came(void *data, struct tty_port *p)
{
	struct resets *all = data;

	for (struct reset *r = all->first; r; r = r->next)
		if (r->on && strcmp(r->key, p->place.key) == 0) {
			end(r, RESET_DONE, "");
			return;
		}
}

static bool has_others(const struct resets *all, const struct tty_port *p)
{
	for (const struct tty_port *other = all->ports->first; other; other = other->next)
		if (other != p && other->place.usb && strcmp(other->place.usb, p->place.usb) == 0)
			return true;
	return false;
}

static bool is_under_way(const struct resets *all, const char *key)
{
	for (const struct reset *r = all->first; r; r = r->next)
		if (strcmp(r->key, key) == 0)
			return true;
	return false;
}

void reset_start(struct resets *all, const struct stream *stream, reset_done *done, void *data)
{
	const struct tty_port *p = tty_ports_of(all->ports, stream);
	struct reset *r;

	if (!p || !p->place.usb) {
		done(data, RESET_UNSUPPORTED,
		     p ? "its console is no USB device; only those have a reset"
		       : "its console is a TCP connection, which has no reset; only USB consoles have one");
	} else if (all->disabled) {
		done(data, RESET_UNSUPPORTED, "SALAD_CONSOLE_USB_RESET_DISABLE forbids it");
	} else if (has_others(all, p)) {
		done(data, RESET_UNSUPPORTED, "its USB device has other consoles too");
	} else if (is_under_way(all, p->place.key)) {
		done(data, RESET_FAILED, "its console is being reset already");
	} else {
		r = gw_calloc(1, sizeof(*r));
		r->all = all;
		strcpy(r->key, p->place.key);
		r->device = gw_strdup(p->place.usb);
		r->done = done;
		r->data = data;
		r->next = all->first;
		all->first = r;
		work(r, job_find, step_found);
	}
}

void resets_init(struct resets *all, struct tty_ports *ports, uint64_t off_ms, bool disabled, char *note_path)
{
	*all = (struct resets){.ports = ports, .off_ms = off_ms, .disabled = disabled, .note_path = note_path};
	ports->came = on_came;
	ports->data = all;
	switch_on_noted(all);
}

/* What a worker does ends first. */
void resets_finish(struct resets *all)
{
	while (all->first) {
		struct reset *r = all->first;
		bool at_work = !loop_timer_active(&r->timer);

		all->first = r->next;
		loop_timer_finish(&r->timer);
		r->done(r->data, RESET_FAILED, "saladd is stopping");
		r->all = NULL;
		if (at_work)
			continue;
		switch_on_again(r);
		reset_free(r);
	}
	free(all->note_path);
	*all = (struct resets){0};
}
