#include "tests/harness/gitlab.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "tests/harness/net.h"

struct gitlab_farm gl;
const char *const gl_insecure[] = {"GITLAB_ALLOW_INSECURE=true", NULL};

/* ---- waiting ---- */

static void on_patience(void *data)
{
	*(bool *)data = true;
}

void gl_until(bool (*is_so)(void), const char *what)
{
	struct loop_timer patience = {0};
	bool over = false;

	loop_timer_start(&gl.loop, &patience, GITLAB_PATIENCE_S * 1000, on_patience, &over);
	while (!is_so() && !over)
		uv_run(&gl.loop.uv, UV_RUN_ONCE);
	loop_timer_finish(&patience);
	if (!over)
		return;
	proc_show(&gl.gitlabd);
	fail_msg("did not come to be: %s", what);
}

/* ---- the door ---- */

static struct {
	struct loop_fd watch;
	int fd;
	struct buffer in;
	bool ended;
} door;

static void on_door(void *data, int events)
{
	char bytes[65536];
	ssize_t n = read(door.fd, bytes, sizeof(bytes));

	if (n > 0)
		buffer_add(&door.in, bytes, (size_t)n);
	else
		door.ended = true;
}

static bool door_ended(void)
{
	return door.ended;
}

/* The status; the body is in door.in then. Its caller frees what is there. */
static int ask(const char *name, const char *what, const char *body)
{
	char *request = gw_sprintf("%s /%s/%s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", what ? "POST" : "GET", name, what ? what : "",
				   strlen(body), body);
	int status = 0;
	char *end;

	buffer_finish(&door.in); /* of a test that failed */
	door.fd = net_connect(GITLAB_DOOR);
	door.ended = false;
	net_send(door.fd, request);
	free(request);
	assert_true(loop_fd_start(&gl.loop, &door.watch, door.fd, UV_READABLE, on_door, NULL, NULL));
	gl_until(door_ended, "an answer of the door");
	loop_fd_finish(&door.watch);
	close(door.fd);
	buffer_add(&door.in, "", 1);
	end = strstr(door.in.data, "\r\n\r\n");
	assert_non_null(end);
	assert_int_equal(sscanf(door.in.data, "HTTP/1.1 %d", &status), 1);
	buffer_drop(&door.in, (size_t)(end + 4 - door.in.data));
	return status;
}

cJSON *gl_ask(const char *name, const char *what, const char *fmt, ...)
{
	char *body = NULL;
	cJSON *json;
	va_list args;
	int status;

	va_start(args, fmt);
	assert_true(vasprintf(&body, fmt, args) >= 0);
	va_end(args);
	status = ask(name, what, body);
	if (status != 200) {
		proc_show(&gl.gitlabd);
		fail_msg("%s/%s %s: %d %s", name, what ? what : "", body, status, door.in.data);
	}
	json = cJSON_Parse(door.in.data);
	assert_non_null(json);
	buffer_finish(&door.in);
	free(body);
	return json;
}

void gl_do(const char *name, const char *what, const char *fmt, ...)
{
	char *body = NULL;
	va_list args;

	va_start(args, fmt);
	assert_true(vasprintf(&body, fmt, args) >= 0);
	va_end(args);
	cJSON_Delete(gl_ask(name, what, "%s", body));
	free(body);
}

void gl_await_runners(const char *name, int n)
{
	gl_do(name, "wait", "{\"runners\": %d}", n);
}

void gl_await_requests(const char *name, const char *method, const char *path, int n)
{
	gl_do(name, "wait", "{\"requests\": %d, \"match\": {\"method\": \"%s\", \"path\": \"%s\"}}", n, method, path);
}

int gl_count(const char *name, const char *method, const char *path)
{
	cJSON *state = gl_ask(name, NULL, "%s", ""), *rq;
	int n = 0;

	cJSON_ArrayForEach(rq, cJSON_GetObjectItem(state, "requests"))
		n += strcmp(gl_text(rq, "method"), method) == 0 && strstr(gl_text(rq, "path"), path);
	cJSON_Delete(state);
	return n;
}

cJSON *gl_runner(const char *name, const char *description)
{
	cJSON *state = gl_ask(name, NULL, "%s", ""), *runners = cJSON_DetachItemFromObject(state, "runners"), *runner, *found = NULL;

	cJSON_ArrayForEach(runner, runners)
	{
		if (strcmp(gl_text(runner, "description"), description) != 0)
			continue;
		if (found)
			fail_msg("%s has two runners '%s'", name, description);
		found = runner;
	}
	if (!found)
		fail_msg("%s has no runner '%s'", name, description);
	found = cJSON_Duplicate(found, true);
	cJSON_Delete(runners);
	cJSON_Delete(state);
	return found;
}

const char *gl_text(const cJSON *object, const char *field)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, field));

	return text ? text : "";
}

double gl_number(const cJSON *object, const char *field)
{
	const cJSON *item = cJSON_GetObjectItem(object, field);

	assert_true(cJSON_IsNumber(item));
	return item->valuedouble;
}

void gl_assert_field(const cJSON *object, const char *field, const char *json)
{
	char *got = cJSON_PrintUnformatted(cJSON_GetObjectItem(object, field));

	assert_string_equal(got, json);
	free(got);
}

/* ---- config.toml ---- */

static struct {
	const char *text;
	bool there;
} looked_for;

bool gl_config_has(const char *text)
{
	char *config;
	bool has;

	if (access(gl.config, F_OK) != 0)
		return false;
	config = file_get(gl.config);
	has = strstr(config, text) != NULL;
	free(config);
	return has;
}

static bool config_is_so(void)
{
	return access(gl.config, F_OK) == 0 && gl_config_has(looked_for.text) == looked_for.there;
}

void gl_until_config(const char *text, bool there)
{
	looked_for.text = text;
	looked_for.there = there;
	gl_until(config_is_so, text);
}

/* ---- starting and ending ---- */

static bool gitlabd_configured(void)
{
	return gl.up && gl.configured;
}

void gl_gitlabd_start(const char *const *more)
{
	char runtime[300], state[300], config[300];
	const char *env[16] = {runtime, state, config, "LOG_LEVEL=debug", "FARM_NAME=farm"};

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", gl.runtime);
	snprintf(state, sizeof(state), "EXECUTOR_STATE_DIR=%s", gl.state);
	snprintf(config, sizeof(config), "GITLAB_CONF_FILE=%s", gl.config);
	for (int i = 0; more && more[i]; i++)
		env[5 + i] = more[i];
	gl.up = false;
	gl.configured = 0;
	proc_start(&gl.gitlabd, "gitlabd", (const char *const[]){GW_BUILD_ROOT "/gitlabd/gitlabd", NULL}, env);
	gl_until(gitlabd_configured, "gitlabd on the bus, with its configuration");
}

static bool gitlabd_gone(void)
{
	return !gl.up;
}

int gl_gitlabd_stop(int signal)
{
	proc_signal(&gl.gitlabd, signal);
	gl_until(gitlabd_gone, "gitlabd gone from the bus");
	if (gl.unanswered)
		bus_answer(gl.unanswered, NULL); /* to nobody */
	gl.unanswered = NULL;
	return proc_wait(&gl.gitlabd);
}

void gl_finish(void)
{
	proc_end(&gl.gitlabd, SIGKILL);
	proc_end(&gl.servers, SIGKILL);
	loop_fd_finish(&door.watch); /* of a test that failed */
	uv_close((uv_handle_t *)&gl.config_watch, NULL);
	bus_finish(&gl.executord);
	loop_finish(&gl.loop);
	cJSON_Delete(gl.db);
	assert_int_equal(system("rm -rf \"$TMPDIR\"/*"), 0);
}

int gl_setup_three(void **state)
{
	gl_start((const char *const[]){"a=9001", "b=9002", "c=9003", NULL});
	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_instance("b", "http://localhost:9002", "group_type");
	gl_add_instance("c", "http://localhost:9003", "instance_type");
	return 0;
}

int gl_teardown(void **state)
{
	gl_finish();
	return 0;
}
