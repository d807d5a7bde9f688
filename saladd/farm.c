#include "saladd/farm.h"

#include <stdlib.h>
#include <string.h>

/* Everything in it is borrowed from the machine. */
static struct msg_console message_of(struct machine *m)
{
	return (struct msg_console){.id = m->id,
				    .tcp_port = listener_port(&m->console),
				    .tcp_port_logs = listener_port(&m->logs),
				    .has_client = machine_has_client(m)};
}

static void on_changed(void *data, struct machine *m)
{
	struct farm *farm = data;
	struct msg_console message = message_of(m);

	bus_publish(&farm->bus, MSG_CONSOLE_CHANGED, &message);
}

/* Those that executord wants from now on, and only those, are kept for its sake. */
static bool want(struct machines *all, const struct bus_texts *ids, struct gw_error *err)
{
	for (size_t i = 0; i < all->n; i++)
		all->v[i]->wanted = false;
	for (size_t i = 0; i < ids->n; i++) {
		struct machine *m = machines_get(all, ids->v[i], err);
		if (!m)
			return false;
		m->wanted = true;
	}
	return true;
}

static void on_console_list(void *owner, const void *body, struct bus_call *call)
{
	struct farm *farm = owner;
	const struct msg_console_want *wanted = body;
	struct msg_consoles answer = {0};
	struct gw_error err = {0};

	if (!want(farm->machines, &wanted->ids, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	answer.consoles.n = farm->machines->n;
	answer.consoles.v = gw_calloc(answer.consoles.n, sizeof(answer.consoles.v[0]));
	for (size_t i = 0; i < answer.consoles.n; i++)
		answer.consoles.v[i] = message_of(farm->machines->v[i]);
	bus_answer(call, &answer);
	free(answer.consoles.v);
}

static void on_console_change(void *owner, const void *body, struct bus_call *call)
{
	struct farm *farm = owner;
	const struct msg_console_change *change = body;
	struct msg_consoles answer = {0};
	struct gw_error err = {0};

	for (size_t i = 0; i < change->gone.n; i++) {
		struct machine *m = machines_find(farm->machines, change->gone.v[i]);

		if (m)
			m->wanted = false;
	}
	answer.consoles.v = gw_calloc(change->ids.n + 1, sizeof(answer.consoles.v[0]));
	for (size_t i = 0; i < change->ids.n && !err.kind; i++) {
		struct machine *m = machines_get(farm->machines, change->ids.v[i], &err);

		if (!m)
			continue;
		m->wanted = true;
		answer.consoles.v[answer.consoles.n++] = message_of(m);
	}
	if (err.kind)
		bus_answer_error(call, &err);
	else
		bus_answer(call, &answer);
	free(answer.consoles.v);
}

static const struct bus_handler handlers[] = {
	{MSG_CONSOLE_LIST, on_console_list},
	{MSG_CONSOLE_CHANGE, on_console_change},
	{0, NULL},
};

bool farm_join(struct farm *farm, struct loop *loop, struct machines *machines, const char *runtime_dir, struct gw_error *err)
{
	farm->machines = machines;
	if (!bus_join(&farm->bus, loop, runtime_dir, BUS_SALADD, NULL, handlers, farm, err))
		return false;
	machines->changed = on_changed;
	machines->data = farm;
	return true;
}

void farm_finish(struct farm *farm)
{
	if (farm->machines)
		farm->machines->changed = NULL;
	bus_finish(&farm->bus);
}
