/* A JSON body as edits of a DUT, by MarsDB's field table: unknown fields are refused by name, each value by its field's type and bounds. */
#ifndef EXECUTORD_REST_FIELDS_H
#define EXECUTORD_REST_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"
#include "libmars/edit.h"

#define REST_FIELDS_MAX 24

struct rest_field {
	const char *name; /* constant */
	struct mars_value value;
	const char **texts; /* owned; what value.texts points to */
};

struct rest_fields { /* values borrow from the JSON */
	struct rest_field v[REST_FIELDS_MAX];
	size_t n;
	const char *id; /* of a POST: borrowed; NULL: not given */
};

/* `who`: MARS_BY_CREATE or MARS_BY_PATCH (libmars/fields.h). GW_BAD_INPUT names the field and what is accepted. Finish it in any case. */
bool rest_fields_decode(struct rest_fields *fields, const cJSON *json, unsigned who, struct gw_error *err);
void rest_fields_finish(struct rest_fields *fields);
const struct mars_value *rest_fields_find(const struct rest_fields *fields, const char *name); /* NULL: not given */

#endif
