#include "executord/job_bucket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executord/archive_copy.h"
#include "executord/executord.h"
#include "executord/rest.h"
#include "libgateway/log.h"

struct job_bucket {
	struct executord *ex;
	struct job *job;             /* NULL: it is gone, and the copying is waited for */
	char host[256];              /* by which the submitter calls this gateway */
	struct archive_copy archive; /* what is copied to `path` */
	char *path;                  /* owned; STATE/uploads/JOB.tar; NULL: it brings none, or its file is gone */
	bool copying, copied, asked, made;
	uv_work_t work;
	struct gw_error failed; /* while the job waited for another jobd */
	char name[64], client_key[129], client_secret[65], dut_key[129], dut_secret[65];
};

/* ---- the file ---- */

static void on_removed_file(uv_fs_t *rq)
{
	uv_fs_req_cleanup(rq);
	free(rq);
}

/* On another thread, since a large one takes its time. */
static void remove_file(struct job_bucket *b)
{
	uv_fs_t *rq;

	if (b->path && b->copied) {
		rq = gw_calloc(1, sizeof(*rq));
		gw_assert(uv_fs_unlink(&b->ex->loop.uv, rq, b->path, on_removed_file) == 0);
	}
	free(b->path);
	b->path = NULL;
}

static void free_bucket(struct job_bucket *b)
{
	remove_file(b);
	archive_copy_finish(&b->archive);
	explicit_bzero(b, sizeof(*b));
	free(b);
}

void job_bucket_destroy(struct job_bucket *b)
{
	if (!b)
		return;
	bus_forget(&b->ex->bus, b);
	b->job = NULL;
	if (!b->copying)
		free_bucket(b);
}

/* ---- a submission's ---- */

/* The request's Host without its port, brackets kept; or the address that it came to. */
static void host_of(const struct http_request *rq, char *out, size_t size)
{
	const char *host = http_header(rq, "Host"), *end;
	char *address;

	if (!host || !*host) {
		address = rest_address(http_local(rq));
		snprintf(out, size, strchr(address, ':') ? "[%s]" : "%s", address);
		free(address);
		return;
	}
	end = *host == '[' ? strchr(host, ']') : NULL;
	snprintf(out, size, "%.*s", (int)(end ? (size_t)(end + 1 - host) : strcspn(host, ":")), host);
}

struct job_bucket *job_bucket_create(struct executord *ex, const struct http_request *rq, const struct http_part *archive,
				     struct gw_error *err)
{
	struct job_bucket *b = gw_calloc(1, sizeof(*b));

	b->ex = ex;
	b->work.data = b;
	host_of(rq, b->host, sizeof(b->host));
	if (!archive || archive_copy_init(&b->archive, rq, archive, err))
		return b;
	free_bucket(b);
	return NULL;
}

/* ---- its making ---- */

/* Not the submitter's fault, but for the archive. */
static int status_of(enum gw_error_kind kind)
{
	return kind == GW_BAD_INPUT ? JOB_NOT_A_TAR : kind == GW_NO_SPACE ? 507 : 503;
}

static void fail(struct job_bucket *b)
{
	struct job *job = b->job;
	struct gw_error err = b->failed;

	if (job->phase != JOB_FILLING)
		return; /* once it is its turn again */
	jobd_pool_give_back(b->ex, job->jobd);
	job->jobd = NULL;
	job_answer(job, status_of(err.kind), err.text);
	job_failed_early(job, "SETUP_FAIL", err.text);
}

static void take(struct job_bucket *b, const struct msg_bucket *made)
{
	snprintf(b->name, sizeof(b->name), "%s", made->name);
	snprintf(b->client_key, sizeof(b->client_key), "%s", made->client_key);
	snprintf(b->client_secret, sizeof(b->client_secret), "%s", made->client_secret);
	snprintf(b->dut_key, sizeof(b->dut_key), "%s", made->dut_key);
	snprintf(b->dut_secret, sizeof(b->dut_secret), "%s", made->dut_secret);
	b->made = true;
}

static void on_created(void *data, const void *answer, const struct gw_error *err)
{
	struct job_bucket *b = data;

	remove_file(b);
	if (answer) {
		take(b, answer);
		if (b->job->phase == JOB_FILLING)
			jobs_go(b->ex, b->job);
		return;
	}
	b->failed = *err;
	if (err->kind == GW_BAD_INPUT)
		gw_context(&b->failed, JOB_ARCHIVE);
	else
		gw_context(&b->failed, "the job's bucket could not be made");
	fail(b);
}

static void ask_create(struct job_bucket *b)
{
	struct job *job = b->job;
	const struct mars_dut *mars = registry_mars(b->ex, job->dut);
	const struct msg_bucket_create create = {.job = job->id,
						 .job_id = job->request.job_id,
						 .dut = job->dut->id,
						 .dut_address = mars ? mars->ip_address : NULL,
						 .tarball = b->path,
						 .groups = {job->request.groups, job->request.n_groups}};

	if (b->asked)
		return; /* for a jobd that died since: the answer comes */
	b->asked = job->has_bucket = true;
	bus_ask(&b->ex->bus, "bucketd", MSG_BUCKET_CREATE, &create, 0, on_created, b);
}

static void on_copy(uv_work_t *work)
{
	struct job_bucket *b = work->data;

	archive_copy_to(&b->archive, b->path, &b->failed);
}

static void on_copied(uv_work_t *work, int status)
{
	struct job_bucket *b = work->data;

	b->copying = false;
	b->copied = true;
	archive_copy_finish(&b->archive);
	if (!b->job)
		free_bucket(b);
	else if (b->failed.kind != GW_OK)
		fail(b);
	else if (b->job->phase == JOB_FILLING)
		ask_create(b);
}

void job_bucket_make(struct job *job)
{
	struct job_bucket *b = job->bucket;

	b->job = job;
	job->phase = JOB_FILLING;
	if (b->failed.kind != GW_OK) {
		fail(b);
	} else if (b->copied || !archive_copy_is_wanted(&b->archive)) {
		ask_create(b);
	} else if (!b->copying) {
		b->path = gw_sprintf("%s/%s.tar", b->ex->buckets.uploads, job->id);
		b->copying = true;
		gw_assert(uv_queue_work(&b->ex->loop.uv, &b->work, on_copy, on_copied) == 0);
	}
}

bool job_bucket_is_made(const struct job *job)
{
	return !job->bucket || job->bucket->made;
}

void job_bucket_describe(const struct job *job, struct msg_job_bucket *into)
{
	struct job_bucket *b = job->bucket;

	*into = (struct msg_job_bucket){
		.name = b->name,
		.access_url = gw_sprintf("http://%s:%s@%s:%d", b->client_key, b->client_secret, b->host, buckets_port(b->ex)),
		.dut_key = b->dut_key,
		.dut_secret = b->dut_secret};
}

/* ---- its end ---- */

static void on_removed(void *data, const void *answer, const struct gw_error *err)
{
	struct executord *ex = data;

	if (answer || !bus_peer_up(&ex->bus, "bucketd"))
		return; /* bucketd hears which jobs there are when it is there again */
	log_warning("a job's bucket could not be removed: %s; tried again", err->text);
	buckets_configure_later(ex);
}

void job_bucket_end(struct job *job)
{
	struct msg_bucket_remove remove = {.job = job->id};

	if (!job->has_bucket || !bus_peer_up(&job->ex->bus, "bucketd"))
		return;
	job->has_bucket = false;
	bus_ask(&job->ex->bus, "bucketd", MSG_BUCKET_REMOVE, &remove, 0, on_removed, job->ex);
}
