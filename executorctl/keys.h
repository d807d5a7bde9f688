/* What is typed on the terminal of `executorctl run`. Pure. */
#ifndef EXECUTORCTL_KEYS_H
#define EXECUTORCTL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct keys {
	bool prefix; /* CTRL+A was the last key */
};
/* Puts what goes to the machine into `out` (n bytes of room). Returns false when the user leaves: what was typed before still counts. After
 * CTRL+A: CTRL+C leaves, CTRL+A sends one; any other key is sent alone. */
bool keys_feed(struct keys *keys, const char *in, size_t n, char *out, size_t *out_n);

#endif
