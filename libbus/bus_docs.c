/* Prints docs/bus.md from messages.def: build/libbus/bus_docs >docs/bus.md */
#include <stdio.h>

#include "libbus/bus.h"
#include "libbus/messages.h"

static const struct bus_body *const bodies[] = {
#define BODY(b) &bus_body_##b,
#include "libbus/messages.def"
};

static const char introduction[] =
	"# What the daemons say to each other\n"
	"\n"
	"Made from `libbus/messages.def` by `build/libbus/bus_docs >docs/bus.md`; a test sees to it that it is up to date.\n"
	"\n"
	"Each program listens on `NAME.bus` in EXECUTOR_RUNTIME_DIR (mode 0660; its peers are root, its user, or its group) and connects "
	"to "
	"those that\nit asks. A message is a frame: four bytes of length, four of the request's id, both big-endian, and a JSON object:\n"
	"\n"
	"| object | meaning |\n"
	"|---|---|\n"
	"| `{\"ask\": TYPE, \"body\": {}}` | a request |\n"
	"| `{\"answer\": {}}` | its answer, with the request's id |\n"
	"| `{\"error\": TEXT, \"kind\": KIND}` | or why there is none |\n"
	"| `{\"event\": TYPE, \"seq\": N, \"body\": {}}` | an event, the Nth of its sender, with the id of the listener's hello |\n"
	"| `{\"seq\": N}` | events up to the Nth were dropped, since the listener did not read |\n"
	"\n"
	"The first request on a connection is `bus.hello`. A field that a body does not have, or that is missing or out of its bounds, is "
	"refused by\nname; it costs that message alone.\n";

static void print_daemons(unsigned set)
{
	const char *between = "";

	if (set == BUS_ANY) {
		printf("all");
		return;
	}
	for (unsigned bit = 1; bit < BUS_ANY; bit <<= 1) {
		if (!(set & bit))
			continue;
		printf("%s%s", between, bus_daemon_name((enum bus_daemon)bit));
		between = ", ";
	}
}

static void print_request(const struct bus_type_info *type)
{
	printf("| `%s` | ", type->name);
	print_daemons(type->from);
	printf(" | ");
	print_daemons(type->to);
	printf(" | [%s](#%s) | [%s](#%s) | %g s | %s |\n", type->body->name, type->body->name, type->answer->name, type->answer->name,
	       type->deadline_ms / 1000.0, type->meaning);
}

static void print_event(const struct bus_type_info *type)
{
	printf("| `%s` | ", type->name);
	print_daemons(type->from);
	printf(" | [%s](#%s) | %s |\n", type->body->name, type->body->name, type->meaning);
}

static void print_kind(const struct bus_field *f)
{
	switch (f->kind) {
	case BUS_TEXT:
		printf("text, up to %.0f bytes", f->max);
		break;
	case BUS_TEXT_OPT:
		printf("text, up to %.0f bytes; may be absent", f->max);
		break;
	case BUS_INTEGER:
		printf("whole number, %.0f to %.0f", f->min, f->max);
		break;
	case BUS_NUMBER:
		printf("number, %.16g to %.16g", f->min, f->max);
		break;
	case BUS_BOOLEAN:
		printf("true or false");
		break;
	case BUS_TEXTS:
		printf("list of up to %.0f texts of up to %zu bytes", f->max, f->text_max);
		break;
	case BUS_LIST:
		printf("list of up to %.0f [%s](#%s)", f->max, f->item->name, f->item->name);
		break;
	case BUS_FIELDS_END:
		break;
	}
}

static void print_body(const struct bus_body *body)
{
	printf("\n### %s\n\n", body->name);
	if (body->fields->kind == BUS_FIELDS_END) {
		printf("No fields.\n");
		return;
	}
	printf("| field | accepted | meaning |\n|---|---|---|\n");
	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++) {
		printf("| `%s` | ", f->name);
		print_kind(f);
		printf(" | %s |\n", f->meaning);
	}
}

int main(void)
{
	printf("%s\nThe version is %d.\n", introduction, BUS_VERSION);
	printf("\n## Requests\n\n| type | sent by | answered by | body | answer | deadline | meaning |\n|---|---|---|---|---|---|---|\n");
	for (int type = 0; type < BUS_TYPES; type++)
		if (bus_types[type].answer)
			print_request(&bus_types[type]);
	printf("\n## Events\n\n| type | sent by | body | meaning |\n|---|---|---|---|\n");
	for (int type = 0; type < BUS_TYPES; type++)
		if (!bus_types[type].answer)
			print_event(&bus_types[type]);
	printf("\n## Bodies\n");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		print_body(bodies[i]);
	return 0;
}
