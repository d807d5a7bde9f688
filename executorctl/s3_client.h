/* A bucket that is read: requests signed by libcurl (AWS Signature Version 4), some of them at once. Blocking: nothing else is to be done
 * meanwhile. */
#ifndef EXECUTORCTL_S3_CLIENT_H
#define EXECUTORCTL_S3_CLIENT_H

#include "executorctl/s3_page.h"

struct s3_client;

/* `access_url`: SCHEME://KEY:SECRET@HOST:PORT, a secret. */
struct s3_client *s3_client_create(const char *access_url, const char *bucket, struct gw_error *err);
void s3_client_destroy(struct s3_client *client); /* NULL is fine */
/* All that is carried out ends, with GW_BUSY, as soon as `fd` can be read. */
void s3_client_stop_on(struct s3_client *client, int fd);
/* `show` is called now and then while requests are carried out. */
void s3_client_show(struct s3_client *client, void (*show)(void *data), void *data);

/* All objects, 1,000,000 at most, as they come. `objects` is zeroed memory; finish it in any case. */
bool s3_list(struct s3_client *client, struct s3_objects *objects, struct gw_error *err);

/* One object's fetch. A request that breaks off, or that the server has no time for, is tried again some times. */
struct s3_fetch {
	const char *key; /* borrowed until `done` */
	void *data;
	bool (*begin)(void *data, struct gw_error *err);                             /* before its first byte, in each try */
	bool (*take)(void *data, const void *bytes, size_t n, struct gw_error *err); /* some of its bytes */
	/* Once, if it was begun with: `why` NULL: all its bytes are there. True: the others go on. */
	bool (*done)(void *data, const struct gw_error *why, struct gw_error *err);
};
/* Carries out what `next` gives (false: there is no more), S3_AT_ONCE at once. False: one of the functions said so, or all was stopped;
 * `done` was called for each that `next` gave. */
enum { S3_AT_ONCE = 4 };
bool s3_fetch(struct s3_client *client, bool (*next)(void *data, struct s3_fetch *fetch), void *data, struct gw_error *err);

#endif
