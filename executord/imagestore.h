/* config.yml in IMAGESTORE_PATH: how machines mount the stores of container images. A live file. Loop thread. */
#ifndef EXECUTORD_IMAGESTORE_H
#define EXECUTORD_IMAGESTORE_H

#include "executord/imagestore_config.h"
#include "libmars/live_file.h"

struct executord;

struct imagestore {
	struct imagestore_config config;
	struct live_file file;
	char *path; /* owned: of config.yml */
};

bool imagestore_start(struct executord *ex, struct gw_error *err);
bool imagestore_check(struct executord *ex, struct gw_error *err); /* of --check: logs all errors but the one in `err` */
void imagestore_read_again(struct executord *ex);
void imagestore_finish(struct executord *ex);

#endif
