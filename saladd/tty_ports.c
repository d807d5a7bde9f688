#include "saladd/tty_ports.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libgateway/log.h"

#define TELLS (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_ONLYDIR)

/* ---- the patterns ---- */

static bool pattern_parse(const char *word, struct tty_port_pattern *pattern, struct gw_error *err)
{
	const char *slash = strrchr(word, '/');

	if (*word != '/' || !slash[1] || strcspn(word, "*?[") < (size_t)(slash - word))
		return gw_fail(err, GW_BAD_INPUT,
			       "SALAD_SERIAL_PORTS: '%.64s' is no name of serial ports; accepted: absolute paths whose last part may have "
			       "*, ? and [], such as /dev/ttyUSB*, or none",
			       word);
	pattern->folder = slash == word ? gw_strdup("/") : gw_strndup(word, (size_t)(slash - word));
	pattern->name = gw_strdup(slash + 1);
	pattern->watch = -1;
	return true;
}

static void patterns_finish(struct tty_ports *all)
{
	for (unsigned i = 0; i < all->patterns; i++) {
		free(all->pattern[i].folder);
		free(all->pattern[i].name);
	}
	all->patterns = 0;
}

static bool patterns_parse(struct tty_ports *all, const char *text, struct gw_error *err)
{
	char *copy = gw_strdup(strcmp(text, "none") == 0 ? "" : text), *rest = copy, *word;
	bool ok = true;

	while (ok && (word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		if (all->patterns == TTY_PORTS_PATTERNS_MAX)
			ok = gw_fail(err, GW_BAD_INPUT, "SALAD_SERIAL_PORTS: too many names; accepted: %d", TTY_PORTS_PATTERNS_MAX);
		else if ((ok = pattern_parse(word, &all->pattern[all->patterns], err)))
			all->patterns++;
	}
	free(copy);
	return ok;
}

bool tty_ports_check(const char *patterns, struct gw_error *err)
{
	struct tty_ports all = {0};
	bool ok = patterns_parse(&all, patterns, err);

	patterns_finish(&all);
	return ok;
}

/* ---- looking around ---- */

static struct tty_port *find(const struct tty_ports *all, const char *path)
{
	for (struct tty_port *p = all->first; p; p = p->next)
		if (strcmp(p->path, path) == 0)
			return p;
	return NULL;
}

/* By another name, as links of udev are. */
static bool is_seen(const struct tty_ports *all, dev_t device)
{
	for (const struct tty_port *p = all->first; p; p = p->next)
		if (p->seen && p->device == device)
			return true;
	return false;
}

static void drop(struct tty_ports *all, struct tty_port *p)
{
	struct tty_port **link = &all->first;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	all->n--;
	if (p->stream)
		log_info("%s is unplugged", p->path);
	tty_port_destroy(p);
}

static void add(struct tty_ports *all, const char *path, const struct stat *st)
{
	struct tty_port *p;

	if (all->n == TTY_PORTS_MAX) {
		if (!all->full_told)
			log_warning("%s: there are %d serial ports already; it and further ones are left alone", path, TTY_PORTS_MAX);
		all->full_told = true;
		return;
	}
	p = tty_port_create(all, path, st->st_rdev, st->st_dev, st->st_ino);
	p->seen = true;
	p->next = all->first;
	all->first = p;
	all->n++;
	tty_port_try(p);
}

static void look_at(struct tty_ports *all, const char *path)
{
	struct tty_port *p = find(all, path);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode) || is_seen(all, st.st_rdev))
		return;
	if (p && (p->device != st.st_rdev || p->on != st.st_dev || p->node != st.st_ino)) {
		drop(all, p);
		p = NULL;
	}
	if (!p) {
		add(all, path, &st);
		return;
	}
	p->seen = true;
	tty_port_try(p);
}

static void look_in(struct tty_ports *all, const struct tty_port_pattern *pattern)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int n = scandir(pattern->folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", pattern->folder, entries[i]->d_name);
		if (len < (int)sizeof(path) && fnmatch(pattern->name, entries[i]->d_name, FNM_PERIOD) == 0)
			look_at(all, path);
		free(entries[i]);
	}
	free(entries);
}

static void look_around(struct tty_ports *all)
{
	struct tty_port *next;

	for (struct tty_port *p = all->first; p; p = p->next)
		p->seen = false;
	for (unsigned i = 0; i < all->patterns; i++)
		look_in(all, &all->pattern[i]);
	for (struct tty_port *p = all->first; p; p = next) {
		next = p->next;
		if (!p->seen)
			drop(all, p);
	}
}

/* ---- what the folders tell ---- */

static bool matters(struct tty_ports *all, const struct inotify_event *event)
{
	for (struct tty_port *p = all->first; p; p = p->next)
		if (event->wd == p->closing_watch) {
			if (event->mask & IN_IGNORED)
				p->closing_watch = -1;
			return true;
		}
	for (unsigned i = 0; i < all->patterns; i++)
		if (event->wd == all->pattern[i].watch && event->len && fnmatch(all->pattern[i].name, event->name, FNM_PERIOD) == 0)
			return true;
	return (event->mask & IN_Q_OVERFLOW) != 0;
}

static void on_told(void *data, int events)
{
	struct tty_ports *all = data;
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	bool look = false;
	ssize_t n;

	while ((n = read(all->inotify, buf, sizeof(buf))) > 0)
		for (const char *at = buf; at < buf + n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(const void *)at;
			look |= matters(all, event);
		}
	if (look)
		look_around(all);
}

static void watch_folders(struct tty_ports *all)
{
	for (unsigned i = 0; i < all->patterns; i++) {
		struct tty_port_pattern *pattern = &all->pattern[i];

		pattern->watch = inotify_add_watch(all->inotify, pattern->folder, TELLS);
		if (pattern->watch < 0)
			log_warning("SALAD_SERIAL_PORTS: %s: %s; ports there are not found until saladd starts anew", pattern->folder,
				    strerror(errno));
	}
}

bool tty_ports_start(struct tty_ports *all, struct loop *loop, struct streams *streams, const char *patterns, char *known_path,
		     struct gw_error *err)
{
	*all = (struct tty_ports){.loop = loop, .streams = streams};
	known_load(&all->known, known_path);
	if (!patterns_parse(all, patterns, err))
		return false;
	all->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (all->inotify < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "cannot watch for serial ports");
	if (!loop_fd_start(loop, &all->watch, all->inotify, UV_READABLE, on_told, all, err)) {
		close(all->inotify);
		return false;
	}
	watch_folders(all);
	look_around(all);
	return true;
}

void tty_ports_finish(struct tty_ports *all)
{
	while (all->first) {
		struct tty_port *p = all->first;

		all->first = p->next;
		tty_port_destroy(p);
	}
	if (all->watch.uv) {
		loop_fd_finish(&all->watch);
		close(all->inotify);
	}
	patterns_finish(all);
	known_finish(&all->known);
}

struct tty_port *tty_ports_at(const struct tty_ports *all, const char *key)
{
	for (struct tty_port *p = all->first; p; p = p->next)
		if (p->stream && strcmp(p->place.key, key) == 0)
			return p;
	return NULL;
}

struct tty_port *tty_ports_of(const struct tty_ports *all, const struct stream *stream)
{
	for (struct tty_port *p = all->first; p; p = p->next)
		if (stream && p->stream == stream)
			return p;
	return NULL;
}
