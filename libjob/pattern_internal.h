/* The inside of console patterns: pattern_python.c, pattern.c and pattern_lines.c. */
#ifndef LIBJOB_PATTERN_INTERNAL_H
#define LIBJOB_PATTERN_INTERNAL_H

#include "libjob/pattern.h"

#define REGEX_MAX  8192   /* bytes of a regex */
#define STEPS_MAX  300000 /* of all patterns together on one line: some 5 ms */
#define SHOWN_SIZE 80

/* A regex in Python's spelling as PCRE2 reads it. */
struct python_regex {
	char *text; /* owned, 0-terminated; free() it */
	size_t n;
	uint16_t *origin;        /* owned; of each byte of `text` and its end: its offset in Python's */
	uint32_t longest_repeat; /* the largest least number in {}: one item of the regex may walk so far and fail */
};
bool python_regex_read(struct python_regex *out, const char *regex, size_t *bad_at, const char **why);
void python_regex_finish(struct python_regex *r);

/* pattern_search() with a purse of steps that several searches share. */
int pattern_search_within(struct pattern *p, const char *subject, size_t n, long *steps);
/* Fails with the text that says so of this pattern. */
bool pattern_took_too_much(const struct pattern *p, size_t n, struct gw_error *err);

/* `text` on one line, control characters as \xNN, cut to fit `out`. */
const char *pattern_shown(const char *text, char out[SHOWN_SIZE]);

#endif
