/* POST /api/v1/jobs of a farm, part by part. What fails ends the test. */
#ifndef TESTS_HARNESS_FORM_H
#define TESTS_HARNESS_FORM_H

#include <stddef.h>

#include "libgateway/buffer.h"

#define FORM_PARTS_MAX 4
#define FORM_BOUNDARY  "------------------------d74496d66958873e"

struct form_part {
	const char *name, *filename, *type, *data; /* filename, type: NULL: none. data NULL ends the list */
	size_t len;                                /* 0: strlen(data) */
};

void form_make(struct buffer *form, const struct form_part parts[FORM_PARTS_MAX]);
/* The status; the caller frees the answer. `content_type` gets that of the answer. */
int form_post(const char *type, const char *body, size_t len, char **answer, char content_type[64]);
int form_submit(const struct form_part parts[FORM_PARTS_MAX], char **answer, char content_type[64]);

#endif
