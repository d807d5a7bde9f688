#include "executord/job_request.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/json.h"

#define TEXT_MAX    256
#define URL_MAX     4096
#define TAGS_MAX    1024
#define VALUE_MAX   32768
#define ENVIRON_MAX 1024
#define KEY_MAX     128
#define GROUPS_MAX  64

static const char *kind_of(const cJSON *item)
{
	return cJSON_IsString(item)   ? "a text"
	       : cJSON_IsNumber(item) ? "a number"
	       : cJSON_IsBool(item)   ? "a boolean"
	       : cJSON_IsArray(item)  ? "a list"
	       : cJSON_IsObject(item) ? "an object"
				      : "null";
}

/* A key that is absent or null is none. */
static const cJSON *get(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNull(item) ? NULL : item;
}

static bool take_long_text(char **out, const cJSON *object, const char *key, const char *where, int max, struct gw_error *err)
{
	const cJSON *item = get(object, key);

	if (!item)
		return true;
	if (!cJSON_IsString(item) || !*item->valuestring || strlen(item->valuestring) > (size_t)max)
		return gw_fail(err, GW_BAD_INPUT, "metadata: %s: this is %s; accepted: a text of 1 to %d bytes, or null", where,
			       cJSON_IsString(item) ? "empty or too long" : kind_of(item), max);
	*out = gw_strdup(item->valuestring);
	return true;
}

static bool take_text(char **out, const cJSON *object, const char *key, const char *where, struct gw_error *err)
{
	return take_long_text(out, object, key, where, TEXT_MAX, err);
}

static bool take_object(const cJSON **out, const cJSON *object, const char *key, struct gw_error *err)
{
	*out = get(object, key);
	return !*out || cJSON_IsObject(*out) ||
	       gw_fail(err, GW_BAD_INPUT, "metadata: %s: this is %s; accepted: an object, or null", key, kind_of(*out));
}

static bool take_version(const cJSON *json, struct gw_error *err)
{
	const cJSON *version = get(json, "version");

	if (!version)
		return gw_fail(err, GW_BAD_INPUT, "metadata: version: it is missing; accepted: 1");
	if (!cJSON_IsNumber(version))
		return gw_fail(err, GW_BAD_INPUT, "metadata: version: this is %s; accepted: 1", kind_of(version));
	return version->valuedouble == 1 ||
	       gw_fail(err, GW_BAD_INPUT, "metadata: version: %g is not known; accepted: 1", version->valuedouble);
}

static bool take_tags(struct job_request *rq, const cJSON *tags, struct gw_error *err)
{
	const cJSON *tag;
	int n = cJSON_GetArraySize(tags);

	if (!cJSON_IsArray(tags) || n > TAGS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "metadata: target.tags: this is %s; accepted: a list of at most %d texts, or null",
			       cJSON_IsArray(tags) ? "too long" : kind_of(tags), TAGS_MAX);
	rq->target_tags = gw_calloc((size_t)n + 1, sizeof(*rq->target_tags));
	cJSON_ArrayForEach(tag, tags)
	{
		if (!cJSON_IsString(tag) || strlen(tag->valuestring) > TEXT_MAX)
			return gw_fail(err, GW_BAD_INPUT, "metadata: target.tags[%zu]: this is %s; accepted: a text of at most %d bytes",
				       rq->n_target_tags, cJSON_IsString(tag) ? "too long" : kind_of(tag), TEXT_MAX);
		rq->target_tags[rq->n_target_tags++] = gw_strdup(tag->valuestring);
	}
	return true;
}

static bool take_target(struct job_request *rq, const cJSON *json, struct gw_error *err)
{
	const cJSON *target, *tags;

	if (!take_object(&target, json, "target", err) || !target)
		return err->kind == GW_OK;
	if (!take_text(&rq->target_id, target, "id", "target.id", err))
		return false;
	tags = get(target, "tags");
	if (tags && !take_tags(rq, tags, err))
		return false;
	rq->has_target = rq->target_id || tags;
	return true;
}

static bool take_callback(struct job_request *rq, const cJSON *json, struct gw_error *err)
{
	const cJSON *callback, *port;

	if (!take_object(&callback, json, "callback", err))
		return false;
	port = get(callback, "port");
	if (!port)
		return gw_fail(err, GW_BAD_INPUT, "metadata: callback.port: it is missing; accepted: 1024 to 65535");
	if (!cJSON_IsNumber(port) || port->valuedouble != port->valueint || port->valueint < 1024 || port->valueint > 65535)
		return gw_fail(err, GW_BAD_INPUT, "metadata: callback.port: this is %s; accepted: 1024 to 65535",
			       cJSON_IsNumber(port) ? "out of its bounds" : kind_of(port));
	rq->callback_port = port->valueint;
	return take_text(&rq->callback_host, callback, "host", "callback.host", err);
}

static bool take_environ(struct job_request *rq, const cJSON *json, struct gw_error *err)
{
	const cJSON *all, *item;
	int n;

	if (!take_object(&all, json, "environ", err) || !all)
		return err->kind == GW_OK;
	n = cJSON_GetArraySize(all);
	if (n > ENVIRON_MAX)
		return gw_fail(err, GW_BAD_INPUT, "metadata: environ: %d variables are too many; accepted: %d", n, ENVIRON_MAX);
	rq->environ = gw_calloc((size_t)n + 1, sizeof(*rq->environ));
	cJSON_ArrayForEach(item, all)
	{
		if (!cJSON_IsString(item) || strlen(item->valuestring) > VALUE_MAX || strlen(item->string) > TEXT_MAX)
			return gw_fail(err, GW_BAD_INPUT, "metadata: environ.%.64s: this is %s; accepted: a text of at most %d bytes",
				       item->string, cJSON_IsString(item) ? "too long" : kind_of(item), VALUE_MAX);
		rq->environ[rq->n_environ++] = (struct job_variable){gw_strdup(item->string), gw_strdup(item->valuestring)};
	}
	return true;
}

static bool missing(const char *where, struct gw_error *err)
{
	return gw_fail(err, GW_BAD_INPUT, "metadata: %s: it is missing; accepted: a text of 1 to %d bytes", where, KEY_MAX);
}

/* Who has none says so with both keys null. */
static bool take_credentials(struct job_request *rq, const cJSON *minio, struct gw_error *err)
{
	static const char access_key[] = "minio.credentials.access_key", secret_key[] = "minio.credentials.secret_key";
	const cJSON *credentials = get(minio, "credentials");

	if (!credentials)
		return true;
	if (!cJSON_IsObject(credentials))
		return gw_fail(err, GW_BAD_INPUT, "metadata: minio.credentials: this is %s; accepted: an object, or null",
			       kind_of(credentials));
	if (!take_long_text(&rq->access_key, credentials, "access_key", access_key, KEY_MAX, err) ||
	    !take_long_text(&rq->secret_key, credentials, "secret_key", secret_key, KEY_MAX, err))
		return false;
	return !rq->access_key == !rq->secret_key || missing(rq->access_key ? secret_key : access_key, err);
}

static bool take_group(struct job_request *rq, const cJSON *group, struct gw_error *err)
{
	const char *text = cJSON_GetStringValue(group);

	if (!text || !*text || strlen(text) > KEY_MAX)
		return gw_fail(err, GW_BAD_INPUT, "metadata: minio.groups[%zu]: this is %s; accepted: a text of 1 to %d bytes",
			       rq->n_groups, text ? "empty or too long" : kind_of(group), KEY_MAX);
	rq->groups[rq->n_groups++] = gw_strdup(text);
	return true;
}

static bool take_groups(struct job_request *rq, const cJSON *minio, struct gw_error *err)
{
	const cJSON *groups = get(minio, "groups"), *group;
	int n = cJSON_GetArraySize(groups);

	if (groups && (!cJSON_IsArray(groups) || n > GROUPS_MAX))
		return gw_fail(err, GW_BAD_INPUT, "metadata: minio.groups: this is %s; accepted: a list of at most %d texts, or null",
			       cJSON_IsArray(groups) ? "too long" : kind_of(groups), GROUPS_MAX);
	rq->groups = gw_calloc((size_t)n + 1, sizeof(*rq->groups));
	cJSON_ArrayForEach(group, groups) if (!take_group(rq, group, err)) return false;
	return true;
}

static bool take_minio(struct job_request *rq, const cJSON *json, struct gw_error *err)
{
	const cJSON *minio;

	return take_object(&minio, json, "minio", err) && take_credentials(rq, minio, err) && take_groups(rq, minio, err);
}

static bool take_desc_url(struct job_request *rq, const cJSON *json, struct gw_error *err)
{
	if (!take_long_text(&rq->desc_url, json, "job_desc_url", "job_desc_url", URL_MAX, err))
		return false;
	return !rq->desc_url || rq->has_target ||
	       gw_fail(err, GW_BAD_INPUT,
		       "metadata: target: it is missing; accepted with job_desc_url: a target with `id`, `tags` or both");
}

bool job_request_decode(struct job_request *rq, const char *text, size_t len, struct gw_error *err)
{
	cJSON *json = json_decode(text, len, err);
	bool ok;

	*rq = (struct job_request){0};
	if (!json)
		return gw_context(err, "metadata");
	ok = take_version(json, err) && take_text(&rq->job_id, json, "job_id", "job_id", err) && take_target(rq, json, err) &&
	     take_callback(rq, json, err) && take_environ(rq, json, err) && take_minio(rq, json, err) && take_desc_url(rq, json, err);
	cJSON_Delete(json);
	if (!ok)
		job_request_finish(rq);
	return ok;
}

void job_request_finish(struct job_request *rq)
{
	free(rq->job_id);
	free(rq->target_id);
	for (size_t i = 0; i < rq->n_target_tags; i++)
		free(rq->target_tags[i]);
	free(rq->target_tags);
	free(rq->callback_host);
	free(rq->desc_url);
	free(rq->access_key);
	gw_free_secret(rq->secret_key);
	for (size_t i = 0; i < rq->n_groups; i++)
		free(rq->groups[i]);
	free(rq->groups);
	for (size_t i = 0; i < rq->n_environ; i++) {
		free(rq->environ[i].name);
		free(rq->environ[i].value);
	}
	free(rq->environ);
	*rq = (struct job_request){0};
}
