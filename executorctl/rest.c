#include "executorctl/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/rest_request.h"
#include "libgateway/fetch_url.h"
#include "libgateway/json.h"
#include "libgateway/log.h"
#include "libgateway/percent.h"
#include "libgateway/url.h"

enum {
	ANSWER_MAX = 64 << 20,
	CONNECT_S = 10,
	TOTAL_MS = 120000,
	SILENCE_S = 660 /* of a request without a total: a job's bucket takes the gateway up to ten minutes to fill */
};

static size_t take_answer(char *bytes, size_t size, size_t n, void *data)
{
	return buffer_add(data, bytes, size * n) ? size * n : 0;
}

bool rest_request_init(struct rest_request *rq, const struct ctl *ctl, const char *path, struct gw_error *err)
{
	const char *ca = getenv("SSL_CERT_FILE"); /* a private CA */
	struct url_host host;
	size_t len = strlen(ctl->url);

	*rq = (struct rest_request){.answer.max = ANSWER_MAX};
	if (!fetch_url_host_of(ctl->url, &host, err))
		return gw_context(err, "--executor");
	while (len && ctl->url[len - 1] == '/')
		len--;
	rq->url = gw_sprintf("%.*s/api/v1/%s", (int)len, ctl->url, path);
	rq->shown = url_shown(ctl->url);
	rq->curl = curl_easy_init();
	gw_assert(rq->curl);
	curl_easy_setopt(rq->curl, CURLOPT_URL, rq->url);
	curl_easy_setopt(rq->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(rq->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(rq->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	if (ctl->patience_ms >= 0)
		curl_easy_setopt(rq->curl, CURLOPT_TIMEOUT_MS, ctl->patience_ms ? ctl->patience_ms : (long)TOTAL_MS);
	curl_easy_setopt(rq->curl, CURLOPT_LOW_SPEED_LIMIT, ctl->patience_ms < 0 ? 1L : 0L);
	curl_easy_setopt(rq->curl, CURLOPT_LOW_SPEED_TIME, ctl->patience_ms < 0 ? (long)SILENCE_S : 0L);
	curl_easy_setopt(rq->curl, CURLOPT_USERAGENT, "executorctl/" GW_VERSION);
	curl_easy_setopt(rq->curl, CURLOPT_ERRORBUFFER, rq->error);
	curl_easy_setopt(rq->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(rq->curl, CURLOPT_WRITEDATA, &rq->answer);
	if (ca && *ca)
		curl_easy_setopt(rq->curl, CURLOPT_CAINFO, ca);
	return true;
}

void rest_request_finish(struct rest_request *rq)
{
	curl_easy_cleanup(rq->curl);
	buffer_finish(&rq->answer);
	free(rq->url);
	free(rq->shown);
}

static enum gw_error_kind kind_of(long status)
{
	return status == 404 ? GW_NOT_FOUND : status == 409 ? GW_BUSY : status >= 500 ? GW_UNREACHABLE : GW_REFUSED;
}

void rest_fail_with_reason(const struct rest_request *rq, long status, struct gw_error *err)
{
	const char *text = rq->answer.data ? rq->answer.data : "";
	cJSON *json = json_decode(text, rq->answer.len, NULL);
	const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
	char shown[400];

	if (!reason)
		reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error_msg"));
	if (reason)
		gw_fail(err, kind_of(status), "%s", log_escape(shown, sizeof(shown), reason, strlen(reason)));
	else
		gw_fail(err, kind_of(status), "%s answered %ld: %s", rq->shown, status,
			log_escape(shown, sizeof(shown), text, rq->answer.len));
	cJSON_Delete(json);
}

void rest_fail_without_answer(const struct rest_request *rq, CURLcode code, struct gw_error *err)
{
	long why = 0;

	curl_easy_getinfo(rq->curl, CURLINFO_OS_ERRNO, &why);
	if (code == CURLE_COULDNT_CONNECT && why)
		gw_fail(err, GW_UNREACHABLE, "%s cannot be reached: %s", rq->shown, strerror((int)why));
	else
		gw_fail(err, GW_UNREACHABLE, "%s cannot be reached: %s", rq->shown, rq->error[0] ? rq->error : curl_easy_strerror(code));
}

/* The HTTP status; 0: none. */
static long perform(struct rest_request *rq, struct gw_error *err)
{
	CURLcode code = curl_easy_perform(rq->curl);
	long status = 0;

	if (code != CURLE_OK) {
		rest_fail_without_answer(rq, code, err);
		return 0;
	}
	curl_easy_getinfo(rq->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		rest_fail_with_reason(rq, status, err);
	return status;
}

static cJSON *answer_of(const struct rest_request *rq, struct gw_error *err)
{
	cJSON *json = json_decode(rq->answer.data ? rq->answer.data : "", rq->answer.len, err);

	if (!json && err) {
		gw_context(err, "%s answered with what is", rq->shown);
		err->kind = GW_UNREACHABLE;
	}
	return json;
}

cJSON *rest_ask(const struct ctl *ctl, const char *method, const char *path, const cJSON *body, struct gw_error *err)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char *text = body ? cJSON_PrintUnformatted(body) : gw_strdup("");
	struct rest_request rq = {0};
	cJSON *json = NULL;

	if (rest_request_init(&rq, ctl, path, err)) {
		if (strcmp(method, "GET") != 0) {
			curl_easy_setopt(rq.curl, CURLOPT_CUSTOMREQUEST, method);
			curl_easy_setopt(rq.curl, CURLOPT_HTTPHEADER, headers);
			curl_easy_setopt(rq.curl, CURLOPT_POSTFIELDS, text);
		}
		if (perform(&rq, err) == 200)
			json = answer_of(&rq, strcmp(method, "GET") == 0 ? err : NULL);
		if (!json && err->kind == GW_OK)
			json = cJSON_CreateObject(); /* a change may be answered with anything */
	}
	rest_request_finish(&rq);
	curl_slist_free_all(headers);
	free(text);
	return json;
}

long rest_post_form(const struct ctl *ctl, const char *path, void (*fill)(void *data, curl_mime *form), void *data, struct gw_error *err)
{
	struct rest_request rq = {0};
	curl_mime *form = NULL;
	long status = 0;

	if (rest_request_init(&rq, ctl, path, err)) {
		form = curl_mime_init(rq.curl);
		fill(data, form);
		curl_easy_setopt(rq.curl, CURLOPT_MIMEPOST, form);
		status = perform(&rq, err);
	}
	rest_request_finish(&rq);
	curl_mime_free(form);
	return status;
}

cJSON *rest_post_text(const struct ctl *ctl, const char *path, const char *type, const char *text, size_t len, struct gw_error *err)
{
	char *header = gw_sprintf("Content-Type: %s", type);
	struct curl_slist *headers = curl_slist_append(NULL, header);
	struct rest_request rq = {0};
	cJSON *json = NULL;

	if (rest_request_init(&rq, ctl, path, err)) {
		curl_easy_setopt(rq.curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(rq.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(rq.curl, CURLOPT_POSTFIELDS, text);
		if (perform(&rq, err) == 200)
			json = answer_of(&rq, err);
	}
	rest_request_finish(&rq);
	curl_slist_free_all(headers);
	free(header);
	return json;
}

char *rest_path(const char *shape, const char *const *names)
{
	struct buffer out = {0};

	for (; *shape; shape++)
		if (shape[0] == '%' && shape[1] == 's') {
			url_escape(&out, *names++, ":"); /* readable, as in MAC addresses */
			shape++;
		} else {
			buffer_add(&out, shape, 1);
		}
	return buffer_take(&out);
}
