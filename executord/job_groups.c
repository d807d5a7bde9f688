/* A user's job that names groups of job buckets: bucketd says whether who submits it may. */
#include <stdio.h>

#include "executord/executord.h"
#include "executord/jobs.h"

static void on_checked(void *data, const void *answer, const struct gw_error *why)
{
	struct job *job = data;
	struct gw_error err = *why;

	if (answer) {
		job_begin(job);
		return;
	}
	gw_context(&err, "metadata: minio.groups");
	job_answer(job, why->kind == GW_REFUSED || why->kind == GW_NOT_FOUND ? 403 : 503, err.text);
	job_destroy(job);
}

void job_check_groups(struct job *job)
{
	const struct job_request *request = &job->request;
	const struct msg_bucket_grant grant = {
		.user = request->access_key, .secret = request->secret_key, .groups = {request->groups, request->n_groups}};

	job->phase = JOB_CHECKING;
	bus_ask(&job->ex->bus, "bucketd", MSG_BUCKET_CHECK, &grant, 0, on_checked, job);
}
