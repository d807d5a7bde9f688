/* The files of a directory that a bucket is mirrored into. What a key is, a job decides: none of them leads out of the directory. */
#ifndef EXECUTORCTL_MIRROR_FILES_H
#define EXECUTORCTL_MIRROR_FILES_H

#include "executorctl/s3_page.h"

/* NULL: the key is the path of a file; else why not. */
const char *mirror_key_refused(const struct s3_object *object);

struct mirror_dir {
	const char *name;                /* as it was given, borrowed */
	char *root;                      /* owned; its real path */
	int fd;                          /* owned */
	const struct s3_objects *bucket; /* borrowed; sorted by mirror_sort; none of their keys is refused */
};
void mirror_sort(struct s3_objects *objects);
bool mirror_dir_open(struct mirror_dir *dir, const char *name, const struct s3_objects *bucket, struct gw_error *err);
void mirror_dir_finish(struct mirror_dir *dir);

/* A file that is made beside its place, then put there in one step. GW_REFUSED: it cannot be there, others may. */
struct mirror_file {
	int folder, fd; /* owned; 0: none */
	const char *key;
	char temp[64]; /* "": none */
};
bool mirror_file_begin(struct mirror_dir *dir, struct mirror_file *file, const char *key, struct gw_error *err); /* or anew */
bool mirror_file_write(struct mirror_file *file, const void *bytes, size_t n, struct gw_error *err);
bool mirror_file_place(struct mirror_dir *dir, struct mirror_file *file, struct gw_error *err);
void mirror_file_finish(struct mirror_file *file); /* one that was not placed is gone */

/* Removes the regular files that are not in the bucket, and the folders that are empty then. */
bool mirror_remove_others(struct mirror_dir *dir, size_t *removed, struct gw_error *err);

#endif
