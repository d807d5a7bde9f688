/* What a command reads whole: a file, or standard input for "-". */
#ifndef EXECUTORCTL_INPUT_H
#define EXECUTORCTL_INPUT_H

#include <stddef.h>

#include "libgateway/error.h"

#define INPUT_MAX (16U << 20) /* bytes */

char *input_read(const char *path, size_t *len, struct gw_error *err); /* terminated; the caller frees. NULL: GW_BAD_INPUT. Never empty */

#endif
