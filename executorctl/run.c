/* executorctl run: a job's description to the gateway, its console to the terminal, its status as the exit code. */
#include <stdlib.h>
#include <unistd.h>

#include "executorctl/bucket_mirror.h"
#include "executorctl/input.h"
#include "executorctl/session.h"
#include "executorctl/share_pack.h"
#include "executorctl/submit.h"

const struct ctl_option ctl_run_options[] = {
	{'w', "wait", NULL, "While all the machines that would do are busy, wait for one to become free."},
	{'t', "machine-tag", "TAG", "A tag that the machine must have; may be given again."},
	{'i', "machine-id", "ID", "The machine, by its id or full name."},
	{'j', "job-id", "ID", "A name for the job."},
	{'c', "callback", "HOST", "Where the gateway connects back to; default: the address that our request comes from."},
	{'s', "share-directory", "DIRECTORY", "A directory shared with the job, by its bucket; made if it is missing."},
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

static int submit(const struct ctl *ctl, const struct ctl_args *args, const char *directory, struct gw_error *err)
{
	struct submission sent = {.tar = -1};
	char *job = input_read(args->operands[0], &sent.len, err);
	int fd = -1;

	sent.job = job;
	if (job && directory)
		sent.tar = share_pack(directory, err);
	if (err->kind == GW_BAD_INPUT)
		gw_context(err, "run");
	else if (err->kind == GW_OK)
		fd = submit_job(ctl, args, &sent, err);
	if (sent.tar >= 0)
		close(sent.tar);
	free(job);
	return fd;
}

static bool mirror(const struct session_bucket *bucket, const char *directory, struct gw_error *err)
{
	if (bucket->name)
		return bucket_mirror(bucket->access_url, bucket->name, directory, err);
	return gw_fail(err, GW_UNREACHABLE, "the job had no bucket: %s is as it was sent", directory);
}

/* Who asked for the job's results does not want to hear that all is well without them. */
int ctl_run(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *directory = ctl_value(args, 's');
	struct session_bucket bucket = {0};
	int fd = submit(ctl, args, directory, err), code;

	if (fd < 0)
		return never_started(err);
	code = (int)session_run(fd, ctl->colour, &bucket, err);
	if (directory && err->kind == GW_OK && !mirror(&bucket, directory, err) && code == JOB_PASS)
		code = 1;
	session_bucket_finish(&bucket);
	close(fd);
	return code;
}
