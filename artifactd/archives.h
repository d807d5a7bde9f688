/* Archives: one is read (tar, cpio, zip, ar; gzip, bzip2, xz, lzma, zstd, lz4), or none, and another is written from what is kept of it and
 * what is added; or one file is taken out. Nothing is ever unpacked to a disk: an entry is a name, so that none can leave a folder.
 *
 * Bounds: `max_bytes` of what is unpacked and of what is written, ARCHIVE_ENTRIES_MAX entries, 64 MiB for a decoder of xz. Blocks. */
#ifndef ARTIFACTD_ARCHIVES_H
#define ARTIFACTD_ARCHIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"

#define ARCHIVE_ENTRIES_MAX 200000
#define ARCHIVE_PATH_MAX    4096

struct archive_add {
	const char *path;
	int fd; /* the content, from its beginning; borrowed */
	int64_t size;
	unsigned mode; /* with S_IFREG */
};
struct archive_keep {
	const char *path;    /* a regex that must match the whole of an entry's path, with or without a / in front */
	const char *rewrite; /* NULL: the path stays */
};
struct archive_recipe {
	const char *extension;   /* "cpio" (newc), "tar", "zip"; not looked at with `match` */
	const char *compression; /* "none", "gz", "gzip", "bz2", "bzip2", "xz", "lzma", "zst", "zstd", "lz4" */
	const char *match;       /* NULL, or a regex as of archive_keep: the first file that it matches is what is written */
	const struct archive_add *add;
	size_t n_add;
	const struct archive_keep *keep; /* none: all is kept; else the first rule that matches counts */
	size_t n_keep;
	int64_t max_bytes;
};
struct archive_io {
	int in; /* -1: there is no archive to read */
	bool (*out)(void *data, const void *bytes, size_t n, struct gw_error *err);
	bool (*stopped)(void *data); /* whether it is not wanted any more */
	void *data;
};

/* What comes of the same recipe and bytes is the same, byte for byte. */
bool archive_convert(const struct archive_recipe *recipe, const struct archive_io *io, struct gw_error *err);

#endif
