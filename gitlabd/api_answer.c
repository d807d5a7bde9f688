#include "gitlabd/api_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gitlabd/api_read.h"
#include "libgateway/json.h"
#include "libgateway/utf8.h"

/* What each request is answered with. */
static const struct kind {
	const char *name; /* in errors */
	int ok;
	bool has_body;            /* a JSON one */
	enum api_class forbidden; /* what 403 means */
	const char *gone;
	bool (*read)(struct api_answer *answer, const cJSON *json, struct gw_error *err);
	enum { TOKEN, RUNNER, KIND } forbids; /* what a 403 may be about: lists and removals want another scope than details do */
} kinds[API_WHATS] = {
	[API_REGISTER] = {"POST /user/runners", 201, true, API_REFUSED, NULL, api_read_registered},
	[API_VERIFY] = {"POST /runners/verify", 200, false, API_INVALID_TOKEN, NULL, api_read_verified},
	[API_DETAILS] = {"GET /runners/ID", 200, true, API_REFUSED, "there is no such runner", api_read_details, RUNNER},
	[API_REMOVE] = {"DELETE /runners", 204, false, API_GONE, "there is no such runner", NULL},
	[API_REMOVE_ID] = {"DELETE /runners/ID", 204, false, API_REFUSED, "there is no such runner", NULL, KIND},
	[API_LIST] = {"the list of runners", 200, true, API_REFUSED, NULL, api_read_list, KIND},
};

static bool is_html(const struct api_raw *raw)
{
	size_t at = 0;

	while (at < raw->len && strchr(" \t\r\n", raw->body[at]) && raw->body[at])
		at++;
	return (raw->content_type && strncasecmp(raw->content_type, "text/html", 9) == 0) || (at < raw->len && raw->body[at] == '<');
}

/* An object, or a list as the "v" of one. */
static cJSON *decode(enum api_what what, const struct api_raw *raw, struct gw_error *err)
{
	char *wrapped;
	cJSON *json;

	if (what != API_LIST)
		return json_decode(raw->body, raw->len, err);
	wrapped = gw_calloc(1, raw->len + 8);
	memcpy(wrapped, "{\"v\":", 5);
	memcpy(wrapped + 5, raw->body, raw->len);
	wrapped[raw->len + 5] = '}';
	json = json_decode(wrapped, raw->len + 6, err);
	free(wrapped);
	return json;
}

static void hide(char *text, const char *secret)
{
	char *at;

	while (secret && *secret && (at = strstr(text, secret)))
		memset(at, '*', strlen(secret));
}

static void make_printable(char *text)
{
	utf8_clean(text);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

static enum api_class add(struct api_answer *answer, enum api_class class, const char *what)
{
	size_t len = strlen(answer->text);

	snprintf(answer->text + len, sizeof(answer->text) - len, ": %.200s", what);
	return class;
}

static void add_message(struct api_answer *answer, const cJSON *message)
{
	char *text = cJSON_IsString(message) ? gw_strdup(message->valuestring) : cJSON_PrintUnformatted(message);

	add(answer, answer->class, text ? text : "");
	free(text);
}

/* "POST /user/runners: status 400: runner_type is missing": the API's own words follow, if there are any. */
static void explain(struct api_answer *answer, const struct kind *kind, const struct api_raw *raw, const char *secret)
{
	char *body = gw_strndup(raw->len ? raw->body : "", raw->len);
	cJSON *json;
	const cJSON *message;

	hide(body, secret); /* whole: what is said is cut */
	json = json_decode(body, strlen(body), NULL);
	message = json ? cJSON_GetObjectItemCaseSensitive(json, "message") : NULL;
	if (!message)
		message = json ? cJSON_GetObjectItemCaseSensitive(json, "error") : NULL;
	snprintf(answer->text, sizeof(answer->text), "%s: status %d", kind->name, raw->status);
	if (message)
		add_message(answer, message);
	cJSON_Delete(json);
	free(body);
}

static enum api_class fail(struct api_answer *answer, const struct kind *kind, enum api_class class, const char *what)
{
	snprintf(answer->text, sizeof(answer->text), "%s: %.300s", kind->name, what);
	return class;
}

/* GitLab says why in an object, or nothing. Other text is that of somebody on the way, who knows nothing of tokens. */
static bool is_of_gitlab(const struct api_raw *raw)
{
	cJSON *json = raw->len ? json_decode(raw->body, raw->len, NULL) : NULL;
	bool is = !raw->len || cJSON_IsObject(json);

	cJSON_Delete(json);
	return is;
}

static enum api_class read_ok(struct api_answer *answer, const struct kind *kind, const struct api_raw *raw)
{
	struct gw_error err = {0};
	bool is_bare = !raw->len || (raw->len == 3 && memcmp(raw->body, "200", 3) == 0); /* as GitLabs before 15.1 answer verify */
	cJSON *json;
	bool ok;

	answer->id = -1;
	if (!kind->read || (is_bare && !kind->has_body))
		return API_OK;
	json = decode((enum api_what)(kind - kinds), raw, &err);
	ok = json && kind->read(answer, json, &err);
	cJSON_Delete(json);
	if (ok)
		return API_OK;
	add(answer, API_NOT_GITLAB, "not the JSON of a GitLab");
	return add(answer, API_NOT_GITLAB, err.text);
}

static enum api_class read_list_end(struct api_answer *answer, const struct kind *kind, const struct api_raw *raw)
{
	char *end = NULL;
	long long page = raw->next_page && *raw->next_page ? strtoll(raw->next_page, &end, 10) : 0;

	if (page < 0 || page > 1000000 || (end && *end))
		return add(answer, API_NOT_GITLAB, "x-next-page is not the number of a page");
	answer->next_page = page;
	return API_OK;
}

static bool lacks_scope(const struct api_raw *raw)
{
	cJSON *json = json_decode(raw->body, raw->len, NULL);
	const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
	bool lacks = error && strcmp(error, "insufficient_scope") == 0;

	cJSON_Delete(json);
	return lacks;
}

/* A 401 is about the token alone; a token without a scope is refused whatever the runner. */
static bool may_be_about_asked(const struct kind *kind, const struct api_raw *raw)
{
	return raw->status == 403 && (kind->forbids == KIND || (kind->forbids == RUNNER && !lacks_scope(raw)));
}

static enum api_class classify(struct api_answer *answer, const struct kind *kind, const struct api_raw *raw, const char *secret)
{
	if (raw->err && raw->err->kind != GW_OK)
		return fail(answer, kind, raw->err->kind == GW_BAD_INPUT ? API_NOT_GITLAB : API_TRY_LATER, raw->err->text);
	explain(answer, kind, raw, secret);
	if (raw->status == 429 || raw->status == 408 || raw->status >= 500)
		return API_TRY_LATER;
	if (raw->status >= 300 && raw->status < 400)
		return add(answer, API_NOT_GITLAB, "a redirect, which is not followed");
	if (is_html(raw))
		return add(answer, API_NOT_GITLAB, "an HTML page");
	if (raw->status == kind->ok)
		return read_ok(answer, kind, raw);
	if (raw->status < 400)
		return API_NOT_GITLAB;
	if ((raw->status == 403 || raw->status == 404) && !is_of_gitlab(raw))
		return add(answer, API_NOT_GITLAB, "not the JSON of a GitLab");
	if (raw->status == 403)
		return kind->forbidden;
	return raw->status == 404 && kind->gone ? API_GONE : API_REFUSED;
}

void api_answer_read(struct api_answer *answer, enum api_what what, const struct api_raw *raw, const char *secret)
{
	const struct kind *kind = &kinds[what];

	*answer = (struct api_answer){.id = -1};
	answer->class = classify(answer, kind, raw, secret);
	if (answer->class == API_OK && what == API_LIST)
		answer->class = read_list_end(answer, kind, raw);
	if (answer->class == API_OK)
		answer->text[0] = '\0';
	answer->is_about_secret = answer->class == API_REFUSED && (raw->status == 401 || raw->status == 403);
	answer->may_be_about_asked = answer->is_about_secret && may_be_about_asked(kind, raw);
	if (answer->class == API_TRY_LATER && raw->retry_after_s > 0)
		answer->retry_after_s = raw->retry_after_s;
	hide(answer->text, secret);
	make_printable(answer->text);
}

void api_details_finish(struct api_details *details)
{
	for (size_t i = 0; i < details->n_tags; i++)
		free(details->tags[i]);
	free(details->tags);
	free(details->description);
	*details = (struct api_details){0};
}

void api_answer_finish(struct api_answer *answer)
{
	for (size_t i = 0; i < answer->n_listed; i++)
		free(answer->listed[i].description);
	free(answer->listed);
	gw_free_secret(answer->token);
	api_details_finish(&answer->details);
	*answer = (struct api_answer){0};
}
