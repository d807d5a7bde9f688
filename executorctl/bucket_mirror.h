/* `run --share-directory`: what is in the job's bucket at its end becomes what is in the directory. */
#ifndef EXECUTORCTL_BUCKET_MIRROR_H
#define EXECUTORCTL_BUCKET_MIRROR_H

#include "libgateway/error.h"

/* Fetches every object, then removes the regular files that are not in the bucket and the folders that are empty then, as `mcli mirror
 * --overwrite --remove` does. Symbolic links and devices are no part of it, and stay. What happens is said on standard error, keys that are
 * no paths are refused with a line each. False: not all could be fetched; then nothing was removed unless the rest was. A signal that ends
 * the program ends it once unfinished files are gone. */
bool bucket_mirror(const char *access_url, const char *bucket, const char *directory, struct gw_error *err);

#endif
