#include "executorctl/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executorctl/rest_request.h"
#include "executorctl/sse.h"
#include "libgateway/json.h"

enum { SILENCE_MS = 45000 }; /* three heartbeats */

struct queued {
	struct queued *next;
	struct event event;
};

struct stream {
	struct rest_request rq;
	CURLM *multi;
	struct sse sse;
	struct queued *first, **last;
	int64_t heard_ms; /* when something came */
	bool over;
	struct gw_error err;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void event_finish(struct event *event)
{
	cJSON_Delete(event->data);
	*event = (struct event){0};
}

/* ---- what comes ---- */

static void on_event(void *owner, const char *name, uint64_t id, const char *data, size_t n)
{
	struct stream *s = owner;
	struct queued *q;
	cJSON *json = s->over ? NULL : json_decode(data, n, &s->err);

	if (!json) {
		s->over = true;
		return;
	}
	q = gw_calloc(1, sizeof(*q));
	snprintf(q->event.name, sizeof(q->event.name), "%s", name);
	q->event.id = id;
	q->event.data = json;
	*s->last = q;
	s->last = &q->next;
}

/* An answer that is no stream is a reason, kept for rest_fail_with_reason. */
static size_t take(char *bytes, size_t size, size_t n, void *data)
{
	struct stream *s = data;
	long status = 0;

	s->heard_ms = now_ms();
	curl_easy_getinfo(s->rq.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return buffer_add(&s->rq.answer, bytes, size * n) ? size * n : 0;
	if (!sse_feed(&s->sse, bytes, size * n, on_event, s, &s->err))
		s->over = true;
	return s->over ? 0 : size * n;
}

static void note_end(struct stream *s, CURLcode code)
{
	long status = 0;

	s->over = true;
	if (s->err.kind != GW_OK) {
		gw_context(&s->err, "%s sent events that make no sense", s->rq.shown);
		s->err.kind = GW_UNREACHABLE;
		return;
	}
	curl_easy_getinfo(s->rq.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 0 && status != 200)
		rest_fail_with_reason(&s->rq, status, &s->err);
	else if (status == 0)
		rest_fail_without_answer(&s->rq, code, &s->err);
	else
		gw_fail(&s->err, GW_UNREACHABLE, "the gateway at %s ended the stream of events: it stops, or the connection was lost",
			s->rq.shown);
}

static void run(struct stream *s)
{
	CURLMsg *message;
	int running, left;

	curl_multi_perform(s->multi, &running);
	while ((message = curl_multi_info_read(s->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			note_end(s, message->data.result);
	if (!s->over && now_ms() - s->heard_ms > SILENCE_MS) {
		s->over = true;
		gw_fail(&s->err, GW_UNREACHABLE, "the gateway at %s is silent: nothing has come for %d s", s->rq.shown, SILENCE_MS / 1000);
	}
}

static bool pop(struct stream *s, struct event *event)
{
	struct queued *q = s->first;

	if (!q)
		return false;
	*event = q->event;
	s->first = q->next;
	if (!s->first)
		s->last = &s->first;
	free(q);
	return true;
}

enum stream_got stream_next(struct stream *s, struct event *event, int fd, int wait_ms, struct gw_error *err)
{
	struct curl_waitfd more = {.fd = fd, .events = CURL_WAIT_POLLIN};
	int64_t until = wait_ms < 0 ? INT64_MAX : now_ms() + wait_ms;

	for (;;) {
		int64_t left = until - now_ms(), silence;

		run(s);
		if (pop(s, event))
			return STREAM_EVENT;
		if (s->over) {
			*err = s->err;
			return STREAM_LOST;
		}
		if (left <= 0)
			return STREAM_NOTHING;
		more.revents = 0;
		silence = s->heard_ms + SILENCE_MS + 1 - now_ms();
		curl_multi_poll(s->multi, &more, fd >= 0, (int)(left < silence ? left : silence), NULL);
		if (fd >= 0 && more.revents)
			return STREAM_INPUT;
	}
}

/* ---- the beginning and the end ---- */

/* It is the first event, and stays so for the caller. */
static bool await_hello(struct stream *s, struct gw_error *err)
{
	struct queued *q = gw_calloc(1, sizeof(*q));
	enum stream_got got = stream_next(s, &q->event, -1, SILENCE_MS, err);
	bool ok = got == STREAM_EVENT && strcmp(q->event.name, "hello") == 0;

	if (!ok && got != STREAM_LOST)
		gw_fail(err, GW_UNREACHABLE, "%s answered with what is no stream of events", s->rq.shown);
	q->next = s->first;
	s->first = q;
	if (!q->next)
		s->last = &q->next;
	return ok;
}

struct stream *stream_open(const struct ctl *ctl, struct gw_error *err)
{
	struct stream *s = gw_calloc(1, sizeof(*s));

	s->last = &s->first;
	s->heard_ms = now_ms();
	s->multi = curl_multi_init();
	gw_assert(s->multi);
	if (rest_request_init(&s->rq, ctl, "events", err)) {
		curl_easy_setopt(s->rq.curl, CURLOPT_WRITEFUNCTION, take);
		curl_easy_setopt(s->rq.curl, CURLOPT_WRITEDATA, s);
		curl_easy_setopt(s->rq.curl, CURLOPT_TIMEOUT_MS, 0L);
		curl_multi_add_handle(s->multi, s->rq.curl);
		if (await_hello(s, err))
			return s;
	}
	stream_close(s);
	return NULL;
}

void stream_close(struct stream *s)
{
	struct event event = {0};

	if (!s)
		return;
	while (pop(s, &event))
		event_finish(&event);
	if (s->rq.curl)
		curl_multi_remove_handle(s->multi, s->rq.curl);
	rest_request_finish(&s->rq);
	curl_multi_cleanup(s->multi);
	sse_finish(&s->sse);
	free(s);
}
