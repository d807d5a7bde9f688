/* The archive that is read. */
#include "artifactd/archives_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DECODER_MEMORY (64 << 20) /* of xz -9, and of what is written for this gateway */
/* libarchive keeps a header whole, and a cpio's may say that its name has 4 GiB. A zip's folder is read with its first entry. */
#define HEADER_MAX (64 << 20)

static bool is_lzma(const unsigned char *head, size_t n)
{
	static const unsigned char xz[] = {0xfd, '7', 'z', 'X', 'Z', 0}, lzip[] = {'L', 'Z', 'I', 'P'}, alone[] = {0x5d, 0, 0};

	return (n >= sizeof(xz) && memcmp(head, xz, sizeof(xz)) == 0) || (n >= sizeof(lzip) && memcmp(head, lzip, sizeof(lzip)) == 0) ||
	       (n >= 13 && memcmp(head, alone, sizeof(alone)) == 0);
}

/* More bytes of the file; false: libarchive has the error. */
static bool fill(struct archive_in *in)
{
	struct archive *reader = in->decoder ? in->decoder : in->reader;

	ssize_t n;

	do
		n = read(in->fd, in->raw, sizeof(in->raw));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(reader, errno, "it cannot be read: %s", strerror(errno));
		return false;
	}
	in->ended = n == 0;
	in->lzma.next_in = in->raw;
	in->lzma.avail_in = (size_t)n;
	return true;
}

static const char *why(lzma_ret ret)
{
	return ret == LZMA_MEMLIMIT_ERROR  ? "its decoder would need more than 64 MiB of memory"
	       : ret == LZMA_FORMAT_ERROR  ? "it is not in this format"
	       : ret == LZMA_OPTIONS_ERROR ? "it has options that are not known"
	       : ret == LZMA_BUF_ERROR     ? "it ends too early"
					   : "it is damaged";
}

/* The archive's next `n` bytes go to libarchive. */
static la_ssize_t give(struct archive_in *in, la_ssize_t n)
{
	if (n > 0 && in->header >= 0 && (in->header += n) > HEADER_MAX) {
		archive_set_error(in->reader, EINVAL, "an entry's header is longer than %d MiB", HEADER_MAX >> 20);
		return -1;
	}
	return n;
}

static la_ssize_t read_xz(struct archive *reader, void *data, const void **bytes)
{
	struct archive_in *in = data;
	lzma_ret ret = LZMA_OK;

	*bytes = in->plain;
	in->lzma.next_out = in->plain;
	in->lzma.avail_out = sizeof(in->plain);
	while (in->lzma.avail_out && ret == LZMA_OK) {
		if (!in->lzma.avail_in && !in->ended && !fill(in))
			return -1;
		ret = lzma_code(&in->lzma, in->ended ? LZMA_FINISH : LZMA_RUN);
	}
	if (ret != LZMA_OK && ret != LZMA_STREAM_END) {
		archive_set_error(reader, EINVAL, "xz: %s", why(ret));
		return -1;
	}
	return give(in, (la_ssize_t)(sizeof(in->plain) - in->lzma.avail_out));
}

static la_ssize_t read_filtered(struct archive *reader, void *data, const void **bytes)
{
	struct archive_in *in = data;
	la_ssize_t n = archive_read_data(in->decoder, in->plain, sizeof(in->plain));

	*bytes = in->plain;
	if (n >= 0)
		return give(in, n);
	archive_set_error(reader, EINVAL, "%s", archive_error_string(in->decoder));
	return -1;
}

/* Callbacks of our own: libarchive frees those of archive_read_open_fd only for archives that were good to the end. */
static la_ssize_t read_plain(struct archive *reader, void *data, const void **bytes)
{
	struct archive_in *in = data;

	*bytes = in->raw;
	if (!fill(in))
		return -1;
	return in->decoder ? (la_ssize_t)in->lzma.avail_in : give(in, (la_ssize_t)in->lzma.avail_in);
}

static la_int64_t seek_plain(struct archive *reader, void *data, la_int64_t offset, int whence)
{
	struct archive_in *in = data;
	off_t at = lseek(in->fd, offset, whence);

	if (at < 0)
		archive_set_error(reader, errno, "it cannot be read there: %s", strerror(errno));
	return at < 0 ? ARCHIVE_FATAL : at;
}

static bool failed(struct archive_in *in, struct gw_error *err)
{
	const char *text = archive_error_string(in->reader);

	return gw_fail(err, GW_BAD_INPUT, "the archive cannot be read: %s", text ? text : "no reason is given");
}

/* The filters of libarchive are undone apart from its formats, so that what a format's reader gets can be counted. */
static bool open_decoder(struct archive_in *in, struct gw_error *err)
{
	struct archive_entry *entry;

	in->decoder = archive_read_new();
	gw_assert(in->decoder);
	archive_read_support_filter_gzip(in->decoder);
	archive_read_support_filter_bzip2(in->decoder);
	archive_read_support_filter_zstd(in->decoder);
	archive_read_support_filter_lz4(in->decoder);
	archive_read_support_format_raw(in->decoder);
	archive_read_set_callback_data(in->decoder, in);
	archive_read_set_read_callback(in->decoder, read_plain);
	if (archive_read_open1(in->decoder) == ARCHIVE_OK && archive_read_next_header(in->decoder, &entry) == ARCHIVE_OK &&
	    archive_filter_code(in->decoder, 0) != ARCHIVE_FILTER_NONE)
		return archive_filter_count(in->decoder) <= 2 || /* the last is the file itself */
		       gw_fail(err, GW_BAD_INPUT, "the archive cannot be read: it is compressed more than once");
	archive_read_free(in->decoder); /* as it is, or no archive: the formats' reader says so */
	in->decoder = NULL;
	if (lseek(in->fd, 0, SEEK_SET) < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "the archive cannot be read");
	return true;
}

static bool open_it(struct archive_in *in, struct gw_error *err)
{
	unsigned char head[16];
	ssize_t n = pread(in->fd, head, sizeof(head), 0);
	int result;

	in->decodes = n > 0 && is_lzma(head, (size_t)n);
	if (in->decodes && lzma_auto_decoder(&in->lzma, DECODER_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
		return gw_fail(err, GW_INTERNAL, "no memory for a decoder of xz");
	if (!in->decodes && !open_decoder(in, err))
		return false;
	archive_read_set_callback_data(in->reader, in);
	archive_read_set_read_callback(in->reader, in->decodes ? read_xz : in->decoder ? read_filtered : read_plain);
	if (!in->decodes && !in->decoder)
		archive_read_set_seek_callback(in->reader, seek_plain);
	result = archive_read_open1(in->reader);
	return result == ARCHIVE_OK || failed(in, err);
}

/* Only what needs no program outside, no seeking about and no memory of its own choice. */
bool archive_in_open(struct archive_in *in, int fd, int64_t max_bytes, struct gw_error *err)
{
	in->reader = archive_read_new();
	in->decoder = NULL;
	in->lzma = (lzma_stream)LZMA_STREAM_INIT;
	in->fd = fd;
	in->max_bytes = max_bytes;
	in->has_entry = false;
	in->header = -1;
	gw_assert(in->reader);
	archive_read_support_format_tar(in->reader);
	archive_read_support_format_cpio(in->reader);
	archive_read_support_format_zip(in->reader);
	archive_read_support_format_ar(in->reader);
	return open_it(in, err);
}

static bool count(struct archive_in *in, int64_t bytes, struct gw_error *err)
{
	in->unpacked += bytes;
	return in->unpacked <= in->max_bytes ||
	       gw_fail(err, GW_BAD_INPUT, "the archive unpacks to more than %lld bytes; accepted: up to that", (long long)in->max_bytes);
}

struct archive_entry *archive_in_next(struct archive_in *in, struct gw_error *err)
{
	struct archive_entry *entry = NULL;
	int result;

	if (in->has_entry && archive_read_data_skip(in->reader) < ARCHIVE_WARN) {
		failed(in, err);
		return NULL;
	}
	in->header = 0;
	result = archive_read_next_header(in->reader, &entry);
	in->header = -1;
	in->has_entry = result == ARCHIVE_OK || result == ARCHIVE_WARN;
	if (result == ARCHIVE_EOF)
		return NULL;
	if (in->has_entry)
		return count(in, 512, err) ? entry : NULL; /* headers are bytes too */
	failed(in, err);
	return NULL;
}

ssize_t archive_in_read(struct archive_in *in, void *bytes, size_t n, struct gw_error *err)
{
	la_ssize_t got = archive_read_data(in->reader, bytes, n);

	if (got < 0)
		return failed(in, err) ? 0 : -1;
	return count(in, got, err) ? got : -1;
}

bool archive_in_is_cpio(const struct archive_in *in)
{
	return (archive_format(in->reader) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_CPIO;
}

void archive_in_close(struct archive_in *in)
{
	if (in->reader)
		archive_read_free(in->reader);
	if (in->decoder)
		archive_read_free(in->decoder);
	if (in->decodes)
		lzma_end(&in->lzma);
	in->reader = in->decoder = NULL;
}
