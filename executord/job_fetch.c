/* A user's job whose description is fetched: artifactd, the only program that opens users' URLs, does it, before the job waits for a jobd.
 */
#include <stdlib.h>

#include "executord/executord.h"
#include "executord/jobs.h"

/* What is wrong with the URL or with what is there is the submitter's mistake, whatever kind of error it is: 404 would be a machine. */
static void on_text(void *data, const void *answer, const struct gw_error *why)
{
	const struct msg_artifact_text *text = answer;
	struct job *job = data;
	struct executord *ex = job->ex;
	struct gw_error err = *why;

	if (text) {
		job->text = gw_strdup(text->text);
		job->phase = JOB_WAITING;
		jobs_serve(ex);
		return;
	}
	gw_context(&err, "metadata: job_desc_url");
	job_answer(job, bus_peer_up(&ex->bus, "artifactd") ? 400 : 503, err.text);
	job_destroy(job);
}

void job_fetch(struct job *job)
{
	struct msg_artifact_text_get get = {.job = job->id, .url = job->request.desc_url};

	job->phase = JOB_FETCHING;
	bus_ask(&job->ex->bus, "artifactd", MSG_ARTIFACT_TEXT, &get, 0, on_text, job);
}
