/* ListObjects and ListObjectsV2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"

enum { KEYS_MAX = 1000 };

struct s3_keys {
	const char *prefix, *delimiter; /* borrowed of the query */
	char after[S3_KEY_MAX + 1];     /* what the listing goes on behind */
	size_t max;
};

void s3_keys_free(struct s3_keys *list)
{
	free(list);
}

void s3_name(struct s3_call *call, struct buffer *out, const char *element, const char *name)
{
	if (strcmp(s3_query(call, "encoding-type", ""), "url") == 0)
		xml_url_text(out, element, name);
	else
		xml_text(out, element, name);
}

/* ---- what is asked for ---- */

static bool read_max(struct s3_call *call, size_t *max)
{
	long n;

	*max = KEYS_MAX;
	if (!s3_query(call, "max-keys", "")[0])
		return true;
	if (!s3_query_number(call, "max-keys", 0, INT32_MAX, &n))
		return false;
	*max = n > KEYS_MAX ? KEYS_MAX : (size_t)n;
	return true;
}

static bool read_common(struct s3_call *call, const char *after)
{
	struct s3_keys *list = call->list = gw_calloc(1, sizeof(*list));
	const char *encoding = s3_query(call, "encoding-type", "");

	list->prefix = s3_query(call, "prefix", "");
	list->delimiter = s3_query(call, "delimiter", "");
	if (strlen(list->delimiter) > 1)
		return s3_fail(&call->err, S3_NOT_IMPLEMENTED, "delimiter: '%.20s'; accepted: one character", list->delimiter);
	if (*encoding && strcmp(encoding, "url") != 0)
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "encoding-type: '%.20s'; accepted: url", encoding);
	if (strlen(list->prefix) > S3_KEY_MAX || strlen(after) > S3_KEY_MAX)
		return s3_fail(&call->err, S3_KEY_TOO_LONG, NULL);
	strcpy(list->after, after);
	return read_max(call, &list->max);
}

bool s3_read_list(struct s3_call *call)
{
	return read_common(call, s3_query(call, "marker", ""));
}

/* A token is the last name, in hexadecimal: any byte of it must pass through every client. */
static bool read_token(struct s3_call *call, const char *token, char key[S3_KEY_MAX + 1])
{
	size_t n = strlen(token);

	if (n % 2 == 0 && n <= 2 * S3_KEY_MAX && strspn(token, "0123456789abcdef") == n) {
		for (size_t i = 0; i < n / 2; i++) {
			const char pair[3] = {token[2 * i], token[2 * i + 1], '\0'};

			key[i] = (char)strtoul(pair, NULL, 16);
		}
		key[n / 2] = '\0';
		return true;
	}
	return s3_fail(&call->err, S3_INVALID_ARGUMENT, "continuation-token: it is none of this service");
}

bool s3_read_list_v2(struct s3_call *call)
{
	const char *token = s3_query(call, "continuation-token", NULL);
	char key[S3_KEY_MAX + 1];

	if (strcmp(s3_query(call, "list-type", ""), "2") != 0)
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "list-type: accepted: 2");
	if (!token)
		return read_common(call, s3_query(call, "start-after", ""));
	return read_token(call, token, key) && read_common(call, key);
}

/* ---- what there is ---- */

static void put_contents(struct s3_call *call, const struct store_entry *entry, bool owner)
{
	char etag[ETAG_SIZE + 2];

	snprintf(etag, sizeof(etag), "\"%s\"", entry->object.etag);
	xml_open(&call->xml, "Contents");
	s3_name(call, &call->xml, "Key", entry->key);
	xml_time(&call->xml, "LastModified", entry->object.modified_ns);
	xml_text(&call->xml, "ETag", etag);
	xml_number(&call->xml, "Size", (long long)entry->object.size);
	if (owner) {
		xml_open(&call->xml, "Owner");
		xml_text(&call->xml, "ID", "bucketd");
		xml_text(&call->xml, "DisplayName", "bucketd");
		xml_close(&call->xml, "Owner");
	}
	xml_text(&call->xml, "StorageClass", "STANDARD");
	xml_close(&call->xml, "Contents");
}

static void put_entries(struct s3_call *call, const struct store_listing *listing, bool owner)
{
	for (size_t i = 0; i < listing->n; i++)
		if (!listing->v[i].is_prefix)
			put_contents(call, &listing->v[i], owner);
	for (size_t i = 0; i < listing->n; i++) {
		if (!listing->v[i].is_prefix)
			continue;
		xml_open(&call->xml, "CommonPrefixes");
		s3_name(call, &call->xml, "Prefix", listing->v[i].key);
		xml_close(&call->xml, "CommonPrefixes");
	}
}

static void put_question(struct s3_call *call)
{
	const struct s3_keys *list = call->list;

	xml_begin(&call->xml, "ListBucketResult");
	xml_text(&call->xml, "Name", call->target.bucket);
	s3_name(call, &call->xml, "Prefix", list->prefix);
	xml_number(&call->xml, "MaxKeys", (long long)list->max);
	if (*list->delimiter)
		s3_name(call, &call->xml, "Delimiter", list->delimiter);
	if (s3_query(call, "encoding-type", "")[0])
		xml_text(&call->xml, "EncodingType", "url");
}

/* None wanted is none given, and that is all. */
static bool find(struct s3_call *call, struct store_listing *listing)
{
	const struct s3_keys *list = call->list;

	if (!list->max)
		return store_bucket_exists(call->server->store, call->target.bucket, &call->err);
	return store_list(call->server->store, call->target.bucket, list->prefix, list->delimiter, list->after, list->max, listing,
			  &call->err);
}

bool s3_run_list(struct s3_call *call)
{
	struct store_listing listing = {0};

	if (!find(call, &listing))
		return false;
	put_question(call);
	s3_name(call, &call->xml, "Marker", call->list->after);
	xml_text(&call->xml, "IsTruncated", listing.truncated ? "true" : "false");
	if (listing.truncated)
		s3_name(call, &call->xml, "NextMarker", listing.v[listing.n - 1].key);
	put_entries(call, &listing, true);
	xml_close(&call->xml, "ListBucketResult");
	store_listing_finish(&listing);
	return true;
}

static void put_token(struct buffer *out, const char *key)
{
	char token[2 * S3_KEY_MAX + 1];
	size_t n = strlen(key);

	for (size_t i = 0; i < n; i++)
		snprintf(token + 2 * i, 3, "%02x", (unsigned char)key[i]);
	token[2 * n] = '\0';
	xml_text(out, "NextContinuationToken", token);
}

bool s3_run_list_v2(struct s3_call *call)
{
	const char *token = s3_query(call, "continuation-token", NULL), *start = s3_query(call, "start-after", NULL);
	struct store_listing listing = {0};

	if (!find(call, &listing))
		return false;
	put_question(call);
	xml_number(&call->xml, "KeyCount", (long long)listing.n);
	if (token)
		xml_text(&call->xml, "ContinuationToken", token);
	if (start)
		s3_name(call, &call->xml, "StartAfter", start);
	xml_text(&call->xml, "IsTruncated", listing.truncated ? "true" : "false");
	if (listing.truncated)
		put_token(&call->xml, listing.v[listing.n - 1].key);
	put_entries(call, &listing, strcmp(s3_query(call, "fetch-owner", ""), "true") == 0);
	xml_close(&call->xml, "ListBucketResult");
	store_listing_finish(&listing);
	return true;
}
