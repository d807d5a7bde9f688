#include "executord/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/dut_network.h"
#include "libgateway/log.h"
#include "libgateway/utf8.h"

#define SMALL    (64U << 10)
#define JOB      (8U << 20)
#define DATABASE (16U << 20)

#define JSON "application/json"
#define FORM "multipart/form-data"

/* clang-format off */
/* What is said of a DUT is said of a machine too. */
#define DUT(method, tail, handler, body_max) \
	{method, "/api/v1/dut" tail, handler, body_max, JSON}, {method, "/api/v1/machine" tail, handler, body_max, JSON}

const struct http_route rest_routes[] = {
	{"GET",    "/api/v1/duts",     rest_get_duts,     0},
	{"GET",    "/api/v1/machines", rest_get_machines, 0},
	DUT("GET",    "/discover",                rest_get_discovery,     0),
	DUT("POST",   "/discover",                rest_post_discovery,    SMALL),
	DUT("DELETE", "/discover",                rest_delete_discovery,  SMALL),
	DUT("POST",   "",                         rest_register_dut,      SMALL),
	DUT("PUT",    "",                         rest_register_dut,      SMALL),
	DUT("PATCH",  "",                         rest_register_dut,      SMALL),
	DUT("GET",    "/{id}",                    rest_get_dut,           0),
	DUT("PATCH",  "/{id}",                    rest_patch_dut,         SMALL),
	DUT("DELETE", "/{id}",                    rest_delete_dut,        SMALL),
	DUT("GET",    "/{id}/quick_check",        rest_get_quick_check,   0),
	DUT("POST",   "/{id}/quick_check",        rest_post_quick_check,  SMALL),
	DUT("POST",   "/{id}/cancel_job",         rest_cancel_job,        SMALL),
	DUT("GET",    "/{id}/training/loop/{n}",  rest_get_training_loop, 0),
	DUT("GET",    "s/{id}/boot.ipxe",         rest_get_boot_script,   0),
	{"GET",    "/boot/{mac}/boot.ipxe",       rest_get_boot_script_of_mac, 0},
	{"GET",    "/api/v1/pdus",                rest_get_pdus,          0},
	{"GET",    "/api/v1/pdu/{pdu}",           rest_get_pdu,           0},
	{"GET",    "/api/v1/pdu/{pdu}/port/{port}", rest_get_port,        0},
	{"PATCH",  "/api/v1/pdu/{pdu}/port/{port}", rest_patch_port,      SMALL, JSON},
	{"GET",    "/api/v1/alarms",              rest_get_alarms,        0},
	{"GET",    "/api/v1/full-state",          rest_get_state,         0},
	{"GET",    "/api/v1/events",              rest_get_events,        0},
	{"GET",    "/api/v1/database",            rest_get_database,      0},
	{"POST",   "/api/v1/database/check",      rest_check_database,    DATABASE},
	{"GET",    "/api/v1/gitlab",              rest_get_gitlab,        0},
	{"POST",   "/api/v1/gitlab/prune",        rest_prune_gitlab,      SMALL, JSON},
	{"POST",   "/api/v1/jobs",                rest_post_job,          JOB, FORM, rest_answer_job, rest_post_job_head}, /* and an archive */
	{0},
};
/* clang-format on */

void rest_answer_job(struct http_request *rq, int status, const char *text)
{
	cJSON *json = cJSON_CreateObject();
	char *shown = gw_strdup(text); /* may quote the job */

	utf8_clean(shown);
	cJSON_AddNumberToObject(json, "version", 1);
	cJSON_AddStringToObject(json, "error_msg", shown);
	free(shown);
	http_answer_json(rq, status, json);
}

bool rest_takes_nothing(const struct http_request *rq, struct gw_error *err)
{
	size_t len;
	const char *text = http_body(rq, &len);
	cJSON *json = len && text[strspn(text, " \t\r\n")] ? http_body_json(rq, err) : cJSON_CreateObject();

	if (json && json->child)
		gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a field of this request; accepted: none", json->child->string);
	cJSON_Delete(json);
	return err->kind == GW_OK;
}

/* ---- who asks ---- */

bool rest_peer_ipv4(const struct http_request *rq, struct in_addr *ip)
{
	return dut_network_ipv4(http_peer(rq), ip);
}

bool rest_is_of_duts(struct executord *ex, const struct http_request *rq)
{
	return dut_network_has(env_text(&ex->env, OPT_PRIVATE_INTERFACE), http_peer(rq));
}

bool rest_may_change(struct executord *ex, const struct http_request *rq, struct gw_error *err)
{
	return !rest_is_of_duts(ex, rq) || gw_fail(err, GW_REFUSED, "a machine of the farm may only read and register itself");
}

char *rest_address(const struct sockaddr *address)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, host, sizeof(host));
	else if (address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, host, sizeof(host));
	return gw_strdup(strncmp(host, "::ffff:", 7) == 0 ? host + 7 : host);
}

/* ---- serving ---- */

/* A job may bring an archive for its bucket. */
static struct http_route *routes_of(const struct executord *ex)
{
	const size_t archive_max = (size_t)env_integer(&ex->env, OPT_BUCKETD_BUCKET_SIZE) << 20;
	struct http_route *routes;
	size_t n = 0;

	while (rest_routes[n].method)
		n++;
	routes = gw_calloc(n + 1, sizeof(*routes));
	memcpy(routes, rest_routes, n * sizeof(*routes));
	for (size_t i = 0; i < n; i++)
		if (routes[i].handler == rest_post_job)
			routes[i].body_max += archive_max;
	return routes;
}

static int listen_fd(struct executord *ex, struct gw_error *err)
{
	int fd = activation_find(&ex->fds, env_text(&ex->env, OPT_EXECUTOR_HTTP_IPv4_SOCKET_NAME));

	if (fd < 0)
		fd = activation_tcp_listen(env_text(&ex->env, OPT_EXECUTOR_HOST), (uint16_t)env_integer(&ex->env, OPT_EXECUTOR_PORT), 512,
					   err);
	return fd;
}

bool rest_start(struct executord *ex, struct gw_error *err)
{
	const struct http_limits limits = {.names = (const char *const *)ex->settings.names.v};
	int fd = listen_fd(ex, err);

	if (fd < 0)
		return gw_context(err, "REST");
	log_info("REST on port %u", activation_port_of(fd));
	ex->routes = routes_of(ex);
	ex->rest = http_server_start(&ex->loop, fd, ex->routes, &limits, ex, err);
	return ex->rest != NULL;
}

void rest_finish(struct executord *ex)
{
	http_server_stop(ex->rest);
	ex->rest = NULL;
	free(ex->routes);
	ex->routes = NULL;
}
