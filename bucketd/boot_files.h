/* What is shipped for booting (the default kernel, the registration initramfs): objects of the `boot` bucket. */
#ifndef BUCKETD_BOOT_FILES_H
#define BUCKETD_BOOT_FILES_H

#include "bucketd/store.h"

/* Puts each regular file of `folder` into the bucket `boot`, unless an object of that name is there that was not put by this, or has its
 * size and modification time. A missing folder is fine. BLOCKING. */
bool boot_files_put(struct store *store, const char *folder, struct s3_error *err);

#endif
