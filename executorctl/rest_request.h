/* What rest.c and stream.c share: a request to the gateway as libcurl has it. */
#ifndef EXECUTORCTL_REST_REQUEST_H
#define EXECUTORCTL_REST_REQUEST_H

#include <curl/curl.h>

#include "executorctl/ctl.h"
#include "libgateway/buffer.h"

struct rest_request {
	CURL *curl;
	struct buffer answer;
	char *url, *shown;
	char error[CURL_ERROR_SIZE];
};

/* A GET of URL/api/v1/PATH, its answer into `answer`. False: the URL is none. Finish it in any case. */
bool rest_request_init(struct rest_request *rq, const struct ctl *ctl, const char *path, struct gw_error *err);
void rest_request_finish(struct rest_request *rq);
/* Why it was refused: {"error": ...} of REST, {"error_msg": ...} of a job's submission, or plain text. */
void rest_fail_with_reason(const struct rest_request *rq, long status, struct gw_error *err);
void rest_fail_without_answer(const struct rest_request *rq, CURLcode code, struct gw_error *err);

#endif
