/* The structs, types and field tables that messages.def gives. */
#ifndef LIBBUS_MESSAGES_H
#define LIBBUS_MESSAGES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"
#include "libgateway/shared_bounds.h"

/* Who is on the bus: one bit each, so that a set of them can be said. The name of its socket is NAME.bus; a jobd's is jobd-PID.bus. */
enum bus_daemon {
	BUS_EXECUTORD = 1 << 0,
	BUS_JOBD = 1 << 1,
	BUS_BOOTSD = 1 << 2,
	BUS_PDUD = 1 << 3,
	BUS_SALADD = 1 << 4,
	BUS_ARTIFACTD = 1 << 5,
	BUS_GITLABD = 1 << 6,
	BUS_BUCKETD = 1 << 7,
	BUS_ANY = 0xff, /* any of them; of events: all that listen */
};
const char *bus_daemon_name(enum bus_daemon daemon); /* "executord" */

struct bus_texts {
	char **v; /* owned, as each text is */
	size_t n;
};

/* clang-format off */
/* The structs: struct msg_NAME. */
#define BODY(b) struct msg_##b { char bus_body_begins;
#define TEXT(b, f, max, m) char *f;
#define TEXT_OPT(b, f, max, m) char *f;
#define INTEGER(b, f, min, max, m) int64_t f;
#define NUMBER(b, f, min, max, m) double f;
#define BOOLEAN(b, f, m) bool f;
#define TEXTS(b, f, max, count, m) struct bus_texts f;
#define LIST(b, f, item, count, m) struct { struct msg_##item *v; size_t n; } f;
#define END(b) };
#include "libbus/messages.def"

enum bus_type {
#define BUS_REQUEST(type, name, body, answer, from, to, deadline, m) MSG_##type,
#define BUS_EVENT(type, name, body, from, m) MSG_##type,
#include "libbus/messages.def"
	BUS_TYPES
};
/* clang-format on */

enum bus_field_kind { BUS_TEXT, BUS_TEXT_OPT, BUS_INTEGER, BUS_NUMBER, BUS_BOOLEAN, BUS_TEXTS, BUS_LIST, BUS_FIELDS_END };
struct bus_body;
struct bus_field {
	const char *name;
	enum bus_field_kind kind;
	size_t offset;
	double min, max;             /* a text's bytes, a number's bounds, a list's length */
	size_t text_max;             /* of each text of a BUS_TEXTS */
	const struct bus_body *item; /* of a BUS_LIST */
	const char *meaning;
};
struct bus_body {
	const char *name;
	size_t size;
	const struct bus_field *fields; /* ends with BUS_FIELDS_END */
};
struct bus_type_info {
	const char *name; /* on the wire and in the log */
	const struct bus_body *body;
	const struct bus_body *answer; /* NULL: an event */
	unsigned from, to;             /* sets of enum bus_daemon */
	int deadline_ms;
	const char *meaning;
};
extern const struct bus_type_info bus_types[BUS_TYPES];
bool bus_type_find(const char *name, enum bus_type *type);

/* JSON from a body (caller deletes). NULL with GW_BAD_INPUT that names the field: a required text is NULL, or a value is out of its bounds.
 */
cJSON *bus_body_encode(const struct bus_body *body, const void *value, struct gw_error *err);
/* A body from JSON; NULL with GW_BAD_INPUT that names the field. Unknown fields are refused by name. Free with bus_body_free. */
void *bus_body_decode(const struct bus_body *body, const cJSON *json, struct gw_error *err);
void bus_body_free(const struct bus_body *body, void *value); /* frees what it owns and `value` itself; NULL is fine */
/* A copy; NULL where `value` is beyond the body's bounds, with GW_BAD_INPUT that names the field. */
void *bus_body_try_dup(const struct bus_body *body, const void *value, struct gw_error *err);
void *bus_body_dup(const struct bus_body *body, const void *value); /* of what was decoded, so it fits */

#define BODY(b) extern const struct bus_body bus_body_##b;
#include "libbus/messages.def"

#endif
