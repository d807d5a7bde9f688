/* JSON, as much as the gateway's answers and our requests need. Reading allocates nothing and trusts nothing: a document is checked as a
 * whole first, bounded in depth; values are spans of it. */
#ifndef REGISTRATION_JSON_H
#define REGISTRATION_JSON_H

#include "registration/text.h"

#define JSON_DEPTH_MAX 32

enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT };

struct json {
	enum json_type type;
	const char *at; /* its text; borrowed from the document */
	size_t len;
};

bool json_document(const char *bytes, size_t len, struct json *value);          /* false: not one JSON value */
bool json_find(const struct json *object, const char *key, struct json *value); /* false: no object, or no such key in it */
/* The value behind `*at` (0 at first) of a list; false at its end, or if it is no list. */
bool json_next(const struct json *list, size_t *at, struct json *value);
bool json_text(const struct json *value, struct text *out); /* adds its characters; false: no string, or one with a \u0000 or half a pair */
bool json_is_text(const struct json *value, const char *text);

void json_add_text(struct text *out, const char *text); /* with its quotes */

#endif
