/* The two documents that clients send: a root, its items, the fields of each. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/xml.h"

enum { DEPTH_MAX = 8, DEPTH_ITEM = 2, DEPTH_FIELD = 3 };

/* What a document is made of. `text` is NULL for an element with elements in it. False: err is set. */
struct shape {
	const char *root, *item;
	bool (*begin)(void *to, struct s3_error *err); /* an item */
	bool (*field)(void *to, const char *name, const char *text, struct s3_error *err);
	bool (*end)(void *to, struct s3_error *err);
	bool (*option)(void *to, const char *name, const char *text, struct s3_error *err); /* beside the items */
};

struct reader {
	const struct shape *shape;
	void *to;
	XML_Parser parser;
	struct s3_error *err;
	int depth;
	bool in_item, leaf, failed;
	struct buffer text; /* of the element that was begun last */
};

static bool malformed(struct s3_error *err, const char *why)
{
	return s3_fail(err, S3_MALFORMED_XML, "The XML you provided was not well-formed or did not validate: %s", why);
}

static void stop(struct reader *reader)
{
	reader->failed = true;
	XML_StopParser(reader->parser, XML_FALSE);
}

/* Without its namespace: clients send Amazon's, an older one, or none. */
static const char *local(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space ? space + 1 : name;
}

static bool begin(struct reader *reader, const char *name)
{
	char why[160];

	reader->leaf = true;
	reader->text.len = 0;
	if (++reader->depth > DEPTH_MAX)
		return malformed(reader->err, "more than 8 elements in each other");
	if (reader->depth == 1 && strcmp(name, reader->shape->root) != 0) {
		snprintf(why, sizeof(why), "the root is <%.40s>; accepted: <%s>", name, reader->shape->root);
		return malformed(reader->err, why);
	}
	if (reader->depth == DEPTH_ITEM)
		reader->in_item = strcmp(name, reader->shape->item) == 0;
	return reader->depth != DEPTH_ITEM || !reader->in_item || reader->shape->begin(reader->to, reader->err);
}

static bool end(struct reader *reader, const char *name)
{
	const char *text = !reader->leaf ? NULL : reader->text.len ? reader->text.data : "";
	int depth = reader->depth--;
	bool ok = true;

	if (depth == DEPTH_FIELD && reader->in_item)
		ok = reader->shape->field(reader->to, name, text, reader->err);
	else if (depth == DEPTH_ITEM)
		ok = reader->in_item ? reader->shape->end(reader->to, reader->err)
				     : reader->shape->option(reader->to, name, text, reader->err);
	reader->leaf = false;
	return ok;
}

static void on_begin(void *data, const char *name, const char **attributes)
{
	struct reader *reader = data;

	if (!reader->failed && !begin(reader, local(name)))
		stop(reader);
}

static void on_end(void *data, const char *name)
{
	struct reader *reader = data;

	if (!reader->failed && !end(reader, local(name)))
		stop(reader);
}

static void on_text(void *data, const char *text, int n)
{
	struct reader *reader = data;

	if (!reader->failed && reader->leaf)
		buffer_add(&reader->text, text, (size_t)n);
}

/* Entities could grow without end, or name files. */
static void on_doctype(void *data, const char *name, const char *system, const char *public, int internal)
{
	struct reader *reader = data;

	malformed(reader->err, "a document type declaration is not accepted");
	stop(reader);
}

static bool parse(struct reader *reader, const char *text, size_t len)
{
	char why[160];

	if (XML_Parse(reader->parser, text, (int)len, XML_TRUE) == XML_STATUS_OK)
		return true;
	if (reader->failed)
		return false;
	snprintf(why, sizeof(why), "line %lu, column %lu: %s", (unsigned long)XML_GetCurrentLineNumber(reader->parser),
		 (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, XML_ErrorString(XML_GetErrorCode(reader->parser)));
	return malformed(reader->err, why);
}

static bool read_document(const struct shape *shape, void *to, const char *text, size_t len, struct s3_error *err)
{
	struct reader reader = {.shape = shape, .to = to, .err = err};
	bool ok;

	if (len > XML_BODY_MAX)
		return s3_fail(err, S3_ENTITY_TOO_LARGE, "the document has %zu bytes; accepted: %d", len, XML_BODY_MAX);
	reader.parser = gw_have(XML_ParserCreateNS("UTF-8", ' '));
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_begin, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	ok = parse(&reader, text, len);
	XML_ParserFree(reader.parser);
	buffer_finish(&reader.text);
	return ok;
}

/* ---- DeleteObjects ---- */

/* The last key is NULL while its item has none. */
static bool key_begin(void *to, struct s3_error *err)
{
	struct xml_keys *keys = to;

	if (keys->n == XML_KEYS_MAX)
		return malformed(err, "more than 1,000 objects");
	keys->v = gw_realloc(keys->v, (keys->n + 1) * sizeof(*keys->v));
	keys->v[keys->n++] = NULL;
	return true;
}

/* Without these the client would lose what it did not mean. */
static bool condition(const char *name, const char *text, struct s3_error *err)
{
	static const char *const names[] = {"VersionId", "ETag", "LastModifiedTime", "Size"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0 && (!text || (*text && (i != 0 || strcmp(text, "null") != 0))))
			return s3_fail(err, S3_NOT_IMPLEMENTED, "Delete: an Object's %s is not built; accepted: Key alone", name);
	return true;
}

static bool key_field(void *to, const char *name, const char *text, struct s3_error *err)
{
	struct xml_keys *keys = to;
	char **key = &keys->v[keys->n - 1];

	if (strcmp(name, "Key") != 0)
		return condition(name, text, err);
	if (!text || !*text || *key)
		return malformed(err, "an Object's Key is empty, or there twice");
	*key = gw_strdup(text);
	return true;
}

static bool key_end(void *to, struct s3_error *err)
{
	struct xml_keys *keys = to;

	return keys->v[keys->n - 1] || malformed(err, "an Object has no Key");
}

static bool key_option(void *to, const char *name, const char *text, struct s3_error *err)
{
	struct xml_keys *keys = to;

	if (strcmp(name, "Quiet") != 0)
		return true;
	keys->quiet = text && strcmp(text, "true") == 0;
	return keys->quiet || (text && strcmp(text, "false") == 0) || malformed(err, "Quiet; accepted: true or false");
}

static const struct shape delete_shape = {"Delete", "Object", key_begin, key_field, key_end, key_option};

bool xml_read_delete(struct xml_keys *keys, const char *text, size_t len, struct s3_error *err)
{
	*keys = (struct xml_keys){0};
	if (read_document(&delete_shape, keys, text, len, err) && (keys->n || malformed(err, "no Object")))
		return true;
	xml_keys_finish(keys);
	return false;
}

void xml_keys_finish(struct xml_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		free(keys->v[i]);
	free(keys->v);
	*keys = (struct xml_keys){0};
}

/* ---- CompleteMultipartUpload ---- */

static bool part_begin(void *to, struct s3_error *err)
{
	struct xml_parts *parts = to;

	if (parts->n == XML_PARTS_MAX)
		return malformed(err, "more than 10,000 parts");
	if (parts->n % 256 == 0)
		parts->v = gw_realloc(parts->v, (parts->n + 256) * sizeof(*parts->v));
	parts->v[parts->n++] = (struct xml_part){0};
	return true;
}

static bool part_number(struct xml_part *part, const char *text, struct s3_error *err)
{
	size_t n = text ? strspn(text, "0123456789") : 0;

	if (n == 0 || n > 5 || text[n] || part->number)
		return malformed(err, "a PartNumber; accepted: one, 1 to 10000");
	part->number = atoi(text);
	return (part->number >= 1 && part->number <= XML_PARTS_MAX) || malformed(err, "a PartNumber; accepted: one, 1 to 10000");
}

static bool part_etag(struct xml_part *part, const char *text, struct s3_error *err)
{
	static const char around[] = " \t\r\n\"";
	size_t n;

	text = text ? text + strspn(text, around) : "";
	for (n = strlen(text); n && strchr(around, text[n - 1]); n--)
		;
	if (n == 0 || part->etag[0])
		return malformed(err, "a Part's ETag is empty, or there twice");
	if (n >= sizeof(part->etag))
		return s3_fail(err, S3_INVALID_PART, NULL); /* no part has such an ETag */
	memcpy(part->etag, text, n);
	return true;
}

/* Others, checksums most of all, tell nothing that the ETag does not. */
static bool part_field(void *to, const char *name, const char *text, struct s3_error *err)
{
	struct xml_parts *parts = to;
	struct xml_part *part = &parts->v[parts->n - 1];

	if (strcmp(name, "PartNumber") == 0)
		return part_number(part, text, err);
	return strcmp(name, "ETag") != 0 || part_etag(part, text, err);
}

static bool part_end(void *to, struct s3_error *err)
{
	struct xml_parts *parts = to;
	const struct xml_part *part = &parts->v[parts->n - 1];

	if (!part->number || !part->etag[0])
		return malformed(err, "a Part needs a PartNumber and an ETag");
	return parts->n < 2 || part[-1].number < part->number || s3_fail(err, S3_INVALID_PART_ORDER, NULL);
}

static bool no_option(void *to, const char *name, const char *text, struct s3_error *err)
{
	return true;
}

static const struct shape parts_shape = {"CompleteMultipartUpload", "Part", part_begin, part_field, part_end, no_option};

bool xml_read_parts(struct xml_parts *parts, const char *text, size_t len, struct s3_error *err)
{
	*parts = (struct xml_parts){0};
	if (read_document(&parts_shape, parts, text, len, err) && (parts->n || malformed(err, "no Part")))
		return true;
	xml_parts_finish(parts);
	return false;
}

void xml_parts_finish(struct xml_parts *parts)
{
	free(parts->v);
	*parts = (struct xml_parts){0};
}
