#include "saladd/rest.h"

#include "libgateway/dut_network.h"

static cJSON *machine_json(const struct machine *m)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", m->id);
	cJSON_AddNumberToObject(json, "tcp_port", listener_port(&m->console));
	cJSON_AddNumberToObject(json, "tcp_port_logs", listener_port(&m->logs));
	cJSON_AddBoolToObject(json, "has_client", machine_has_client(m));
	return json;
}

/* Answers those who may not ask. */
static bool is_allowed(const struct machines *all, struct http_request *rq)
{
	if (!dut_network_has(all->dut_interface, http_peer(rq)))
		return true;
	http_answer_status(rq, 403, "a machine of the farm may not ask SALAD");
	return false;
}

static void list_machines(void *owner, struct http_request *rq)
{
	const struct machines *all = ((const struct rest *)owner)->machines;
	cJSON *json, *machines;

	if (!is_allowed(all, rq))
		return;
	json = cJSON_CreateObject();
	machines = cJSON_AddObjectToObject(json, "machines");
	for (size_t i = 0; i < all->n; i++)
		cJSON_AddItemToObject(machines, all->v[i]->id, machine_json(all->v[i]));
	http_answer_json(rq, 200, json);
}

/* An unknown machine is made: whoever asks wants to listen before it says its first word. */
static void get_machine(void *owner, struct http_request *rq)
{
	struct machines *all = ((const struct rest *)owner)->machines;
	struct gw_error err = {0};
	const struct machine *m = machines_find(all, http_arg(rq, "id"));

	if (!is_allowed(all, rq))
		return;
	if (!m && http_is_of_another_site(rq))
		gw_fail(&err, GW_REFUSED, "a page of another site may not change anything here");
	else if (!m)
		m = machines_get(all, http_arg(rq, "id"), &err);
	if (m)
		http_answer_json(rq, 200, machine_json(m));
	else
		http_answer_error(rq, &err);
}

static void on_reset(void *data, enum reset_end how, const char *text)
{
	static const int status[] = {[RESET_DONE] = 200, [RESET_UNSUPPORTED] = 501, [RESET_FAILED] = 503};
	struct http_request *rq = data;

	if (how == RESET_DONE)
		http_answer_json(rq, 200, cJSON_CreateObject());
	else
		http_answer_status(rq, status[how], "machine %s: %s", http_arg(rq, "id"), text);
}

static void reset_machine(void *owner, struct http_request *rq)
{
	const struct rest *rest = owner;
	const struct machine *m = machines_find(rest->machines, http_arg(rq, "id"));

	if (!is_allowed(rest->machines, rq))
		return;
	if (m && m->stream)
		reset_start(rest->resets, m->stream, on_reset, rq);
	else
		http_answer_status(rq, 501, "machine %s has no console to reset", http_arg(rq, "id"));
}

static const struct http_route routes[] = {
	{"GET", "/api/v1/machine", list_machines, 0},
	{"GET", "/api/v1/machine/{id}", get_machine, 0},
	{"POST", "/api/v1/machine/{id}/reset", reset_machine, 4096},
	{NULL},
};

struct http_server *rest_start(struct rest *rest, struct loop *loop, int fd, struct gw_error *err)
{
	const struct http_limits limits = {.names = (const char *const *)rest->names->v};

	return http_server_start(loop, fd, routes, &limits, rest, err);
}
