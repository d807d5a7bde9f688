#include "libbus/wire.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/json.h"
#include "libgateway/utf8.h"

#define KEYS_MAX 3

/* A message is of the first form whose first key it has. */
static const struct form {
	enum bus_form form;
	const char *keys[KEYS_MAX + 1];
} forms[] = {
	{BUS_ASK, {"ask", "body"}}, {BUS_ANSWER, {"answer"}}, {BUS_ERROR, {"error", "kind"}}, {BUS_EVENT_OF, {"event", "seq", "body"}},
	{BUS_DROPPED, {"seq"}},
};

static const cJSON *get(const cJSON *json, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(json, key);
}

static const struct form *form_of(const cJSON *json)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (get(json, forms[i].keys[0]))
			return &forms[i];
	return NULL;
}

static bool has_just(const struct form *form, const cJSON *json, struct gw_error *err)
{
	int n = 0;

	for (; form->keys[n]; n++)
		if (!get(json, form->keys[n]))
			return gw_fail(err, GW_BAD_INPUT, "%s: needed in a message with '%s'", form->keys[n], form->keys[0]);
	if (cJSON_GetArraySize(json) > n)
		return gw_fail(err, GW_BAD_INPUT, "there is more in a message with '%s' than is accepted", form->keys[0]);
	return true;
}

static bool read_type(const cJSON *json, bool event, enum bus_type *type, struct gw_error *err)
{
	const char *name = cJSON_GetStringValue(json);

	if (!name || !bus_type_find(name, type) || !bus_types[*type].answer != event)
		return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a type of %s", name ? name : "?", event ? "event" : "request");
	return true;
}

static bool read_number(const cJSON *json, const char *key, uint64_t *number, struct gw_error *err)
{
	const cJSON *item = get(json, key);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0))
		return gw_fail(err, GW_BAD_INPUT, "%s: not a count", key);
	*number = (uint64_t)item->valuedouble;
	return true;
}

static bool read_body(const cJSON *json, const char *key, const cJSON **body, struct gw_error *err)
{
	*body = get(json, key);
	return cJSON_IsObject(*body) || gw_fail(err, GW_BAD_INPUT, "%s: not an object", key);
}

static bool read_error(const cJSON *json, struct gw_error *error, struct gw_error *err)
{
	const char *text = cJSON_GetStringValue(get(json, "error")), *kind = cJSON_GetStringValue(get(json, "kind"));

	if (!text || !kind)
		return gw_fail(err, GW_BAD_INPUT, "error: not a text and a kind");
	gw_fail(error, gw_error_kind_from_name(kind), "%s", text);
	if (error->kind == GW_OK)
		error->kind = GW_INTERNAL; /* an error is none */
	return true;
}

static bool read_form(struct bus_wire *wire, struct gw_error *err)
{
	const cJSON *json = wire->json;

	switch (wire->form) {
	case BUS_ASK:
		return read_type(get(json, "ask"), false, &wire->type, err) && read_body(json, "body", &wire->body, err);
	case BUS_ANSWER:
		return read_body(json, "answer", &wire->body, err);
	case BUS_ERROR:
		return read_error(json, &wire->error, err);
	case BUS_EVENT_OF:
		return read_type(get(json, "event"), true, &wire->type, err) && read_number(json, "seq", &wire->number, err) &&
		       read_body(json, "body", &wire->body, err);
	case BUS_DROPPED:
		return read_number(json, "seq", &wire->number, err);
	}
	return false;
}

static uint32_t read_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_u32(unsigned char *at, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		at[i] = (unsigned char)value;
}

bool bus_frame_decode(const void *bytes, size_t len, uint32_t *id, size_t *frame)
{
	size_t body;

	*frame = 0;
	if (len < BUS_FRAME_HEAD)
		return true;
	body = read_u32(bytes);
	*id = read_u32((const unsigned char *)bytes + 4);
	if (len - BUS_FRAME_HEAD >= body)
		*frame = BUS_FRAME_HEAD + body;
	return body <= BUS_MESSAGE_MAX;
}

void bus_frame_head(uint32_t id, size_t len, unsigned char head[BUS_FRAME_HEAD])
{
	write_u32(head, (uint32_t)len);
	write_u32(head + 4, id);
}

bool bus_wire_decode(const char *bytes, size_t len, struct bus_wire *wire, struct gw_error *err)
{
	const struct form *form;

	*wire = (struct bus_wire){0};
	wire->json = json_decode(bytes, len, err);
	if (!wire->json)
		return false;
	form = form_of(wire->json);
	if (form)
		wire->form = form->form;
	else
		gw_fail(err, GW_BAD_INPUT, "a message has one of: ask, answer, error, event, seq");
	if (form && has_just(form, wire->json, err) && read_form(wire, err))
		return true;
	bus_wire_finish(wire);
	return false;
}

void bus_wire_finish(struct bus_wire *wire)
{
	cJSON_Delete(wire->json);
	*wire = (struct bus_wire){0};
}

/* Prints and deletes. */
static char *print(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	gw_assert(text); /* out of memory */
	return text;
}

static char *print_bounded(cJSON *json, struct gw_error *err)
{
	char *text = print(json);

	if (strlen(text) <= BUS_MESSAGE_MAX)
		return text;
	gw_fail(err, GW_BAD_INPUT, "a message of %zu bytes is too long; accepted: %d", strlen(text), BUS_MESSAGE_MAX);
	free(text);
	return NULL;
}

char *bus_wire_ask(enum bus_type type, const void *body, struct gw_error *err)
{
	cJSON *json, *encoded = bus_body_encode(bus_types[type].body, body, err);

	if (!encoded)
		return NULL;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "ask", bus_types[type].name);
	cJSON_AddItemToObject(json, "body", encoded);
	return print_bounded(json, err);
}

char *bus_wire_answer(enum bus_type type, const void *body, struct gw_error *err)
{
	cJSON *json, *encoded = bus_body_encode(bus_types[type].answer, body, err);

	if (!encoded) {
		gw_context(err, "answer to %s", bus_types[type].name);
		return NULL;
	}
	json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "answer", encoded);
	return print_bounded(json, err);
}

char *bus_wire_event(enum bus_type type, uint64_t seq, const void *body, struct gw_error *err)
{
	cJSON *json, *encoded = bus_body_encode(bus_types[type].body, body, err);

	if (!encoded) {
		gw_context(err, "%s", bus_types[type].name);
		return NULL;
	}
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", bus_types[type].name);
	cJSON_AddNumberToObject(json, "seq", (double)seq);
	cJSON_AddItemToObject(json, "body", encoded);
	return print_bounded(json, err);
}

char *bus_wire_error(const struct gw_error *why)
{
	struct gw_error clean = *why;
	cJSON *json = cJSON_CreateObject();
	size_t len = strlen(clean.text);

	for (size_t at = 0; (at += utf8_prefix(clean.text + at, len - at)) < len; at++)
		clean.text[at] = '?';
	cJSON_AddStringToObject(json, "error", clean.text);
	cJSON_AddStringToObject(json, "kind", gw_error_kind_name(clean.kind));
	return print(json);
}

char *bus_wire_dropped(uint64_t seq)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "seq", (double)seq);
	return print(json);
}
