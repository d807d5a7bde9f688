/* What may stand at a place of executorctl's command line, by the table of commands and the farm as it is. Pure but for `ask`. */
#ifndef EXECUTORCTL_COMPLETE_H
#define EXECUTORCTL_COMPLETE_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* The farm's full-state, owned by the caller; NULL: it cannot be had. `url` is that of -e, NULL: not given. At most once a call. */
typedef cJSON *complete_ask(void *data, const char *url);

/* Words behind `executorctl`; the last one is completed, by as much of it as is there. A line each; none: file names, if anything. */
void complete_words(FILE *out, const char *const *words, size_t n, complete_ask *ask, void *data);

#endif
