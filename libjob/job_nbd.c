/* `storage.nbd` of a deployment: block devices that the machine mounts over the network. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libjob/job_deployment.h"

#define DEVICES_MAX         16 /* as many as Linux has by default: nbds_max of its module */
#define CONNECTIONS_DEFAULT 4
#define CONNECTIONS_MAX     64
#define NAME_MAX_           64
#define SIZE_MAX_           (INT64_C(1) << 53)

/* ---- sizes ---- */

/* What stands behind the digits; 0: that is no unit. */
static int64_t factor(const char *unit, size_t n)
{
	static const char prefixes[] = "kmgtpe";
	static const struct {
		const char *rest;
		int64_t base;
	} rests[] = {{"", 1024}, {"i", 1024}, {"iB", 1024}, {"B", 1000}};
	const char *prefix;
	int64_t all = 1;

	if (n == 0 || (n == 1 && unit[0] == 'B'))
		return 1;
	prefix = memchr(prefixes, unit[0] | 0x20, sizeof(prefixes) - 1);
	for (size_t i = 0; prefix && i < sizeof(rests) / sizeof(rests[0]); i++) {
		if (strlen(rests[i].rest) != n - 1 || memcmp(rests[i].rest, unit + 1, n - 1) != 0)
			continue;
		for (const char *p = prefixes; p <= prefix; p++)
			all *= rests[i].base;
		return all;
	}
	return 0;
}

int64_t job_nbd_size(const char *text, size_t n)
{
	size_t digits = 0, unit;
	int64_t size = 0, all;

	for (; digits < n && text[digits] >= '0' && text[digits] <= '9' && size <= SIZE_MAX_; digits++)
		size = size * 10 + (text[digits] - '0');
	unit = digits + (digits < n && text[digits] == ' ');
	all = factor(text + unit, n - unit);
	return digits && all && size && size <= SIZE_MAX_ / all ? size * all : -1;
}

/* ---- reading ---- */

static void read_size(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *scalar = tree_resolve(node);
	int64_t size = scalar->kind == TREE_SCALAR ? job_nbd_size(scalar->text, scalar->len) : -1;

	if (size < 0)
		return reader_refuse(r, node, path, "a size",
				     "bytes from 1 to 2^53, as 512, 42k or 42kiB (of 1024), 42kB (of 1000), 10M, 2G");
	*(int64_t *)out = size;
}

static void read_max_connections(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *scalar = tree_resolve(node);
	int n = 0;

	for (size_t i = 0; scalar->kind == TREE_SCALAR && i < scalar->len && n <= CONNECTIONS_MAX; i++)
		n = scalar->text[i] >= '0' && scalar->text[i] <= '9' ? n * 10 + (scalar->text[i] - '0') : CONNECTIONS_MAX + 1;
	if (n < 1 || n > CONNECTIONS_MAX)
		return reader_refuse(r, node, path, "a number of connections", "1 to 64");
	*(int *)out = n;
}

static const struct reader_field nbd_fields[] = {
	{"url", artifact_read_url, offsetof(struct job_nbd, artifact)},
	{"format", artifact_read_format, offsetof(struct job_nbd, artifact)},
	{"size", read_size, offsetof(struct job_nbd, size)},
	{"readonly", reader_boolean, offsetof(struct job_nbd, readonly)},
	{"max_connections", read_max_connections, offsetof(struct job_nbd, max_connections)},
	{NULL},
};

static void nbd_finish(struct job_nbd *nbd)
{
	kind_artifact.finish(&nbd->artifact);
	free(nbd->name);
	free(nbd->where);
}

static void check_source(struct reader *r, const struct tree_node *node, const struct tree_path *path)
{
	const struct tree_node *map = tree_resolve(node);
	bool url = reader_has(r, map, "url"), size = reader_has(r, map, "size");

	if (url && size)
		reader_complain(r, node, path, "both 'url' and 'size' are given; accepted: exactly one");
	else if (!url && !size)
		reader_complain(r, node, path, "neither 'url' nor 'size' is given; accepted: exactly one");
	else if (size && reader_has(r, map, "format"))
		reader_complain(r, node, path, "'format' is given, but nothing to be formatted: no 'url'");
}

static bool name_fits(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n && n <= NAME_MAX_ && !name[n];
}

static void read_device(struct reader *r, const struct tree_node *value, const struct tree_path *path, struct job_nbds *nbds)
{
	struct job_nbd nbd = {.max_connections = CONNECTIONS_DEFAULT, .name = reader_key(r, value, path)};
	char where[200];

	if (nbd.name && !name_fits(nbd.name))
		reader_refuse(r, value->key, path, "a name of a device", "letters, digits, _ and -, up to 64");
	if (reader_map(r, value, path, "a network block device", nbd_fields, &nbd))
		check_source(r, value, path);
	nbd.where = gw_strdup(tree_path_text(path, where, sizeof(where)));
	nbd.artifact.where = gw_strdup(nbd.where);
	nbd.artifact.category = gw_strdup(UNCATEGORISED);
	if (nbd.name)
		nbds->v[nbds->n++] = nbd;
	else
		nbd_finish(&nbd); /* complained about */
}

void read_nbd(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct job_nbds *nbds = out;

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "a mapping of network block devices",
				     "NAME: {url or size, format, readonly, max_connections}");
	if (map->n > DEVICES_MAX)
		return reader_complain(r, node, path, "too many network block devices; accepted: up to %d", DEVICES_MAX);
	job_nbds_finish(nbds);
	nbds->v = gw_calloc(map->n + 1, sizeof(*nbds->v));
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		read_device(r, value, &here, nbds);
	}
}

/* ---- merging ---- */

static const struct job_nbd *find(const struct job_nbds *nbds, const char *name)
{
	for (size_t i = 0; i < nbds->n; i++)
		if (strcmp(nbds->v[i].name, name) == 0)
			return &nbds->v[i];
	return NULL;
}

static void append_copy(struct job_nbds *to, const struct job_nbd *from)
{
	struct job_nbd *nbd = &to->v[to->n++];

	*nbd = *from;
	kind_artifact.copy(&nbd->artifact, &from->artifact);
	nbd->name = gw_strdup(from->name);
	nbd->where = gw_strdup(from->where);
}

void job_nbds_merge(struct job_nbds *to, const struct job_nbds *start, const struct job_nbds *update)
{
	static const struct job_nbds none;
	const struct job_nbds *over = update ? update : &none;

	*to = (struct job_nbds){.v = gw_calloc(start->n + over->n + 1, sizeof(*to->v))};
	for (size_t i = 0; i < start->n; i++)
		if (!find(over, start->v[i].name))
			append_copy(to, &start->v[i]);
	for (size_t i = 0; i < over->n; i++)
		append_copy(to, &over->v[i]);
}

void job_nbds_finish(struct job_nbds *nbds)
{
	for (size_t i = 0; i < nbds->n; i++)
		nbd_finish(&nbds->v[i]);
	free(nbds->v);
	*nbds = (struct job_nbds){0};
}
