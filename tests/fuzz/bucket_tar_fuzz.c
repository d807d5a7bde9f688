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
static struct store *open_store(void)
{
	static char root[] = "/dev/shm/bucket_tar_fuzz.XXXXXX";
	struct gw_error err;
	struct store *store = mkdtemp(root) ? store_open(root, MAX, &err) : NULL;

	if (!store)
		abort();
	log_init("bucketd", "error");
	return store;
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
	static struct store *store;
	struct store_job job = {.job = "17", .bucket = "job-17"};
	struct s3_error err = {0};
	char path[64];
	int fd = memfd_create("tar", MFD_CLOEXEC);

	store = store ? store : open_store();
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
