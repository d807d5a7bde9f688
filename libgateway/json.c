#include "libgateway/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/utf8.h"

static void *allocate(size_t size)
{
	return gw_have(malloc(size ? size : 1));
}

/* Else cJSON leaves out of an object what it has no memory for, and nobody is told. */
__attribute__((constructor)) static void never_leave_out(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){allocate, free});
}

struct scan {
	const char *bytes;
	size_t len, at, line, line_start;
	unsigned depth;
	bool in_string;
};

static size_t column_of(const struct scan *scan)
{
	return scan->at - scan->line_start + 1;
}

static bool refuse(const struct scan *scan, struct gw_error *err, const char *what)
{
	return gw_fail(err, GW_BAD_INPUT, "not JSON: line %zu, column %zu: %s", scan->line, column_of(scan), what);
}

/* A backslash and what follows. cJSON would end the text at a \u0000. */
static bool scan_escape(struct scan *scan, struct gw_error *err)
{
	if (scan->len - scan->at >= 6 && memcmp(scan->bytes + scan->at, "\\u0000", 6) == 0)
		return refuse(scan, err, "\\u0000 is not accepted");
	scan->at += scan->len - scan->at > 1 ? 2 : 1;
	return true;
}

static bool scan_bracket(struct scan *scan, char c, struct gw_error *err)
{
	if (c == '{' || c == '[')
		scan->depth++;
	else if ((c == '}' || c == ']') && scan->depth)
		scan->depth--;
	if (scan->depth > JSON_DEPTH_MAX)
		return gw_fail(err, GW_BAD_INPUT, "nested too deep: line %zu, column %zu; accepted: %d levels", scan->line, column_of(scan),
			       JSON_DEPTH_MAX);
	return true;
}

static bool scan_character(struct scan *scan, struct gw_error *err)
{
	char c = scan->bytes[scan->at];
	size_t step = utf8_sequence(scan->bytes + scan->at, scan->len - scan->at);

	if (!step)
		return refuse(scan, err, "not UTF-8");
	if (scan->in_string && c == '\\')
		return scan_escape(scan, err);
	if ((unsigned char)c < 0x20 && (scan->in_string || !memchr("\t\n\r", c, 3)))
		return refuse(scan, err, "a control character");
	if (c == '"')
		scan->in_string = !scan->in_string;
	else if (!scan->in_string && !scan_bracket(scan, c, err))
		return false;
	scan->at += step;
	if (c == '\n') {
		scan->line++;
		scan->line_start = scan->at;
	}
	return true;
}

/* What cJSON does not check, before it sees the bytes. */
static bool scan_bytes(const char *bytes, size_t len, bool *is_open, struct gw_error *err)
{
	struct scan scan = {.bytes = bytes, .len = len, .line = 1};

	while (scan.at < len)
		if (!scan_character(&scan, err))
			return false;
	*is_open = scan.depth || scan.in_string;
	return true;
}

static void fail_at(const char *bytes, size_t len, size_t at, struct gw_error *err)
{
	struct scan scan = {.bytes = bytes, .len = len, .line = 1};

	while (at < len && strchr(" \t\r\n", bytes[at]))
		at++;
	while (scan.at < at && scan.at < len)
		if (bytes[scan.at++] == '\n') {
			scan.line++;
			scan.line_start = scan.at;
		}
	if (scan.at >= len)
		refuse(&scan, err, "it ends too early");
	else if ((unsigned char)bytes[scan.at] > 0x20 && (unsigned char)bytes[scan.at] < 0x7f)
		gw_fail(err, GW_BAD_INPUT, "not JSON: line %zu, column %zu: unexpected '%c'", scan.line, column_of(&scan), bytes[scan.at]);
	else
		refuse(&scan, err, "unexpected character");
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, not pair by pair: a body may hold many keys. */
static bool keys_differ(const cJSON *object, struct gw_error *err)
{
	size_t n = 0, i = 0;
	const cJSON *item;
	const char **keys;
	bool ok = true;

	cJSON_ArrayForEach(item, object) n++;
	keys = gw_calloc(n, sizeof(*keys));
	cJSON_ArrayForEach(item, object) keys[i++] = item->string;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; ok && i < n; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			ok = gw_fail(err, GW_BAD_INPUT, "the key '%.200s' is given twice", keys[i]);
	free(keys);
	return ok;
}

static bool tree_accepted(const cJSON *json, struct gw_error *err)
{
	const cJSON *item;

	if (cJSON_IsNumber(json) && !isfinite(json->valuedouble))
		return gw_fail(err, GW_BAD_INPUT, "%s%.200s%sa number is too large", json->string ? "'" : "",
			       json->string ? json->string : "", json->string ? "': " : "");
	if (cJSON_IsObject(json) && !keys_differ(json, err))
		return false;
	cJSON_ArrayForEach(item, json) if (!tree_accepted(item, err)) return false;
	return true;
}

static const char *kind_of(const cJSON *json)
{
	return cJSON_IsArray(json)    ? "an array"
	       : cJSON_IsString(json) ? "a string"
	       : cJSON_IsNumber(json) ? "a number"
	       : cJSON_IsBool(json)   ? "a boolean"
				      : "null";
}

static size_t trimmed(const char *bytes, size_t len)
{
	while (len && memchr(" \t\r\n", bytes[len - 1], 4))
		len--;
	return len;
}

cJSON *json_decode(const char *bytes, size_t len, struct gw_error *err)
{
	const char *end = NULL;
	bool is_open = false;
	cJSON *json;

	len = trimmed(bytes, len);
	if (!len)
		gw_fail(err, GW_BAD_INPUT, "it is empty; accepted: a JSON object");
	if (!len || !scan_bytes(bytes, len, &is_open, err))
		return NULL;
	json = cJSON_ParseWithLengthOpts(bytes, len, &end, false);
	if (!json && is_open && end >= bytes + len - 1) /* cJSON points at the last byte when it wants more */
		fail_at(bytes, len, len, err);
	else if (!json || end != bytes + len)
		fail_at(bytes, len, end ? (size_t)(end - bytes) : 0, err);
	else if (!cJSON_IsObject(json))
		gw_fail(err, GW_BAD_INPUT, "it is %s; accepted: a JSON object", kind_of(json));
	else if (tree_accepted(json, err))
		return json;
	cJSON_Delete(json);
	return NULL;
}
