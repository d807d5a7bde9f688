/* What a job's capability opened, closed behind the job: a jobd that goes on, or whoever has seen the capability, can do nothing with it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "executord/executord.h"
#include "libgateway/log.h"

struct capability_end { /* one that pdud has not confirmed yet */
	struct executord *ex;
	char job[64];
	struct capability_end *next; /* in jobs.ends */
};

static void on_ignored(void *data, const void *answer, const struct gw_error *err)
{
}

static void drop(struct capability_end *end)
{
	struct capability_end **at = &end->ex->jobs.ends;

	while (*at != end)
		at = &(*at)->next;
	*at = end->next;
	bus_forget(&end->ex->bus, end);
	free(end);
}

static void on_revoked(void *data, const void *answer, const struct gw_error *err)
{
	struct capability_end *end = data;

	if (!answer && err->kind == GW_UNREACHABLE)
		return; /* said again when pdud is there */
	log_debug("job=%s its capability is good for nothing any more", end->job);
	drop(end);
}

static void ask(struct capability_end *end)
{
	struct msg_lease_revoke revoke = {.job = end->job};

	bus_forget(&end->ex->bus, end);
	bus_ask(&end->ex->bus, "pdud", MSG_LEASE_REVOKE, &revoke, 0, on_revoked, end);
}

void job_end_capability(const struct job *job)
{
	struct executord *ex = job->ex;
	struct msg_artifact_release release = {.job = (char *)job->id};
	struct msg_capability withdraw = {.capability = (char *)job->capability};
	struct capability_end *end;

	bus_ask(&ex->bus, "artifactd", MSG_ARTIFACT_RELEASE, &release, 0, on_ignored, NULL);
	if (!job->went)
		return;
	end = gw_calloc(1, sizeof(*end));
	bus_ask(&ex->bus, "bootsd", MSG_BOOT_WITHDRAW, &withdraw, 0, on_ignored, NULL);
	end->ex = ex;
	snprintf(end->job, sizeof(end->job), "%s", job->id);
	end->next = ex->jobs.ends;
	ex->jobs.ends = end;
	ask(end);
}

void job_capabilities_on_pdud_up(struct executord *ex)
{
	for (struct capability_end *end = ex->jobs.ends; end; end = end->next)
		ask(end);
}

void job_capabilities_finish(struct executord *ex)
{
	while (ex->jobs.ends)
		drop(ex->jobs.ends);
}
