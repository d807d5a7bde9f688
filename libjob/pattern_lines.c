/* A job's console patterns and the line that is being received. */
#include "libjob/pattern_internal.h"

#include <stdlib.h>
#include <string.h>

struct patterns {
	struct pattern *fixed[JOB_PATTERNS]; /* NULL: not given */
	struct pattern *(*watchdogs)[PATTERN_PARTS];
	bool (*watchdog_hits)[PATTERN_PARTS];
	size_t n_watchdogs;
	size_t n;                        /* of the line so far, at most PATTERN_LINE_MAX */
	bool was_cut;                    /* bytes of this line were dropped */
	bool last_is_cr;                 /* the byte before, dropped or not */
	bool line_ended;                 /* the line in the buffer was handed out: the next byte begins a new one */
	char line[PATTERN_LINE_MAX + 2]; /* room for the end of a line that was cut */
};

static bool compile_watchdog(struct patterns *p, size_t i, const struct job_watchdog *dog, struct gw_error *err)
{
	const char *const regexes[PATTERN_PARTS] = {dog->start, dog->reset, dog->stop};
	static const char *const parts[PATTERN_PARTS] = {"start", "reset", "stop"};
	bool good = true;

	for (int k = 0; good && k < PATTERN_PARTS; k++) {
		char *name = gw_sprintf("console_patterns.watchdogs.%s.%s", dog->name, parts[k]);

		good = pattern_compile(&p->watchdogs[i][k], name, regexes[k], false, err);
		free(name);
	}
	return good;
}

static bool compile_fixed(struct patterns *p, const struct job *job, struct gw_error *err)
{
	bool good = true;

	for (int i = 0; good && i < JOB_PATTERNS; i++) {
		char *name = gw_sprintf("console_patterns.%s", job_pattern_names[i]);

		good = !job->patterns[i] || pattern_compile(&p->fixed[i], name, job->patterns[i], false, err);
		free(name);
	}
	return good;
}

bool patterns_create(struct patterns **out, const struct job *job, struct gw_error *err)
{
	struct patterns *p = gw_calloc(1, sizeof(*p));
	bool good;

	p->n_watchdogs = job->n_watchdogs;
	p->watchdogs = gw_calloc(job->n_watchdogs, sizeof(*p->watchdogs));
	p->watchdog_hits = gw_calloc(job->n_watchdogs, sizeof(*p->watchdog_hits));
	good = compile_fixed(p, job, err);
	for (size_t i = 0; good && i < job->n_watchdogs; i++)
		good = compile_watchdog(p, i, &job->watchdogs[i], err);
	if (!good) {
		patterns_destroy(p);
		p = NULL;
	}
	*out = p;
	return good;
}

void patterns_destroy(struct patterns *p)
{
	if (!p)
		return;
	for (int i = 0; i < JOB_PATTERNS; i++)
		pattern_destroy(p->fixed[i]);
	for (size_t i = 0; i < p->n_watchdogs; i++)
		for (int k = 0; k < PATTERN_PARTS; k++)
			pattern_destroy(p->watchdogs[i][k]);
	free(p->watchdogs);
	free(p->watchdog_hits);
	free(p);
}

void patterns_new_boot(struct patterns *p)
{
	p->n = 0;
	p->was_cut = p->last_is_cr = p->line_ended = false;
}

/* All patterns of a line share its steps. */
struct search {
	const struct patterns *p;
	long steps;
	const struct pattern *greediest;
	long most; /* steps that it took */
	bool failed;
};

static bool search(struct search *s, struct pattern *pattern, struct gw_error *err)
{
	long before = s->steps;
	int found;

	if (!pattern || s->failed)
		return false;
	found = pattern_search_within(pattern, s->p->line, s->p->n, &s->steps);
	if (before - s->steps > s->most) {
		s->most = before - s->steps;
		s->greediest = pattern;
	}
	s->failed = found < 0;
	if (s->failed)
		pattern_took_too_much(s->steps < 0 ? s->greediest : pattern, s->p->n, err);
	return found > 0;
}

static void search_line(struct patterns *p, struct pattern_match *match, struct gw_error *err)
{
	struct search s = {.p = p, .steps = STEPS_MAX};

	*match = (struct pattern_match){.watchdogs = p->watchdog_hits, .n_watchdogs = p->n_watchdogs, .line = p->line, .n = p->n};
	for (int i = 0; i < JOB_PATTERNS; i++)
		match->any |= match->hit[i] = search(&s, p->fixed[i], err);
	for (size_t i = 0; i < p->n_watchdogs; i++)
		for (int k = 0; k < PATTERN_PARTS; k++)
			match->any |= match->watchdogs[i][k] = search(&s, p->watchdogs[i][k], err);
}

static void keep(struct patterns *p, const unsigned char *bytes, size_t n)
{
	size_t room = PATTERN_LINE_MAX - p->n;
	size_t kept = n < room ? n : room;

	memcpy(p->line + p->n, bytes, kept);
	p->n += kept;
	p->was_cut |= kept < n;
	if (n)
		p->last_is_cr = bytes[n - 1] == '\r';
}

/* Puts the end of the line behind what was kept of it. */
static void end_line(struct patterns *p)
{
	if (p->was_cut && p->last_is_cr)
		p->line[p->n++] = '\r';
	p->line[p->n++] = '\n';
}

size_t patterns_feed(struct patterns *p, const unsigned char *bytes, size_t n, bool *is_line, struct pattern_match *match,
		     struct gw_error *err)
{
	const unsigned char *lf = n ? memchr(bytes, '\n', n) : NULL;
	size_t before_lf = lf ? (size_t)(lf - bytes) : n;

	if (p->line_ended)
		patterns_new_boot(p);
	keep(p, bytes, before_lf);
	*is_line = lf != NULL;
	if (!lf)
		return n;
	end_line(p);
	search_line(p, match, err);
	p->line_ended = true;
	return before_lf + 1;
}
