#include "libbus/ended_jobs.h"

#include <stdlib.h>
#include <string.h>

static bool has(const struct ended_jobs *ended, const char *job)
{
	for (size_t i = 0; ended->ids && i < ENDED_JOBS_MAX; i++)
		if (ended->ids[i] && strcmp(ended->ids[i], job) == 0)
			return true;
	return false;
}

void ended_jobs_add(struct ended_jobs *ended, const char *job)
{
	if (has(ended, job))
		return;
	if (!ended->ids)
		ended->ids = gw_calloc(ENDED_JOBS_MAX, sizeof(*ended->ids));
	free(ended->ids[ended->next]);
	ended->ids[ended->next] = gw_strdup(job);
	ended->next = (ended->next + 1) % ENDED_JOBS_MAX;
}

bool ended_jobs_check(const struct ended_jobs *ended, const char *job, struct gw_error *err)
{
	return !has(ended, job) || gw_fail(err, GW_REFUSED, "job %s has ended: its capability is good for nothing any more", job);
}

void ended_jobs_finish(struct ended_jobs *ended)
{
	for (size_t i = 0; ended->ids && i < ENDED_JOBS_MAX; i++)
		free(ended->ids[i]);
	free(ended->ids);
	*ended = (struct ended_jobs){0};
}
