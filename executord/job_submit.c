/* A user's job until it has its machine. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/admission.h"
#include "executord/alarms.h"
#include "executord/executord.h"
#include "executord/rest.h"
#include "executord/tarball.h"
#include "libgateway/log.h"
#include "libgateway/shared_bounds.h"
#include "libgateway/utf8.h"

#define IN_MEMORY (1U << 20) /* bytes: a larger body goes into a file */
#define FORM_MAX  (8U << 20) /* bytes of metadata */

/* The field's client shows the answer's text as it is when an archive is refused. */
static void say(struct http_request *rq, int status, const char *text)
{
	if (status == JOB_NOT_A_TAR)
		http_answer(rq, status, "text/plain; charset=utf-8", text, strlen(text));
	else
		rest_answer_job(rq, status, text);
}

void job_answer(struct job *job, int status, const char *text)
{
	if (!job->answer)
		return;
	http_answer_header(job->answer, "X-Executor-Job", job->id);
	say(job->answer, status, text);
	job->answer = NULL;
}

/* The target: the metadata's, or else the description's own. */
static struct target target_of(const struct job_request *request, const struct msg_job_prepared *prepared)
{
	if (request->has_target || !prepared)
		return (struct target){request->target_id, request->target_tags, request->n_target_tags};
	return (struct target){prepared->target_id, prepared->target_tags.v, prepared->target_tags.n};
}

static struct dut *choose(struct executord *ex, const struct target *target, int *status, struct gw_error *err)
{
	struct registry *r = &ex->registry;
	struct candidate *v = gw_calloc(r->n_duts + 1, sizeof(*v));
	struct dut **duts = gw_calloc(r->n_duts + 1, sizeof(*duts)), *chosen;
	bool alarms = alarms_there_are(ex);
	size_t n = 0, i;

	for (i = 0; i < r->n_duts; i++) {
		const struct mars_dut *mars = registry_mars(ex, r->duts[i]);

		if (!mars)
			continue;
		duts[n] = r->duts[i];
		v[n++] = (struct candidate){.id = r->duts[i]->id,
					    .full_name = r->duts[i]->full_name,
					    .tags = &mars->tags,
					    .manual_tags = &mars->manual_tags,
					    .state = r->duts[i]->state,
					    .is_retired = mars->is_retired,
					    .alarm = alarms && alarms_hold(ex, r->duts[i])};
	}
	i = admission_choose(v, n, ex->settings.farm_tag, target, status, err);
	chosen = i == SIZE_MAX ? NULL : duts[i];
	free(v);
	free(duts);
	return chosen;
}

bool job_choose_dut(struct job *job, const struct msg_job_prepared *prepared)
{
	struct target target = target_of(&job->request, prepared);
	struct gw_error err = {0};
	int status = 500;
	char cause[200];
	struct dut *dut = choose(job->ex, &target, &status, &err);

	if (!dut) {
		job_answer(job, status, err.text);
		return false;
	}
	job->dut = dut;
	dut->job = job;
	snprintf(cause, sizeof(cause), "job=%s%s%.64s", job->id, job->request.job_id ? " job_id=" : "",
		 job->request.job_id ? job->request.job_id : "");
	dut_apply(dut, DUT_EV_JOB_ACCEPTED, cause, NULL); /* admission has just asked the same table: this goes */
	return true;
}

void jobs_on_no_jobd(struct executord *ex, const char *why)
{
	struct job *next;

	for (struct job *job = ex->jobs.first; job; job = next) {
		next = job->next;
		if (job->phase != JOB_WAITING || job->kind != DUT_JOB_USER)
			continue;
		job_answer(job, 503, why);
		job_destroy(job);
	}
}

/* ---- POST /api/v1/jobs ---- */

static const struct http_part *want_part(const struct http_request *rq, const char *name, struct gw_error *err)
{
	const struct http_part *part = http_part(rq, name);

	if (!part)
		gw_fail(err, GW_BAD_INPUT,
			"the part '%s' is missing; accepted: multipart/form-data with `metadata` (JSON) and `job` (YAML)", name);
	return part;
}

/* It goes to jobd as JSON, which has no room for other bytes. */
static bool job_text_accepted(const char *text, size_t len, struct gw_error *err)
{
	size_t nul = strlen(text), good = utf8_prefix(text, len);

	if (nul < len && nul < good)
		return gw_fail(err, GW_BAD_INPUT, "job: a NUL byte at offset %zu", nul);
	return good == len || gw_fail(err, GW_BAD_INPUT, "job: not UTF-8 at offset %zu", good);
}

/* The part `job`, or metadata's job_desc_url: one of them. */
static bool take_description(const struct http_request *rq, const struct job_request *request, const struct http_part **text,
			     struct gw_error *err)
{
	*text = http_part(rq, "job");
	if (request->desc_url)
		return !*text || !(*text)->len ||
		       gw_fail(err, GW_BAD_INPUT, "both the part 'job' and metadata.job_desc_url are given; accepted: one of them");
	*text = want_part(rq, "job", err);
	return *text && job_text_accepted((*text)->data, (*text)->len, err);
}

/* The first of a name would be taken, and what is not known would be lost without a word. */
static bool parts_are_known(const struct http_request *rq, struct gw_error *err)
{
	static const char *const names[] = {"metadata", "job", JOB_ARCHIVE};
	unsigned seen[sizeof(names) / sizeof(names[0])] = {0};
	const struct http_part *part;

	for (size_t i = 0; (part = http_part_at(rq, i)); i++) {
		size_t k = 0;

		while (k < sizeof(names) / sizeof(names[0]) && strcmp(names[k], part->name) != 0)
			k++;
		if (k == sizeof(names) / sizeof(names[0]))
			return gw_fail(err, GW_BAD_INPUT, "the part '%.64s' is not known; accepted: metadata, job, " JOB_ARCHIVE,
				       part->name);
		if (seen[k]++)
			return gw_fail(err, GW_BAD_INPUT, "the part '%s' is given twice", part->name);
	}
	return true;
}

/* Each part that is held in memory, and the archive, which is not. 0: none is too large. */
static int too_large(const struct executord *ex, const struct http_request *rq, struct gw_error *err)
{
	const int64_t mib = env_integer(&ex->env, OPT_BUCKETD_BUCKET_SIZE);
	const struct http_part *part;

	for (size_t i = 0; (part = http_part_at(rq, i)); i++) {
		bool archive = strcmp(part->name, JOB_ARCHIVE) == 0;
		uint64_t max = archive ? (uint64_t)mib << 20 : strcmp(part->name, "job") == 0 ? JOB_TEXT_MAX : FORM_MAX;

		if (part->len > max) {
			gw_fail(err, GW_BAD_INPUT, "%s: it is too large; accepted: %llu bytes", part->name, (unsigned long long)max);
			return 413;
		}
	}
	return 0;
}

/* What is wrong with the bucket that the job wants. 0: nothing, or it wants none. */
static int bucket_refused(struct executord *ex, const struct http_part *archive, const struct job_request *request, struct gw_error *err)
{
	if (request->n_groups && !request->access_key) {
		gw_fail(err, GW_REFUSED,
			"metadata: minio.groups: no group is granted without credentials; accepted with "
			"minio.credentials{access_key,secret_key}");
		return 403;
	}
	if (archive && !tarball_begins(archive->data, archive->len)) {
		gw_fail(err, GW_BAD_INPUT, JOB_ARCHIVE ": this is not a tar archive; accepted: tar, plain or gzip");
		return JOB_NOT_A_TAR;
	}
	return (archive || request->n_groups) && !buckets_there(ex, err) ? gw_http_status(err->kind) : 0;
}

/* What needs no jobd to be refused. 0: nothing does. */
static int refused_at_once(struct executord *ex, const struct http_request *rq, const struct job_request *request, struct gw_error *err)
{
	struct target target = target_of(request, NULL);
	int status = bucket_refused(ex, http_part(rq, JOB_ARCHIVE), request, err);

	if (status)
		return status;
	return request->has_target && !choose(ex, &target, &status, err) ? status : 0;
}

/* Before the body is there. */
bool rest_post_job_head(void *owner, struct http_request *rq)
{
	const char *length = http_header(rq, "Content-Length");
	uint64_t size = length ? strtoull(length, NULL, 10) : 0;
	struct executord *ex = owner;
	struct gw_error err = {0};
	int fd;

	if (!rest_may_change(ex, rq, &err)) {
		rest_answer_job(rq, 400, err.text);
		return false;
	}
	if (length && size <= IN_MEMORY)
		return true;
	fd = buckets_body_file(ex, size, &err);
	if (fd < 0) {
		rest_answer_job(rq, gw_http_status(err.kind), err.text);
		return false;
	}
	http_body_into(rq, fd);
	if (!length)
		http_body_spares(rq, BUCKETS_RESERVE);
	return true;
}

static int decode(struct executord *ex, const struct http_request *rq, struct job_request *request, const struct http_part **text,
		  struct gw_error *err)
{
	const struct http_part *metadata;
	int status;

	if (!parts_are_known(rq, err))
		return 400;
	status = too_large(ex, rq, err);
	if (status)
		return status;
	if (!(metadata = want_part(rq, "metadata", err)) || !job_request_decode(request, metadata->data, metadata->len, err) ||
	    !take_description(rq, request, text, err))
		return 400;
	return refused_at_once(ex, rq, request, err);
}

void rest_post_job(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	const struct http_part *text = NULL, *archive = http_part(rq, JOB_ARCHIVE);
	struct job_request request = {0};
	struct job_bucket *bucket = NULL;
	struct gw_error err = {0};
	int status = decode(ex, rq, &request, &text, &err);

	if (!status && (archive || request.n_groups) && !(bucket = job_bucket_create(ex, rq, archive, &err)))
		status = gw_http_status(err.kind);
	if (status) {
		job_request_finish(&request);
		say(rq, status, err.text);
		return;
	}
	if (!request.callback_host)
		request.callback_host = rest_address(http_peer(rq));
	jobs_submit(ex, &request, request.desc_url ? NULL : gw_strndup(text->data, text->len), bucket, rq);
}
