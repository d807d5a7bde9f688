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
	const struct machines *all = owner;
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
	struct gw_error err = {0};
	const struct machine *m = machines_find(owner, http_arg(rq, "id"));

	if (!is_allowed(owner, rq))
		return;
	if (!m && http_is_of_another_site(rq))
		gw_fail(&err, GW_REFUSED, "a page of another site may not change anything here");
	else if (!m)
		m = machines_get(owner, http_arg(rq, "id"), &err);
	if (m)
		http_answer_json(rq, 200, machine_json(m));
	else
		http_answer_error(rq, &err);
}

static void reset_machine(void *owner, struct http_request *rq)
{
	const char *id = http_arg(rq, "id");
	const struct machine *m = machines_find(owner, id);

	if (!is_allowed(owner, rq))
		return;
	if (m && m->stream)
		http_answer_status(rq, 501, "machine %s: its console is a TCP connection, which has no reset; only USB consoles have one",
				   m->id);
	else
		http_answer_status(rq, 501, "machine %s has no console to reset", id);
}

static const struct http_route routes[] = {
	{"GET", "/api/v1/machine", list_machines, 0},
	{"GET", "/api/v1/machine/{id}", get_machine, 0},
	{"POST", "/api/v1/machine/{id}/reset", reset_machine, 4096},
	{NULL},
};

struct http_server *rest_start(struct loop *loop, int fd, struct machines *machines, const struct http_names *names, struct gw_error *err)
{
	const struct http_limits limits = {.names = (const char *const *)names->v};

	return http_server_start(loop, fd, routes, &limits, machines, err);
}
