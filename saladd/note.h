/* What saladd leaves in the runtime folder for its next start. Others of the bus's group may write that folder: a file that is not ours is
 * neither read nor written through. */
#ifndef SALADD_NOTE_H
#define SALADD_NOTE_H

#include <stdbool.h>
#include <stddef.h>

/* Without fsync: it is to outlive this process, not the host. False, with errno: the old one is as it was. */
bool note_save(const char *path, const char *bytes, size_t n);
char *note_read(const char *path, size_t max, size_t *n); /* NUL-terminated, the caller frees; NULL: there is none */

#endif
