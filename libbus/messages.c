#include "libbus/messages.h"

#include <string.h>

/* clang-format off */
#define BODY(b) static const struct bus_field fields_of_##b[] = {
#define TEXT(b, f, max, m) {#f, BUS_TEXT, offsetof(struct msg_##b, f), 0, max, 0, NULL, m},
#define TEXT_OPT(b, f, max, m) {#f, BUS_TEXT_OPT, offsetof(struct msg_##b, f), 0, max, 0, NULL, m},
#define INTEGER(b, f, min, max, m) {#f, BUS_INTEGER, offsetof(struct msg_##b, f), min, max, 0, NULL, m},
#define NUMBER(b, f, min, max, m) {#f, BUS_NUMBER, offsetof(struct msg_##b, f), min, max, 0, NULL, m},
#define BOOLEAN(b, f, m) {#f, BUS_BOOLEAN, offsetof(struct msg_##b, f), 0, 0, 0, NULL, m},
#define TEXTS(b, f, max, count, m) {#f, BUS_TEXTS, offsetof(struct msg_##b, f), 0, count, max, NULL, m},
#define LIST(b, f, item, count, m) {#f, BUS_LIST, offsetof(struct msg_##b, f), 0, count, 0, &bus_body_##item, m},
#define END(b) {NULL, BUS_FIELDS_END, 0, 0, 0, 0, NULL, NULL}}; const struct bus_body bus_body_##b = {#b, sizeof(struct msg_##b), fields_of_##b};
#include "libbus/messages.def"
/* clang-format on */

const struct bus_type_info bus_types[BUS_TYPES] = {
#define BUS_REQUEST(type, name, body, answer, from, to, deadline, m)                                                                       \
	[MSG_##type] = {name, &bus_body_##body, &bus_body_##answer, from, to, deadline, m},
#define BUS_EVENT(type, name, body, from, m) [MSG_##type] = {name, &bus_body_##body, NULL, from, BUS_ANY, 0, m},
#include "libbus/messages.def"
};

bool bus_type_find(const char *name, enum bus_type *type)
{
	for (int t = 0; t < BUS_TYPES; t++) {
		if (strcmp(bus_types[t].name, name) == 0) {
			*type = (enum bus_type)t;
			return true;
		}
	}
	return false;
}

const char *bus_daemon_name(enum bus_daemon daemon)
{
	static const char *const names[] = {"executord", "jobd", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (daemon == (enum bus_daemon)(1U << i))
			return names[i];
	return "any";
}
