#include "pdud/records.h"

#include <stddef.h>

#include "libgateway/json.h"

#define AT(member) offsetof(struct port_record, member)
static const struct bus_field port_fields[] = {
	{"pdu", BUS_TEXT, AT(pdu), 0, 128, 0, NULL, "PDU's name."},
	{"port", BUS_TEXT, AT(port), 0, 128, 0, NULL, "Port id."},
	{"job", BUS_TEXT_OPT, AT(job), 0, 128, 0, NULL, "Who holds the lease, or held it."},
	{"owed", BUS_BOOLEAN, AT(owed), 0, 0, 0, NULL, "OFF is owed."},
	{"pinned", BUS_BOOLEAN, AT(pinned), 0, 0, 0, NULL, "An admin switched it ON."},
	{"off_since_ms", BUS_INTEGER, AT(off_since_ms), OFF_UNKNOWN, 9007199254740992.0, 0, NULL, "Since when it is OFF."},
	{"last_shutdown", BUS_NUMBER, AT(last_shutdown), 0, 1e12, 0, NULL, "When it was last seen to go OFF."},
	{NULL, BUS_FIELDS_END, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
static const struct bus_body port_body = {"port", sizeof(struct port_record), port_fields};

#define AT(member) offsetof(struct records, member)
static const struct bus_field records_fields[] = {
	{"version", BUS_INTEGER, AT(version), RECORDS_VERSION, RECORDS_VERSION, 0, NULL, "Of this file's format."},
	{"boot_id", BUS_TEXT, AT(boot_id), 0, 64, 0, NULL, "The kernel's."},
	{"revoked", BUS_TEXTS, AT(revoked), 0, RECORDS_REVOKED_MAX, 128, NULL, "Jobs whose capabilities are refused."},
	{"ports", BUS_LIST, AT(ports), 0, 1e6, 0, &port_body, "Ports of which something must be known."},
	{NULL, BUS_FIELDS_END, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
const struct bus_body records_body = {"records", sizeof(struct records), records_fields};

static void *decode(const struct bus_body *body, const char *bytes, size_t len, struct gw_error *err)
{
	cJSON *json = json_decode(bytes, len, err);
	void *value = json ? bus_body_decode(body, json, err) : NULL;

	cJSON_Delete(json);
	return value;
}

static char *encode(const struct bus_body *body, const void *value, struct gw_error *err)
{
	cJSON *json = bus_body_encode(body, value, err);
	char *text = json ? cJSON_Print(json) : NULL;

	cJSON_Delete(json);
	return text;
}

struct records *records_decode(const char *bytes, size_t len, struct gw_error *err)
{
	return decode(&records_body, bytes, len, err);
}

char *records_encode(const struct records *records, struct gw_error *err)
{
	return encode(&records_body, records, err);
}

struct msg_pdu_configure *configuration_decode(const char *bytes, size_t len, struct gw_error *err)
{
	return decode(&bus_body_pdu_configure, bytes, len, err);
}

char *configuration_encode(const struct msg_pdu_configure *body, struct gw_error *err)
{
	return encode(&bus_body_pdu_configure, body, err);
}
