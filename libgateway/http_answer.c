/* Answers from memory: made by a handler within its call or later, queued by http_request.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"
#include "libgateway/utf8.h"

void http_answer_response(struct http_request *rq, int status, struct MHD_Response *response)
{
	gw_assert(!rq->answered);
	for (size_t i = 0; i < rq->n_answer_headers; i++)
		if (MHD_add_response_header(response, rq->answer_headers[i].name, rq->answer_headers[i].value) != MHD_YES)
			log_warning("http: the header %.100s of an answer is left out: its value cannot be sent",
				    rq->answer_headers[i].name);
	rq->answered = true;
	rq->status = status;
	rq->response = response;
	if (!rq->server)
		http_request_free(rq);
	else
		http_request_resume(rq);
}

void http_answer_header(struct http_request *rq, const char *name, const char *value)
{
	http_pair_add(&rq->answer_headers, &rq->n_answer_headers, name, value);
}

static struct MHD_Response *from_memory(const char *content_type, void *body, size_t len, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, body, mode);

	gw_assert(response); /* out of memory */
	if (content_type)
		MHD_add_response_header(response, "Content-Type", content_type);
	return response;
}

void http_answer(struct http_request *rq, int status, const char *content_type, const void *body, size_t len)
{
	http_answer_response(rq, status, from_memory(content_type, (void *)(uintptr_t)body, len, MHD_RESPMEM_MUST_COPY));
}

void http_answer_json(struct http_request *rq, int status, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	gw_assert(text); /* out of memory */
	http_answer_response(rq, status, from_memory("application/json", text, strlen(text), MHD_RESPMEM_MUST_FREE));
}

/* A text may quote bytes of the request, or end within a character. */
static void answer_error(struct http_request *rq, int status, const char *text)
{
	char *shown = gw_strdup(text);
	cJSON *json = cJSON_CreateObject();

	utf8_clean(shown);
	cJSON_AddStringToObject(json, "error", shown);
	free(shown);
	http_answer_json(rq, status, json);
}

void http_answer_error(struct http_request *rq, const struct gw_error *err)
{
	gw_assert(err->kind != GW_OK);
	answer_error(rq, gw_http_status(err->kind), err->text);
}

void http_answer_status(struct http_request *rq, int status, const char *fmt, ...)
{
	char text[sizeof(((struct gw_error *)0)->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	answer_error(rq, status, text);
}
