#include "saladd/machines.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

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

struct machine *machines_find(const struct machines *all, const char *id)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->v[i]->id, id) == 0)
			return all->v[i];
	return NULL;
}

static bool make_room(struct machines *all, struct gw_error *err)
{
	if (all->n < MACHINES_MAX)
		return true;
	for (size_t i = 0; i < all->n; i++) {
		if (!machine_is_idle(all->v[i]))
			continue;
		log_info("machine %s: forgotten, since there are %d machines and nobody uses it", all->v[i]->id, MACHINES_MAX);
		machine_finish(all->v[i]);
		free(all->v[i]);
		memmove(&all->v[i], &all->v[i + 1], (--all->n - i) * sizeof(all->v[0]));
		return true;
	}
	return gw_fail(err, GW_BUSY, "there are %d machines and all are in use: no more are accepted", MACHINES_MAX);
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
	all->v[all->n++] = m;
	log_info("machine %s: console on port %u, log on port %u", id, listener_port(&m->console), listener_port(&m->logs));
	if (all->changed)
		all->changed(all->data, m);
	return m;
}

void machines_init(struct machines *all, struct loop *loop, const char *address, char *clients_path)
{
	*all = (struct machines){.loop = loop, .address = address, .clients_path = clients_path, .farewells.loop = loop};
	all->v = gw_calloc(MACHINES_MAX, sizeof(all->v[0]));
}

void machines_finish(struct machines *all)
{
	for (size_t i = 0; i < all->n; i++) {
		machine_finish(all->v[i]);
		free(all->v[i]);
	}
	farewells_finish(&all->farewells);
	free(all->v);
	free(all->clients_path);
	*all = (struct machines){0};
}
