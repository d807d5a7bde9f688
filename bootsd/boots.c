#include "bootsd/boots.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/buffer.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define SOURCES     2
#define LOOKUPS     8 /* of a machine at once; one more each LOOKUP_MS */
#define LOOKUP_MS   250
#define WATCH_FLAGS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

/* ---- looking an entry up ---- */

/* In the text as it is rendered for this request. False: the text has nothing for it, or `errs` says why not. */
static bool choose_in(struct boots_choice **choice, const struct boots *boots, const struct boots_source *source,
		      const struct boots_request *request, const struct deployment *deployment, struct gw_errors *errs)
{
	struct value_pool pool = {0};
	struct gw_error err = {0};
	struct boots_db db = {0};

	*choice = NULL;
	value_pool_init(&pool, 0);
	if (boots_db_load(&db, source->path, source->text, strlen(source->text), boots_names(&pool, &boots->place, request), errs)) {
		for (size_t i = 0; !*choice && err.kind == GW_OK && i < db.n; i++)
			if (boots_entry_matches(&db.v[i], request->class, request->mac, &err))
				*choice = boots_choice_create(&db.v[i], deployment, &err);
		if (err.kind != GW_OK)
			gw_errors_add(errs, err.kind, "%s: %s", source->path, err.text);
	}
	boots_db_finish(&db);
	value_pool_finish(&pool);
	return *choice != NULL;
}

static char *key_of(const struct boots *boots, const struct dhcp_class *class, size_t *n)
{
	struct buffer key = {0};

	buffer_printf(&key, "%llu %s %s %s %d %s %zu ", (unsigned long long)boots->generation,
		      class->architecture ? class->architecture : "", class->firmware ? class->firmware : "",
		      class->protocol ? class->protocol : "", class->ipxe, class->uuid, class->vendor_class.n);
	buffer_add(&key, class->vendor_class.v, class->vendor_class.n);
	buffer_add(&key, class->user_class.v, class->user_class.n);
	*n = key.len;
	return buffer_take(&key);
}

/* The first of the files that has an entry; where one cannot be read for this request, the next one is looked at. */
static struct boots_choice *look_up(const struct boots *boots, const struct machine *machine, const struct dhcp_class *class)
{
	const struct deployment *d = machine->deployment;
	const struct boots_request request = {.class = class, .mac = machine->mac, .names = d->names, .cmdline = d->cmdline};
	struct boots_choice *choice = NULL;
	struct gw_errors errs = {0};

	for (int i = 0; i < SOURCES && !choice; i++)
		if (boots->sources[i].text)
			choose_in(&choice, boots, &boots->sources[i], &request, d, &errs);
	for (size_t i = 0; i < errs.n; i++)
		log_warning("job=%s dut=%s: boots DB: %s; it is left out", d->job, machine->known ? machine->id : "unknown",
			    errs.v[i].text);
	gw_errors_finish(&errs);
	return choice ? choice : gw_calloc(1, sizeof(*choice));
}

const struct boots_choice *boots_choose(struct boots *boots, struct machine *machine, const struct dhcp_class *class, uint64_t now_ms)
{
	size_t n;
	char *key = key_of(boots, class, &n);
	bool same = machine->choice && machine->choice->key_n == n && memcmp(machine->choice->key, key, n) == 0;

	if (same || !bucket_take(&machine->choices, now_ms, LOOKUPS, LOOKUP_MS)) {
		free(key);
		return machine->choice;
	}
	boots_choice_destroy(machine->choice);
	machine->choice = look_up(boots, machine, class);
	machine->choice->key = key;
	machine->choice->key_n = n;
	return machine->choice;
}

/* ---- checking a text ---- */

/* Every entry's options are encoded, too: what they say may come of the request. */
static bool sample(const struct boots *boots, const struct boots_source *source, const struct boots_request *request,
		   struct gw_errors *errs)
{
	struct value_pool pool = {0};
	struct gw_error err = {0};
	struct boots_db db = {0};
	bool ok;

	value_pool_init(&pool, 0);
	ok = boots_db_load(&db, source->path, source->text, strlen(source->text), boots_names(&pool, &boots->place, request), errs);
	for (size_t i = 0; ok && i < db.n; i++) {
		struct boots_choice *choice = boots_choice_create(&db.v[i], NULL, &err);

		ok = choice != NULL;
		boots_choice_destroy(choice);
	}
	if (err.kind != GW_OK)
		gw_errors_add(errs, err.kind, "%s: %s", source->path, err.text);
	boots_db_finish(&db);
	value_pool_finish(&pool);
	return ok;
}

/* For each kind of request there is, with iPXE and without, of a job with a kernel. The first kind that fails tells its errors. */
static bool is_valid(const struct boots *boots, const struct boots_source *source, struct gw_errors *errs)
{
	struct dhcp_class class;
	bool ok = true;

	for (size_t i = 0; ok && dhcp_class_sample(&class, i / 2); i++) {
		const struct boots_request request = {.class = &class, .mac = {{0x52, 0x54, 0, 0, 0, 1}}, .cmdline = "quiet"};

		class.ipxe = i % 2;
		ok = sample(boots, source, &request, errs);
	}
	return ok;
}

/* ---- the files ---- */

static void read_at(char out[16])
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, 16, "%H:%M:%S", &tm);
}

/* A new text, or none where there is no file; what is not valid leaves the old one. */
static bool source_read(struct boots *boots, struct boots_source *source, bool may_lack, struct gw_errors *errs)
{
	struct boots_source new = *source;
	struct gw_error err = {0};
	size_t n;

	new.text = file_read(source->path, BOOTS_TEXT_MAX, &n, &err);
	if (!new.text && !(may_lack && err.kind == GW_NOT_FOUND)) {
		gw_errors_add(errs, GW_BAD_INPUT, "%s", err.text);
		return false;
	}
	if (new.text && strlen(new.text) != n) {
		gw_errors_add(errs, GW_BAD_INPUT, "%s: a character 0 is not valid here", source->path);
		free(new.text);
		return false;
	}
	if (new.text && !is_valid(boots, &new, errs)) {
		free(new.text);
		return false;
	}
	read_at(new.read_at);
	free(source->text);
	*source = new;
	boots->generation++;
	return true;
}

bool boots_load(struct boots *boots, const char *user, const char *dflt, const struct boots_place *place, struct gw_error *err)
{
	struct gw_errors errs = {0};
	bool ok;

	boots->place = *place;
	boots->inotify = -1;
	boots->sources[0] = (struct boots_source){.path = gw_strdup(user), .watch = -1};
	boots->sources[1] = (struct boots_source){.path = gw_strdup(dflt), .watch = -1};
	source_read(boots, &boots->sources[0], true, &errs);
	source_read(boots, &boots->sources[1], false, &errs);
	for (size_t i = 1; i < errs.n; i++)
		log_error("%s", errs.v[i].text);
	ok = gw_errors_none(&errs, err);
	gw_errors_finish(&errs);
	return ok;
}

static void read_one_again(struct boots *boots, struct boots_source *source)
{
	bool is_user = source == &boots->sources[0];
	struct gw_errors errs = {0};

	if (source_read(boots, source, is_user, &errs))
		log_info("boots DB: %s is %s", source->path, source->text ? "read" : "not there");
	for (size_t i = 0; i < errs.n; i++)
		log_error("%s. The boots DB read at %s stays in use.", errs.v[i].text, source->read_at);
	gw_errors_finish(&errs);
}

/* ---- edits ---- */

static const char *name_of(const struct boots_source *source)
{
	const char *slash = strrchr(source->path, '/');

	return slash ? slash + 1 : source->path;
}

static void on_event(struct boots *boots, const struct inotify_event *event, bool edited[SOURCES])
{
	for (int i = 0; i < SOURCES; i++)
		edited[i] |= (event->mask & IN_Q_OVERFLOW) ||
			     (event->wd == boots->sources[i].watch && event->len && strcmp(event->name, name_of(&boots->sources[i])) == 0);
}

static void on_events(void *data, int events)
{
	struct boots *boots = data;
	bool edited[SOURCES] = {false};
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n;

	while ((n = read(boots->inotify, bytes, sizeof(bytes))) > 0)
		for (char *at = bytes; at < bytes + n; at += sizeof(struct inotify_event) + ((struct inotify_event *)(void *)at)->len)
			on_event(boots, (struct inotify_event *)(void *)at, edited);
	for (int i = 0; i < SOURCES; i++)
		if (edited[i])
			read_one_again(boots, &boots->sources[i]);
}

/* Editors rename over the file: the folder is watched, not the file. */
static void watch_folder(struct boots *boots, struct boots_source *source)
{
	char *copy = gw_strdup(source->path);

	source->watch = inotify_add_watch(boots->inotify, dirname(copy), WATCH_FLAGS);
	if (source->watch < 0 && errno != ENOENT)
		log_warning("boots DB: the folder of %s cannot be watched: %s; after an edit send SIGHUP", source->path, strerror(errno));
	free(copy);
}

void boots_watch(struct boots *boots, struct loop *loop)
{
	struct gw_error err = {0};

	boots->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (boots->inotify < 0)
		gw_fail_errno(&err, GW_INTERNAL, errno, "boots DB: its files cannot be watched");
	else
		loop_fd_start(loop, &boots->events, boots->inotify, UV_READABLE, on_events, boots, &err);
	log_failure("edits", &err);
	for (int i = 0; i < SOURCES; i++)
		watch_folder(boots, &boots->sources[i]);
}

void boots_read_again(struct boots *boots)
{
	for (int i = 0; i < SOURCES; i++) {
		watch_folder(boots, &boots->sources[i]); /* a folder that was not there before */
		read_one_again(boots, &boots->sources[i]);
	}
}

void boots_finish(struct boots *boots)
{
	if (!boots->sources[0].path)
		return;
	loop_fd_finish(&boots->events);
	if (boots->inotify >= 0)
		close(boots->inotify);
	for (int i = 0; i < SOURCES; i++) {
		free(boots->sources[i].path);
		free(boots->sources[i].text);
	}
	*boots = (struct boots){0};
}
