#include "executorctl/s3_internal.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libgateway/buffer.h"
#include "libgateway/log.h"
#include "libgateway/percent.h"

enum {
	CONNECT_S = 10,
	SILENCE_S = 60,          /* without a byte */
	TRIES = 6,               /* over about eight seconds: a server that is killed is back by then */
	AGAIN_MS = 250,          /* before the second, then twice as long each time */
	SHOW_MS = 500,           /* between two calls of `show` */
	REFUSAL_MAX = 64 * 1024, /* of an answer that says why not; the rest is not read */
};

/* libcurl 7.88 signs the headers that it is given, but S3's own one it does not make (8.3 does, and lets this be). */
#define HASH_OF_NO_BODY "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* One request that is carried out. */
struct slot {
	struct s3_client *client; /* borrowed */
	CURL *curl;
	bool used, in_multi, begun;
	struct s3_fetch fetch;
	char *url;
	int tries;
	int64_t at_ms; /* when it is tried again */
	struct buffer refusal;
	struct gw_error err; /* of a function of `fetch` */
	char error[CURL_ERROR_SIZE];
};

struct s3_client {
	CURLM *multi;
	struct curl_slist *headers;
	char *url;          /* of the bucket */
	char *key, *secret; /* secret: overwritten when freed */
	int stop_fd;
	void (*show)(void *data);
	void *show_data;
	struct slot slots[S3_AT_ONCE];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one request ---- */

static long status_of(const struct slot *s)
{
	long status = 0;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool begin(struct slot *s)
{
	if (!s->begun && !s->fetch.begin(s->fetch.data, &s->err))
		return false;
	s->begun = true;
	return true;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *data)
{
	struct slot *s = data;

	n *= size;
	if (status_of(s) != 200) {
		buffer_add(&s->refusal, bytes, n);
		return n;
	}
	return begin(s) && s->fetch.take(s->fetch.data, bytes, n, &s->err) ? n : CURL_WRITEFUNC_ERROR;
}

/* The path and query are as they are signed: escaped already, the query sorted. */
static void set_up(struct slot *s, struct s3_client *client)
{
	const char *ca = getenv("SSL_CERT_FILE"); /* a private CA */

	s->client = client;
	s->refusal.max = REFUSAL_MAX;
	s->curl = gw_have(curl_easy_init());
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(s->curl, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, client->headers);
	curl_easy_setopt(s->curl, CURLOPT_USERNAME, client->key);
	curl_easy_setopt(s->curl, CURLOPT_PASSWORD, client->secret);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "executorctl/" GW_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_PRIVATE, s);
	if (ca && *ca)
		curl_easy_setopt(s->curl, CURLOPT_CAINFO, ca);
}

static void try(struct slot *s)
{
	s->tries++;
	s->begun = false;
	s->refusal.len = 0;
	s->err = (struct gw_error){0};
	s->error[0] = '\0';
	curl_easy_setopt(s->curl, CURLOPT_URL, s->url);
	gw_assert(curl_multi_add_handle(s->client->multi, s->curl) == CURLM_OK);
	s->in_multi = true;
}

static void take_out(struct slot *s)
{
	if (s->in_multi)
		curl_multi_remove_handle(s->client->multi, s->curl);
	s->in_multi = false;
}

static void say_refusal(const struct slot *s, long status, struct gw_error *why)
{
	char *said = s3_error_decode(s->refusal.data ? s->refusal.data : "", s->refusal.len), shown[300];

	log_escape(shown, sizeof(shown), said ? said : "", said ? strlen(said) : 0);
	/* One object may have gone; what else is refused, as when the job's time is over, is for all of them. */
	gw_fail(why, status == 404 ? GW_NOT_FOUND : GW_UNREACHABLE, "the server answered %ld%s%s", status, said ? " " : "", shown);
	free(said);
}

/* Whether it may be another time: the server ended, or has no time. */
static bool is_passing(CURLcode code, long status)
{
	return code == CURLE_OK ? status >= 500 : code != CURLE_WRITE_ERROR && code != CURLE_URL_MALFORMAT;
}

static bool say_done(struct slot *s, const struct gw_error *why, struct gw_error *err)
{
	s->used = false;
	free(s->url);
	s->url = NULL;
	return s->fetch.done(s->fetch.data, why, err);
}

/* False: all ends. */
static bool on_end(struct slot *s, CURLcode code, struct gw_error *err)
{
	long status = status_of(s);
	struct gw_error why = {0};

	take_out(s);
	if (code == CURLE_OK && status == 200 && begin(s))
		return say_done(s, NULL, err);
	if (s->err.kind == GW_OK && is_passing(code, status) && s->tries < TRIES) {
		s->at_ms = now_ms() + (AGAIN_MS << (s->tries - 1));
		return true;
	}
	if (s->err.kind != GW_OK)
		why = s->err;
	else if (code == CURLE_OK)
		say_refusal(s, status, &why);
	else
		gw_fail(&why, GW_UNREACHABLE, "%s", s->error[0] ? s->error : curl_easy_strerror(code));
	if (is_passing(code, status))
		why.kind = GW_UNREACHABLE;
	return say_done(s, &why, err);
}

/* ---- some at once ---- */

static char *url_of(const struct s3_client *client, const struct s3_source *source, const char *key)
{
	struct buffer url = {0};

	buffer_printf(&url, "%s%c%s", client->url, source->query ? '?' : '/', source->query ? source->query : "");
	if (!source->query)
		url_escape(&url, key, "/");
	return buffer_take(&url);
}

/* Fills slots and begins what is due. Returns how many are used; *wait_ms is until the next is due, or -1. */
static size_t fill(struct s3_client *client, const struct s3_source *source, int64_t *wait_ms)
{
	int64_t now = now_ms();
	size_t used = 0;

	*wait_ms = -1;
	for (size_t i = 0; i < S3_AT_ONCE; i++) {
		struct slot *s = &client->slots[i];

		if (!s->used && source->next(source->data, &s->fetch)) {
			s->used = true;
			s->url = url_of(client, source, s->fetch.key);
			s->tries = 0;
			s->at_ms = now;
		}
		used += s->used;
		if (!s->used || s->in_multi)
			continue;
		if (s->at_ms <= now)
			try(s);
		else if (*wait_ms < 0 || s->at_ms - now < *wait_ms)
			*wait_ms = s->at_ms - now;
	}
	return used;
}

static bool reap(struct s3_client *client, struct gw_error *err)
{
	CURLMsg *message;
	bool ok = true;
	int left;

	while (ok && (message = curl_multi_info_read(client->multi, &left))) {
		struct slot *s = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
		ok = message->msg != CURLMSG_DONE || on_end(s, message->data.result, err);
	}
	return ok;
}

/* False: it is to be stopped. */
static bool await(struct s3_client *client, int64_t wait_ms, struct gw_error *err)
{
	struct curl_waitfd stop = {.fd = client->stop_fd, .events = CURL_WAIT_POLLIN};

	if (client->show && (wait_ms < 0 || wait_ms > SHOW_MS))
		wait_ms = SHOW_MS;
	curl_multi_poll(client->multi, &stop, client->stop_fd >= 0, wait_ms < 0 ? 1000000 : (int)wait_ms, NULL);
	if (client->show)
		client->show(client->show_data);
	return !stop.revents || gw_fail(err, GW_BUSY, "it was interrupted");
}

static void give_up(struct s3_client *client, const struct gw_error *why)
{
	struct gw_error ignored = {0};

	for (size_t i = 0; i < S3_AT_ONCE; i++) {
		take_out(&client->slots[i]);
		if (client->slots[i].used)
			say_done(&client->slots[i], why, &ignored);
	}
}

bool s3_carry_out(struct s3_client *client, const struct s3_source *source, struct gw_error *err)
{
	int64_t wait_ms;
	bool ok = true;
	int running;

	while (ok && fill(client, source, &wait_ms)) {
		curl_multi_perform(client->multi, &running);
		ok = reap(client, err);
		if (ok && (running || wait_ms >= 0))
			ok = await(client, wait_ms, err);
	}
	if (!ok)
		give_up(client, err);
	return ok;
}

bool s3_fetch(struct s3_client *client, bool (*next)(void *data, struct s3_fetch *fetch), void *data, struct gw_error *err)
{
	return s3_carry_out(client, &(struct s3_source){next, data, NULL}, err);
}

/* ---- the beginning and the end ---- */

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL, *ours = curl_url_get(url, part, &text, flags) == CURLUE_OK ? gw_strdup(text) : NULL;

	curl_free(text);
	return ours;
}

static bool read_access(struct s3_client *client, const char *access_url, const char *bucket)
{
	CURLU *url = gw_have(curl_url());
	bool ok = curl_url_set(url, CURLUPART_URL, access_url, 0) == CURLUE_OK;
	char *scheme = part_of(url, CURLUPART_SCHEME, 0), *host = part_of(url, CURLUPART_HOST, 0);
	char *port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	struct buffer whole = {0};

	client->key = part_of(url, CURLUPART_USER, CURLU_URLDECODE);
	client->secret = part_of(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	ok = ok && scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && host && port && client->key && client->secret;
	if (ok) {
		buffer_printf(&whole, "%s://%s:%s/", scheme, host, port);
		url_escape(&whole, bucket, "");
		client->url = buffer_take(&whole);
	}
	free(scheme);
	free(host);
	free(port);
	curl_url_cleanup(url);
	return ok && *bucket;
}

struct s3_client *s3_client_create(const char *access_url, const char *bucket, struct gw_error *err)
{
	struct s3_client *client = gw_calloc(1, sizeof(*client));

	client->stop_fd = -1;
	client->multi = gw_have(curl_multi_init());
	client->headers = gw_have(curl_slist_append(NULL, HASH_OF_NO_BODY));
	if (read_access(client, access_url, bucket)) {
		for (size_t i = 0; i < S3_AT_ONCE; i++)
			set_up(&client->slots[i], client);
		return client;
	}
	gw_fail(err, GW_UNREACHABLE, "the gateway's way to it makes no sense"); /* it is a secret, and not shown */
	s3_client_destroy(client);
	return NULL;
}

void s3_client_stop_on(struct s3_client *client, int fd)
{
	client->stop_fd = fd;
}

void s3_client_show(struct s3_client *client, void (*show)(void *data), void *data)
{
	client->show = show;
	client->show_data = data;
}

void s3_client_destroy(struct s3_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < S3_AT_ONCE; i++) {
		curl_easy_cleanup(client->slots[i].curl);
		buffer_finish(&client->slots[i].refusal);
	}
	curl_multi_cleanup(client->multi);
	curl_slist_free_all(client->headers);
	free(client->url);
	free(client->key);
	gw_free_secret(client->secret);
	free(client);
}
