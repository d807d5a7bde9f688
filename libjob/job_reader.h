/* From a YAML tree to a job: what all parts of the description share. Internal to libjob.
 *
 * What is not valid is complained about with its place, left at its default, and reading goes on, so that one pass finds every error.
 * Recursion is bounded by the tree's depth, and what all texts together take by what the tree lets aliases stand for: each is read once
 * for each place where it stands.
 */
#ifndef LIBJOB_JOB_READER_H
#define LIBJOB_JOB_READER_H

#include "libjob/job.h"
#include "libmars/tree.h"

struct reader {
	const char *where; /* "job", for messages */
	const struct tree *tree;
	const struct job_options *options;
	struct gw_errors *errs;
};

typedef void reader_fn(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out);

struct reader_field { /* of a mapping; the last row has no name */
	const char *name;
	reader_fn *read; /* never called with a null value: that is as if the key were not there */
	size_t offset;   /* of what it reads into, in `out` */
	bool required;
};

/* Adds "WHERE:LINE:COLUMN: PATH: ...". */
void reader_complain(struct reader *r, const struct tree_node *at, const struct tree_path *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same of a scalar, list or mapping that is not `wanted`: "'x' is not WANTED; accepted: ACCEPTED". */
void reader_refuse(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *wanted, const char *accepted);
/* Of a key that is none of `fields`: what was meant, or what there is. `noun`: "a job", "an artifact". */
void reader_unknown(struct reader *r, const struct tree_node *key, const struct tree_path *path, const char *noun,
		    const struct reader_field *fields);

/* Reads a mapping by its table. False, and a complaint, if it is none or has other keys. */
bool reader_map(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *noun,
		const struct reader_field *fields, void *out);
/* True for a list; else complains. */
bool reader_is_list(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *accepted);
/* A scalar's text, yours; NULL and a complaint if it is no text or holds a NUL. */
char *reader_text(struct reader *r, const struct tree_node *node, const struct tree_path *path);
char *reader_key(struct reader *r, const struct tree_node *value,
		 const struct tree_path *path); /* the same of a value's key, which may not be long */
char **reader_texts(struct reader *r, const struct tree_node *list, const struct tree_path *path, size_t *n); /* of a list; all is yours */
/* A text, or a list's texts with `between` between them. Yours. */
char *reader_joined(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *between);
reader_fn reader_string; /* `out` is a char **, replaced */
/* Complains of a text that is longer; NULL is fine. */
void reader_within(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *text, size_t max);
reader_fn reader_regex;     /* the same of a regex that compiles */
reader_fn reader_boolean;   /* `out` is a bool * */
reader_fn reader_not_built; /* always a complaint */
/* The index of the scalar in a NULL-terminated list; -1 and a complaint if it is none of them. */
int reader_choice(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *wanted,
		  const char *const *choices);

bool reader_has(const struct reader *r, const struct tree_node *map, const char *key);   /* and it is not null */
struct tree_path reader_step(const struct tree_path *up, const struct tree_node *value); /* the path of a mapping's value */

/* What the template engine wants: UTF-8 without a character 0, of at most JOB_TEXT_MAX bytes. */
bool job_text_is_good(const char *text, size_t n, const char *where, struct gw_errors *errs);

/* The parts, each into a struct job: defaults, then reading, then what depends on several. */
reader_fn read_timeouts, read_patterns, read_deployment;
void timeouts_set_defaults(struct job *job, const struct job_options *options);
void timeouts_derive(struct job *job);
void patterns_finish(struct job *job);
void deployment_finish(struct job_deployment *deployment);
void patterns_set_defaults(struct job *job, const struct job_options *options);
/* The watchdog that `value`'s key names, new or not: its timeout and its patterns stand in two places. NULL: complained about. */
struct job_watchdog *reader_watchdog(struct reader *r, struct job *job, const struct tree_node *value, const struct tree_path *path);
void watchdogs_keep_timed(struct job *job); /* drops those that have no timeout, or no patterns */

#endif
