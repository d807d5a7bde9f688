/* buspeer: stands for a daemon on the bus, for tests. It says what it hears, a line each, and asks what it is told on standard input.
 *
 *	buspeer RUNTIME_DIR DAEMON NAME PEER...
 *
 * In:   TAG PEER TYPE JSON                     asks
 *       answers TYPE JSON                      so are requests of that type answered from now on
 *       refuses TYPE KIND TEXT                 the same with an error
 *       holds TYPE                             they get no answer
 * Out:  TAG answer JSON | TAG error KIND TEXT  what came of it
 *       event TYPE JSON | request TYPE JSON    heard; what was not told is answered where the answer is nothing, else refused
 *       up PEER | down PEER | gap PEER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/bus.h"
#include "libgateway/buffer.h"
#include "libgateway/json.h"
#include "libgateway/log.h"

struct buspeer {
	struct loop loop;
	struct bus bus;
	struct loop_fd input;
	struct buffer in;
};

struct asked {
	char tag[64];
	enum bus_type type;
};

static void say(const char *first, const char *second, const struct bus_body *body, const void *value)
{
	cJSON *json = value ? bus_body_encode(body, value, NULL) : NULL;
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	printf("%s %s %s\n", first, second, text ? text : "{}");
	fflush(stdout);
	free(text);
	cJSON_Delete(json);
}

static struct {
	void *answer; /* owned; NULL: none */
	struct gw_error err;
	bool holds;
} told[BUS_TYPES];

static void heard(enum bus_type type, const void *body, struct bus_call *call)
{
	struct gw_error err = {0};

	say(call ? "request" : "event", bus_types[type].name, bus_types[type].body, body);
	if (!call || told[type].holds)
		return;
	if (told[type].answer) {
		bus_answer(call, told[type].answer);
	} else if (told[type].err.kind != GW_OK) {
		bus_answer_error(call, &told[type].err);
	} else if (bus_types[type].answer == &bus_body_nothing) {
		bus_answer(call, NULL);
	} else {
		gw_fail(&err, GW_REFUSED, "a test peer does not do that");
		bus_answer_error(call, &err);
	}
}

/* One handler a type, since a handler is not told the type. */
#define BUS_REQUEST(type, name, body, answer, from, to, deadline, m)                                                                       \
	static void on_##type(void *owner, const void *b, struct bus_call *call)                                                           \
	{                                                                                                                                  \
		heard(MSG_##type, b, call);                                                                                                \
	}
#define BUS_EVENT(type, name, body, from, m) BUS_REQUEST(type, name, body, nothing, from, BUS_ANY, 0, m)
#include "libbus/messages.def"

static const struct bus_handler handlers[] = {
#define BUS_REQUEST(type, name, body, answer, from, to, deadline, m) {MSG_##type, on_##type},
#define BUS_EVENT(type, name, body, from, m)                         {MSG_##type, on_##type},
#include "libbus/messages.def"
	{0, NULL},
};

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	static const char *const words[] = {[BUS_PEER_UP] = "up", [BUS_PEER_DOWN] = "down", [BUS_PEER_GAP] = "gap"};

	printf("%s %s\n", words[what], peer);
	fflush(stdout);
}

static void on_done(void *data, const void *answer, const struct gw_error *err)
{
	struct asked *a = data;

	if (answer)
		say(a->tag, "answer", bus_types[a->type].answer, answer);
	else
		printf("%s error %s %s\n", a->tag, gw_error_kind_name(err->kind), err->text);
	fflush(stdout);
	free(a);
}

static void ask(struct buspeer *p, const char *line)
{
	struct asked *a = gw_calloc(1, sizeof(*a));
	char peer[64], type[64];
	int at = 0;
	struct gw_error err = {0};
	cJSON *json = NULL;
	void *body = NULL;

	if (sscanf(line, "%63s %63s %63s %n", a->tag, peer, type, &at) == 3 && bus_type_find(type, &a->type))
		json = json_decode(line + at, strlen(line + at), &err);
	if (json)
		body = bus_body_decode(bus_types[a->type].body, json, &err);
	if (body) {
		bus_ask(&p->bus, peer, a->type, body, 0, on_done, a);
	} else {
		printf("%s error usage %s\n", a->tag, err.text);
		fflush(stdout);
		free(a);
	}
	if (body)
		bus_body_free(bus_types[a->type].body, body);
	cJSON_Delete(json);
}

static void forget(enum bus_type type)
{
	if (told[type].answer)
		bus_body_free(bus_types[type].answer, told[type].answer);
	memset(&told[type], 0, sizeof(told[type]));
}

static void tell(const char *how, enum bus_type type, const char *what)
{
	struct gw_error err = {0};
	char kind[32] = "";
	cJSON *json;
	int at = 0;

	forget(type);
	told[type].holds = strcmp(how, "holds") == 0;
	if (strcmp(how, "answers") == 0) {
		json = json_decode(what, strlen(what), &err);
		told[type].answer = json ? bus_body_decode(bus_types[type].answer, json, &err) : NULL;
		cJSON_Delete(json);
	} else if (sscanf(what, "%31s %n", kind, &at) == 1) {
		gw_fail(&told[type].err, gw_error_kind_from_name(kind), "%s", what + at);
	}
	printf("told %s %s %s\n", how, bus_types[type].name, err.text);
	fflush(stdout);
}

/* A line that tells how to answer. */
static bool is_told(const char *line)
{
	char how[16], name[64];
	enum bus_type type;
	int at = 0;

	if (sscanf(line, "%15s %63s %n", how, name, &at) < 2 || !bus_type_find(name, &type) ||
	    (strcmp(how, "answers") != 0 && strcmp(how, "refuses") != 0 && strcmp(how, "holds") != 0))
		return false;
	tell(how, type, line + at);
	return true;
}

static void on_input(void *data, int events)
{
	struct buspeer *p = data;
	char bytes[4096], *end;
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n <= 0) {
		loop_stop(&p->loop);
		return;
	}
	buffer_add(&p->in, bytes, (size_t)n);
	while (p->in.len && (end = memchr(p->in.data, '\n', p->in.len))) {
		*end = '\0';
		if (!is_told(p->in.data))
			ask(p, p->in.data);
		buffer_drop(&p->in, (size_t)(end - p->in.data) + 1);
	}
}

static enum bus_daemon daemon_named(const char *name)
{
	for (unsigned bit = 1; bit < BUS_ANY; bit <<= 1)
		if (strcmp(bus_daemon_name((enum bus_daemon)bit), name) == 0)
			return (enum bus_daemon)bit;
	fprintf(stderr, "buspeer: '%s' is not a daemon\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct buspeer p = {0};
	struct gw_error err = {0};

	log_init("buspeer", "info");
	if (argc < 4) {
		fprintf(stderr, "Usage: buspeer RUNTIME_DIR DAEMON NAME PEER...\n");
		return 2;
	}
	if (loop_init(&p.loop, &err) && bus_join(&p.bus, &p.loop, argv[1], daemon_named(argv[2]), argv[3], handlers, &p, &err) &&
	    loop_fd_start(&p.loop, &p.input, STDIN_FILENO, UV_READABLE, on_input, &p, &err)) {
		for (int i = 4; i < argc; i++)
			bus_watch(&p.bus, argv[i], on_peer, &p);
		loop_run_until_stopped(&p.loop, &err);
	}
	log_failure("buspeer", &err);
	loop_fd_finish(&p.input);
	buffer_finish(&p.in);
	bus_finish(&p.bus);
	for (int type = 0; type < BUS_TYPES; type++)
		forget(type);
	loop_finish(&p.loop);
	return gw_exit_code(&err);
}
