/* The content of the image store's config.yml: `mount`, a list of ways to mount it. Pure. */
#ifndef EXECUTORD_IMAGESTORE_CONFIG_H
#define EXECUTORD_IMAGESTORE_CONFIG_H

#include "libbus/messages.h"
#include "libgateway/error.h"

struct imagestore_config {              /* zeroed: none */
	struct msg_imagestore_mount *v; /* owned, as their texts */
	size_t n;
};

/* Every error in one pass, with its place: "NAME:3:12: mount[0].type: ...". False: `config` is empty. */
bool imagestore_config_decode(struct imagestore_config *config, const char *text, size_t n, const char *name, struct gw_errors *errs);
void imagestore_config_finish(struct imagestore_config *config);

#endif
