#include "bucketd/jobs_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "libgateway/files.h"
#include "libgateway/log.h"

enum {
	ENTRIES_MAX = 100000,
	SYNC_ONE_BY_ONE = 64, /* files; more are synced at once, with all else that the file system has to write */
};

struct tar {
	struct store *store;
	gzFile file; /* reads plain files too */
	struct archive *archive;
	size_t entries;
	uint64_t bytes; /* of all entries so far */
	struct tar_items *items;
	EVP_MD_CTX *md;
	char raw[64 * 1024], data[64 * 1024];
};

static bool no_tar(struct tar *tar, struct s3_error *err)
{
	const char *why = archive_error_string(tar->archive);

	return s3_fail(err, S3_INVALID_ARGUMENT, "The archive is not a tar, plain or compressed by gzip, or it breaks off: %s.",
		       why ? why : "no reason is given");
}

/* ---- the bytes ---- */

static la_ssize_t read_some(struct archive *archive, void *data, const void **bytes)
{
	struct tar *tar = data;
	int n = gzread(tar->file, tar->raw, sizeof(tar->raw)), code = Z_OK;
	const char *why = n <= 0 ? gzerror(tar->file, &code) : "";

	*bytes = tar->raw;
	if (n < 0 || (n == 0 && code != Z_OK && code != Z_STREAM_END)) {
		archive_set_error(archive, EINVAL, "%s", strstr(why, ": ") ? strstr(why, ": ") + 2 : why); /* it begins with the file */
		return -1;
	}
	return n;
}

/* ---- an entry ---- */

/* What the entry is called, NULL for what is no file of its own. libarchive has names of extended headers as UTF-8 and others as they are,
 * and gives none where it would have to convert. */
static const char *key_of(struct archive_entry *entry)
{
	const char *key = archive_entry_pathname_utf8(entry);

	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry))
		return NULL;
	if (!key)
		key = archive_entry_pathname(entry);
	while (key && (key[0] == '/' || (key[0] == '.' && key[1] == '/')))
		key += key[0] == '/' ? 1 : 2;
	return key && *key ? key : NULL;
}

static bool too_much(struct tar *tar, struct s3_error *err)
{
	return s3_fail(err, S3_FULL, "The archive holds more than the %" PRIu64 " bytes that a bucket may.", tar->store->bucket_max);
}

static bool copy_data(struct tar *tar, struct store_item *item, int fd, struct s3_error *err)
{
	la_ssize_t n;

	while ((n = archive_read_data(tar->archive, tar->data, sizeof(tar->data))) > 0) {
		item->size += (uint64_t)n;
		if (item->size > tar->store->bucket_max - tar->bytes)
			return too_much(tar, err);
		EVP_DigestUpdate(tar->md, tar->data, (size_t)n);
		if (!file_write_all(fd, tar->data, (size_t)n))
			return data_failed(errno, "cannot write a file", err);
	}
	return n == 0 || no_tar(tar, err);
}

static struct store_item *add_item(struct tar_items *items, const char *key, int64_t file)
{
	if (items->n == items->size) {
		items->size = items->size ? 2 * items->size : 64;
		items->v = gw_realloc(items->v, items->size * sizeof(*items->v));
	}
	items->v[items->n] = (struct store_item){.key = gw_strdup(key), .file = file};
	return &items->v[items->n++];
}

static bool take_file(struct tar *tar, const char *key, struct s3_error *err)
{
	struct store_upload upload;
	struct store_item *item;
	bool ok;

	if (!key_accepted(key, err) || !store_upload_begin(tar->store, &upload, err))
		return false;
	item = add_item(tar->items, key, upload.id);
	EVP_DigestInit_ex(tar->md, EVP_md5(), NULL);
	ok = copy_data(tar, item, upload.fd, err);
	EVP_DigestFinal_ex(tar->md, item->md5, NULL);
	tar->bytes += item->size;
	if (ok && tar->items->n <= SYNC_ONE_BY_ONE && fdatasync(upload.fd) < 0)
		ok = data_failed(errno, "cannot make a file durable", err);
	close(upload.fd);
	return ok;
}

/* What is passed over counts too: it has to be unpacked. */
static bool take_entry(struct tar *tar, struct archive_entry *entry, struct s3_error *err)
{
	const char *key = key_of(entry);
	int64_t size = archive_entry_size(entry);

	if (++tar->entries > ENTRIES_MAX)
		return s3_fail(err, S3_INVALID_ARGUMENT, "The archive has too many entries; accepted: %d.", ENTRIES_MAX);
	if (size < 0 || (uint64_t)size > tar->store->bucket_max - tar->bytes)
		return too_much(tar, err);
	if (key)
		return take_file(tar, key, err);
	tar->bytes += (uint64_t)size;
	return archive_read_data_skip(tar->archive) >= ARCHIVE_WARN || no_tar(tar, err);
}

/* ---- the whole ---- */

static bool take_all(struct tar *tar, struct s3_error *err)
{
	struct archive_entry *entry;
	int result;

	for (;;) {
		result = archive_read_next_header(tar->archive, &entry);
		if (result == ARCHIVE_EOF)
			return true;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN) /* which is about names that the locale has not */
			return no_tar(tar, err);
		if (!take_entry(tar, entry, err))
			return false;
	}
}

static bool make_durable(struct tar *tar, struct s3_error *err)
{
	if (tar->items->n <= SYNC_ONE_BY_ONE)
		return data_sync_folder(tar->store, err);
	return syncfs(tar->store->data_fd) == 0 || data_failed(errno, "cannot make files durable", err);
}

static bool read_archive(struct tar *tar, struct s3_error *err)
{
	archive_read_support_format_tar(tar->archive);
	archive_read_set_callback_data(tar->archive, tar);
	archive_read_set_read_callback(tar->archive, read_some);
	if (archive_read_open1(tar->archive) != ARCHIVE_OK)
		return no_tar(tar, err);
	return take_all(tar, err) && make_durable(tar, err);
}

static gzFile open_file(const char *path, struct s3_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return gw_have(gzdopen(fd, "rb"));
	log_error("%s: cannot open the archive of a job's bucket: %s", path, strerror(errno));
	s3_fail(err, S3_INTERNAL, NULL);
	return NULL;
}

bool tar_read(struct store *store, const char *path, struct tar_items *items, struct s3_error *err)
{
	struct tar *tar;
	gzFile file = open_file(path, err);
	bool ok;

	if (!file)
		return false;
	tar = gw_calloc(1, sizeof(*tar));
	tar->store = store;
	tar->file = file;
	tar->items = items;
	tar->md = gw_have(EVP_MD_CTX_new());
	tar->archive = gw_have(archive_read_new());
	ok = read_archive(tar, err);
	archive_read_free(tar->archive);
	EVP_MD_CTX_free(tar->md);
	gzclose(tar->file);
	free(tar);
	return ok;
}

void tar_items_finish(struct tar_items *items)
{
	for (size_t i = 0; i < items->n; i++)
		free(items->v[i].key);
	free(items->v);
	*items = (struct tar_items){0};
}
