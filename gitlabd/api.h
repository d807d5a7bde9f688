/* Requests of GitLab's runners API. A token goes in a header or in the body, never in an address, a log record or an error text. Loop
 * thread only. */
#ifndef GITLABD_API_H
#define GITLABD_API_H

#include "gitlabd/api_answer.h"
#include "libgateway/http_client.h"

struct api_runner { /* what is registered */
	const char *description, *runner_type;
	int64_t group_id, project_id; /* just what the type needs is sent */
	int64_t maximum_timeout;
	const char *tags; /* with commas between */
};

struct api_ask {
	enum api_what what;
	const char *url;                 /* the GitLab's; url_host_of takes it */
	const char *secret;              /* the token of the request */
	int64_t id;                      /* API_DETAILS, API_REMOVE_ID */
	const struct api_runner *runner; /* API_REGISTER; API_LIST: of which type, group or project */
	int64_t page;                    /* API_LIST; from 1 */
};

#define API_SECRET_MIN 8               /* characters: a shorter token is none */
bool api_is_secret(const char *token); /* NULL is none */

/* Everything of `ask` is borrowed for the call. `done` runs exactly once, from the loop and never within this call, unless cancelled; the
 * answer is borrowed, and what is taken out of it is set to NULL there. */
struct api_call;
typedef void api_done(void *data, struct api_answer *answer);
struct api_call *api_send(struct http_client *http, const struct api_ask *ask, api_done *done, void *data);
void api_cancel(struct api_call *call); /* NULL is fine */

#endif
