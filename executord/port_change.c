#include <stdlib.h>
#include <string.h>

#include "executord/rest_pdu.h"

#define MIN_OFF_MAX_S 3600

/* Behind a value there is room for the closing bracket at least. */
static bool is_word(const char *at, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - at) > n && memcmp(at, word, n) == 0 && strchr(" \t\r\n,}", at[n]);
}

char *port_change_text(const char *body, size_t len)
{
	char *text = gw_calloc(len + 1, 1), *end = text + len;
	bool quoted = false;

	memcpy(text, body, len);
	for (char *at = text; at < end; at++) {
		if (quoted && *at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && (is_word(at, end, "True") || is_word(at, end, "False")))
			*at = (char)(*at + ('a' - 'A'));
	}
	return text;
}

static bool decode_state(const cJSON *item, struct port_change *change, struct gw_error *err)
{
	const char *text = cJSON_GetStringValue(item);

	change->has_state = true;
	change->on = text && strcasecmp(text, "on") == 0;
	return change->on || (text && strcasecmp(text, "off") == 0) ||
	       gw_fail(err, GW_BAD_INPUT, "state: %s%.32s%s is not a port's state; accepted: on, off", text ? "'" : "",
		       text ? text : "this", text ? "'" : "");
}

static bool decode_reserved(const cJSON *item, struct port_change *change, struct gw_error *err)
{
	const char *text = cJSON_GetStringValue(item);

	change->has_reserved = true;
	change->reserved = cJSON_IsTrue(item) || (text && strcasecmp(text, "true") == 0);
	return cJSON_IsBool(item) || (text && (change->reserved || strcasecmp(text, "false") == 0)) ||
	       gw_fail(err, GW_BAD_INPUT, "reserved: this is not a boolean; accepted: true, false");
}

static bool decode_min_off(const cJSON *item, struct port_change *change, struct gw_error *err)
{
	double seconds = cJSON_IsNumber(item) ? item->valuedouble : -1;

	change->has_min_off = true;
	if (!(seconds >= 0 && seconds <= MIN_OFF_MAX_S))
		return gw_fail(err, GW_BAD_INPUT, "min_off_time: accepted: a number of seconds from 0 to %d", MIN_OFF_MAX_S);
	change->min_off_ms = (int64_t)(seconds * 1000);
	return true;
}

static const struct {
	const char *name;
	bool (*decode)(const cJSON *item, struct port_change *change, struct gw_error *err);
} fields[] = {{"state", decode_state}, {"reserved", decode_reserved}, {"min_off_time", decode_min_off}};

static bool decode(const cJSON *item, struct port_change *change, struct gw_error *err)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, item->string) == 0)
			return fields[i].decode(item, change, err);
	return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a field of a port; accepted: state, reserved, min_off_time", item->string);
}

bool port_change_decode(const cJSON *json, struct port_change *change, struct gw_error *err)
{
	const cJSON *item;

	*change = (struct port_change){0};
	cJSON_ArrayForEach(item, json) if (!decode(item, change, err)) return false;
	return change->has_state || change->has_reserved || change->has_min_off ||
	       gw_fail(err, GW_BAD_INPUT, "nothing is to be changed; accepted: state, reserved, min_off_time");
}

bool port_change_allowed(const struct port_facts *facts, const struct port_change *change, struct gw_error *err)
{
	bool unreserves = change->has_reserved && !change->reserved;

	if (change->has_state && change->has_reserved && change->reserved) /* else half of it would be done */
		return gw_fail(err, GW_REFUSED, "state: port %s of %s is to be reserved, so it cannot be switched; send one of the two",
			       facts->port, facts->pdu);
	if (facts->reserved && !unreserves)
		return gw_fail(err, GW_REFUSED, "port %s of %s is reserved; un-reserve it first", facts->port, facts->pdu);
	if (facts->discovered && (change->has_state || change->has_reserved))
		return gw_fail(err, GW_REFUSED, "a discovery goes on at port %s of %s; cancel it first", facts->port, facts->pdu);
	if (facts->dut && change->has_reserved && change->reserved)
		return gw_fail(err, GW_REFUSED, "port %s of %s is that of the machine %s, so it cannot be reserved", facts->port,
			       facts->pdu, facts->dut);
	if (facts->dut && facts->dut_in_service && change->has_state)
		return gw_fail(err, GW_REFUSED, "port %s of %s is that of the machine %s; retire it to switch the port by hand",
			       facts->port, facts->pdu, facts->dut);
	return true;
}
