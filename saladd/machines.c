#include "saladd/machines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libgateway/log.h"
#include "libgateway/sorted.h"

static bool id_check(const char *id, struct gw_error *err)
{
	size_t n = strlen(id);
	bool printable = true;
	char shown[64];

	for (size_t i = 0; i < n; i++)
		printable &= id[i] > 0x20 && id[i] < 0x7f;
	if (printable && n >= 1 && n <= SCAN_ID_MAX)
		return true;
	return gw_fail(err, GW_BAD_INPUT, "'%s' is not a machine id; accepted: 1 to %d printable ASCII characters without spaces",
		       log_escape(shown, sizeof(shown), id, n), SCAN_ID_MAX);
}

static int by_id(const void *machine, const void *id)
{
	return strcmp(((const struct machine *)machine)->id, id);
}

struct machine *machines_find(const struct machines *all, const char *id)
{
	return sorted_find(all->by_id, all->n, by_id, id);
}

static void add(struct machines *all, struct machine *m)
{
	size_t at = sorted_place(all->by_id, all->n, by_id, m->id, NULL);

	memmove(&all->by_id[at + 1], &all->by_id[at], (all->n - at) * sizeof(all->by_id[0]));
	all->by_id[at] = m;
	all->v[all->n++] = m;
}

static void forget(struct machines *all, size_t i)
{
	struct machine *m = all->v[i];
	size_t at = sorted_place(all->by_id, all->n, by_id, m->id, NULL);

	log_info("machine %s: forgotten, since there are %zu machines and nobody uses it", m->id, all->max);
	all->n--;
	memmove(&all->by_id[at], &all->by_id[at + 1], (all->n - at) * sizeof(all->by_id[0]));
	memmove(&all->v[i], &all->v[i + 1], (all->n - i) * sizeof(all->v[0]));
	machine_close(m);
	if (m->wanted && all->changed)
		all->changed(all->data, m);
	machine_finish(m);
	free(m);
}

static bool make_room(struct machines *all, struct gw_error *err)
{
	if (all->n < all->max)
		return true;
	for (int wanted = 0; wanted < 2; wanted++)
		for (size_t i = 0; i < all->n; i++)
			if (machine_is_idle(all->v[i]) && all->v[i]->wanted == wanted) {
				forget(all, i);
				return true;
			}
	return gw_fail(err, GW_BUSY, "there are %zu machines and all are in use: no more are accepted", all->max);
}

struct machine *machines_get(struct machines *all, const char *id, struct gw_error *err)
{
	struct machine *m = machines_find(all, id);

	if (m)
		return m;
	if (!id_check(id, err) || !make_room(all, err))
		return NULL;
	m = gw_calloc(1, sizeof(*m));
	if (!machine_open(m, all, id, err)) {
		free(m);
		return NULL;
	}
	add(all, m);
	log_info("machine %s: console on port %u, log on port %u", id, listener_port(&m->console), listener_port(&m->logs));
	if (all->changed)
		all->changed(all->data, m);
	return m;
}

struct machine *machines_want(struct machines *all, const char *id, struct gw_error *err)
{
	struct machine *m = machines_find(all, id);

	if (!m && id_check(id, err) && all->n < all->max / MACHINES_AHEAD)
		m = machines_get(all, id, err);
	if (m)
		m->wanted = true;
	return m;
}

static size_t machines_at_most(void)
{
	struct rlimit limit;
	rlim_t n = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MACHINES_DESCRIPTORS)
		return MACHINES_MAX;
	if (limit.rlim_cur > MACHINES_DESCRIPTORS_OTHER)
		n = (limit.rlim_cur - MACHINES_DESCRIPTORS_OTHER) / MACHINES_DESCRIPTORS_EACH;
	log_warning("at most %zu descriptors may be open (RLIMIT_NOFILE): enough for %zu machines; %d would take %d",
		    (size_t)limit.rlim_cur, (size_t)n, MACHINES_MAX, MACHINES_DESCRIPTORS);
	return n;
}

void machines_init(struct machines *all, struct loop *loop, const char *address, char *clients_path)
{
	*all = (struct machines){.loop = loop, .address = address, .clients_path = clients_path, .farewells.loop = loop};
	all->max = machines_at_most();
	all->v = gw_calloc(all->max + 1, sizeof(all->v[0]));
	all->by_id = gw_calloc(all->max + 1, sizeof(all->by_id[0]));
}

void machines_finish(struct machines *all)
{
	for (size_t i = 0; i < all->n; i++) {
		machine_finish(all->v[i]);
		free(all->v[i]);
	}
	farewells_finish(&all->farewells);
	free(all->v);
	free(all->by_id);
	free(all->clients_path);
	*all = (struct machines){0};
}
