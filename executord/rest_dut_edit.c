/* DUTs: what goes into the database. Each is answered once it is durable. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/json.h"
#include "executord/new_dut.h"
#include "executord/rest.h"
#include "executord/rest_fields.h"
#include "libgateway/log.h"
#include "libmars/fields.h"

struct edit_call {
	struct executord *ex;
	struct http_request *rq;
	char id[129];
	bool discovered; /* it takes the discovery's port */
};

static struct edit_call *call_create(struct executord *ex, struct http_request *rq, const char *id)
{
	struct edit_call *call = gw_calloc(1, sizeof(*call));

	call->ex = ex;
	call->rq = rq;
	snprintf(call->id, sizeof(call->id), "%s", id);
	return call;
}

static void on_written(void *data, const struct gw_error *err)
{
	struct edit_call *call = data;
	struct dut *dut = registry_dut(call->ex, call->id);

	if (err->kind != GW_OK)
		http_answer_error(call->rq, err);
	else if (dut)
		http_answer(call->rq, 200, "application/json", json_dut(dut), strlen(json_dut(dut)));
	else /* removed, by this edit or another */
		http_answer_json(call->rq, 200, cJSON_CreateObject());
	if (call->discovered)
		discovery_found_by_rest(call->ex);
	free(call);
}

/* ---- POST, PUT: register ---- */

static const char *text_of(const struct mars_value *value)
{
	return value && value->type == MARS_VALUE_TEXT ? value->text : NULL;
}

/* The MAC that the kernel's neighbour table has for a peer of the DUTs' network. */
static bool neighbour_mac(const struct http_request *rq, char mac[18])
{
	struct in_addr peer = {0};
	char ip[INET_ADDRSTRLEN] = "", line[256], has[64], found[32];
	FILE *file = fopen("/proc/net/arp", "re");
	bool ok = false;

	rest_peer_ipv4(rq, &peer);
	inet_ntop(AF_INET, &peer, ip, sizeof(ip));
	while (file && !ok && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %*s %*s %31s", has, found) == 2 && strcmp(has, ip) == 0)
			ok = mars_mac_decode(found, strlen(found), mac);
	if (file)
		fclose(file);
	return ok;
}

/* What the registration program sends, and nothing that decides on a machine's service. */
static bool may_register_itself(const struct http_request *rq, const struct rest_fields *fields, const struct mars_dut *known,
				const char *mac, struct gw_error *err)
{
	static const char *const own[] = {"base_name", "tags", "mac_address", "ip_address", "local_tty_device"};
	char peer[18];

	for (size_t i = 0; i < fields->n; i++) {
		size_t k = 0;

		while (k < sizeof(own) / sizeof(own[0]) && strcmp(own[k], fields->v[i].name) != 0)
			k++;
		if (k == sizeof(own) / sizeof(own[0]))
			return gw_fail(err, GW_REFUSED, "%s: a machine of the farm may not set this of itself", fields->v[i].name);
	}
	if (!neighbour_mac(rq, peer) || strcmp(peer, mac) != 0)
		return gw_fail(err, GW_REFUSED, "a machine of the farm may only register itself, not %s", mac);
	if (known ? strcmp(known->mac_address, mac) != 0 : fields->id && strcasecmp(fields->id, mac) != 0)
		return gw_fail(err, GW_REFUSED, "id: a machine of the farm may only register itself, not '%.128s'",
			       known ? known->id : fields->id);
	return true;
}

/* The entry that the body is about: that of its id or MAC; a new one is called by its id, else its MAC. */
static bool find_entry(struct executord *ex, const struct rest_fields *fields, const struct mars_dut **known, char id[129], char mac[18],
		       struct gw_error *err)
{
	const char *given_mac = text_of(rest_fields_find(fields, "mac_address"));
	const struct mars_dut *by_mac = given_mac ? mars_db_find_dut_by_mac(ex->database.db, given_mac) : NULL;

	*mac = '\0';
	if (given_mac)
		mars_mac_decode(given_mac, strlen(given_mac), mac);
	else if (fields->id)
		mars_mac_decode(fields->id, strlen(fields->id), mac);
	*known = fields->id ? mars_db_find_dut(ex->database.db, fields->id) : by_mac;
	if (by_mac && *known != by_mac)
		return gw_fail(err, GW_REFUSED, "mac_address: %s is that of the machine %s", given_mac, by_mac->id);
	if (*known && !*mac)
		snprintf(mac, 18, "%s", (*known)->mac_address);
	if (!*mac)
		return gw_fail(err, GW_BAD_INPUT, "mac_address: it is missing; accepted: a MAC address, as 52:54:00:11:22:0a");
	snprintf(id, 129, "%s", *known ? (*known)->id : fields->id ? fields->id : mac);
	return true;
}

static void write_fields(struct executord *ex, struct http_request *rq, const struct rest_fields *fields, const struct mars_dut *known,
			 const char *id, const char *mac)
{
	struct edit_call *call = call_create(ex, rq, id);
	struct new_dut new = {0};

	call->discovered = !known && discovery_listens(ex);
	if (!known || !known->first_seen)
		new_dut_init(&new, ex, id);
	if (known && new.n)
		new.n = 1; /* first_seen alone: its port and its runners are the admin's */
	for (size_t i = 0; i < fields->n; i++) {
		bool implied = strcmp(fields->v[i].name, "mac_address") == 0;

		if (implied && strcasecmp(id, mac) == 0)
			continue; /* the entry's key says it */
		new_dut_set(&new, id, fields->v[i].name, implied ? MARS_V_TEXT(mac) : fields->v[i].value);
	}
	for (size_t i = 0; known && i < new.n; i++)
		new.edits[i].existing = 2; /* one that is removed meanwhile does not come back by halves */
	if (!new.n)
		on_written(call, &(struct gw_error){0});
	else
		database_write(ex, new.edits, new.n, id, on_written, call);
	if (call->discovered)
		ex->discovery.phase = DISCOVERY_FOUND;
}

/* POST|PUT /dut/: id base_name tags manual_tags mac_address ip_address local_tty_device ready_for_service is_retired firmware_boot_time */
void rest_register_dut(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct rest_fields fields = {0};
	const struct mars_dut *known;
	char id[129], mac[18];
	bool from_dut = rest_is_of_duts(ex, rq);
	cJSON *json = http_body_json(rq, &err);

	if (!json || !rest_fields_decode(&fields, json, MARS_BY_CREATE, &err) || !find_entry(ex, &fields, &known, id, mac, &err) ||
	    (from_dut && !may_register_itself(rq, &fields, known, mac, &err)))
		http_answer_error(rq, &err);
	else
		write_fields(ex, rq, &fields, known, id, mac);
	rest_fields_finish(&fields);
	cJSON_Delete(json);
}

/* ---- PATCH, DELETE ---- */

void rest_patch_dut(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct rest_fields fields = {0};
	struct mars_edit edits[REST_FIELDS_MAX];
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);
	cJSON *json = dut ? http_body_json(rq, &err) : NULL;

	if (!json || !rest_may_change(ex, rq, &err) || !rest_fields_decode(&fields, json, MARS_BY_PATCH, &err)) {
		http_answer_error(rq, &err);
	} else {
		for (size_t i = 0; i < fields.n; i++)
			edits[i] = database_set("duts", dut->id, fields.v[i].name, fields.v[i].value);
		database_write(ex, edits, fields.n, dut->id, on_written, call_create(ex, rq, dut->id));
	}
	rest_fields_finish(&fields);
	cJSON_Delete(json);
}

void rest_delete_dut(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);
	struct mars_edit edit = {.op = MARS_REMOVE, .path = {"duts"}};

	if (!dut || !rest_may_change(ex, rq, &err) || !rest_takes_nothing(rq, &err) || !gitlab_may_remove(ex, dut, &err)) {
		http_answer_error(rq, &err);
		return;
	}
	edit.path[1] = dut->id;
	database_write(ex, &edit, 1, dut->id, on_written, call_create(ex, rq, dut->id));
}
