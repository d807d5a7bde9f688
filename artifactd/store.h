/* The artifacts on disk. Beneath the root:
 *
 *   sha256-HEX            an artifact: complete and never changed, since its name is its content's
 *   .temp/                what is being written; emptied at start
 *   .urls/HEX             what a URL (HEX: its hash, as a URL may hold secrets) led to when it was last asked, as JSON
 *   .jobs/JOB/sha256-HEX  a hard link: JOB uses the artifact. So uses outlive a restart, and what has just one link may be pruned
 *
 * Threading: all of it blocks, and may be called from any thread (the pool's); store_open from one, before the others. */
#ifndef ARTIFACTD_STORE_H
#define ARTIFACTD_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "artifactd/hash.h"
#include "libgateway/error.h"

#define STORE_NAME_MAX 80
#define STORE_TAG_MAX  512 /* bytes of an ETag or Last-Modified */

struct store {
	char *root; /* owned */
	int64_t max_bytes;
	pthread_mutex_t mutex; /* pruning, against what begins to use an artifact */
	bool ready;
	unsigned last_temp;
};

/* Makes the folders, removes what a killed run left half-written. */
bool store_open(struct store *store, const char *root, int64_t max_bytes, struct gw_error *err);
void store_finish(struct store *store); /* accepts zeroed memory */

/* A file being written. */
struct store_temp {
	char *path; /* owned; NULL: none */
	int fd;
	int64_t size;
	struct hash hash;
};
bool store_temp_open(struct store *store, struct store_temp *temp, struct gw_error *err);
bool store_temp_write(struct store_temp *temp, const void *bytes, size_t n, struct gw_error *err);
void store_temp_abandon(struct store_temp *temp); /* removes it; accepts zeroed memory */
/* Makes it durable and gives it its name, in use by `job`. Then prunes. `temp` is empty afterwards, also after a failure. */
bool store_commit(struct store *store, struct store_temp *temp, const char *job, char name[STORE_NAME_MAX], struct gw_error *err);

/* From now on `job` uses the artifact; its size. GW_NOT_FOUND: there is none of that name. */
bool store_use(struct store *store, const char *name, const char *job, int64_t *size, struct gw_error *err);
/* The same, opened to read; -1 if it cannot be, or `name` is not an artifact's. */
int store_open_used(struct store *store, const char *name, const char *job, int64_t *size, struct gw_error *err);
bool store_name_fits(const char *name); /* what store_commit may have named; anything else could be a path */
void store_release(struct store *store, const char *job);
void store_release_others(struct store *store, char *const *jobs, size_t n); /* of all jobs but these */
/* Removes the artifacts that no job uses, the one that was asked for longest ago first, until all fit into max_bytes. */
void store_prune(struct store *store);

/* What a URL led to. */
struct store_url {
	char name[STORE_NAME_MAX];
	char etag[STORE_TAG_MAX + 1], last_modified[STORE_TAG_MAX + 1]; /* "" if the server gave none */
};
bool store_url_read(struct store *store, const char *url, struct store_url *known); /* false: not known, or not readable */
bool store_url_write(struct store *store, const char *url, const struct store_url *known, struct gw_error *err);
bool store_job_name_fits(const char *job); /* what may be a folder's name */

#endif
