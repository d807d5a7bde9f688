/* A part that is a range of an object. */
#include <inttypes.h>
#include <unistd.h>

#include "bucketd/store_internal.h"

#define PART_MAX (UINT64_C(5) << 30)

static bool fit_range(struct store_range *range, const struct store_object *source, struct s3_error *err)
{
	if (!range->n)
		*range = (struct store_range){0, source->size};
	if (range->first > source->size || range->n > source->size - range->first)
		return s3_fail(err, S3_INVALID_ARGUMENT, "x-amz-copy-source-range: the source has %" PRIu64 " bytes", source->size);
	return range->n <= PART_MAX || s3_fail(err, S3_ENTITY_TOO_LARGE, NULL);
}

bool store_part_copy(struct store *store, const char *from_bucket, const char *from_key, struct store_range range, const char *bucket,
		     const char *key, const char *id, struct store_part_info *part, struct s3_error *err)
{
	struct store_upload upload = {0};
	struct store_object source;
	int fd;
	bool ok;

	/* before bytes are copied for nothing */
	if (!multipart_exists(store, bucket, key, id, err) || !store_get(store, from_bucket, from_key, &source, &fd, err))
		return false;
	ok = fit_range(&range, &source, err) && store_upload_begin(store, &upload, err) && data_append_range(&upload, fd, range, err) &&
	     part_put(store, bucket, key, id, &upload, part, err);
	close(fd);
	store_upload_drop(store, &upload);
	return ok;
}
