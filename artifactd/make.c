#include "artifactd/make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifactd/archives.h"
#include "artifactd/release.h"
#include "artifactd/uboot.h"
#include "libgateway/log.h"

struct make {
	struct work work;
	struct makes *all;
	struct msg_artifact_make *of; /* owned */
	struct bus_call *call;
	bool known; /* it had been made before */
	struct store_temp temp;
	struct store_url made;
	int64_t size;
};

/* ---- on the pool ---- */

static int open_input(const struct make *m, const char *name, int64_t *size, struct gw_error *err)
{
	return store_open_used(m->all->store, name, m->work.job, size, err);
}

static bool put(void *data, const void *bytes, size_t n, struct gw_error *err)
{
	struct make *m = data;

	return store_temp_write(&m->temp, bytes, n, err);
}

static bool given_up(void *data)
{
	return work_given_up(data);
}

struct input {
	struct make *m;
	int fd;
	int64_t size;
};

typedef bool each_piece(void *data, const void *bytes, size_t n);

static bool each_of(struct input *in, each_piece *each, void *data)
{
	char bytes[64 * 1024];
	int64_t at = 0;
	ssize_t n = 0;

	while (at < in->size && (n = pread(in->fd, bytes, sizeof(bytes), at)) > 0 && !given_up(in->m) && each(data, bytes, (size_t)n))
		at += n;
	if (at == in->size)
		return true;
	return in->m->work.err.kind != GW_OK ? false
	       : given_up(in->m)             ? gw_fail(&in->m->work.err, GW_REFUSED, "it is not wanted any more")
					     : gw_fail(&in->m->work.err, GW_UNREACHABLE, "what it is made of cannot be read");
}

static bool add_crc(void *data, const void *bytes, size_t n)
{
	uint32_t *crc = data;

	*crc = uboot_crc32(*crc, bytes, n);
	return true;
}

static bool crc_of(void *data, uint32_t *crc)
{
	return each_of(data, add_crc, crc);
}

static bool write_piece(void *data, const void *bytes, size_t n)
{
	struct make *m = data;

	return store_temp_write(&m->temp, bytes, n, &m->work.err);
}

static bool make_uboot(struct make *m)
{
	const struct uboot_image image = {m->of->architecture, m->of->compression, m->of->os, m->of->type};
	unsigned char front[UBOOT_FRONT];
	struct input in = {.m = m};
	size_t n;

	if (!m->of->input)
		return gw_fail(&m->work.err, GW_BAD_INPUT, "an image of U-Boot's is made of an artifact");
	in.fd = open_input(m, m->of->input, &in.size, &m->work.err);
	if (in.fd < 0)
		return false;
	n = uboot_front(front, &image, (uint64_t)in.size, crc_of, &in, &m->work.err);
	if (n && write_piece(m, front, n))
		each_of(&in, write_piece, m);
	close(in.fd);
	return m->work.err.kind == GW_OK;
}

static bool open_added(struct make *m, struct archive_add *add)
{
	for (size_t i = 0; i < m->of->add.n; i++) {
		const struct msg_artifact_add *from = &m->of->add.v[i];

		add[i] = (struct archive_add){.path = from->path, .mode = S_IFREG | ((unsigned)from->mode & 07777)};
		add[i].fd = open_input(m, from->artifact, &add[i].size, &m->work.err);
		if (add[i].fd < 0)
			return false;
	}
	return true;
}

static bool convert(struct make *m, const struct archive_add *add)
{
	struct archive_recipe recipe = {.extension = m->of->extension,
					.compression = m->of->compression,
					.match = m->of->match,
					.add = add,
					.n_add = m->of->add.n,
					.n_keep = m->of->keep.n,
					.max_bytes = m->all->max_bytes};
	struct archive_keep *keep = gw_calloc(m->of->keep.n + 1, sizeof(*keep));
	struct archive_io io = {.in = -1, .out = put, .stopped = given_up, .data = m};
	bool good;

	for (size_t i = 0; i < m->of->keep.n; i++)
		keep[i] = (struct archive_keep){m->of->keep.v[i].path, m->of->keep.v[i].rewrite};
	recipe.keep = keep;
	if (m->of->input)
		io.in = open_input(m, m->of->input, NULL, &m->work.err);
	good = (!m->of->input || io.in >= 0) && archive_convert(&recipe, &io, &m->work.err);
	if (io.in >= 0)
		close(io.in);
	free(keep);
	return good;
}

static bool make_archive(struct make *m)
{
	struct archive_add *add = gw_calloc(m->of->add.n + 1, sizeof(*add));
	bool good;

	for (size_t i = 0; i < m->of->add.n; i++)
		add[i].fd = -1;
	good = open_added(m, add) && convert(m, add);
	for (size_t i = 0; i < m->of->add.n; i++)
		if (add[i].fd >= 0)
			close(add[i].fd);
	free(add);
	return good;
}

/* None is not the empty text. */
static void put_text(FILE *out, const char *text)
{
	if (text)
		fprintf(out, "%zu:%s,", strlen(text), text);
	else
		fputs("-,", out);
}

/* The recipe as a text, which what was made of it is remembered by: it names its inputs by their contents. */
static char *recipe_text(const struct msg_artifact_make *of)
{
	const char *const fields[] = {of->input, of->kind, of->compression, of->architecture, of->os, of->type, of->extension, of->match};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	gw_assert(out);
	fputs("make:", out);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		put_text(out, fields[i]);
	for (size_t i = 0; i < of->add.n; i++)
		fprintf(out, "add %zu:%s,%s,%lld,", strlen(of->add.v[i].path), of->add.v[i].path, of->add.v[i].artifact,
			(long long)of->add.v[i].mode);
	for (size_t i = 0; i < of->keep.n; i++) {
		fputs("keep ", out);
		put_text(out, of->keep.v[i].path);
		put_text(out, of->keep.v[i].rewrite);
	}
	fclose(out);
	return text;
}

static bool use_input(struct make *m, const char *name)
{
	if (!store_name_fits(name))
		return gw_fail(&m->work.err, GW_BAD_INPUT, "'%.100s' is not the name of an artifact", name);
	return store_use(m->all->store, name, m->work.job, NULL, &m->work.err);
}

/* Before anything else, also when what was made is found. */
static bool use_inputs(struct make *m)
{
	for (size_t i = 0; i < m->of->add.n; i++)
		if (!use_input(m, m->of->add.v[i].artifact))
			return false;
	return !m->of->input || use_input(m, m->of->input);
}

static bool make_it(struct make *m)
{
	bool uboot = strcmp(m->of->kind, "uboot") == 0;

	if (!uboot && strcmp(m->of->kind, "archive") != 0)
		return gw_fail(&m->work.err, GW_BAD_INPUT, "kind: '%s'; accepted: uboot, archive", m->of->kind);
	return store_temp_open(m->all->store, &m->temp, &m->work.err) && (uboot ? make_uboot(m) : make_archive(m)) &&
	       store_commit(m->all->store, &m->temp, m->work.job, m->made.name, &m->work.err);
}

static void run_make(struct work *work)
{
	struct make *m = (struct make *)work;
	struct store *store = m->all->store;
	char *recipe = recipe_text(m->of);

	if (use_inputs(m)) {
		m->known = store_url_read(store, recipe, &m->made) && store_use(store, m->made.name, m->work.job, &m->size, NULL);
		if (!m->known && make_it(m) && store_use(store, m->made.name, m->work.job, &m->size, &m->work.err))
			store_url_write(store, recipe, &m->made, &m->work.err);
	}
	store_temp_abandon(&m->temp);
	free(recipe);
}

/* ---- on the loop ---- */

static void make_end(struct work *work)
{
	struct make *m = (struct make *)work;

	if (work->err.kind != GW_OK) {
		log_warning("%sartifact: %s: %s", log_job(work->job), m->of->kind, work->err.text);
		bus_answer_error(m->call, &work->err);
	} else {
		log_info("%sartifact: %s of %s: %lld bytes, %s%s", log_job(work->job), m->of->kind,
			 m->of->input ? m->of->input : "what is added", (long long)m->size, m->made.name, m->known ? ", as cached" : "");
		bus_answer(m->call, &(struct msg_artifact){.name = m->made.name, .size = m->size});
	}
	if (work->released)
		release_job(&m->all->works.pool, m->all->store, work->job, NULL);
	bus_body_free(&bus_body_artifact_make, m->of);
	free(m);
}

void make_artifact(struct makes *all, const struct msg_artifact_make *make, const char *job, struct bus_call *call)
{
	struct make *m = gw_calloc(1, sizeof(*m));

	m->all = all;
	m->of = bus_body_dup(&bus_body_artifact_make, make);
	m->call = call;
	works_add(&all->works, &m->work, job);
}

void makes_release(struct makes *all, const char *job)
{
	works_release(&all->works, job);
}

void makes_init(struct makes *all, struct loop *loop, struct store *store, int64_t max_bytes)
{
	*all = (struct makes){.store = store, .max_bytes = max_bytes};
	works_init(&all->works, loop, run_make, make_end);
}

void makes_finish(struct makes *all)
{
	works_finish(&all->works);
	*all = (struct makes){0};
}
