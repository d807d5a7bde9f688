/* Requests to the gateway's REST API, one at a time. Blocking: nothing else is to be done meanwhile. */
#ifndef EXECUTORCTL_REST_H
#define EXECUTORCTL_REST_H

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "executorctl/ctl.h"

/* The JSON object that METHOD URL/api/v1/PATH answers with 200; the caller deletes it. What else a change is answered with counts as {}.
 * `body` (or NULL) stays the caller's. NULL with the server's own reason, or why there was no answer (GW_UNREACHABLE). */
cJSON *rest_ask(const struct ctl *ctl, const char *method, const char *path, const cJSON *body, struct gw_error *err);
/* As rest_ask, for a form; the HTTP status, 0 if no answer came. `err` is set unless it is 200. */
long rest_post_form(const struct ctl *ctl, const char *path, void (*fill)(void *data, curl_mime *form), void *data, struct gw_error *err);

/* As rest_ask, POSTing `len` bytes of `type`; an answer that is not JSON is GW_UNREACHABLE. */
cJSON *rest_post_text(const struct ctl *ctl, const char *path, const char *type, const char *text, size_t len, struct gw_error *err);

/* "dut/ID/cancel_job": printf with each %s escaped for a URL's path. The caller frees. */
char *rest_path(const char *shape, const char *const *names);

#endif
