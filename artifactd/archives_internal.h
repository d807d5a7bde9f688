/* What the files of the archives share. */
#ifndef ARTIFACTD_ARCHIVES_INTERNAL_H
#define ARTIFACTD_ARCHIVES_INTERNAL_H

#include <archive.h>
#include <archive_entry.h>
#include <lzma.h>

#include "artifactd/archives.h"
#include "libjob/pattern.h"

#define ARCHIVE_BLOCK (64 * 1024)

/* archives_in.c: the archive that is read. xz, lzma and lzip are decoded here and not in libarchive, which would give them any memory. */
struct archive_in {
	struct archive *reader;  /* NULL: nothing is read */
	struct archive *decoder; /* of gzip, bzip2, zstd or lz4; NULL: it has none of them */
	int fd;
	bool decodes; /* xz */
	lzma_stream lzma;
	bool ended;     /* of the file */
	bool has_entry; /* whose bytes are still to be skipped */
	int64_t header; /* bytes that the entry's header has taken so far; -1: no header is read */
	int64_t unpacked, max_bytes;
	unsigned char raw[ARCHIVE_BLOCK], plain[ARCHIVE_BLOCK];
};
bool archive_in_open(struct archive_in *in, int fd, int64_t max_bytes, struct gw_error *err);
/* The next entry (borrowed); NULL: none is left, or `err`. */
struct archive_entry *archive_in_next(struct archive_in *in, struct gw_error *err);
/* Bytes of the entry; 0: all were read; -1: `err`. */
ssize_t archive_in_read(struct archive_in *in, void *bytes, size_t n, struct gw_error *err);
bool archive_in_is_cpio(const struct archive_in *in); /* once an entry was read */
void archive_in_close(struct archive_in *in);

/* archives_out.c: the archive that is written. xz is coded here with the CRC32 that Linux's decoder wants; libarchive's is CRC64. */
struct archive_out {
	struct archive *writer; /* NULL: bytes go out as they are */
	const struct archive_io *io;
	bool codes;
	bool discards; /* it has failed: nothing is written any more */
	lzma_stream lzma;
	int64_t written, max_bytes;
	struct gw_error *err; /* of the call under way */
	unsigned char coded[ARCHIVE_BLOCK];
};
bool archive_out_open(struct archive_out *out, const struct archive_recipe *recipe, const struct archive_io *io, struct gw_error *err);
bool archive_out_header(struct archive_out *out, struct archive_entry *entry, struct gw_error *err);
bool archive_out_write(struct archive_out *out, const void *bytes, size_t n, struct gw_error *err);
bool archive_out_end(struct archive_out *out, struct gw_error *err); /* all is written, or `err` */
void archive_out_close(struct archive_out *out);

/* archives_paths.c: names of entries. */
/* Without ./ and / in front and / behind; "" is the archive's own folder. False: it leads out (..), or is too long. */
bool archive_path_plain(const char *path, char plain[ARCHIVE_PATH_MAX], struct gw_error *err);

struct archive_set {  /* of paths */
	char **slots; /* owned, as each is */
	size_t n, size;
};
bool archive_set_add(struct archive_set *set, const char *path); /* false: it is there already */
bool archive_set_has(const struct archive_set *set, const char *path);
void archive_set_finish(struct archive_set *set);

struct archive_rules { /* keep or match, compiled */
	const struct archive_keep *of;
	struct pattern **patterns;
	size_t n;
};
bool archive_rules_init(struct archive_rules *rules, const struct archive_keep *keep, size_t n, struct gw_error *err);
/* 1: kept, as `kept`; 0: not; -1: `err`. Without rules all is kept. */
int archive_rules_apply(const struct archive_rules *rules, const char *plain, char kept[ARCHIVE_PATH_MAX], struct gw_error *err);
void archive_rules_finish(struct archive_rules *rules);

#endif
