/* `run --share-directory`: what the job's bucket holds at first. */
#ifndef EXECUTORCTL_SHARE_PACK_H
#define EXECUTORCTL_SHARE_PACK_H

#include "libgateway/error.h"

/* What a fetch that is not done yet is called; one that a killed process left is no part of what is shared. */
#define SHARE_TEMP_FRONT ".executorctl."
#define SHARE_TEMP_BACK  ".part"

/* Makes `directory` if it is missing, and writes a tar of its regular files into a file without a name (in TMPDIR, else /var/tmp), whose
 * descriptor is the caller's. Links, devices and the like are left out, with a line each on standard error. -1 with the reason. */
int share_pack(const char *directory, struct gw_error *err);

#endif
