#include "bucketd/root_keys.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "libgateway/files.h"

enum { PASSWORD_LENGTH = 32, PASSWORD_MAX = 128, ALIASES_MAX = 1 << 20 };

/* Each of 62 characters as likely as the others: a byte that would favour some is thrown away. */
static char *random_password(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const unsigned n = sizeof(letters) - 1;
	char *password = gw_calloc(PASSWORD_LENGTH + 1, 1);

	for (size_t len = 0; len < PASSWORD_LENGTH;) {
		unsigned char byte;

		gw_assert(getrandom(&byte, 1, 0) == 1);
		if (byte < 256 / n * n)
			password[len++] = letters[byte % n];
	}
	return password;
}

static char *keep_new(const char *path, struct gw_error *err)
{
	char *password = random_password();

	if (file_save(path, password, PASSWORD_LENGTH, 0600, err))
		return password;
	gw_free_secret(password);
	return NULL;
}

char *root_password(const char *folder, const char *given, struct gw_error *err)
{
	struct gw_error why = {0};
	char *path, *password;

	if (given)
		return gw_strdup(given);
	path = gw_sprintf("%s/root-password", folder);
	password = file_read(path, PASSWORD_MAX, NULL, &why);
	if (password)
		password[strcspn(password, "\n")] = '\0';
	else if (why.kind == GW_NOT_FOUND)
		password = keep_new(path, err);
	else
		*err = why;
	if (password && strlen(password) < 8) {
		gw_fail(err, GW_BAD_INPUT, "%s: the password in it is too short; accepted: 8 to %d bytes, or no file: one is made then",
			path, PASSWORD_MAX);
		gw_free_secret(password);
		password = NULL;
	}
	free(path);
	return password;
}

/* What is there, if it is what mcli can read; else an empty one. */
static cJSON *read_aliases(const char *path)
{
	char *text = file_read(path, ALIASES_MAX, NULL, NULL);
	cJSON *config = text ? cJSON_Parse(text) : NULL;

	gw_free_secret(text);
	if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(config, "aliases")))
		return config;
	cJSON_Delete(config);
	config = cJSON_CreateObject();
	cJSON_AddStringToObject(config, "version", "10");
	cJSON_AddObjectToObject(config, "aliases");
	return config;
}

static void set_alias(cJSON *aliases, const char *alias, const char *url, const char *user, const char *password)
{
	cJSON *entry = cJSON_CreateObject();

	cJSON_AddStringToObject(entry, "url", url);
	cJSON_AddStringToObject(entry, "accessKey", user);
	cJSON_AddStringToObject(entry, "secretKey", password);
	cJSON_AddStringToObject(entry, "api", "S3v4");
	cJSON_AddStringToObject(entry, "path", "auto");
	cJSON_DeleteItemFromObjectCaseSensitive(aliases, alias);
	cJSON_AddItemToObject(aliases, alias, entry);
}

bool root_alias_save(const char *folder, const char *alias, const char *url, const char *user, const char *password, struct gw_error *err)
{
	char *mc = gw_sprintf("%s/mc", folder), *path = gw_sprintf("%s/config.json", mc), *text;
	cJSON *config = read_aliases(path);
	bool ok;

	set_alias(cJSON_GetObjectItemCaseSensitive(config, "aliases"), alias, url, user, password);
	text = gw_have(cJSON_Print(config));
	ok = dir_make(mc, 0700, err) && file_save(path, text, strlen(text), 0600, err);
	gw_free_secret(text);
	cJSON_Delete(config);
	free(path);
	free(mc);
	return ok;
}
