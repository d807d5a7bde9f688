/* executord for gitlabd's tests: what is said of the database, and gitlab.token answered as executord does (executord/gitlab.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "libgateway/log.h"
#include "tests/harness/gitlab.h"

/* ---- what gitlabd says: a token ---- */

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool take_token(const struct msg_gitlab_token *body, struct gw_error *err)
{
	cJSON *entry = gl_entry(body->dut, body->instance);

	if (gl.fails)
		return gw_fail(err, GW_INTERNAL, "%s", gl.fails);
	if (!gl_instance(body->instance) || (body->dut && !gl_dut(body->dut)) || !entry)
		return gw_fail(err, GW_NOT_FOUND, "the database has no such runner");
	if (!same(cJSON_GetStringValue(cJSON_GetObjectItem(entry, "token")), body->was))
		return gw_fail(err, GW_REFUSED, "the database has another token by now");
	cJSON_DeleteItemFromObject(entry, "token");
	if (body->token)
		cJSON_AddStringToObject(entry, "token", body->token);
	cJSON_SetNumberValue(cJSON_GetObjectItem(entry, "runner_id"), (double)body->runner_id);
	return true;
}

static void on_token(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_gitlab_token *token = body;
	struct gw_error err = {0};

	gl.told++;
	if (gl.deaf && !gl.unanswered) {
		gl.unanswered = call;
		return;
	}
	if (!take_token(body, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	if (gl.late && !gl.unanswered)
		gl.unanswered = call;
	else
		bus_answer(call, NULL);
	if (token->dut)
		gl_tell_dut(token->dut); /* as executord does after each write, ours too */
	else
		gl_tell_instance(token->instance);
}

void gl_answer_late(void)
{
	assert_non_null(gl.unanswered);
	bus_answer(gl.unanswered, NULL);
	gl.unanswered = NULL;
	gl.late = false;
}

/* ---- what gitlabd is told ---- */

static struct told {
	bool done;
	struct gw_error err;
	cJSON *answer;
	enum bus_type type;
} told; /* the last question that is waited for */

static void on_told(void *data, const void *answer, const struct gw_error *err)
{
	told.done = true;
	told.err = *err;
	if (answer)
		told.answer = bus_body_encode(bus_types[told.type].answer, answer, NULL);
}

static bool is_told(void)
{
	return told.done;
}

static void begin_telling(enum bus_type type, const cJSON *json)
{
	struct gw_error err = {0};
	void *body = bus_body_decode(bus_types[type].body, json, &err);

	assert_string_equal(err.text, "");
	told = (struct told){.type = type};
	bus_ask(&gl.executord, "gitlabd", type, body, 0, on_told, NULL);
	bus_body_free(bus_types[type].body, body);
}

static cJSON *answer_of_told(void)
{
	cJSON *answer;

	gl_until(is_told, bus_types[told.type].name);
	assert_string_equal(told.err.text, "");
	answer = told.answer;
	told.answer = NULL;
	return answer;
}

static cJSON *tell(enum bus_type type, const cJSON *json)
{
	begin_telling(type, json);
	return answer_of_told();
}

static void on_nothing(void *data, const void *answer, const struct gw_error *err)
{
	int *counter = data;

	if (!answer)
		log_info("test: %s", err->text); /* it went; it is told all when it is back */
	else if (counter)
		++*counter;
}

/* Without waiting: from within a callback. */
static void say(enum bus_type type, const cJSON *json, int *counter)
{
	struct gw_error err = {0};
	void *body = bus_body_decode(bus_types[type].body, json, &err);

	assert_string_equal(err.text, "");
	bus_ask(&gl.executord, "gitlabd", type, body, 0, on_nothing, counter);
	bus_body_free(bus_types[type].body, body);
}

static cJSON *change_of(cJSON *instance, cJSON *dut, const char *gone_instance, const char *gone_dut)
{
	cJSON *change = cJSON_CreateObject();
	const struct {
		const char *name;
		cJSON *item;
	} lists[] = {{"instances", cJSON_Duplicate(instance, true)},
		     {"duts", cJSON_Duplicate(dut, true)},
		     {"gone_instances", gone_instance ? cJSON_CreateString(gone_instance) : NULL},
		     {"gone_duts", gone_dut ? cJSON_CreateString(gone_dut) : NULL}};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		cJSON *list = cJSON_AddArrayToObject(change, lists[i].name);

		if (lists[i].item)
			cJSON_AddItemToArray(list, lists[i].item);
	}
	return change;
}

static void tell_change(cJSON *change)
{
	say(MSG_GITLAB_CHANGE, change, NULL);
	cJSON_Delete(change);
}

void gl_tell_all(void)
{
	cJSON_Delete(tell(MSG_GITLAB_CONFIGURE, gl.db));
}

void gl_tell_dut(const char *id)
{
	tell_change(change_of(NULL, gl_dut(id), NULL, NULL));
}

void gl_tell_instance(const char *name)
{
	tell_change(change_of(gl_instance(name), NULL, NULL, NULL));
}

void gl_remove_dut(const char *id)
{
	cJSON_Delete(cJSON_DetachItemViaPointer(cJSON_GetObjectItem(gl.db, "duts"), gl_dut(id)));
	tell_change(change_of(NULL, NULL, NULL, id));
}

void gl_remove_instance(const char *name)
{
	cJSON_Delete(cJSON_DetachItemViaPointer(cJSON_GetObjectItem(gl.db, "instances"), gl_instance(name)));
	tell_change(change_of(NULL, NULL, name, NULL));
}

cJSON *gl_status(void)
{
	cJSON *nothing = cJSON_CreateObject(), *status = tell(MSG_GITLAB_STATUS, nothing);

	cJSON_Delete(nothing);
	return status;
}

void gl_prune_begin(bool remove)
{
	cJSON *order = cJSON_CreateObject();

	cJSON_AddBoolToObject(order, "remove", remove);
	begin_telling(MSG_GITLAB_PRUNE, order);
	cJSON_Delete(order);
}

cJSON *gl_prune_end(void)
{
	return answer_of_told();
}

cJSON *gl_prune(bool remove)
{
	gl_prune_begin(remove);
	return gl_prune_end();
}

cJSON *gl_status_of(const cJSON *status, const char *dut, const char *instance)
{
	cJSON *runner;

	cJSON_ArrayForEach(runner,
			   cJSON_GetObjectItem(status, "runners")) if (strcmp(gl_text(runner, "instance"), instance) == 0 &&
								       strcmp(gl_text(runner, "dut"), dut ? dut : "") == 0) return runner;
	return NULL;
}

/* ---- on the bus ---- */

static void on_gitlabd(void *owner, const char *peer, enum bus_peer_event what)
{
	if (what == BUS_PEER_GAP)
		return;
	gl.up = what == BUS_PEER_UP;
	if (gl.up)
		say(MSG_GITLAB_CONFIGURE, gl.db, &gl.configured);
}

static void on_other(void *owner, const void *body, struct bus_call *call)
{
	bus_answer(call, NULL);
}

/* Only wakes the loop: whoever waits looks at the file. */
static void on_config(uv_fs_event_t *watch, const char *name, int events, int status)
{
}

/* bus_join wants a handler for each request that executord answers. */
static const struct bus_handler handlers[] = {
	{MSG_GITLAB_TOKEN, on_token}, {MSG_JOB_HELLO, on_other}, {MSG_JOB_RUNNING, on_other}, {MSG_JOB_ENDED, on_other}, {0, NULL}};

void gl_start(const char *const *places)
{
	const char *argv[16] = {"/usr/bin/python3", TEST_HARNESS "/gitlab.py", "9000", NULL};
	struct gw_error err = {0};

	memset(&gl, 0, sizeof(gl));
	snprintf(gl.runtime, sizeof(gl.runtime), "%s", tmp_path("run"));
	snprintf(gl.state, sizeof(gl.state), "%s", tmp_path("state"));
	snprintf(gl.config, sizeof(gl.config), "%s", tmp_path("gitlab-runner/config.toml"));
	assert_int_equal(mkdir(tmp_path("gitlab-runner"), 0700), 0);
	gl.db = cJSON_Parse("{\"instances\": [], \"duts\": []}");
	assert_true(loop_init(&gl.loop, &err));
	assert_true(bus_join(&gl.executord, &gl.loop, gl.runtime, BUS_EXECUTORD, NULL, handlers, &gl, &err));
	assert_int_equal(uv_fs_event_init(&gl.loop.uv, &gl.config_watch), 0);
	assert_int_equal(uv_fs_event_start(&gl.config_watch, on_config, tmp_path("gitlab-runner"), 0), 0);
	bus_watch(&gl.executord, "gitlabd", on_gitlabd, &gl);
	argv[3] = tmp_path("certificates");
	for (int i = 0; places[i]; i++)
		argv[4 + i] = places[i];
	proc_start(&gl.servers, "gitlabs", argv, (const char *const[]){"PYTHONDONTWRITEBYTECODE=1", NULL});
	proc_await(&gl.servers, "ready");
}
