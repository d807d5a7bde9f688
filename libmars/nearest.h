/* "did you mean": the word of a list that was probably meant. Used by libmars and libjob. */
#ifndef LIBMARS_NEAREST_H
#define LIBMARS_NEAREST_H

#include <stddef.h>

struct nearest { /* zeroed: none so far */
	const char *name;
	size_t distance;
};

/* Takes `candidate` if it is nearer than what there is, and near enough to be a slip of the keyboard. */
void nearest_try(struct nearest *best, const char *candidate, const char *name, size_t len);
/* The nearest of a NULL-terminated list, or NULL. */
const char *nearest_of(const char *const *names, const char *name, size_t len);

#endif
