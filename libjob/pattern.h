/* Console patterns: bytes to lines, lines to matches. A line is searched as it was received, CR and LF included, as Python's re.search on
 * bytes.
 *
 * At most PATTERN_LINE_MAX bytes of a line are kept: the rest of a longer line is dropped, and the line is searched as its first
 * PATTERN_LINE_MAX bytes and its end of line. A search that takes more than its share of steps ends with an error that names the pattern
 * (the share keeps a line below 10 ms). Bytes after the last LF wait for theirs. Not thread-safe.
 */
#ifndef LIBJOB_PATTERN_H
#define LIBJOB_PATTERN_H

#include "libjob/job.h"

#define PATTERN_LINE_MAX (16 * 1024) /* what `^.*x` of 17 patterns can search within 10 ms */

/* One compiled regex. Also for whole matches (dhcp, storage paths), where groups are wanted. */
struct pattern;
/* False: `err` says what is wrong and at which offset. `whole`: it must match all of the subject. */
bool pattern_compile(struct pattern **out, const char *name, const char *regex, bool whole, struct gw_error *err);
void pattern_destroy(struct pattern *p);
/* 1: matches; 0: does not; -1: it took too much, `err` names it. */
int pattern_search(struct pattern *p, const char *subject, size_t n, struct gw_error *err);
/* Of the last pattern_search that matched: `template` with \1 .. \99, \g<NAME> and \g<N> replaced. NULL: refers to a group that is not
 * there. */
char *pattern_expand(struct pattern *p, const char *subject, const char *template, struct gw_error *err);

/* As Python's re.sub: `subject` with each match replaced by `template` as of pattern_expand. Yours. NULL: it took too much, or refers to a
 * group that is not there. */
char *pattern_replace(struct pattern *p, const char *subject, const char *template, struct gw_error *err);

enum pattern_watchdog_part { PATTERN_START, PATTERN_RESET, PATTERN_STOP, PATTERN_PARTS };

struct pattern_match { /* of one line */
	bool hit[JOB_PATTERNS];
	bool (*watchdogs)[PATTERN_PARTS]; /* one for each of job->watchdogs; borrowed */
	size_t n_watchdogs;
	bool any;
	const char *line; /* borrowed until the next call; with its end of line */
	size_t n;
};

struct patterns; /* a job's, compiled, and the line that is being received */
bool patterns_create(struct patterns **out, const struct job *job, struct gw_error *err);
void patterns_destroy(struct patterns *p);
void patterns_new_boot(struct patterns *p); /* drops what there is of a line */
/* Takes bytes up to the end of the next line: returns how many of the `n` were taken (n if no line ended, then *is_line is false). On a
 * line `match` is filled in. A pattern that took too much: *is_line is true, `err` is set. */
size_t patterns_feed(struct patterns *p, const unsigned char *bytes, size_t n, bool *is_line, struct pattern_match *match,
		     struct gw_error *err);

#endif
