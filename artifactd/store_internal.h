/* What the files of the store share. */
#ifndef ARTIFACTD_STORE_INTERNAL_H
#define ARTIFACTD_STORE_INTERNAL_H

#include "artifactd/store.h"

#define STORE_PREFIX    "sha256-"
#define STORE_FILE_MODE 0640

/* Calls `each` with the names in a folder that do not begin with a dot; a missing folder is an empty one. */
typedef void each_name_fn(struct store *store, const char *folder, const char *name, void *data);
void store_each_name(struct store *store, const char *folder, each_name_fn *each, void *data);
void store_remove_file(struct store *store, const char *folder, const char *name, void *data); /* an each_name_fn */
void store_forget_pruned(struct store *store); /* what led to an artifact that has been pruned since leads nowhere */

#endif
