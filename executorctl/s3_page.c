#include "executorctl/s3_page.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libgateway/percent.h"

enum { DEPTH_MAX = 8, TEXT_MAX = 4096 };

struct reading {
	XML_Parser parser;
	struct buffer path, text; /* path: of the element, "/ListBucketResult/Contents"; text: what it holds */
	size_t starts[DEPTH_MAX]; /* of the elements' names in `path` */
	size_t depth;
	struct s3_objects objects;
	bool is_list, truncated, escaped;
	char *token, *code, *message; /* owned */
	struct gw_error err;
};

static bool stop(struct reading *r, const char *why)
{
	if (r->err.kind == GW_OK)
		gw_fail(&r->err, GW_UNREACHABLE, "line %lu: %s", XML_GetCurrentLineNumber(r->parser), why);
	XML_StopParser(r->parser, XML_FALSE);
	return false;
}

/* ---- what elements hold ---- */

static void replace(char **to, const char *text)
{
	free(*to);
	*to = gw_strdup(text);
}

static bool take_key(struct reading *r, const char *text)
{
	struct s3_object *last = r->objects.n ? &r->objects.v[r->objects.n - 1] : NULL;

	if (!last || last->key)
		return stop(r, "an object has two keys");
	last->key = gw_strdup(text);
	last->len = strlen(text);
	return true;
}

static bool take_size(struct reading *r, const char *text)
{
	char *end;
	struct s3_object *last = &r->objects.v[r->objects.n - 1];

	errno = 0;
	last->size = strtoull(text, &end, 10);
	return (*text >= '0' && *text <= '9' && !*end && errno == 0 && last->size <= INT64_MAX) || stop(r, "a size is no number of bytes");
}

static bool take_truncated(struct reading *r, const char *text)
{
	r->truncated = strcmp(text, "true") == 0;
	return r->truncated || strcmp(text, "false") == 0 || stop(r, "IsTruncated is neither true nor false");
}

static bool take_encoding(struct reading *r, const char *text)
{
	r->escaped = strcmp(text, "url") == 0;
	return r->escaped || stop(r, "EncodingType is not url");
}

static bool take_token(struct reading *r, const char *text)
{
	replace(&r->token, text);
	return true;
}

static bool take_code(struct reading *r, const char *text)
{
	replace(&r->code, text);
	return true;
}

static bool take_message(struct reading *r, const char *text)
{
	replace(&r->message, text);
	return true;
}

static const struct {
	const char *path;
	bool (*take)(struct reading *r, const char *text);
} elements[] = {
	{"/ListBucketResult/Contents/Key", take_key},
	{"/ListBucketResult/Contents/Size", take_size},
	{"/ListBucketResult/IsTruncated", take_truncated},
	{"/ListBucketResult/EncodingType", take_encoding},
	{"/ListBucketResult/NextContinuationToken", take_token},
	{"/Error/Code", take_code},
	{"/Error/Message", take_message},
};

/* ---- expat ---- */

static void begin_object(struct reading *r)
{
	struct s3_objects *o = &r->objects;

	if ((o->n & (o->n - 1)) == 0) /* it doubles */
		o->v = gw_realloc(o->v, (o->n ? 2 * o->n : 1) * sizeof(*o->v));
	o->v[o->n++] = (struct s3_object){0};
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = data;

	if (r->err.kind != GW_OK) /* expat may still tell the rest of an element after XML_StopParser */
		return;
	if (r->depth == DEPTH_MAX || strlen(name) > TEXT_MAX) {
		stop(r, "elements are nested too deep, or have names that are too long");
		return;
	}
	r->starts[r->depth++] = r->path.len;
	buffer_printf(&r->path, "/%s", name);
	r->text.len = 0;
	r->is_list |= strcmp(r->path.data, "/ListBucketResult") == 0;
	if (strcmp(r->path.data, "/ListBucketResult/Contents") == 0)
		begin_object(r);
}

static void end_object(struct reading *r)
{
	if (!r->objects.v[r->objects.n - 1].key)
		stop(r, "an object has no key");
}

static void on_end(void *data, const XML_Char *name)
{
	struct reading *r = data;

	if (r->err.kind != GW_OK)
		return;
	buffer_add(&r->text, "", 1);
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcmp(r->path.data, elements[i].path) == 0)
			elements[i].take(r, r->text.data);
	if (strcmp(r->path.data, "/ListBucketResult/Contents") == 0)
		end_object(r);
	r->text.len = 0;
	r->path.len = r->starts[--r->depth];
	r->path.data[r->path.len] = '\0';
}

static void on_text(void *data, const XML_Char *text, int n)
{
	struct reading *r = data;

	if (!buffer_add(&r->text, text, (size_t)n))
		stop(r, "a text is too long");
}

/* Entities, and what they can be made to grow to, are of no use here. */
static void on_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has_subset)
{
	stop(data, "it has a document type");
}

static bool read_xml(struct reading *r, const char *xml, size_t n)
{
	enum XML_Status status = XML_STATUS_ERROR;

	r->text.max = TEXT_MAX + 1;
	r->parser = gw_have(XML_ParserCreate("UTF-8"));
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (n <= INT32_MAX)
		status = XML_Parse(r->parser, xml, (int)n, XML_TRUE);
	if (status != XML_STATUS_OK)
		stop(r, XML_ErrorString(XML_GetErrorCode(r->parser)));
	XML_ParserFree(r->parser);
	buffer_finish(&r->path);
	buffer_finish(&r->text);
	return r->err.kind == GW_OK;
}

static void finish(struct reading *r)
{
	s3_objects_finish(&r->objects);
	free(r->token);
	free(r->code);
	free(r->message);
}

/* ---- keys ---- */

/* As forms have it: servers write a space as + too. */
static bool unescape(struct s3_object *object)
{
	object->len = url_unescape(object->key, object->key, strlen(object->key), true);
	return object->len != SIZE_MAX;
}

static bool read_keys(struct reading *r)
{
	for (size_t i = 0; i < r->objects.n; i++) {
		if (r->escaped && !unescape(&r->objects.v[i]))
			return gw_fail(&r->err, GW_UNREACHABLE, "a key has a %% that is not followed by two hexadecimal digits");
		if (r->objects.v[i].len > S3_KEY_MAX)
			return gw_fail(&r->err, GW_UNREACHABLE, "a key of %zu bytes; accepted: up to %d", r->objects.v[i].len, S3_KEY_MAX);
	}
	return true;
}

/* ---- the whole ---- */

static bool check_page(struct reading *r)
{
	if (!r->is_list)
		return gw_fail(&r->err, GW_UNREACHABLE, "it is no list of a bucket");
	if (r->truncated && (!r->token || !*r->token || !r->objects.n))
		return gw_fail(&r->err, GW_UNREACHABLE, "it is not the last page, but has no way to the next");
	return read_keys(r);
}

bool s3_page_decode(struct s3_objects *objects, char **token, const char *xml, size_t n, struct gw_error *err)
{
	struct reading r = {0};
	bool ok = read_xml(&r, xml, n) && check_page(&r);

	*token = NULL;
	if (!ok) {
		*err = r.err;
	} else if (r.objects.n) {
		objects->v = gw_realloc(objects->v, (objects->n + r.objects.n) * sizeof(*objects->v));
		memcpy(objects->v + objects->n, r.objects.v, r.objects.n * sizeof(*objects->v));
		objects->n += r.objects.n;
		r.objects.n = 0; /* the keys are the caller's now */
	}
	if (ok && r.truncated) {
		*token = r.token;
		r.token = NULL;
	}
	finish(&r);
	return ok;
}

char *s3_error_decode(const char *xml, size_t n)
{
	struct reading r = {0};
	char *text = NULL;

	if (read_xml(&r, xml, n) && r.code)
		text = gw_sprintf("%s%s%s", r.code, r.message ? ": " : "", r.message ? r.message : "");
	finish(&r);
	return text;
}

void s3_objects_finish(struct s3_objects *objects)
{
	for (size_t i = 0; i < objects->n; i++)
		free(objects->v[i].key);
	free(objects->v);
	*objects = (struct s3_objects){0};
}
