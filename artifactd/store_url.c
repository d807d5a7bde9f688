/* What URLs led to. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artifactd/store_internal.h"
#include "libgateway/files.h"
#include "libgateway/json.h"

#define URL_FILE_MAX 8192

static char *url_path(const struct store *store, const char *url)
{
	char hex[HASH_HEX + 1];

	hash_of(url, strlen(url), hex);
	return gw_sprintf("%s/.urls/%s", store->root, hex);
}

static bool copy_member(const cJSON *json, const char *member, char *to, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, member));

	return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool read_url_file(const char *path, struct store_url *known)
{
	size_t len = 0;
	char *text = file_read(path, URL_FILE_MAX, &len, NULL);
	cJSON *json = text ? json_decode(text, len, NULL) : NULL;
	bool ok = copy_member(json, "name", known->name, sizeof(known->name)) &&
		  copy_member(json, "etag", known->etag, sizeof(known->etag)) &&
		  copy_member(json, "last_modified", known->last_modified, sizeof(known->last_modified)) && !strchr(known->name, '/');

	cJSON_Delete(json);
	free(text);
	return ok;
}

bool store_url_read(struct store *store, const char *url, struct store_url *known)
{
	char *path = url_path(store, url);
	bool ok = read_url_file(path, known);

	free(path);
	return ok;
}

static void forget_if_pruned(struct store *store, const char *folder, const char *name, void *data)
{
	char *path = gw_sprintf("%s/%s", folder, name), *artifact;
	struct store_url known;
	bool there = read_url_file(path, &known);

	artifact = there ? gw_sprintf("%s/%s", store->root, known.name) : NULL;
	if (!there || access(artifact, F_OK) != 0)
		store_remove_file(store, folder, name, NULL);
	free(artifact);
	free(path);
}

void store_forget_pruned(struct store *store)
{
	char *folder = gw_sprintf("%s/.urls", store->root);

	store_each_name(store, folder, forget_if_pruned, NULL);
	free(folder);
}

bool store_url_write(struct store *store, const char *url, const struct store_url *known, struct gw_error *err)
{
	char *path = url_path(store, url), *text;
	cJSON *json = cJSON_CreateObject();
	bool ok;

	cJSON_AddStringToObject(json, "name", known->name);
	cJSON_AddStringToObject(json, "etag", known->etag);
	cJSON_AddStringToObject(json, "last_modified", known->last_modified);
	text = cJSON_PrintUnformatted(json);
	ok = file_save(path, text, strlen(text), STORE_FILE_MODE, err);
	cJSON_Delete(json);
	free(text);
	free(path);
	return ok;
}
