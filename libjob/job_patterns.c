/* `console_patterns` of a job, and its watchdogs. */
#include "libjob/job_reader.h"

#include <stdlib.h>
#include <string.h>

#define WATCHDOGS_MAX 64

/* The field's own default, `Power Down$`, matches what no current kernel prints. */
static const char session_end[] = "^\\[[\\d \\.]{12}\\] reboot: Power [Dd]own\\r?$";

static const struct reader_field regex_fields[] = {{"regex", reader_regex, 0, true}, {NULL}};

static void read_pattern(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a pattern", regex_fields, out);
}

static void watchdog_finish(struct job_watchdog *dog)
{
	free(dog->name);
	free(dog->start);
	free(dog->reset);
	free(dog->stop);
}

struct job_watchdog *reader_watchdog(struct reader *r, struct job *job, const struct tree_node *value, const struct tree_path *path)
{
	struct job_watchdog *dog;
	char *name;

	for (size_t i = 0; i < job->n_watchdogs; i++)
		if (tree_is(value->key, job->watchdogs[i].name))
			return &job->watchdogs[i];
	if (job->n_watchdogs == WATCHDOGS_MAX) {
		reader_complain(r, value->key, path, "too many watchdogs; accepted: up to %d", WATCHDOGS_MAX);
		return NULL;
	}
	name = reader_key(r, value, path);
	if (!name)
		return NULL;
	job->watchdogs = gw_realloc(job->watchdogs, (job->n_watchdogs + 1) * sizeof(*job->watchdogs));
	dog = &job->watchdogs[job->n_watchdogs++];
	*dog = (struct job_watchdog){.name = name, .timeout = {.ms = -1}};
	return dog;
}

static const struct reader_field watchdog_fields[] = {
	{"start", read_pattern, offsetof(struct job_watchdog, start), true},
	{"reset", read_pattern, offsetof(struct job_watchdog, reset), true},
	{"stop", read_pattern, offsetof(struct job_watchdog, stop), true},
	{NULL},
};

static void read_watchdogs(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct job_watchdog *dog;

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "watchdogs", "a mapping of names to watchdogs");
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		dog = tree_is_null(value) ? NULL : reader_watchdog(r, out, value, &here);
		if (dog)
			reader_map(r, value, &here, "a watchdog", watchdog_fields, dog);
	}
}

void watchdogs_keep_timed(struct job *job)
{
	size_t kept = 0;

	for (size_t i = 0; i < job->n_watchdogs; i++) {
		struct job_watchdog *dog = &job->watchdogs[i];

		if (dog->timeout.given && dog->start && dog->reset && dog->stop)
			job->watchdogs[kept++] = *dog;
		else
			watchdog_finish(dog);
	}
	job->n_watchdogs = kept;
}

static const struct reader_field patterns_fields[] = {
	{"session_end", read_pattern, offsetof(struct job, patterns[JOB_SESSION_END])},
	{"session_reboot", read_pattern, offsetof(struct job, patterns[JOB_SESSION_REBOOT])},
	{"job_success", read_pattern, offsetof(struct job, patterns[JOB_SUCCESS])},
	{"job_warn", read_pattern, offsetof(struct job, patterns[JOB_WARN])},
	{"machine_unfit_for_service", read_pattern, offsetof(struct job, patterns[JOB_UNFIT])},
	{"watchdogs", read_watchdogs},
	{NULL},
};

void patterns_set_defaults(struct job *job, const struct job_options *options)
{
	job->patterns[JOB_SESSION_END] = gw_strdup(session_end);
	job->patterns[JOB_UNFIT] = gw_strdup(options->default_unfit_regex);
}

void read_patterns(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "console patterns", patterns_fields, out);
}

void patterns_finish(struct job *job)
{
	for (int i = 0; i < JOB_PATTERNS; i++)
		free(job->patterns[i]);
	for (size_t i = 0; i < job->n_watchdogs; i++)
		watchdog_finish(&job->watchdogs[i]);
	free(job->watchdogs);
}
