/* executorctl watch: the farm as it changes. On a terminal a picture that is redrawn, elsewhere a line a change. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/stream.h"
#include "executorctl/table.h"
#include "executorctl/terminal.h"
#include "executorctl/watch_lines.h"
#include "executorctl/watch_picture.h"

enum {
	DRAW_MS = 50,    /* what changes within this time is drawn once */
	AGAIN_MS = 2000, /* until a lost gateway is tried again */
};

struct watch {
	const struct ctl *ctl;
	struct stream *stream;
	struct farm_view view;
	struct picture picture; /* on a terminal */
	bool drawn;             /* there is a picture */
	bool keys;              /* of standard input */
	int input, resized;     /* an epoll of what the terminal does; SIGWINCH; -1: none */
	bool over;
};

/* ---- a line a change ---- */

static void print_line(void *owner, const char *line)
{
	char date[40];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	printf("%s %s\n", date, line);
}

static void remember_line(void *owner, const char *line)
{
	struct watch *w = owner;

	picture_note(&w->picture, line);
}

static void print_json(const struct event *event)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "event", event->name);
	cJSON_AddNumberToObject(line, "id", (double)event->id);
	cJSON_AddItemReferenceToObject(line, "data", event->data);
	show_json_line(line);
	cJSON_Delete(line);
}

static bool flushed(struct gw_error *err)
{
	return fflush(stdout) == 0 || gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot write to standard output");
}

/* ---- the farm ---- */

static line_fn *teller(const struct watch *w)
{
	return w->drawn ? remember_line : print_line;
}

static bool ask_state(struct watch *w, struct gw_error *err)
{
	cJSON *state = rest_ask(w->ctl, "GET", "full-state", NULL, err);

	if (state)
		farm_view_take(&w->view, state, teller(w), w);
	return state != NULL;
}

/* The stream first: what changes between the two is in both. */
static bool connect_to(struct watch *w, bool json, struct gw_error *err)
{
	w->stream = stream_open(w->ctl, err);
	if (!w->stream && err->kind == GW_NOT_FOUND)
		return gw_fail(err, GW_NOT_FOUND, "watch: the gateway at %s tells no events; `executorctl duts` shows how it is now",
			       w->ctl->url);
	return w->stream && (json || ask_state(w, err));
}

static void say_hello(struct watch *w, const struct event *event)
{
	const char *farm = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event->data, "farm"));
	char *name = printable(farm ? farm : "the farm"), *line;

	line = gw_sprintf("watching %s, machines: %d", name, cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(w->view.state, "duts")));
	teller(w)(w, line);
	free(line);
	free(name);
}

static bool take(struct watch *w, const struct event *event, struct gw_error *err)
{
	if (strcmp(event->name, "hello") == 0) {
		say_hello(w, event);
		return true;
	}
	if (strcmp(event->name, "gap") == 0) {
		teller(w)(w, "some events were lost; the state is asked anew");
		return ask_state(w, err);
	}
	farm_view_event(&w->view, event->name, event->id, event->data, teller(w), w);
	return true;
}

/* ---- without a terminal ---- */

static int watch_lines(struct watch *w, bool json, struct gw_error *err)
{
	struct event event = {0};
	bool ok = connect_to(w, json, err);

	while (ok && flushed(err) && stream_next(w->stream, &event, -1, -1, err) == STREAM_EVENT) {
		if (json)
			print_json(&event);
		else
			ok = take(w, &event, err);
		event_finish(&event);
	}
	return CTL_FAILED(err);
}

/* ---- on a terminal ---- */

static void watch_fd(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= 0)
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void begin_picture(struct watch *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->resized = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w->input = epoll_create1(EPOLL_CLOEXEC);
	w->drawn = true;
	w->keys = terminal_picture(PICTURE_BEGIN, PICTURE_END);
	watch_fd(w->input, w->resized);
	if (w->keys)
		watch_fd(w->input, STDIN_FILENO);
}

static void on_input(struct watch *w)
{
	struct signalfd_siginfo info;
	struct epoll_event event;
	char keys[64];
	ssize_t n;

	while (read(w->resized, &info, sizeof(info)) > 0)
		;
	while (w->keys && epoll_wait(w->input, &event, 1, 0) == 1 && event.data.fd == STDIN_FILENO) {
		n = read(STDIN_FILENO, keys, sizeof(keys));
		w->over |= n <= 0 || memchr(keys, 'q', (size_t)n) || memchr(keys, 3, (size_t)n);
		if (n <= 0)
			return;
	}
}

static bool draw(struct watch *w, const char *lost, struct gw_error *err)
{
	char *text = picture_draw(&w->picture, w->view.state, lost, w->ctl->colour, terminal_width(), terminal_height());
	bool ok;

	fputs(text, stdout);
	ok = flushed(err);
	free(text);
	return ok;
}

/* False: the stream was lost, or it is over. */
static bool follow(struct watch *w, struct gw_error *err)
{
	struct event event = {0};
	enum stream_got got;
	bool dirty = true, ok = true;

	while (ok && !w->over) {
		got = stream_next(w->stream, &event, w->input, dirty ? DRAW_MS : -1, err);
		if (got == STREAM_LOST)
			return false;
		if (got == STREAM_EVENT)
			ok = take(w, &event, err);
		else if (got == STREAM_INPUT)
			on_input(w);
		dirty = got != STREAM_NOTHING;
		if (!dirty)
			ok = draw(w, NULL, err);
		event_finish(&event);
	}
	return false;
}

/* Until it is to be tried again; what the terminal does counts meanwhile. */
static bool pause_a_while(struct watch *w, const char *lost, struct gw_error *err)
{
	struct epoll_event event;

	if (!draw(w, lost, err))
		return false;
	if (epoll_wait(w->input, &event, 1, AGAIN_MS) > 0)
		on_input(w);
	return !w->over;
}

static int watch_picture(struct watch *w, struct gw_error *err)
{
	struct gw_error lost = {0};

	if (!connect_to(w, false, err)) /* one that never was there is an error; one that was lost may come back */
		return CTL_FAILED(err);
	begin_picture(w);
	do {
		if (w->stream)
			follow(w, &lost);
		stream_close(w->stream);
		w->stream = NULL;
		if (w->over || ferror(stdout))
			break;
	} while (pause_a_while(w, lost.text, err) && (lost = (struct gw_error){0}, connect_to(w, false, &lost), true));
	terminal_restore();
	return CTL_FAILED(err);
}

int ctl_watch(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	struct watch w = {.ctl = ctl, .input = -1, .resized = -1};
	bool json = ctl_given(args, 'J');
	int code = ctl->width && !json ? watch_picture(&w, err) : watch_lines(&w, json, err);

	stream_close(w.stream);
	farm_view_finish(&w.view);
	picture_finish(&w.picture);
	if (w.input >= 0)
		close(w.input);
	if (w.resized >= 0)
		close(w.resized);
	return code;
}
