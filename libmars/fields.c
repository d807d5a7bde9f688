#include "libmars/fields.h"

#include "libgateway/shared_bounds.h"
#include "libmars/marsdb.h"
#include "libmars/nearest.h"

#include <string.h>

const char *const mars_pdu_drivers[] = {
	"dummy",
	"vpdu",
	"snmp",
	"apc_masterswitch",
	"cyberpower_pdu41004",
	"cyberpower_pdu15swhviec12atnet",
	"shelly",
	"tasmota",
	"devantech",
	"kernelchip",
	"usbhub",
	"snmp_poe",
	"snmp_poe_tplink",
	NULL,
};

static const char *const runner_types[] = {"instance_type", "group_type", "project_type", NULL};

/* The words that fields.def uses for who may set a field. */
enum { MANUAL = MARS_BY_MANUAL, AUTO = MARS_BY_AUTO, CREATE = MARS_BY_CREATE, PATCH = MARS_BY_PATCH };

#define ROW(owner, member, TYPE, lo, hi, fallback_, accepted_, object_, who_, required_, meaning_)                                         \
	{.name = #member,                                                                                                                  \
	 .type = MARS_##TYPE,                                                                                                              \
	 .offset = offsetof(struct owner, member),                                                                                         \
	 .min = lo,                                                                                                                        \
	 .max = hi,                                                                                                                        \
	 .fallback = fallback_,                                                                                                            \
	 .accepted = accepted_,                                                                                                            \
	 .object = object_,                                                                                                                \
	 .who = who_,                                                                                                                      \
	 .required = required_,                                                                                                            \
	 .meaning = meaning_},

#define UNUSED(name_) {.name = #name_, .type = MARS_UNUSED, .who = MARS_BY_MANUAL, .meaning = "Known from older databases, not read."},

static const struct mars_field pdu_fields[] = {
#define PDU_FIELD(NAME, ...) ROW(mars_pdu, __VA_ARGS__)
#define MARS_WANT_PDU
#include "libmars/fields.def"
};

static const struct mars_field dut_fields[] = {
#define DUT_FIELD(NAME, ...)    ROW(mars_dut, __VA_ARGS__)
#define DUT_UNUSED(NAME, name_) UNUSED(name_)
#define MARS_WANT_DUT
#include "libmars/fields.def"
};

static const struct mars_field gitlab_fields[] = {
#define GITLAB_FIELD(NAME, ...) ROW(mars_gitlab, __VA_ARGS__)
#define MARS_WANT_GITLAB
#include "libmars/fields.def"
};

static const struct mars_field dut_gitlab_fields[] = {
#define FIELD(...) ROW(mars_dut_gitlab, __VA_ARGS__)
#define MARS_WANT_DUT_GITLAB
#include "libmars/fields.def"
#undef FIELD
};

static const struct mars_field gateway_runner_fields[] = {
#define FIELD(...) ROW(mars_gateway_runner, __VA_ARGS__)
#define MARS_WANT_GATEWAY_RUNNER
#include "libmars/fields.def"
#undef FIELD
};

static const struct mars_field acl_fields[] = {
#define FIELD(...) ROW(mars_acl, __VA_ARGS__)
#define MARS_WANT_ACL
#include "libmars/fields.def"
#undef FIELD
};

static const struct mars_field acl_rules_fields[] = {
#define FIELD(...) ROW(mars_acl_rules, __VA_ARGS__)
#define MARS_WANT_ACL_RULES
#include "libmars/fields.def"
#undef FIELD
};

static const struct mars_field root_fields[] = {
#define FIELD(...) ROW(mars_root, __VA_ARGS__)
#define MARS_WANT_ROOT
#include "libmars/fields.def"
#undef FIELD
};

#define OBJECT(title, table, owner, named_)                                                                                                \
	{                                                                                                                                  \
		.name = title, .fields = table, .n = sizeof(table) / sizeof((table)[0]), .size = sizeof(struct owner), .named = named_     \
	}

const struct mars_object mars_pdu_object = OBJECT("PDU", pdu_fields, mars_pdu, true);
const struct mars_object mars_dut_object = OBJECT("DUT", dut_fields, mars_dut, true);
const struct mars_object mars_gitlab_object = OBJECT("GitLab instance", gitlab_fields, mars_gitlab, true);
const struct mars_object mars_dut_gitlab_object = OBJECT("DUT's GitLab entry", dut_gitlab_fields, mars_dut_gitlab, true);
const struct mars_object mars_gateway_runner_object = OBJECT("gateway runner", gateway_runner_fields, mars_gateway_runner, false);
const struct mars_object mars_acl_object = OBJECT("ACL", acl_fields, mars_acl, false);
const struct mars_object mars_acl_rules_object = OBJECT("ACL's rules", acl_rules_fields, mars_acl_rules, false);
const struct mars_object mars_root_object = OBJECT("database", root_fields, mars_root, false);

static const char *const type_names[MARS_TYPES] = {
	[MARS_TEXT] = "a text",
	[MARS_NAME] = "a name",
	[MARS_LINES] = "a text",
	[MARS_SECRET] = "a token",
	[MARS_BOOL] = "true or false",
	[MARS_INTEGER] = "an integer",
	[MARS_SECONDS] = "a number of seconds",
	[MARS_WATTS] = "a number of watts",
	[MARS_MAC] = "a MAC address",
	[MARS_IPV4] = "an IPv4 address",
	[MARS_DATE] = "a date",
	[MARS_URL] = "a URL",
	[MARS_PORT_ID] = "a port id",
	[MARS_CHOICE] = "one of those accepted",
	[MARS_TEXTS] = "a list of texts",
	[MARS_TAGS] = "a list of tags",
	[MARS_PORT_IDS] = "a list of port ids",
	[MARS_CONFIG] = "a mapping",
	[MARS_OBJECT] = "a mapping",
	[MARS_OBJECTS] = "a mapping of names to mappings",
	[MARS_UNUSED] = "anything",
};

const char *mars_type_name(enum mars_type type)
{
	return type_names[type];
}

const struct mars_field *mars_field_find(const struct mars_object *object, const char *name, size_t len)
{
	for (size_t i = 0; i < object->n; i++)
		if (strlen(object->fields[i].name) == len && memcmp(object->fields[i].name, name, len) == 0)
			return &object->fields[i];
	return NULL;
}

const char *mars_field_nearest(const struct mars_object *object, const char *name, size_t len)
{
	struct nearest best = {0};

	for (size_t i = 0; i < object->n; i++)
		if (object->fields[i].type != MARS_UNUSED)
			nearest_try(&best, object->fields[i].name, name, len);
	return best.name;
}

const char *mars_nearest(const char *const *names, const char *name, size_t len)
{
	return nearest_of(names, name, len);
}
