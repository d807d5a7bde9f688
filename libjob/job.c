/* What is asked of a job once it is loaded. */
#include "libjob/job.h"

#include "libgateway/shared_bounds.h"
#include "libjob/pattern_internal.h"
#include "libjob/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MIN 4 /* shorter ones would mask half of the text */

const struct value *job_names_for_target(struct value_pool *pool, const struct value *environ_dict)
{
	struct value *names = value_dict(pool);

	value_set(pool, names, "ready_for_service", value_bool(true));
	value_set(pool, names, "machine_id", value_string(pool, "machine_id"));
	value_set(pool, names, "machine", value_dict(pool));
	value_set(pool, names, "dut", value_dict(pool));
	value_set(pool, names, "machine_tags", value_list(pool));
	value_set(pool, names, "environ", environ_dict ? environ_dict : value_dict(pool));
	return names;
}

const struct job_deployment *job_deployment(const struct job *job, unsigned boot)
{
	return boot < 2 ? &job->start : &job->next;
}

/* A copy of a dict, one level deep. */
static struct value *copied(struct value_pool *pool, const struct value *dict)
{
	struct value *copy = value_dict(pool);

	if (value_type(dict) == VALUE_DICT)
		for (size_t i = 0; i < value_len(dict); i++)
			value_set_key(pool, copy, value_key_at(dict, i), value_item_at(dict, i));
	return copy;
}

/* `names` with job.deployment.kernel.{url,cmdline} of this boot. */
static const struct value *with_deployment(struct value_pool *pool, const struct job_deployment *deployment, const struct value *names)
{
	struct value *all = copied(pool, names), *job = copied(pool, value_get(names, "job"));
	struct value *kernel = value_dict(pool), *dict = value_dict(pool);

	value_set(pool, kernel, "url", value_string(pool, deployment->kernel ? deployment->kernel->url : NULL));
	value_set(pool, kernel, "cmdline", value_string(pool, deployment->cmdline));
	value_set(pool, dict, "kernel", kernel);
	value_set(pool, job, "deployment", dict);
	value_set(pool, all, "job", job);
	return all;
}

/* A command line is one line: what was written over several is joined by spaces, and nothing stands around it. */
static void make_one_line(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if ((unsigned char)*from >= ' ')
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* Else it is freed. */
static bool fits(char **cmdline, struct gw_error *err)
{
	size_t n = strlen(*cmdline);

	if (n <= JOB_CMDLINE_MAX)
		return true;
	free(*cmdline);
	*cmdline = NULL;
	return gw_fail(err, GW_BAD_INPUT, "cmdline: %zu bytes, once rendered, are too many; accepted: up to %d", n, JOB_CMDLINE_MAX);
}

bool job_cmdline(const struct job *job, unsigned boot, const struct value *names, char **out, struct gw_error *err)
{
	const struct job_deployment *deployment = job_deployment(job, boot);
	struct value_pool pool;
	bool good;

	if (!deployment->cmdline) {
		*out = gw_strdup("");
		return true;
	}
	value_pool_init(&pool, 0);
	good = template_render("cmdline", deployment->cmdline, strlen(deployment->cmdline), with_deployment(&pool, deployment, names), out,
			       err);
	value_pool_finish(&pool);
	if (good)
		make_one_line(*out);
	return good && fits(out, err);
}

/* 1: yes, and *url is set; 0: no; -1: it took too much or names a group that is not there. */
static int matches(const struct job_artifact *artifact, const char *path, long *steps, char **url, struct gw_error *err)
{
	struct pattern *pattern;
	int found;

	*url = NULL;
	if (!artifact->is_regex) {
		found = strcmp(artifact->path, path) == 0;
		*url = found ? gw_strdup(artifact->url) : NULL;
		return found;
	}
	if (!pattern_compile(&pattern, artifact->where, artifact->path, true, err))
		return -1;
	found = pattern_search_within(pattern, path, strlen(path), steps);
	if (found < 0)
		pattern_took_too_much(pattern, strlen(path), err);
	else if (found && artifact->url && !(*url = pattern_expand(pattern, path, artifact->url, err)))
		found = -1;
	pattern_destroy(pattern);
	return found;
}

const struct job_artifact *job_storage_match(const struct job_artifacts *storage, const char *path, char **url, struct gw_error *err)
{
	long steps = STEPS_MAX;

	*url = NULL;
	for (size_t i = 0; i < storage->n; i++) {
		int found = matches(&storage->v[i], path, &steps, url, err);

		if (found)
			return found > 0 ? &storage->v[i] : NULL;
	}
	gw_fail(err, GW_NOT_FOUND, "no storage entry of this job answers '%.200s'", path);
	return NULL;
}

/* The longest of the secrets that `at` begins with, since one may begin with another; 0: none. */
static size_t secret_at(const char *at, const char *const *secrets, size_t n)
{
	size_t longest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = secrets[i] ? strlen(secrets[i]) : 0;

		if (len >= SECRET_MIN && len > longest && strncmp(at, secrets[i], len) == 0)
			longest = len;
	}
	return longest;
}

char *job_masked(const char *text, const char *const *secrets, size_t n)
{
	char *masked = NULL;
	size_t size, len;
	FILE *out = open_memstream(&masked, &size);

	gw_assert(out);
	while (*text) {
		len = secret_at(text, secrets, n);
		if (len)
			fputs("[MASKED]", out);
		else
			fputc(*text, out);
		text += len ? len : 1;
	}
	fclose(out);
	return masked;
}
