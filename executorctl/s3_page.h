/* What a bucket's server answers: a page of the list of its objects, or why not. Pure.
 *
 * Bounds: texts of 4096 bytes, keys of 1024 (undone of their escaping), depth 8; a document type is refused. How long a document may be is
 * for the caller to say. */
#ifndef EXECUTORCTL_S3_PAGE_H
#define EXECUTORCTL_S3_PAGE_H

#include <stdint.h>

#include "libgateway/error.h"

enum { S3_KEY_MAX = 1024 };

struct s3_object {
	char *key;  /* owned; may have NULs in it, and one behind it */
	size_t len; /* of the key */
	uint64_t size;
};
struct s3_objects {
	struct s3_object *v; /* owned */
	size_t n;
};
/* Accepts zeroed memory. */
void s3_objects_finish(struct s3_objects *objects);

/* Adds the page's objects. `*token` (owned): where the next page begins; NULL: this is the last. False with GW_UNREACHABLE: it makes no
 * sense; nothing was added. */
bool s3_page_decode(struct s3_objects *objects, char **token, const char *xml, size_t n, struct gw_error *err);
/* "AccessDenied: Access Denied.", as an error's document says; NULL: it is none. The caller frees. */
char *s3_error_decode(const char *xml, size_t n);

#endif
