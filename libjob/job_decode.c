/* A rendered description to a job: every error in one pass. */
#include "libjob/job_reader.h"
#include "libjob/template.h"

#include "libgateway/shared_bounds.h"
#include "libgateway/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void read_version(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	if (!tree_is(tree_resolve(node), "1"))
		reader_refuse(r, node, path, "a version of job descriptions", "1");
}

static void read_tags(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job *job = out;

	if (!reader_is_list(r, node, path, "a list of tags; [] is any machine"))
		return;
	if (tree_resolve(node)->n > JOB_TARGET_TAGS_MAX)
		return reader_complain(r, node, path, "too many tags; accepted: up to %d", JOB_TARGET_TAGS_MAX);
	job->target_tags = reader_texts(r, tree_resolve(node), path, &job->n_target_tags);
	for (size_t i = 0; i < job->n_target_tags; i++)
		reader_within(r, node, path, job->target_tags[i], JOB_TARGET_MAX);
	job->has_target = true;
}

static void read_id(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job *job = out;

	reader_string(r, node, path, &job->target_id);
	reader_within(r, node, path, job->target_id, JOB_TARGET_MAX);
}

static const struct reader_field target_fields[] = {{"id", read_id}, {"tags", read_tags}, {NULL}};

static void read_target(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct job *job = out;

	if (!reader_map(r, node, path, "a target", target_fields, job))
		return;
	job->has_target |= job->target_id != NULL;
	if (!reader_has(r, map, "id") && !reader_has(r, map, "tags") && !r->options->target_in_metadata)
		reader_complain(r, node, path,
				"neither 'id' nor 'tags' is given; accepted: one of them or both, tags: [] being any machine");
}

/* ISO 8601 as Python's datetime writes and reads it; without a zone it is UTC. */
static bool parse_date(const char *text, int64_t *seconds)
{
	struct tm tm = {0};
	const char *at = strptime(text, "%Y-%m-%d", &tm);
	int offset = 0, hours, minutes, n = 0;

	if (at && (*at == 'T' || *at == ' '))
		at = strptime(at + 1, "%H:%M", &tm);
	if (at && *at == ':')
		at = strptime(at + 1, "%S", &tm);
	if (at && *at == '.' && strspn(at + 1, "0123456789"))
		at += 1 + strspn(at + 1, "0123456789");
	if (at && (*at == '+' || *at == '-') && sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &n) == 2 && n == 5) {
		offset = (*at == '-' ? -60 : 60) * (hours * 60 + minutes);
		at += 6;
	} else if (at && *at == 'Z') {
		at++;
	}
	if (!at || *at)
		return false;
	*seconds = timegm(&tm) - offset;
	return true;
}

static void read_deadline(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job *job = out;
	int64_t when;

	reader_string(r, node, path, &job->deadline);
	if (!job->deadline)
		return;
	if (!parse_date(job->deadline, &when))
		return reader_refuse(r, node, path, "a date", "ISO 8601 like 2024-12-31T23:59:59+00:00");
	job->deadline_passed = r->options->wall_now && when < r->options->wall_now;
}

static void read_endpoints(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	if (reader_is_list(r, node, path, "a list; only an empty one, since the proxy is not built yet") && tree_resolve(node)->n)
		reader_complain(r, node, path, "the proxy is not built yet; accepted: an empty list");
}

static const struct reader_field proxy_fields[] = {{"allowed_endpoints", read_endpoints}, {NULL}};

static void read_proxy(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a proxy", proxy_fields, out);
}

static const struct reader_field job_fields[] = {
	{"version", read_version},
	{"target", read_target},
	{"deadline", read_deadline},
	{"proxy", read_proxy},
	{"timeouts", read_timeouts},
	{"console_patterns", read_patterns, 0, true},
	{"deployment", read_deployment, 0, true},
	{NULL},
};

static void read_job(struct reader *r, struct job *job)
{
	const struct tree_node *root = tree_root(r->tree);

	if (!root || tree_is_null(root))
		return reader_complain(r, root, NULL, "it is empty; accepted: a job description");
	timeouts_set_defaults(job, r->options);
	patterns_set_defaults(job, r->options);
	if (!reader_map(r, root, NULL, "a job", job_fields, job))
		return;
	if (!r->options->target_in_metadata && !reader_has(r, tree_resolve(root), "target"))
		reader_complain(r, root, NULL, "'target' is missing; a job needs it");
	timeouts_derive(job);
	watchdogs_keep_timed(job);
}

static const char *where_of(const struct job_options *options)
{
	return options->where ? options->where : "job";
}

bool job_decode(struct job *job, const char *rendered, size_t n, const struct job_options *options, struct gw_errors *errs)
{
	size_t before = errs->n + errs->left_out;
	struct tree *tree;
	struct reader r = {.where = where_of(options), .options = options, .errs = errs};

	*job = (struct job){0};
	if (n > JOB_TEXT_MAX) {
		gw_errors_add(errs, GW_BAD_INPUT, "%s: %zu bytes are too many; accepted: up to %d", r.where, n, JOB_TEXT_MAX);
		return false;
	}
	tree = tree_parse(rendered, n, r.where, errs);
	if (!tree)
		return false;
	r.tree = tree;
	read_job(&r, job);
	tree_destroy(tree);
	if (errs->n + errs->left_out == before) {
		job->rendered = gw_strndup(rendered, n);
		return true;
	}
	job_finish(job);
	return false;
}

bool job_text_is_good(const char *text, size_t n, const char *where, struct gw_errors *errs)
{
	const char *zero = memchr(text, '\0', n);
	size_t bad = utf8_prefix(text, n);
	int line = 1;

	if (zero && (size_t)(zero - text) < bad)
		bad = (size_t)(zero - text);
	if (n > JOB_TEXT_MAX)
		gw_errors_add(errs, GW_BAD_INPUT, "%s: %zu bytes are too many; accepted: up to %d", where, n, JOB_TEXT_MAX);
	if (n > JOB_TEXT_MAX || bad == n)
		return n <= JOB_TEXT_MAX;
	for (size_t i = 0; i < bad; i++)
		line += text[i] == '\n';
	gw_errors_add(errs, GW_BAD_INPUT, "%s:%d: byte 0x%02x is not valid here; accepted: UTF-8 without a character 0", where, line,
		      (unsigned char)text[bad]);
	return false;
}

bool job_load(struct job *job, const char *text, size_t n, const struct value *names, const struct job_options *options,
	      struct gw_errors *errs)
{
	struct gw_error err = {0};
	char *rendered;
	bool good;

	*job = (struct job){0};
	if (!job_text_is_good(text, n, where_of(options), errs))
		return false;
	if (!template_render(where_of(options), text, n, names, &rendered, &err)) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	good = job_decode(job, rendered, strlen(rendered), options, errs);
	free(rendered);
	return good;
}

void job_finish(struct job *job)
{
	free(job->target_id);
	for (size_t i = 0; i < job->n_target_tags; i++)
		free(job->target_tags[i]);
	free(job->target_tags);
	free(job->deadline);
	patterns_finish(job);
	deployment_finish(&job->start);
	deployment_finish(&job->next);
	free(job->rendered);
	*job = (struct job){0};
}
