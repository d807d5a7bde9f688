#include "pdud/pdu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libgateway/json.h"
#include "libgateway/log.h"

static const char *const state_names[] = {"CREATED", "INITIALIZING", "ERROR", "STOPPED", "OK"};

/* An ask at the device. */
struct asked {
	struct driver_ask ask; /* first: what `done` is given */
	struct asked *next;    /* in pdu.asked */
	struct pdu *pdu;
	struct port *port; /* NULL of DRIVER_LIST */
	enum port_step step;
};

const char *pdu_state_name(enum pdu_state state)
{
	return state_names[state];
}

struct port_time pdu_now(struct loop *loop)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	uv_update_time(&loop->uv);
	return (struct port_time){.mono_ms = (int64_t)loop_now_ms(loop),
				  .boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000,
				  .wall = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9};
}

int64_t pdu_min_off_ms(const struct pdu *pdu)
{
	return pdu->driver ? pdu->driver->min_off_ms : PDU_MIN_OFF_MS;
}

struct port *pdu_port(const struct pdu *pdu, const char *id)
{
	for (size_t i = 0; i < pdu->n_ports; i++)
		if (strcmp(pdu->ports[i]->id, id) == 0)
			return pdu->ports[i];
	return NULL;
}

static struct port *make_port(const struct pdu *pdu, const char *id)
{
	struct port *port = gw_calloc(1, sizeof(*port));

	port_init(port, id, gw_sprintf("port %s of PDU '%s'", id, pdu->name), pdu_min_off_ms(pdu));
	return port;
}

static void free_port(struct port *port)
{
	port_finish(port);
	free(port);
}

struct port *pdu_port_make(struct pdu *pdu, const char *id)
{
	struct port *port = pdu_port(pdu, id);

	if (port)
		return port;
	pdu->ports = gw_realloc(pdu->ports, (pdu->n_ports + 1) * sizeof(*pdu->ports));
	return pdu->ports[pdu->n_ports++] = make_port(pdu, id);
}

bool pdu_has_port(const struct pdu *pdu, const struct port *port)
{
	return port->listed || !pdu->listed_once;
}

static bool set_state(struct pdu *pdu, enum pdu_state state, const char *error)
{
	bool same = pdu->state == state && gw_same_text(pdu->error, error);

	if (same)
		return false;
	free(pdu->error);
	pdu->error = gw_strdup(error);
	pdu->state = state;
	if (error)
		log_warning("PDU '%s': %s: %s", pdu->name, state_names[state], error);
	else
		log_info("PDU '%s': %s", pdu->name, state_names[state]);
	return true;
}

/* What is under way will never be answered. */
static void drop_device(struct pdu *pdu)
{
	struct asked *a;

	if (pdu->device)
		pdu->driver->destroy(pdu->device);
	pdu->device = NULL;
	while ((a = pdu->asked)) {
		pdu->asked = a->next;
		free(a);
	}
	pdu->n_asked = 0;
	for (size_t i = 0; i < pdu->n_ports; i++)
		port_forget_ask(pdu->ports[i]);
}

static bool make_device(struct pdu *pdu, struct gw_error *err)
{
	cJSON *config = NULL;

	pdu->driver = driver_find(pdu->driver_name, err);
	config = pdu->driver ? json_decode(pdu->config, strlen(pdu->config), err) : NULL;
	if (config)
		pdu->device = pdu->driver->create(pdu->loop, config, err);
	cJSON_Delete(config);
	return pdu->device != NULL;
}

static void tell_port(struct pdu *pdu, struct port *port, unsigned outcome)
{
	if (outcome != PORT_SAME)
		pdu->events->port(pdu->owner, pdu, port, outcome);
}

/* All its ports have failed with it. A device made anew forgets what the old one was stuck in. */
static void device_failed(struct pdu *pdu, const struct gw_error *why)
{
	struct port_time now = pdu_now(pdu->loop);
	int64_t wait = PDU_RETRY_MIN_MS;
	struct gw_error err = {0};

	for (unsigned i = 0; i < pdu->failures && wait < PDU_RETRY_MAX_MS; i++)
		wait *= 2;
	pdu->failures++;
	pdu->retry_at = now.mono_ms + (wait < PDU_RETRY_MAX_MS ? wait : PDU_RETRY_MAX_MS);
	drop_device(pdu);
	make_device(pdu, &err);
	if (set_state(pdu, PDU_ERROR, why->text))
		pdu->events->changed(pdu->owner, pdu);
	for (size_t i = 0; i < pdu->n_ports; i++) {
		unsigned outcome = port_failed(pdu->ports[i], now);

		port_explain(pdu->ports[i], why->text);
		tell_port(pdu, pdu->ports[i], outcome);
	}
	pdu_kick(pdu);
}

/* Takes the port of that id out of the old list, where it mostly stands at its place already. */
static struct port *take_known(struct pdu *pdu, const char *id, size_t guess)
{
	for (size_t n = 0; n < pdu->n_ports; n++) {
		size_t i = (guess + n) % pdu->n_ports;
		struct port *port = pdu->ports[i];
		if (port && strcmp(port->id, id) == 0) {
			pdu->ports[i] = NULL;
			return port;
		}
	}
	return NULL;
}

/* A port that the device no longer has: kept only where the database says something of it. */
static bool keep_unlisted(struct pdu *pdu, struct port *port)
{
	port->listed = false;
	pdu->events->gone(pdu->owner, pdu, port);
	if (port->assigned || port->reserved)
		return true;
	free_port(port);
	return false;
}

static void take_list(struct pdu *pdu, const struct driver_answer *answer)
{
	struct port **ports = gw_calloc(answer->n_ports + pdu->n_ports + 1, sizeof(*ports));
	size_t n = 0;

	for (size_t i = 0; i < answer->n_ports; i++) {
		struct port *port = take_known(pdu, answer->ports[i].id, i);
		ports[n++] = port = port ? port : make_port(pdu, answer->ports[i].id);
		free(port->label);
		port->label = gw_strdup(answer->ports[i].label);
		port->listed = port->due = true;
		port->not_before = 0;
	}
	for (size_t i = 0; i < pdu->n_ports; i++)
		if (pdu->ports[i] && keep_unlisted(pdu, pdu->ports[i]))
			ports[n++] = pdu->ports[i];
	free(pdu->ports);
	pdu->ports = ports;
	pdu->n_ports = n;
	pdu->listed_once = true;
}

static void end_asked(struct asked *a)
{
	struct asked **link = &a->pdu->asked;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	a->pdu->n_asked--;
	free(a);
}

static void on_listed(struct driver_ask *ask, const struct driver_answer *answer, const struct gw_error *err)
{
	struct asked *a = (struct asked *)ask;
	struct pdu *pdu = a->pdu;

	end_asked(a);
	if (!answer) {
		device_failed(pdu, err);
		return;
	}
	take_list(pdu, answer);
	pdu->poll_at = pdu_now(pdu->loop).mono_ms + pdu->driver->poll_ms;
	set_state(pdu, PDU_OK, NULL);
	pdu_kick(pdu);
	pdu->events->changed(pdu->owner, pdu);
}

static unsigned take_answer(struct port *port, enum port_step step, const struct driver_answer *answer, const struct gw_error *err,
			    struct port_time now)
{
	port_explain(port, answer ? NULL : err->text);
	if (step != STEP_READ) {
		port_told(port, step);
		return PORT_SAME;
	}
	return answer ? port_read(port, answer->state, now) : port_failed(port, now);
}

static void on_port_done(struct driver_ask *ask, const struct driver_answer *answer, const struct gw_error *err)
{
	struct asked *a = (struct asked *)ask;
	struct pdu *pdu = a->pdu;
	struct port *port = a->port;
	enum port_step step = a->step;
	enum port_state was = port->state;
	unsigned outcome;

	end_asked(a);
	if (!answer && err->kind == GW_UNREACHABLE) {
		device_failed(pdu, err);
		return;
	}
	if (answer)
		pdu->failures = 0;
	outcome = take_answer(port, step, answer, err, pdu_now(pdu->loop));
	if (was != port->state)
		log_info("%s%s: %s -> %s", log_job(port->job), port->where, port_state_name(was), port_state_name(port->state));
	pdu_kick(pdu);
	tell_port(pdu, port, outcome);
}

static void ask_device(struct pdu *pdu, struct port *port, enum port_step step)
{
	static const enum driver_op ops[] = {
		[STEP_NONE] = DRIVER_LIST, [STEP_READ] = DRIVER_READ, [STEP_ON] = DRIVER_ON, [STEP_OFF] = DRIVER_OFF};
	struct asked *a = gw_calloc(1, sizeof(*a));

	a->ask = (struct driver_ask){.op = ops[step], .port = port ? port->id : NULL, .done = port ? on_port_done : on_listed};
	a->pdu = pdu;
	a->port = port;
	a->step = step;
	a->next = pdu->asked;
	pdu->asked = a;
	pdu->n_asked++;
	if (port)
		port_asked(port, step);
	pdu->driver->ask(pdu->device, &a->ask);
}

static void poll_if_due(struct pdu *pdu, int64_t now_ms)
{
	if (!pdu->driver->poll_ms || now_ms < pdu->poll_at)
		return;
	pdu->poll_at = now_ms + pdu->driver->poll_ms;
	for (size_t i = 0; i < pdu->n_ports; i++)
		pdu->ports[i]->due = true;
}

/* Asks for what the ports want, each in its turn, as many at once as the driver does. How long nothing more is to do. */
static int64_t ask_for_ports(struct pdu *pdu)
{
	struct port_time now = pdu_now(pdu->loop);
	int64_t wait, least;
	size_t first = pdu->turn;

	poll_if_due(pdu, now.mono_ms);
	least = pdu->driver->poll_ms ? pdu->poll_at - now.mono_ms : PORT_NO_WAIT;
	for (size_t n = 0; n < pdu->n_ports && pdu->n_asked < pdu->driver->parallel; n++) {
		size_t i = (first + n) % pdu->n_ports;
		enum port_step step = port_next(pdu->ports[i], now, &wait);
		if (step != STEP_NONE) {
			pdu->turn = i + 1;
			ask_device(pdu, pdu->ports[i], step);
		}
		if (wait < least)
			least = wait;
	}
	return least;
}

/* Brings the device up. How long nothing more is to do. */
static int64_t ask_for_list(struct pdu *pdu)
{
	int64_t now = pdu_now(pdu->loop).mono_ms;

	if (now < pdu->retry_at)
		return pdu->retry_at - now;
	if (!pdu->n_asked) {
		if (pdu->state == PDU_CREATED)
			set_state(pdu, PDU_INITIALIZING, NULL);
		ask_device(pdu, NULL, STEP_NONE);
	}
	return PORT_NO_WAIT;
}

static void on_timer(void *data)
{
	pdu_kick(data);
}

void pdu_kick(struct pdu *pdu)
{
	int64_t wait;

	if (!pdu->device)
		return;
	wait = pdu->state == PDU_OK ? ask_for_ports(pdu) : ask_for_list(pdu);
	if (wait == PORT_NO_WAIT)
		loop_timer_stop(&pdu->timer);
	else
		loop_timer_start(pdu->loop, &pdu->timer, (uint64_t)wait, on_timer, pdu);
}

struct pdu *pdu_create(struct loop *loop, const char *name, const struct pdu_events *events, void *owner)
{
	struct pdu *pdu = gw_calloc(1, sizeof(*pdu));

	*pdu = (struct pdu){.loop = loop, .name = gw_strdup(name), .events = events, .owner = owner};
	return pdu;
}

static void free_names(struct pdu *pdu)
{
	free(pdu->driver_name);
	free(pdu->config);
}

void pdu_configure(struct pdu *pdu, const char *driver, const char *config)
{
	struct gw_error err = {0};

	if (pdu->driver_name && strcmp(pdu->driver_name, driver) == 0 && strcmp(pdu->config, config) == 0)
		return;
	drop_device(pdu);
	free_names(pdu);
	pdu->driver_name = gw_strdup(driver);
	pdu->config = gw_strdup(config);
	pdu->listed_once = false;
	pdu->failures = 0;
	pdu->retry_at = 0;
	if (make_device(pdu, &err))
		set_state(pdu, PDU_CREATED, NULL);
	else
		set_state(pdu, PDU_ERROR, err.text);
	for (size_t i = 0; i < pdu->n_ports; i++) {
		pdu->ports[i]->listed = false;
		pdu->ports[i]->state = PORT_UNKNOWN;
	}
	pdu_kick(pdu);
}

void pdu_stop(struct pdu *pdu)
{
	drop_device(pdu);
	if (set_state(pdu, PDU_STOPPED, NULL))
		pdu->events->changed(pdu->owner, pdu);
}

void pdu_destroy(struct pdu *pdu)
{
	if (!pdu)
		return;
	drop_device(pdu);
	loop_timer_finish(&pdu->timer);
	for (size_t i = 0; i < pdu->n_ports; i++)
		free_port(pdu->ports[i]);
	free(pdu->ports);
	free(pdu->name);
	free_names(pdu);
	free(pdu->error);
	free(pdu);
}
