#include "executorctl/bucket_mirror.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "executorctl/mirror_files.h"
#include "executorctl/s3_client.h"
#include "executorctl/table.h"

enum { QUIET_MS = 1000 }; /* before progress is shown */

struct mirror {
	struct mirror_dir dir;
	struct s3_objects objects; /* those that are to be fetched */
	size_t next, fetched, failed;
	uint64_t bytes, all_bytes;
	int64_t began_ms;
	bool shown; /* a line of progress is on the terminal */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what is said ---- */

static void clear_progress(struct mirror *m)
{
	if (m->shown)
		fputs("\r\033[K", stderr);
	m->shown = false;
}

static void show_progress(void *data)
{
	struct mirror *m = data;
	const double mib = 1 << 20;

	if (now_ms() - m->began_ms < QUIET_MS)
		return;
	clear_progress(m);
	fprintf(stderr, "executorctl: fetching the job's bucket: %zu of %zu files, %.1f of %.1f MiB", m->fetched, m->objects.n,
		(double)m->bytes / mib, (double)m->all_bytes / mib);
	fflush(stderr);
	m->shown = true;
}

static void say_of_key(struct mirror *m, const char *key, size_t len, const char *what)
{
	char *copy = gw_calloc(len + 1, 1), *shown;

	for (size_t i = 0; i < len; i++)
		copy[i] = key[i] ? key[i] : '\1'; /* shown as any control character */
	shown = printable(copy);
	clear_progress(m);
	fprintf(stderr, "executorctl: the job's bucket: '%s' %s\n", shown, what);
	free(shown);
	free(copy);
}

/* ---- one object ---- */

struct fetching {
	struct mirror *mirror;
	const struct s3_object *object;
	struct mirror_file file;
	uint64_t had;
};

static bool on_begin(void *data, struct gw_error *err)
{
	struct fetching *f = data;

	f->mirror->bytes -= f->had;
	f->had = 0;
	return mirror_file_begin(&f->mirror->dir, &f->file, f->object->key, err);
}

static bool on_bytes(void *data, const void *bytes, size_t n, struct gw_error *err)
{
	struct fetching *f = data;

	f->had += n;
	f->mirror->bytes += n;
	if (f->had > f->object->size)
		return gw_fail(err, GW_REFUSED, "it is longer than the %" PRIu64 " bytes that were listed", f->object->size);
	return mirror_file_write(&f->file, bytes, n, err);
}

/* What is wrong with this one alone leaves the others. */
static bool fail(struct fetching *f, const struct gw_error *why, struct gw_error *err)
{
	char what[600];

	f->mirror->failed++;
	if (why->kind != GW_REFUSED && why->kind != GW_NOT_FOUND)
		return gw_fail(err, why->kind, "%s", why->text);
	snprintf(what, sizeof(what), "could not be fetched: %s", why->text);
	say_of_key(f->mirror, f->object->key, f->object->len, what);
	return true;
}

static bool on_done(void *data, const struct gw_error *why, struct gw_error *err)
{
	struct fetching *f = data;
	struct gw_error own = {0};
	bool goes_on = true;

	if (!why && mirror_file_place(&f->mirror->dir, &f->file, &own))
		f->mirror->fetched++;
	else
		goes_on = fail(f, why ? why : &own, err);
	mirror_file_finish(&f->file);
	free(f);
	return goes_on;
}

static bool next_fetch(void *data, struct s3_fetch *fetch)
{
	struct mirror *m = data;
	struct fetching *f;

	if (m->next == m->objects.n)
		return false;
	f = gw_calloc(1, sizeof(*f));
	f->mirror = m;
	f->object = &m->objects.v[m->next++];
	*fetch = (struct s3_fetch){f->object->key, f, on_begin, on_bytes, on_done};
	return true;
}

/* ---- all ---- */

/* What is left are keys that are paths. */
static void leave_out_refused(struct mirror *m)
{
	struct s3_objects *o = &m->objects;
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++) {
		const char *why = mirror_key_refused(&o->v[i]);
		char what[120];

		if (why) {
			snprintf(what, sizeof(what), "%s: it is not fetched", why);
			say_of_key(m, o->v[i].key, o->v[i].len, what);
			free(o->v[i].key);
		} else {
			m->all_bytes += o->v[i].size;
			o->v[kept++] = o->v[i];
		}
	}
	o->n = kept;
	mirror_sort(o);
}

static bool fetch_and_remove(struct mirror *m, struct s3_client *client, const char *directory, struct gw_error *err)
{
	size_t removed = 0;
	bool ok = s3_list(client, &m->objects, err);

	if (ok)
		leave_out_refused(m);
	ok = ok && mirror_dir_open(&m->dir, directory, &m->objects, err);
	if (ok && isatty(STDERR_FILENO))
		s3_client_show(client, show_progress, m);
	ok = ok && s3_fetch(client, next_fetch, m, err);
	clear_progress(m);
	ok = ok && mirror_remove_others(&m->dir, &removed, err);
	if (ok && m->failed)
		ok = gw_fail(err, GW_UNREACHABLE, "%zu of its %zu files could not be fetched", m->failed, m->objects.n);
	if (ok)
		fprintf(stderr, "executorctl: %s is as the job's bucket: %zu fetched, %zu removed\n", directory, m->fetched, removed);
	return ok;
}

/* ---- being ended ---- */

/* A descriptor that can be read once a signal came that would end us; those that are ignored go on being so. */
static int hold_signals(sigset_t *before)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action;
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&held, ending[i]);
	sigprocmask(SIG_BLOCK, &held, before);
	return signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool bucket_mirror(const char *access_url, const char *bucket, const char *directory, struct gw_error *err)
{
	struct mirror m = {.began_ms = now_ms()};
	struct s3_client *client = s3_client_create(access_url, bucket, err);
	sigset_t before;
	int signals = hold_signals(&before);
	bool ok = false;

	if (client) {
		s3_client_stop_on(client, signals);
		ok = fetch_and_remove(&m, client, directory, err);
	}
	mirror_dir_finish(&m.dir);
	s3_client_destroy(client);
	s3_objects_finish(&m.objects);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that came meanwhile ends us here */
	return ok || gw_context(err, "the job's bucket could not be fetched into %s", directory);
}
