/* What may be discovered, without HTTP and without the bus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/discovery.h"

static bool take_text(const cJSON *item, const char *name, bool number_too, char out[129], struct gw_error *err)
{
	if (cJSON_IsString(item) && *item->valuestring && strlen(item->valuestring) <= 128)
		snprintf(out, 129, "%s", item->valuestring);
	else if (number_too && cJSON_IsNumber(item) && item->valuedouble == item->valueint && item->valueint >= 0)
		snprintf(out, 129, "%d", item->valueint);
	else
		return gw_fail(err, GW_BAD_INPUT, "%s: accepted: a text of 1 to 128 bytes%s", name, number_too ? ", or a number" : "");
	return true;
}

static bool take_timeout(const cJSON *item, double *out, struct gw_error *err)
{
	char *end = NULL;
	double value = cJSON_IsNumber(item) ? item->valuedouble : cJSON_IsString(item) ? strtod(item->valuestring, &end) : -1;

	if ((end && (*end || end == item->valuestring)) || !(value > 0 && value <= DISCOVERY_TIMEOUT_MAX))
		return gw_fail(err, GW_BAD_INPUT, "timeout: accepted: a number of seconds above 0, up to %.0f", DISCOVERY_TIMEOUT_MAX);
	*out = value;
	return true;
}

/* As the file calls it, and as REST does. */
static bool is_port(const char *name)
{
	return strcmp(name, "port_id") == 0 || strcmp(name, "pdu_port_id") == 0;
}

static bool take(const cJSON *item, struct discovery_ask *ask, struct gw_error *err)
{
	if (strcmp(item->string, "pdu") == 0)
		return take_text(item, "pdu", false, ask->pdu, err);
	if (is_port(item->string) && *ask->port)
		return gw_fail(err, GW_BAD_INPUT, "%s: %s is given too; accepted: one of the two", item->string,
			       strcmp(item->string, "port_id") == 0 ? "pdu_port_id" : "port_id");
	if (is_port(item->string))
		return take_text(item, item->string, true, ask->port, err);
	if (strcmp(item->string, "timeout") == 0)
		return take_timeout(item, &ask->timeout, err);
	return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a field of a discovery; accepted: pdu, port_id, timeout", item->string);
}

bool discovery_ask_decode(const cJSON *json, struct discovery_ask *ask, struct gw_error *err)
{
	const cJSON *item;

	*ask = (struct discovery_ask){.timeout = DISCOVERY_TIMEOUT};
	cJSON_ArrayForEach(item, json) if (!take(item, ask, err)) return false;
	if (!*ask->pdu)
		return gw_fail(err, GW_BAD_INPUT, "pdu: it is missing; accepted: the name of a PDU");
	return *ask->port || gw_fail(err, GW_BAD_INPUT, "port_id: it is missing; accepted: the id of a port");
}

bool discovery_allowed(const struct discovery_ask *ask, const struct discovery_facts *facts, struct gw_error *err)
{
	if (facts->running && facts->ending)
		return gw_fail(err, GW_REFUSED, "the last discovery, at %s, ends once its port is OFF; try again", facts->running);
	if (facts->running)
		return gw_fail(err, GW_REFUSED, "a discovery goes on already, at %s", facts->running);
	if (facts->assigned)
		return gw_fail(err, GW_REFUSED, "port %s of %s is that of the machine %s", ask->port, ask->pdu, facts->assigned);
	if (facts->reserved)
		return gw_fail(err, GW_REFUSED, "port %s of %s is reserved", ask->port, ask->pdu);
	if (facts->alarm)
		return gw_fail(err, GW_REFUSED, "port %s of %s could not be switched OFF yet; it is tried until it is", ask->port,
			       ask->pdu);
	if (strcmp(facts->state, "ON") == 0)
		return gw_fail(err, GW_REFUSED, "port %s of %s is ON already; switch it off first", ask->port, ask->pdu);
	return true;
}
