/* IMAGESTORE_PULL_CMD and IMAGESTORE_IMAGE_EXISTS_CMD as arguments of a program: there is no shell, and what stands for a variable never
 * becomes two arguments. Pure. */
#ifndef ARTIFACTD_IMAGE_COMMAND_H
#define ARTIFACTD_IMAGE_COMMAND_H

#include <stdbool.h>

#include "libgateway/error.h"

struct image_words {
	const char *imgstore, *tls_verify, *platform, *image_name;
};

/* NULL-terminated, yours: image_command_free. NULL: a quote is not closed, a variable is not known, or there is no program. */
char **image_command_make(const char *command, const struct image_words *words, struct gw_error *err);
void image_command_free(char **argv);

#endif
