/* The archive that a job brings, from its submission into a file of its own. */
#ifndef EXECUTORD_ARCHIVE_COPY_H
#define EXECUTORD_ARCHIVE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "libgateway/error.h"
#include "libgateway/http_server.h"

struct archive_copy { /* zeroed memory is none */
	char *bytes;  /* owned; NULL: it is in a file */
	int fd;       /* owned; 0: none */
	uint64_t from, len;
};

/* The request may go afterwards. GW_UNREACHABLE: there is no descriptor left. */
bool archive_copy_init(struct archive_copy *copy, const struct http_request *rq, const struct http_part *archive, struct gw_error *err);
bool archive_copy_is_wanted(const struct archive_copy *copy);
/* Into a new file, 0640; after a failure there is none. BLOCKING: on any thread. */
bool archive_copy_to(const struct archive_copy *copy, const char *path, struct gw_error *err);
void archive_copy_finish(struct archive_copy *copy);

#endif
