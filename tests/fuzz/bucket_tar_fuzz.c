#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bucketd/jobs.h"
#include "libgateway/log.h"

#define MAX (256 * 1024)

/* One for all inputs: each leaves it empty. */
static struct {
	char root[64];
	struct store *store;
} all;

static void remove_store(void)
{
	static const char *const names[] = {"buckets.db", "buckets.db-wal", "lock", "reserve", "data", ""};
	char path[128];

	store_close(all.store);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", all.root, names[i]);
		remove(path);
	}
}

static struct store *open_store(void)
{
	struct gw_error err;

	snprintf(all.root, sizeof(all.root), "/dev/shm/bucket_tar_fuzz.XXXXXX");
	all.store = mkdtemp(all.root) ? store_open(all.root, MAX, &err) : NULL;
	if (!all.store || atexit(remove_store) != 0)
		abort();
	log_init("bucketd", "error");
	return all.store;
}

static void check_objects(struct store *store, const char *bucket)
{
	struct store_listing listing;
	struct s3_error err;
	uint64_t sum = 0;

	if (!store_list(store, bucket, "", "", "", 1000, &listing, &err))
		__builtin_trap();
	for (size_t i = 0; i < listing.n; i++) {
		sum += listing.v[i].object.size;
		if (!*listing.v[i].key || *listing.v[i].key == '/' || strlen(listing.v[i].key) > KEY_MAX)
			__builtin_trap();
	}
	if (sum > MAX)
		__builtin_trap();
	store_listing_finish(&listing);
}

/* Any bytes are a tar whose files are in the bucket, or an error and no bucket. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct store *store = all.store ? all.store : open_store();
	struct store_job job = {.job = "17", .bucket = "job-17"};
	struct s3_error err = {0};
	char path[64];
	int fd = memfd_create("tar", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (job_bucket_create(store, &job, path, &err)) {
		check_objects(store, job.bucket);
		if (!job_bucket_remove(store, job.job, &err))
			__builtin_trap();
	} else if (err.code == S3_INTERNAL || store_bucket_exists(store, job.bucket, &err)) {
		__builtin_trap();
	}
	close(fd);
	return 0;
}
