/* Bad databases made from a good one: for each key and each value that libmars/fields.def knows, every slip that its type can suffer, with
 * the place, the path and the text of its error. */
#ifndef TESTS_HARNESS_MARS_MUTANTS_H
#define TESTS_HARNESS_MARS_MUTANTS_H

#include <stddef.h>

struct mutant {
	const char *text; /* borrowed for the call; may have NUL bytes */
	size_t len;
	const char *error; /* one of its messages is this: "LINE:COLUMN: PATH: TEXT", `*` standing for anything */
};
typedef void mutant_take(void *data, const struct mutant *mutant);

/* Calls `take` with each. `text` is a valid database in block style. Returns how many there were. */
size_t mars_mutants(const char *text, size_t len, mutant_take *take, void *data);

#endif
