/* executorctl run: a job's description to the gateway, its console to the terminal, its status as the exit code. */
#include <stdlib.h>

#include "executorctl/input.h"
#include "executorctl/session.h"
#include "executorctl/submit.h"

const struct ctl_option ctl_run_options[] = {
	{'w', "wait", NULL, "While all the machines that would do are busy, wait for one to become free."},
	{'t', "machine-tag", "TAG", "A tag that the machine must have; may be given again."},
	{'i', "machine-id", "ID", "The machine, by its id or full name."},
	{'j', "job-id", "ID", "A name for the job."},
	{'c', "callback", "HOST", "Where the gateway connects back to; default: the address that our request comes from."},
	{'s', "share-directory", "DIRECTORY", "A directory shared with the job. Not built yet: such a job is refused."},
	{'a', "minio-auth", "KEY:SECRET", "Who to be for the groups below; default: VALVE_MINIO_AUTH_CREDENTIALS."},
	{'g', "minio-group", "GROUP", "A group whose buckets the job may use; may be given again."},
	{'C', "job-cookie", "COOKIE", "Handed on and ignored by the gateway."},
	{'E', "forward-env-regex", "REGEX", "Variables whose whole name matches are the job's `environ`."},
	{0},
};

/* 2 for what cannot be asked for, 6 for a job that never started. */
static int never_started(const struct gw_error *err)
{
	return err->kind == GW_BAD_INPUT ? 2 : JOB_SETUP_FAIL;
}

int ctl_run(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	size_t len;
	char *job;
	int fd;

	if (ctl_given(args, 's'))
		gw_fail(err, GW_REFUSED, "run: --share-directory needs job buckets, which are not built yet; nothing was submitted");
	job = err->kind == GW_OK ? input_read(args->operands[0], &len, err) : NULL;
	if (!job && err->kind == GW_BAD_INPUT)
		gw_context(err, "run");
	fd = job ? submit_job(ctl, args, job, len, err) : -1;
	free(job);
	return fd < 0 ? never_started(err) : (int)session_run(fd, ctl->colour, err);
}
