#include "saladd/farm.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

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

/* Those that executord wants from now on are kept for its sake. One that cannot be had now (no descriptor is left) is tried again when its
 * console is there; an id that cannot be one is an error. `answer`: those that have their ports, appended; NULL: not asked for. */
static bool want(struct machines *all, const struct bus_texts *ids, struct msg_consoles *answer, struct gw_error *err)
{
	struct gw_error why = {0};
	struct machine *m;

	for (size_t i = 0; i < ids->n && why.kind != GW_BAD_INPUT; i++) {
		why = (struct gw_error){0};
		m = machines_want(all, ids->v[i], &why);
		if (m && answer)
			answer->consoles.v[answer->consoles.n++] = message_of(m);
		else if (why.kind != GW_BAD_INPUT)
			log_failure("saladd", &why);
	}
	if (why.kind == GW_BAD_INPUT)
		*err = why;
	return why.kind != GW_BAD_INPUT;
}

static void on_console_list(void *owner, const void *body, struct bus_call *call)
{
	struct machines *all = ((struct farm *)owner)->machines;
	const struct msg_console_want *wanted = body;
	struct msg_consoles answer = {0};
	struct gw_error err = {0};

	for (size_t i = 0; i < all->n; i++)
		all->v[i]->wanted = false;
	if (!want(all, &wanted->ids, NULL, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	answer.consoles.n = all->n;
	answer.consoles.v = gw_calloc(all->n + 1, sizeof(answer.consoles.v[0]));
	for (size_t i = 0; i < all->n; i++)
		answer.consoles.v[i] = message_of(all->v[i]);
	bus_answer(call, &answer);
	free(answer.consoles.v);
}

static void on_console_change(void *owner, const void *body, struct bus_call *call)
{
	struct machines *all = ((struct farm *)owner)->machines;
	const struct msg_console_change *change = body;
	struct msg_consoles answer = {0};
	struct gw_error err = {0};

	for (size_t i = 0; i < change->gone.n; i++) {
		struct machine *m = machines_find(all, change->gone.v[i]);

		if (m)
			m->wanted = false;
	}
	answer.consoles.v = gw_calloc(change->ids.n + 1, sizeof(answer.consoles.v[0]));
	if (want(all, &change->ids, &answer, &err))
		bus_answer(call, &answer);
	else
		bus_answer_error(call, &err);
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
