/* Whether bytes are a tar archive, by their beginning. Pure. */
#ifndef EXECUTORD_TARBALL_H
#define EXECUTORD_TARBALL_H

#include <stdbool.h>
#include <stddef.h>

bool tarball_begins(const char *bytes, size_t len); /* plain or gzip; an empty archive (zeros alone) is one */

#endif
