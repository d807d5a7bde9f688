/* A PDU that is not there: its ports do as they are told at once. For tests, and for machines whose power nobody controls. */
#include <stdlib.h>
#include <string.h>

#include "pdud/driver.h"

#define LABEL_MAX 256

struct dummy {
	struct loop *loop;
	struct driver_port *ports; /* owned, as each id and label is */
	bool *on;
	size_t n;
	struct answering *first; /* owned: answers that are due */
};

/* An answer on its way: never inside the ask. */
struct answering {
	struct answering *next;
	struct dummy *d;
	struct driver_ask *ask;
	struct loop_timer timer;
};

static void free_answering(struct answering *a)
{
	struct answering **link = &a->d->first;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	loop_timer_finish(&a->timer);
	free(a);
}

static void destroy(void *device)
{
	struct dummy *d = device;

	while (d->first)
		free_answering(d->first);
	for (size_t i = 0; i < d->n; i++) {
		free((char *)d->ports[i].id);
		free((char *)d->ports[i].label);
	}
	free(d->ports);
	free(d->on);
	free(d);
}

static bool take_labels(struct dummy *d, const cJSON *labels, struct gw_error *err)
{
	int n = cJSON_GetArraySize(labels);
	const cJSON *label;

	if (!cJSON_IsArray(labels) || n > DRIVER_PORTS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "config.ports: needed; accepted: a list of at most %d labels", DRIVER_PORTS_MAX);
	d->ports = gw_calloc((size_t)n + 1, sizeof(*d->ports));
	d->on = gw_calloc((size_t)n + 1, sizeof(*d->on));
	cJSON_ArrayForEach(label, labels)
	{
		if (!cJSON_IsString(label) || strlen(label->valuestring) > LABEL_MAX)
			return gw_fail(err, GW_BAD_INPUT, "config.ports[%zu]: not a label; accepted: a text of at most %d bytes", d->n,
				       LABEL_MAX);
		d->ports[d->n] = (struct driver_port){.id = gw_sprintf("%zu", d->n), .label = gw_strdup(label->valuestring)};
		d->on[d->n++] = true;
	}
	return true;
}

static void *create(struct loop *loop, const cJSON *config, struct gw_error *err)
{
	static const char *const known[] = {"ports", NULL};
	struct dummy *d = gw_calloc(1, sizeof(*d));

	d->loop = loop;
	if (driver_knows_keys(config, known, err) && take_labels(d, cJSON_GetObjectItemCaseSensitive(config, "ports"), err))
		return d;
	destroy(d);
	return NULL;
}

static bool *find_port(struct dummy *d, const char *id)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->ports[i].id, id) == 0)
			return &d->on[i];
	return NULL;
}

static void answer_now(void *data)
{
	struct answering *a = data;
	struct dummy *d = a->d;
	struct driver_ask *ask = a->ask;
	struct driver_answer answer = {.ports = d->ports, .n_ports = d->n};
	struct gw_error err = {0};
	bool *on = ask->op == DRIVER_LIST ? NULL : find_port(d, ask->port);

	free_answering(a);
	if (ask->op != DRIVER_LIST && !on) {
		gw_fail(&err, GW_REFUSED, "no port '%s'", ask->port);
		ask->done(ask, NULL, &err);
		return;
	}
	if (ask->op == DRIVER_ON || ask->op == DRIVER_OFF)
		*on = ask->op == DRIVER_ON;
	answer.state = on && *on ? PORT_ON : PORT_OFF;
	ask->done(ask, &answer, &err);
}

static void ask_dummy(void *device, struct driver_ask *ask)
{
	struct dummy *d = device;
	struct answering *a = gw_calloc(1, sizeof(*a));

	*a = (struct answering){.next = d->first, .d = d, .ask = ask};
	d->first = a;
	loop_timer_start(d->loop, &a->timer, 0, answer_now, a);
}

const struct driver driver_dummy = {
	.name = "dummy", .parallel = 64, .min_off_ms = 100, .create = create, .ask = ask_dummy, .destroy = destroy};
