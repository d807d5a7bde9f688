#include "gitlabd/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libgateway/percent.h"

enum { CONNECT_MS = 10000, STALL_MS = 15000, TOTAL_MS = 30000, PER_PAGE = 100 };

struct api_call {
	struct http_transfer *transfer;
	enum api_what what;
	char *secret; /* owned: answers are searched for it */
	api_done *done;
	void *data;
};

static const struct {
	const char *method;
	bool secret_in_body; /* else in a header */
} requests[API_WHATS] = {
	[API_REGISTER] = {"POST", false}, [API_VERIFY] = {"POST", true},       [API_DETAILS] = {"GET", false},
	[API_REMOVE] = {"DELETE", true},  [API_REMOVE_ID] = {"DELETE", false}, [API_LIST] = {"GET", false},
};

/* Instance runners are all there are; a group or project also lists those that it may use, but not as its own type. */
static void list_address(struct buffer *out, const struct api_ask *ask)
{
	const struct api_runner *of = ask->runner;

	if (strcmp(of->runner_type, "group_type") == 0)
		buffer_printf(out, "/groups/%" PRId64 "/runners", of->group_id);
	else if (strcmp(of->runner_type, "project_type") == 0)
		buffer_printf(out, "/projects/%" PRId64 "/runners", of->project_id);
	else
		buffer_printf(out, "/runners/all");
	buffer_printf(out, "?type=%s&per_page=%d&page=%" PRId64, of->runner_type, PER_PAGE, ask->page);
}

static char *address(const struct api_ask *ask)
{
	struct buffer out = {0};
	size_t len = strlen(ask->url);

	while (len && ask->url[len - 1] == '/')
		len--;
	buffer_add(&out, ask->url, len);
	buffer_printf(&out, "/api/v4");
	if (ask->what == API_REGISTER)
		buffer_printf(&out, "/user/runners");
	else if (ask->what == API_VERIFY)
		buffer_printf(&out, "/runners/verify");
	else if (ask->what == API_REMOVE)
		buffer_printf(&out, "/runners");
	else if (ask->what == API_LIST)
		list_address(&out, ask);
	else
		buffer_printf(&out, "/runners/%" PRId64, ask->id);
	return buffer_take(&out);
}

/* application/x-www-form-urlencoded. */
static void add_field(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, "%s%s=", out->len ? "&" : "", name);
	url_escape(out, value, "");
}

static void add_number(struct buffer *out, const char *name, int64_t value)
{
	char *text = gw_sprintf("%" PRId64, value);

	add_field(out, name, text);
	free(text);
}

static void add_runner(struct buffer *out, const struct api_runner *runner)
{
	add_field(out, "runner_type", runner->runner_type);
	if (strcmp(runner->runner_type, "group_type") == 0)
		add_number(out, "group_id", runner->group_id);
	if (strcmp(runner->runner_type, "project_type") == 0)
		add_number(out, "project_id", runner->project_id);
	add_field(out, "description", runner->description);
	add_field(out, "tag_list", runner->tags);
	add_field(out, "run_untagged", "false");
	add_field(out, "locked", "true"); /* of a project runner: no other project enables it */
	add_field(out, "access_level", "not_protected");
	add_number(out, "maximum_timeout", runner->maximum_timeout);
}

static void wipe(struct buffer *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->size);
	buffer_finish(buf);
}

static void call_free(struct api_call *call)
{
	gw_free_secret(call->secret);
	free(call);
}

static void on_answer(void *data, const struct http_answer *http, const struct gw_error *err)
{
	struct api_call *call = data;
	struct api_raw raw = {.status = http->status,
			      .content_type = http->content_type,
			      .next_page = http_client_header(http, "x-next-page"),
			      .body = http->body,
			      .len = http->len,
			      .retry_after_s = http->retry_after_s,
			      .err = err};
	struct api_answer answer;

	api_answer_read(&answer, call->what, &raw, call->secret);
	call->done(call->data, &answer);
	api_answer_finish(&answer);
	call_free(call);
}

struct api_call *api_send(struct http_client *http, const struct api_ask *ask, api_done *done, void *data)
{
	bool in_body = requests[ask->what].secret_in_body;
	struct buffer token = {0}, body = {0};
	char *url = address(ask);
	struct api_call *call = gw_calloc(1, sizeof(*call));

	*call = (struct api_call){.what = ask->what, .secret = gw_strdup(ask->secret), .done = done, .data = data};
	buffer_printf(&token, "PRIVATE-TOKEN: %s", ask->secret);
	if (in_body)
		add_field(&body, "token", ask->secret);
	if (ask->what == API_REGISTER)
		add_runner(&body, ask->runner);
	call->transfer = http_client_ask(
		http,
		&(struct http_ask){
			.method = requests[ask->what].method,
			.url = url,
			.headers = (const char *const[]){"Accept: application/json",
							 body.len ? "Content-Type: application/x-www-form-urlencoded" : "Content-Type:",
							 in_body ? NULL : token.data, NULL},
			.body = body.data,
			.body_len = body.len,
			.answer_max = API_ANSWER_MAX,
			.total_ms = TOTAL_MS,
			.connect_ms = CONNECT_MS,
			.stall_ms = STALL_MS,
			.http2 = true,
			.done = on_answer,
			.data = call},
		NULL);
	gw_assert(call->transfer);
	wipe(&token);
	wipe(&body);
	free(url);
	return call;
}

bool api_is_secret(const char *token)
{
	return token && strlen(token) >= API_SECRET_MIN;
}

void api_cancel(struct api_call *call)
{
	if (!call)
		return;
	http_client_cancel(call->transfer);
	call_free(call);
}
