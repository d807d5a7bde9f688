/* The jobs that have buckets. A job's row goes with its bucket, whoever removes that. */
#include <stdlib.h>
#include <string.h>

#include "bucketd/store_internal.h"

static bool add(struct store *store, const struct store_job *job, struct s3_error *err)
{
	return sql_run(&store->sql,
		       sql_bind(&store->sql, SQL_JOB_ADD, "tttttt", job->job, job->bucket, job->client_secret, job->dut_secret,
				job->dut_address, job->groups ? job->groups : ""),
		       err);
}

/* The name of its bucket, "" if it has none. */
static bool find_bucket(struct store *store, const char *job, char bucket[BUCKET_NAME_MAX + 1], struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_JOB_FIND, "t", job);
	enum sql_step step = sql_step(&store->sql, stmt, err);

	*bucket = '\0';
	if (step == SQL_ROW)
		sql_text(bucket, BUCKET_NAME_MAX + 1, stmt, 0);
	sql_end(stmt);
	return step != SQL_FAILED;
}

bool store_job_add(struct store *store, const struct store_job *job, struct s3_error *err)
{
	return store_begin(store, err) && store_end(store, bucket_find(store, job->bucket, err) && add(store, job, err), err);
}

static bool remove_row(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	return sql_run(&store->sql, sql_bind(&store->sql, SQL_JOB_REMOVE, "t", (const char *)what), err);
}

bool store_job_remove(struct store *store, const char *job, struct s3_error *err)
{
	return store_remove(store, remove_row, job, err);
}

/* ---- a job's bucket, with all that is in it at first ---- */

static bool fill(struct store *store, int64_t bucket, const struct store_item *items, size_t n, struct data_files *gone,
		 struct s3_error *err)
{
	struct store_object object = {.content_type = "binary/octet-stream", .modified_ns = store_now()};

	for (size_t i = 0; i < n; i++) {
		object.size = items[i].size;
		hex(object.etag, items[i].md5, sizeof(items[i].md5));
		if (!object_replace(store, bucket, items[i].key, items[i].file, &object, gone, err))
			return false;
	}
	return bucket_fits(store, bucket, err);
}

static bool make(struct store *store, const struct store_job *job, const struct store_item *items, size_t n, struct data_files *gone,
		 struct s3_error *err)
{
	char had[BUCKET_NAME_MAX + 1];
	int64_t bucket;

	if (!find_bucket(store, job->job, had, err))
		return false;
	if (*had)
		return s3_fail(err, S3_BUCKET_EXISTS, NULL);
	bucket = bucket_add(store, job->bucket, err);
	return bucket && fill(store, bucket, items, n, gone, err) && add(store, job, err);
}

bool store_job_make(struct store *store, const struct store_job *job, const struct store_item *items, size_t n, struct s3_error *err)
{
	struct data_files gone = {0}; /* a name that a tar has twice: the last one stays */
	bool ok = bucket_name_accepted(job->bucket, err) && store_begin(store, err);

	ok = ok && store_end(store, make(store, job, items, n, &gone, err), err);
	if (ok)
		data_remove(store, &gone);
	data_files_finish(&gone);
	return ok;
}

bool store_job_remove_whole(struct store *store, const char *job, struct s3_error *err)
{
	char bucket[BUCKET_NAME_MAX + 1];

	if (!store_begin(store, err) || !store_end(store, find_bucket(store, job, bucket, err), err))
		return false;
	/* the row goes with the bucket; nobody else makes a bucket of this name */
	return !*bucket || store_remove_bucket(store, bucket, err) || err->code == S3_NO_SUCH_BUCKET;
}

/* ---- all of them ---- */

static void read_job(struct store_job *job, sqlite3_stmt *stmt)
{
	sql_text(job->job, sizeof(job->job), stmt, 0);
	sql_text(job->bucket, sizeof(job->bucket), stmt, 1);
	sql_text(job->client_secret, sizeof(job->client_secret), stmt, 2);
	sql_text(job->dut_secret, sizeof(job->dut_secret), stmt, 3);
	sql_text(job->dut_address, sizeof(job->dut_address), stmt, 4);
	job->groups = gw_strdup((const char *)gw_have((void *)sqlite3_column_text(stmt, 5)));
}

static bool read_jobs(struct store *store, struct store_jobs *jobs, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_JOBS, "");
	enum sql_step step;
	size_t size = 0;

	while ((step = sql_step(&store->sql, stmt, err)) == SQL_ROW) {
		if (jobs->n == size) {
			size = size ? 2 * size : 16;
			jobs->v = gw_realloc(jobs->v, size * sizeof(*jobs->v));
		}
		read_job(&jobs->v[jobs->n++], stmt);
	}
	return step == SQL_DONE;
}

bool store_jobs_list(struct store *store, struct store_jobs *jobs, struct s3_error *err)
{
	*jobs = (struct store_jobs){0};
	if (store_begin(store, err) && store_end(store, read_jobs(store, jobs, err), err))
		return true;
	store_jobs_finish(jobs);
	return false;
}

void store_jobs_finish(struct store_jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		free(jobs->v[i].groups);
	if (jobs->v)
		explicit_bzero(jobs->v, jobs->n * sizeof(*jobs->v));
	free(jobs->v);
	*jobs = (struct store_jobs){0};
}
