/* The `metadata` of a job submission, decoded. Pure. */
#ifndef EXECUTORD_JOB_REQUEST_H
#define EXECUTORD_JOB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"

struct job_variable {
	char *name, *value; /* owned */
};

struct job_request {
	char *job_id;       /* the submitter's name for it; NULL: none */
	char *target_id;    /* NULL: none */
	char **target_tags; /* owned, as each is */
	size_t n_target_tags;
	bool has_target;     /* it overrides the job's */
	char *callback_host; /* NULL: the request's address */
	int callback_port;
	struct job_variable *environ; /* owned */
	size_t n_environ;
	char *desc_url; /* where the description is; NULL: it was sent */
	/* Who the submitter says to be at the bucket service: both, or neither. `secret_key` is not for any message. */
	char *access_key, *secret_key;
	char **groups; /* owned, as each is: whose buckets the machine is to reach */
	size_t n_groups;
};

/* GW_BAD_INPUT names the field, what was found and what is accepted. Unknown keys are ignored, as the field's clients expect. On failure
 * nothing needs freeing. */
bool job_request_decode(struct job_request *rq, const char *json, size_t len, struct gw_error *err);
void job_request_finish(struct job_request *rq); /* accepts zeroed memory */

#endif
