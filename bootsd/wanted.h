/* Files that are not deployed but may be the job's all the same, since one of its storage paths is a regex: the DUT waits while its jobd
 * is told (boot.wanted), looks for the file, has it fetched, and gives it (boot.give). Bounded: WANTED_MAX different files are awaited at
 * once, by WANTED_WAITERS requests, and WANTED_GIVEN are kept. */
#ifndef BOOTSD_WANTED_H
#define BOOTSD_WANTED_H

#include <netinet/in.h>

#include "bootsd/boot_file.h"
#include "libgateway/http_server.h"

#define WANTED_MAX     64
#define WANTED_WAITERS 128
#define WANTED_GIVEN   256

struct wanted;
struct tftp_server;

struct wanted_files {         /* of a deployment; zeroed: none */
	struct wanted *first; /* owned */
	unsigned n, waiters, n_given;
	struct boot_file *given[WANTED_GIVEN]; /* one reference each */
};

/* What was given; borrowed; NULL: nothing. */
struct boot_file *wanted_given(const struct wanted_files *files, const char *path, bool tftp);
/* A request waits for it. *is_new: jobd is to be told. False: there is no room, and it is not held. */
bool wanted_http(struct wanted_files *files, const char *path, struct http_request *rq, bool *is_new);
/* The bytes of a read request from this address: asked again when the file is there. One that comes again counts once. */
bool wanted_tftp(struct wanted_files *files, const char *path, const struct sockaddr_in *from, const void *bytes, size_t n, bool *is_new);
/* `file` (one reference, taken; NULL: there is none) is what was wanted. Those who wait are called with it, by their protocol. */
struct wanted_answers {
	void (*http)(void *data, struct http_request *rq, struct boot_file *file);
	void (*tftp)(void *data, const struct sockaddr_in *from, const void *bytes, size_t n, struct boot_file *file);
	void *data;
};
void wanted_give(struct wanted_files *files, const char *path, bool tftp, struct boot_file *file, const struct wanted_answers *answers);
/* What is awaited: `each` for all of it. */
void wanted_each(const struct wanted_files *files, void (*each)(void *data, const char *path, bool tftp), void *data);
void wanted_finish(struct wanted_files *files); /* who waits by HTTP gets 404, by TFTP nothing */

#endif
