/* executorctl run: a job's description to the gateway, its console to the terminal, its status as the exit code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/session.h"
#include "executorctl/submit.h"
#include "libgateway/buffer.h"

enum { JOB_MAX = 16 << 20 };

const struct ctl_option ctl_run_options[] = {
	{'w', "wait", NULL, "While all the machines that would do are busy, ask again each second."},
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

static char *read_stream(FILE *file, const char *name, size_t *len, struct gw_error *err)
{
	struct buffer job = {.max = JOB_MAX};
	char bytes[16384];
	size_t n;
	bool fits = true;

	while (fits && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_add(&job, bytes, n);
	if (ferror(file))
		gw_fail_errno(err, GW_BAD_INPUT, errno, "run: cannot read %s", name);
	else if (!fits)
		gw_fail(err, GW_BAD_INPUT, "run: %s is too long for a job; accepted: up to %d bytes", name, JOB_MAX);
	else if (!job.len)
		gw_fail(err, GW_BAD_INPUT, "run: %s is empty", name);
	*len = job.len;
	if (err->kind == GW_OK)
		return buffer_take(&job);
	buffer_finish(&job);
	return NULL;
}

static char *read_job(const char *path, size_t *len, struct gw_error *err)
{
	FILE *file;
	char *job;

	if (strcmp(path, "-") == 0)
		return read_stream(stdin, "standard input", len, err);
	file = fopen(path, "re");
	if (!file) {
		gw_fail_errno(err, GW_BAD_INPUT, errno, "run: cannot open %s", path);
		return NULL;
	}
	job = read_stream(file, path, len, err);
	fclose(file);
	return job;
}

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
	job = err->kind == GW_OK ? read_job(args->operands[0], &len, err) : NULL;
	fd = job ? submit_job(ctl, args, job, len, err) : -1;
	free(job);
	return fd < 0 ? never_started(err) : (int)session_run(fd, ctl->colour, err);
}
