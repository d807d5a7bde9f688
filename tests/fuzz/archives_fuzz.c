#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifactd/archives.h"

#define MAX (256 * 1024)

static bool count(void *data, const void *bytes, size_t n, struct gw_error *err)
{
	*(size_t *)data += n;
	return true;
}

static bool never(void *data)
{
	return false;
}

/* Any bytes are an archive that becomes another one within its bounds, or an error. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct archive_keep keep[] = {{"boot/(.*)", "b/\\1"}, {".*", NULL}};
	const struct archive_recipe recipes[] = {
		{.extension = "cpio", .compression = "none", .keep = keep, .n_keep = 2, .max_bytes = MAX},
		{.extension = "tar", .compression = "none", .max_bytes = MAX},
		{.match = ".*", .max_bytes = MAX},
	};
	int fd = memfd_create("archive", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		size_t written = 0;
		struct archive_io io = {fd, count, never, &written};
		struct gw_error err = {0};

		lseek(fd, 0, SEEK_SET);
		if (archive_convert(&recipes[i], &io, &err) != (err.kind == GW_OK) || written > MAX)
			__builtin_trap();
	}
	close(fd);
	return 0;
}
