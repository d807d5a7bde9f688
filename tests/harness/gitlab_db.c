/* The database of gitlabd's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/gitlab.h"

/* ---- the database ---- */

static cJSON *named(const char *list, const char *key, const char *name)
{
	cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(gl.db, list)) if (strcmp(gl_text(item, key), name) == 0) return item;
	return NULL;
}

cJSON *gl_dut(const char *id)
{
	return named("duts", "id", id);
}

cJSON *gl_instance(const char *name)
{
	return named("instances", "name", name);
}

cJSON *gl_entry(const char *dut, const char *instance)
{
	cJSON *entry;

	if (!dut)
		return cJSON_GetArrayItem(cJSON_GetObjectItem(gl_instance(instance), "gateway_runner"), 0);
	cJSON_ArrayForEach(entry,
			   cJSON_GetObjectItem(gl_dut(dut), "gitlab")) if (strcmp(gl_text(entry, "instance"), instance) == 0) return entry;
	return NULL;
}

const char *gl_token(const char *dut, const char *instance)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(gl_entry(dut, instance), "token"));
}

void gl_set(cJSON *object, const char *field, const char *json)
{
	cJSON *value = cJSON_Parse(json);

	assert_non_null(object);
	assert_non_null(value);
	cJSON_DeleteItemFromObject(object, field);
	cJSON_AddItemToObject(object, field, value);
}

static cJSON *added(const char *list, char *json)
{
	cJSON *item = cJSON_Parse(json);

	assert_non_null(item);
	cJSON_AddItemToArray(cJSON_GetObjectItem(gl.db, list), item);
	free(json);
	return item;
}

cJSON *gl_add_instance(const char *name, const char *url, const char *runner_type)
{
	return added(
		"instances",
		gw_sprintf("{\"name\": \"%s\", \"url\": \"%s\", \"registration_token\": \"glpat-create-%s-0123456789\", \"access_token\": "
			   "\"glpat-manage-%s-0123456789\", \"runner_type\": \"%s\", \"group_id\": %d, \"project_id\": %d, "
			   "\"expose_runners\": true, \"maximum_timeout\": 3600, \"acl\": [], \"gateway_runner\": []}",
			   name, url, name, name, runner_type, strcmp(runner_type, "group_type") == 0 ? 7 : -1,
			   strcmp(runner_type, "project_type") == 0 ? 42 : -1));
}

cJSON *gl_add_dut(const char *id, const char *full_name)
{
	cJSON *dut = added("duts", gw_sprintf("{\"id\": \"%s\", \"full_name\": \"%s\", \"tags\": [\"x86\", \"%s\", \"farm:farm\"], "
					      "\"available\": true, \"gitlab\": []}",
					      id, full_name, full_name));
	cJSON *instance;

	cJSON_ArrayForEach(instance, cJSON_GetObjectItem(gl.db, "instances"))
	{
		char *entry = gw_sprintf("{\"instance\": \"%s\", \"exposed\": true, \"runner_id\": -1, \"acl\": []}",
					 gl_text(instance, "name"));

		cJSON_AddItemToArray(cJSON_GetObjectItem(dut, "gitlab"), cJSON_Parse(entry));
		free(entry);
	}
	return dut;
}

const char *gl_id(int i)
{
	static char id[32];

	snprintf(id, sizeof(id), "52:54:00:00:%02x:%02x", i / 256, i % 256);
	return id;
}

void gl_add_duts(int n)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "farm-x86-%d", i + 1);
		gl_add_dut(gl_id(i), name);
	}
}

void gl_allow_gateway(const char *instance, const char *user)
{
	char *rules = user ? gw_sprintf(
				     "[{\"deny\": [], \"allow\": [{\"users\": [\"%s\"], \"projects\": [], \"projects_in_groups\": []}]}]",
				     user)
			   : gw_strdup("[]");
	char *entry = gw_sprintf("[{\"instance\": \"%s\", \"exposed\": true, \"runner_id\": -1, \"acl\": %s}]", instance, rules);

	gl_set(gl_instance(instance), "gateway_runner", entry);
	free(entry);
	free(rules);
}

/* ---- tokens awaited ---- */

static struct {
	const char *dut, *instance;
	int n;
} awaited;

static bool has_token(void)
{
	return gl_token(awaited.dut, awaited.instance) != NULL;
}

static bool has_none(void)
{
	return !has_token();
}

void gl_until_token(const char *dut, const char *instance)
{
	awaited.dut = dut;
	awaited.instance = instance;
	gl_until(has_token, "a token");
}

void gl_until_no_token(const char *dut, const char *instance)
{
	awaited.dut = dut;
	awaited.instance = instance;
	gl_until(has_none, "a token that goes");
}

static bool has_tokens(void)
{
	cJSON *dut, *entry, *instance;
	int n = 0;

	cJSON_ArrayForEach(instance, cJSON_GetObjectItem(gl.db, "instances")) n += gl_token(NULL, gl_text(instance, "name")) != NULL;
	cJSON_ArrayForEach(dut, cJSON_GetObjectItem(gl.db, "duts")) cJSON_ArrayForEach(entry, cJSON_GetObjectItem(dut, "gitlab"))
		n += cJSON_HasObjectItem(entry, "token");
	return n == awaited.n;
}

void gl_until_tokens(int n)
{
	awaited.n = n;
	gl_until(has_tokens, "so many tokens");
}
