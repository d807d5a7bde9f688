/* Every body of messages.def, by its own field table: it is filled to its bounds, goes there and back, and each rule of each field is
 * broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libbus/messages.h"

static const struct bus_body *const bodies[] = {
#define BODY(b) &bus_body_##b,
#include "libbus/messages.def"
};
#define BODIES (sizeof(bodies) / sizeof(bodies[0]))

static cJSON *text_of(size_t n)
{
	char *text = gw_calloc(1, n + 1);
	cJSON *json;

	memset(text, 'x', n);
	json = cJSON_CreateString(text);
	free(text);
	return json;
}

/* As much as is accepted; of lists two items. */
static cJSON *largest(const struct bus_body *body);
static cJSON *largest_field(const struct bus_field *f)
{
	cJSON *list = NULL;

	switch (f->kind) {
	case BUS_TEXT:
	case BUS_TEXT_OPT:
		return text_of((size_t)f->max);
	case BUS_INTEGER:
	case BUS_NUMBER:
		return cJSON_CreateNumber(f->max);
	case BUS_BOOLEAN:
		return cJSON_CreateTrue();
	case BUS_TEXTS:
	case BUS_LIST:
		list = cJSON_CreateArray();
		for (int i = 0; i < 2 && i < (int)f->max; i++)
			cJSON_AddItemToArray(list, f->kind == BUS_TEXTS ? text_of(f->text_max) : largest(f->item));
		return list;
	case BUS_FIELDS_END:
		break;
	}
	return NULL;
}

static cJSON *largest(const struct bus_body *body)
{
	cJSON *json = cJSON_CreateObject();

	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++)
		cJSON_AddItemToObject(json, f->name, largest_field(f));
	return json;
}

static void assert_same(const cJSON *a, const cJSON *b)
{
	char *text_a = cJSON_PrintUnformatted(a), *text_b = cJSON_PrintUnformatted(b);

	assert_string_equal(text_a, text_b);
	free(text_a);
	free(text_b);
}

/* Decodes, encodes; they are the same. */
static void assert_accepted(const struct bus_body *body, const cJSON *json)
{
	struct gw_error err = {0};
	void *value = bus_body_decode(body, json, &err), *copy;
	cJSON *again;

	if (!value)
		fail_msg("%s: %s", body->name, err.text);
	copy = bus_body_dup(body, value);
	again = bus_body_encode(body, copy, &err);
	assert_non_null(again);
	assert_same(json, again);
	cJSON_Delete(again);
	bus_body_free(body, copy);
	bus_body_free(body, value);
}

/* Refused with this text; what was allocated until then is freed (the sanitizer sees). */
static void assert_refused(const struct bus_body *body, const cJSON *json, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void assert_refused(const struct bus_body *body, const cJSON *json, const char *fmt, ...)
{
	struct gw_error err = {0};
	char expected[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(expected, sizeof(expected), fmt, args);
	va_end(args);
	if (bus_body_decode(body, json, &err))
		fail_msg("%s is accepted; expected: %s", body->name, expected);
	assert_int_equal(err.kind, GW_BAD_INPUT);
	assert_string_equal(err.text, expected);
}

static void with_each_field(void (*check)(const struct bus_body *body, const struct bus_field *f, cJSON *json))
{
	for (size_t i = 0; i < BODIES; i++) {
		for (const struct bus_field *f = bodies[i]->fields; f->kind != BUS_FIELDS_END; f++) {
			cJSON *json = largest(bodies[i]);
			check(bodies[i], f, json);
			cJSON_Delete(json);
		}
	}
}

static void every_body_goes_there_and_back(void **state)
{
	for (size_t i = 0; i < BODIES; i++) {
		cJSON *json = largest(bodies[i]);
		assert_accepted(bodies[i], json);
		cJSON_Delete(json);
	}
}

static void check_missing(const struct bus_body *body, const struct bus_field *f, cJSON *json)
{
	cJSON_DeleteItemFromObject(json, f->name);
	if (f->kind == BUS_TEXT_OPT)
		assert_accepted(body, json);
	else
		assert_refused(body, json, "%s: needed", f->name);
}

static void a_missing_field_is_named_unless_it_is_optional(void **state)
{
	with_each_field(check_missing);
}

static void check_type(const struct bus_body *body, const struct bus_field *f, cJSON *json)
{
	static const char *const nots[] = {
		[BUS_TEXT] = "a text",           [BUS_TEXT_OPT] = "a text", [BUS_INTEGER] = "a number", [BUS_NUMBER] = "a number",
		[BUS_BOOLEAN] = "true or false", [BUS_TEXTS] = "a list",    [BUS_LIST] = "a list"};

	cJSON_ReplaceItemInObjectCaseSensitive(json, f->name, cJSON_CreateNull());
	assert_refused(body, json, "%s: not %s", f->name, nots[f->kind]);
}

static void a_field_of_another_type_is_named(void **state)
{
	with_each_field(check_type);
}

static void check_too_much(const struct bus_body *body, const struct bus_field *f, cJSON *json)
{
	cJSON *list = NULL;

	if (f->kind == BUS_TEXT || f->kind == BUS_TEXT_OPT) {
		cJSON_ReplaceItemInObjectCaseSensitive(json, f->name, text_of((size_t)f->max + 1));
		assert_refused(body, json, "%s: %.0f bytes are too many; accepted: %.0f", f->name, f->max + 1, f->max);
	} else if (f->kind == BUS_INTEGER || f->kind == BUS_NUMBER) {
		cJSON_ReplaceItemInObjectCaseSensitive(json, f->name, cJSON_CreateNumber(f->max * 2 + 1));
		assert_refused(body, json, "%s: %g is out of bounds; accepted: %g to %g", f->name, f->max * 2 + 1, f->min, f->max);
		cJSON_ReplaceItemInObjectCaseSensitive(json, f->name, cJSON_CreateNumber(f->min - 1));
		assert_refused(body, json, "%s: %g is out of bounds; accepted: %g to %g", f->name, f->min - 1, f->min, f->max);
	} else if (f->kind == BUS_TEXTS || f->kind == BUS_LIST) {
		list = cJSON_CreateArray();
		for (size_t i = 0; i <= (size_t)f->max; i++)
			cJSON_AddItemToArray(list, cJSON_CreateNull());
		cJSON_ReplaceItemInObjectCaseSensitive(json, f->name, list);
		assert_refused(body, json, "%s: %.0f items are too many; accepted: %.0f", f->name, f->max + 1, f->max);
	}
}

static void what_is_out_of_its_bounds_is_named(void **state)
{
	with_each_field(check_too_much);
}

static void check_item(const struct bus_body *body, const struct bus_field *f, cJSON *json)
{
	cJSON *list = cJSON_GetObjectItem(json, f->name);

	if (f->kind == BUS_TEXTS) {
		cJSON_ReplaceItemInArray(list, 0, cJSON_CreateNumber(1));
		assert_refused(body, json, "%s: an item is not a text", f->name);
		cJSON_ReplaceItemInArray(list, 0, text_of(f->text_max + 1));
		assert_refused(body, json, "%s: %zu bytes are too many; accepted: %zu", f->name, f->text_max + 1, f->text_max);
	} else if (f->kind == BUS_LIST) {
		int last = cJSON_GetArraySize(list) - 1;
		cJSON_ReplaceItemInArray(list, last, cJSON_CreateNumber(1));
		assert_refused(body, json, "%s[%d]: a '%s' is not an object", f->name, last, f->item->name);
	}
}

static void a_bad_item_of_a_list_is_named_with_its_place(void **state)
{
	with_each_field(check_item);
}

static void an_unknown_field_and_a_field_given_twice_are_refused_by_name(void **state)
{
	for (size_t i = 0; i < BODIES; i++) {
		cJSON *json = largest(bodies[i]);

		cJSON_AddTrueToObject(json, "surprise");
		assert_refused(bodies[i], json, "surprise: not a field of '%s'", bodies[i]->name);
		cJSON_Delete(json);
		if (bodies[i]->fields->kind == BUS_FIELDS_END)
			continue;
		json = largest(bodies[i]);
		cJSON_AddTrueToObject(json, bodies[i]->fields->name);
		assert_refused(bodies[i], json, "%s: given twice", bodies[i]->fields->name);
		cJSON_Delete(json);
	}
}

static void a_whole_number_has_no_fraction(void **state)
{
	cJSON *json = largest(&bus_body_port_config);

	cJSON_ReplaceItemInObject(json, "min_off_ms", cJSON_CreateNumber(30.5));
	assert_refused(&bus_body_port_config, json, "min_off_ms: 30.5 is not a whole number");
	cJSON_Delete(json);
}

static void what_may_not_be_said_is_not_encoded(void **state)
{
	char name[] = "APC", state_text[] = "a state that is longer than sixteen bytes";
	struct msg_port_state port = {.pdu = name, .port = name};
	struct msg_pdu_state pdu = {.name = name, .state = name, .ports = {.v = &port, .n = 1}};
	struct gw_error err = {0};

	assert_null(bus_body_encode(&bus_body_pdu_state, &pdu, &err));
	assert_string_equal(err.text, "ports[0]: state: needed");
	port.state = state_text;
	assert_null(bus_body_encode(&bus_body_pdu_state, &pdu, &err));
	assert_string_equal(err.text, "ports[0]: state: 41 bytes are too many; accepted: 16");
	port.state = name;
	port.min_off_ms = -1;
	assert_null(bus_body_encode(&bus_body_pdu_state, &pdu, &err));
	assert_string_equal(err.text, "ports[0]: min_off_ms: -1 is out of bounds; accepted: 0 to 3.6e+06");
}

static void types_are_found_by_their_names_alone(void **state)
{
	enum bus_type found;

	for (int type = 0; type < BUS_TYPES; type++) {
		assert_true(bus_type_find(bus_types[type].name, &found));
		assert_int_equal(found, type); /* no name stands for two */
		assert_true(bus_types[type].meaning[0] && (!bus_types[type].answer || bus_types[type].deadline_ms > 0));
	}
	assert_false(bus_type_find("lease.steal", &found));
	assert_false(bus_type_find("", &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_body_goes_there_and_back),
		cmocka_unit_test(a_missing_field_is_named_unless_it_is_optional),
		cmocka_unit_test(a_field_of_another_type_is_named),
		cmocka_unit_test(what_is_out_of_its_bounds_is_named),
		cmocka_unit_test(a_bad_item_of_a_list_is_named_with_its_place),
		cmocka_unit_test(an_unknown_field_and_a_field_given_twice_are_refused_by_name),
		cmocka_unit_test(a_whole_number_has_no_fraction),
		cmocka_unit_test(what_may_not_be_said_is_not_encoded),
		cmocka_unit_test(types_are_found_by_their_names_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
