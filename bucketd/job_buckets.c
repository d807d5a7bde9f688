#include "bucketd/job_buckets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/jobs.h"
#include "libgateway/log.h"

/* ---- the credentials that hold ---- */

static void show(struct job_buckets *buckets)
{
	buckets->access->jobs = buckets->jobs.v;
	buckets->access->n_jobs = buckets->jobs.n;
}

static struct store_job *find(struct job_buckets *buckets, const char *job)
{
	for (size_t i = 0; i < buckets->jobs.n; i++)
		if (strcmp(buckets->jobs.v[i].job, job) == 0)
			return &buckets->jobs.v[i];
	return NULL;
}

static void end_access(struct job_buckets *buckets, const char *job)
{
	struct store_job *found = find(buckets, job);

	if (!found)
		return;
	free(found->groups);
	*found = buckets->jobs.v[--buckets->jobs.n];
	explicit_bzero(&buckets->jobs.v[buckets->jobs.n], sizeof(*found));
	show(buckets);
}

static void begin_access(struct job_buckets *buckets, struct store_job *job)
{
	struct store_jobs *jobs = &buckets->jobs;

	jobs->v = gw_realloc(jobs->v, (jobs->n + 1) * sizeof(*jobs->v));
	jobs->v[jobs->n] = *job;
	jobs->v[jobs->n++].groups = gw_strdup(job->groups);
	show(buckets);
}

static enum gw_error_kind kind_of(enum s3_code code)
{
	return code == S3_FULL ? GW_NO_SPACE : code == S3_INVALID_ARGUMENT ? GW_BAD_INPUT : code == S3_BUSY ? GW_BUSY : GW_INTERNAL;
}

static void answer_error(struct bus_call *call, const char *job, const char *what, const struct s3_error *err)
{
	struct gw_error why = {0};

	gw_fail(&why, kind_of(err->code), "the job's bucket cannot be %s: %s", what, err->text);
	log_warning("%s%s", log_job(job), why.text);
	if (call)
		bus_answer_error(call, &why);
}

/* ---- one is made ---- */

struct creation {
	struct job_buckets *buckets;
	struct bus_call *call;
	struct store_job job;
	char *tarball; /* owned; NULL: none */
	bool was_there;
	struct s3_error err;
};

/* Asked before, perhaps by an executord that has died meanwhile: it stays as it is. */
static bool was_made(struct creation *c)
{
	struct store_jobs jobs = {0};

	if (!store_jobs_list(c->buckets->store, &jobs, &c->err))
		return false;
	for (size_t i = 0; i < jobs.n; i++) {
		if (strcmp(jobs.v[i].job, c->job.job) != 0)
			continue;
		free(c->job.groups);
		c->job = jobs.v[i];
		jobs.v[i].groups = NULL;
		c->was_there = true;
	}
	store_jobs_finish(&jobs);
	return c->was_there;
}

static void create(void *data)
{
	struct creation *c = data;

	if (!was_made(c) && c->err.code == S3_OK)
		job_bucket_create(c->buckets->store, &c->job, c->tarball, &c->err);
}

static void answer_created(struct creation *c)
{
	char client[BUCKET_NAME_MAX + 8], dut[BUCKET_NAME_MAX + 8];
	struct msg_bucket body = {.name = c->job.bucket,
				  .client_key = client,
				  .client_secret = c->job.client_secret,
				  .dut_key = dut,
				  .dut_secret = c->job.dut_secret};

	snprintf(client, sizeof(client), "%s-client", c->job.bucket);
	snprintf(dut, sizeof(dut), "%s-dut", c->job.bucket);
	if (!find(c->buckets, c->job.job))
		begin_access(c->buckets, &c->job);
	log_info("%sbucket %s is %s", log_job(c->job.job), c->job.bucket, c->was_there ? "there already" : "made");
	bus_answer(c->call, &body);
}

static void on_created(void *data, bool done)
{
	struct creation *c = data;

	if (!done)
		s3_fail(&c->err, S3_BUSY, "bucketd ends");
	if (c->err.code == S3_OK)
		answer_created(c);
	else
		answer_error(c->call, c->job.job, "made", &c->err);
	free(c->job.groups);
	free(c->tarball);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static char *lines_of(const struct bus_texts *texts)
{
	struct buffer lines = {0};

	for (size_t i = 0; i < texts->n; i++)
		buffer_printf(&lines, "%s\n", texts->v[i]);
	return buffer_take(&lines);
}

void job_buckets_create(struct job_buckets *buckets, const struct msg_bucket_create *body, struct bus_call *call)
{
	struct creation *c = gw_calloc(1, sizeof(*c));

	c->buckets = buckets;
	c->call = call;
	c->tarball = gw_strdup(body->tarball);
	c->job.groups = lines_of(&body->groups);
	snprintf(c->job.job, sizeof(c->job.job), "%s", body->job);
	snprintf(c->job.dut_address, sizeof(c->job.dut_address), "%s", body->dut_address ? body->dut_address : "");
	job_bucket_name(c->job.bucket, body->dut, body->job_id, body->job);
	work_add(buckets->work, c->job.job, create, on_created, c);
}

/* ---- one goes ---- */

struct removal {
	struct job_buckets *buckets;
	struct bus_call *call; /* NULL: nobody asked */
	char *job;             /* owned */
	struct s3_error err;
};

static void drop(void *data)
{
	struct removal *r = data;

	job_bucket_remove(r->buckets->store, r->job, &r->err);
}

static void on_dropped(void *data, bool done)
{
	struct removal *r = data;

	if (!done)
		s3_fail(&r->err, S3_BUSY, "bucketd ends");
	end_access(r->buckets, r->job); /* one that was just being made when its end was said */
	if (r->err.code != S3_OK)
		answer_error(r->call, r->job, "removed", &r->err);
	else if (r->call)
		bus_answer(r->call, NULL);
	free(r->job);
	free(r);
}

void job_buckets_remove(struct job_buckets *buckets, const char *job, struct bus_call *call)
{
	struct removal *r = gw_calloc(1, sizeof(*r));

	*r = (struct removal){.buckets = buckets, .call = call, .job = gw_strdup(job)};
	end_access(buckets, job);
	work_add(buckets->work, r->job, drop, on_dropped, r);
}

/* ---- who may be named, and who is there ---- */

void job_buckets_check(struct job_buckets *buckets, const struct msg_bucket_grant *body, struct bus_call *call)
{
	struct gw_error err = {0};

	if (access_check_groups(buckets->access, body->user, body->secret, (const char *const *)body->groups.v, body->groups.n, &err))
		bus_answer(call, NULL);
	else
		bus_answer_error(call, &err);
}

static bool is_named(const struct bus_texts *jobs, const char *job)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (strcmp(jobs->v[i], job) == 0)
			return true;
	return false;
}

void job_buckets_configure(struct job_buckets *buckets, const struct bus_texts *jobs)
{
	for (size_t i = buckets->jobs.n; i > 0; i--) { /* from the end: what goes is replaced by the last */
		char job[sizeof(buckets->jobs.v->job)];

		strcpy(job, buckets->jobs.v[i - 1].job);
		if (is_named(jobs, job))
			continue;
		log_info("%sexecutord does not know this job: its bucket goes", log_job(job));
		job_buckets_remove(buckets, job, NULL);
	}
}

bool job_buckets_load(struct job_buckets *buckets, struct access *access, struct store *store, struct work *work, struct gw_error *err)
{
	struct s3_error why = {0};

	*buckets = (struct job_buckets){.access = access, .store = store, .work = work};
	if (!store_jobs_list(store, &buckets->jobs, &why))
		return gw_fail(err, GW_INTERNAL, "the jobs that have buckets cannot be read: %s", why.text);
	show(buckets);
	return true;
}

void job_buckets_finish(struct job_buckets *buckets)
{
	store_jobs_finish(&buckets->jobs);
}
