/* The archive that is written. */
#include "artifactd/archives_internal.h"

#include <errno.h>
#include <string.h>

static bool put(struct archive_out *out, const void *bytes, size_t n, struct gw_error *err)
{
	out->written += (int64_t)n;
	if (out->written > out->max_bytes)
		return gw_fail(err, GW_BAD_INPUT, "more than %lld bytes would be written; accepted: up to that", (long long)out->max_bytes);
	return out->io->out(out->io->data, bytes, n, err);
}

static bool code(struct archive_out *out, const void *bytes, size_t n, lzma_action action, struct gw_error *err)
{
	lzma_ret ret;

	out->lzma.next_in = bytes;
	out->lzma.avail_in = n;
	do {
		out->lzma.next_out = out->coded;
		out->lzma.avail_out = sizeof(out->coded);
		ret = lzma_code(&out->lzma, action);
		if (ret != LZMA_OK && ret != LZMA_STREAM_END)
			return gw_fail(err, GW_INTERNAL, "xz: its encoder failed (%d)", (int)ret);
		if (!put(out, out->coded, sizeof(out->coded) - out->lzma.avail_out, err))
			return false;
	} while (action == LZMA_FINISH ? ret != LZMA_STREAM_END : out->lzma.avail_in > 0);
	return true;
}

static la_ssize_t on_write(struct archive *writer, void *data, const void *bytes, size_t n)
{
	struct archive_out *out = data;

	if (out->discards)
		return (la_ssize_t)n;
	if (out->codes ? code(out, bytes, n, LZMA_RUN, out->err) : put(out, bytes, n, out->err))
		return (la_ssize_t)n;
	archive_set_error(writer, EIO, "%s", out->err->text);
	return -1;
}

static const struct format {
	const char *extension;
	int (*set)(struct archive *writer);
} formats[] = {{"cpio", archive_write_set_format_cpio_newc},
	       {"tar", archive_write_set_format_pax_restricted},
	       {"zip", archive_write_set_format_zip}};

static const struct filter {
	const char *name;
	int (*add)(struct archive *writer); /* NULL: here, not by libarchive */
} filters[] = {
	{"none", archive_write_add_filter_none}, {"gz", archive_write_add_filter_gzip},     {"gzip", archive_write_add_filter_gzip},
	{"bz2", archive_write_add_filter_bzip2}, {"bzip2", archive_write_add_filter_bzip2}, {"xz", NULL},
	{"lzma", archive_write_add_filter_lzma}, {"zst", archive_write_add_filter_zstd},    {"zstd", archive_write_add_filter_zstd},
	{"lz4", archive_write_add_filter_lz4},
};

static const struct format *find_format(const char *extension)
{
	for (size_t i = 0; extension && i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].extension, extension) == 0)
			return &formats[i];
	return NULL;
}

static const struct filter *find_filter(const char *name)
{
	for (size_t i = 0; name && i < sizeof(filters) / sizeof(*filters); i++)
		if (strcmp(filters[i].name, name) == 0)
			return &filters[i];
	return NULL;
}

static bool failed(struct archive_out *out, struct gw_error *err)
{
	const char *text = archive_error_string(out->writer);

	return err->kind != GW_OK ? false
				  : gw_fail(err, GW_BAD_INPUT, "the archive cannot be written: %s", text ? text : "no reason is given");
}

bool archive_out_open(struct archive_out *out, const struct archive_recipe *recipe, const struct archive_io *io, struct gw_error *err)
{
	const struct format *format = find_format(recipe->extension);
	const struct filter *filter = find_filter(recipe->compression);

	out->io = io;
	out->max_bytes = recipe->max_bytes;
	out->lzma = (lzma_stream)LZMA_STREAM_INIT;
	if (recipe->match)
		return true;
	if (!format || !filter)
		return gw_fail(err, GW_BAD_INPUT, "an archive '%s' compressed as '%s' cannot be made",
			       recipe->extension ? recipe->extension : "", recipe->compression ? recipe->compression : "");
	out->codes = !filter->add;
	if (out->codes && lzma_easy_encoder(&out->lzma, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC32) != LZMA_OK)
		return gw_fail(err, GW_INTERNAL, "no memory for an encoder of xz");
	out->writer = archive_write_new();
	gw_assert(out->writer);
	if (filter->add)
		filter->add(out->writer);
	archive_write_set_filter_option(out->writer, "gzip", "timestamp", NULL); /* the same bytes tomorrow */
	format->set(out->writer);
	archive_write_set_bytes_per_block(out->writer, ARCHIVE_BLOCK);
	archive_write_set_bytes_in_last_block(out->writer, 1);
	out->err = err;
	return archive_write_open(out->writer, out, NULL, on_write, NULL) == ARCHIVE_OK || failed(out, err);
}

bool archive_out_header(struct archive_out *out, struct archive_entry *entry, struct gw_error *err)
{
	int result;

	out->err = err;
	result = archive_write_header(out->writer, entry);
	return result == ARCHIVE_OK || result == ARCHIVE_WARN || failed(out, err);
}

bool archive_out_write(struct archive_out *out, const void *bytes, size_t n, struct gw_error *err)
{
	out->err = err;
	if (!out->writer)
		return put(out, bytes, n, err);
	return archive_write_data(out->writer, bytes, n) == (la_ssize_t)n || failed(out, err);
}

bool archive_out_end(struct archive_out *out, struct gw_error *err)
{
	out->err = err;
	if (out->writer && archive_write_close(out->writer) != ARCHIVE_OK)
		return failed(out, err);
	return !out->codes || code(out, NULL, 0, LZMA_FINISH, err);
}

void archive_out_close(struct archive_out *out)
{
	struct gw_error ignored = {0};

	out->err = &ignored;
	out->discards = true; /* archive_write_fail would do, but then libarchive does not free its buffer */
	if (out->writer)
		archive_write_free(out->writer);
	if (out->codes)
		lzma_end(&out->lzma);
	out->writer = NULL;
}
