/* Texts for executord: the description of a job that was submitted by its URL. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "artifactd/fetch.h"
#include "libgateway/log.h"
#include "libgateway/url.h"
#include "libgateway/utf8.h"

enum {
	TEXT_MAX = 1024 * 1024,
	TEXT_MS = 30 * 1000, /* in all: somebody waits for the answer to a submission */
	REDIRECTS = 10,
};

struct text_fetch {
	struct fetches *all;
	char *job, *shown; /* owned */
	struct bus_call *call;
};

static void text_free(struct text_fetch *f)
{
	free(f->job);
	free(f->shown);
	free(f);
}

static bool check(const struct http_answer *answer, struct gw_error *err)
{
	const char *zero = memchr(answer->body, '\0', answer->len);
	size_t good = utf8_prefix(answer->body, answer->len);

	if (answer->status != 200)
		return gw_fail(err, fetch_kind_of_status(answer->status), "the server answered %d; accepted: 200", answer->status);
	if (zero && (size_t)(zero - answer->body) < good)
		good = (size_t)(zero - answer->body);
	if (good < answer->len)
		return gw_fail(err, GW_BAD_INPUT, "byte 0x%02x at offset %zu is not valid here; accepted: UTF-8 without a character 0",
			       (unsigned char)answer->body[good], good);
	return true;
}

static void on_text(void *data, const struct http_answer *answer, const struct gw_error *why)
{
	struct text_fetch *f = data;
	struct gw_error err = *why;

	if (err.kind == GW_OK && check(answer, &err)) {
		log_info("%sdescription: %s: %zu bytes", log_job(f->job), f->shown, answer->len);
		bus_answer(f->call, &(struct msg_artifact_text){.text = (char *)answer->body});
	} else {
		if (!strstr(err.text, f->shown))
			gw_context(&err, "%.200s", f->shown);
		log_warning("%sdescription: %s", log_job(f->job), err.text);
		bus_answer_error(f->call, &err);
	}
	text_free(f);
}

static bool address_allowed(void *data, const struct sockaddr *address)
{
	const struct text_fetch *f = data;

	return deny_allows(f->all->deny, address);
}

void fetch_text(struct fetches *all, const char *url, const char *job, struct bus_call *call)
{
	struct text_fetch *f = gw_calloc(1, sizeof(*f));
	struct http_ask ask = {
		.url = url,
		.answer_max = TEXT_MAX,
		.total_ms = TEXT_MS,
		.redirects = REDIRECTS,
		.address_allowed = address_allowed,
		.done = on_text,
		.data = f,
	};
	struct gw_error err = {0};

	*f = (struct text_fetch){.all = all, .job = gw_strdup(job), .shown = url_shown(url), .call = call};
	if (http_client_ask(all->client, &ask, &err))
		return;
	gw_context(&err, "%.200s", f->shown);
	bus_answer_error(call, &err);
	text_free(f);
}
