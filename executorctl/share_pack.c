#include "executorctl/share_pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executorctl/s3_page.h"
#include "executorctl/table.h"
#include "libgateway/files.h"

struct packing {
	const char *directory; /* as it was given, for messages */
	size_t root_len;       /* of a path that FTS gives: what stands before the name in the bucket */
	struct archive *tar;
	struct gw_error *err;
};

static const char *name_of(const struct packing *p, const FTSENT *e)
{
	return e->fts_level == FTS_ROOTLEVEL ? "" : e->fts_path + p->root_len;
}

static bool fail(struct packing *p, const FTSENT *e, const char *what, int errnum)
{
	return gw_fail_errno(p->err, GW_BAD_INPUT, errnum, "%s/%s %s", p->directory, name_of(p, e), what);
}

static void say_left_out(const struct packing *p, const FTSENT *e, const char *why)
{
	char *shown = printable(name_of(p, e));

	fprintf(stderr, "executorctl: %s/%s is %s: left out\n", p->directory, shown, why);
	free(shown);
}

/* ---- one file ---- */

static bool fail_writing(struct packing *p)
{
	return gw_fail_errno(p->err, GW_INTERNAL, archive_errno(p->tar), "the temporary file of what is shared cannot be written");
}

static bool write_head(struct packing *p, const FTSENT *e, const struct stat *st)
{
	struct archive_entry *entry = gw_have(archive_entry_new());
	int result;

	archive_entry_copy_pathname(entry, name_of(p, e));
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, st->st_mode & 0777);
	archive_entry_set_size(entry, st->st_size);
	archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	result = archive_write_header(p->tar, entry);
	archive_entry_free(entry);
	return result >= ARCHIVE_WARN || fail_writing(p);
}

/* As long as it was when it was opened; what is added meanwhile is not part of it. */
static bool write_bytes(struct packing *p, const FTSENT *e, int fd, off_t left)
{
	static char bytes[1 << 16];

	while (left) {
		ssize_t n = read(fd, bytes, left < (off_t)sizeof(bytes) ? (size_t)left : sizeof(bytes));

		if (n < 0)
			return fail(p, e, "cannot be read", errno);
		if (n == 0)
			return gw_fail(p->err, GW_BAD_INPUT, "%s/%s became shorter while it was read", p->directory, name_of(p, e));
		if (archive_write_data(p->tar, bytes, (size_t)n) != n)
			return fail_writing(p);
		left -= n;
	}
	return true;
}

static bool add_file(struct packing *p, const FTSENT *e)
{
	int fd = open(e->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fail(p, e, "cannot be read", errno);
		ok = false;
	} else if (!S_ISREG(st.st_mode)) {
		say_left_out(p, e, "no regular file any more");
		ok = true;
	} else {
		ok = write_head(p, e, &st) && write_bytes(p, e, fd, st.st_size);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool add_regular(struct packing *p, const FTSENT *e)
{
	if (fnmatch(SHARE_TEMP_FRONT "*" SHARE_TEMP_BACK, e->fts_name, 0) == 0)
		return true;
	if (strlen(name_of(p, e)) <= S3_KEY_MAX)
		return add_file(p, e);
	return gw_fail(p->err, GW_BAD_INPUT, "%s/%.60s... has a path of %zu bytes; accepted: up to %d", p->directory, name_of(p, e),
		       strlen(name_of(p, e)), S3_KEY_MAX);
}

static bool add(struct packing *p, const FTSENT *e)
{
	bool is_link = e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE;

	if (e->fts_info == FTS_F)
		return add_regular(p, e);
	if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
		return fail(p, e, "cannot be read", e->fts_errno);
	if (e->fts_info != FTS_D && e->fts_info != FTS_DP)
		say_left_out(p, e, is_link ? "a symbolic link" : "neither a regular file nor a directory");
	return true;
}

/* ---- all of them ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool walk(struct packing *p, char *root)
{
	FTS *fts = fts_open((char *[]){root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	bool ok = fts || gw_fail_errno(p->err, GW_BAD_INPUT, errno, "%s cannot be read", p->directory);
	FTSENT *e;

	p->root_len = strcmp(root, "/") == 0 ? 1 : strlen(root) + 1;
	while (ok && (errno = 0, e = fts_read(fts)))
		ok = add(p, e);
	if (ok && errno)
		ok = gw_fail_errno(p->err, GW_BAD_INPUT, errno, "%s cannot be read", p->directory);
	if (fts)
		fts_close(fts);
	return ok;
}

/* Names are bytes in GNU's format, which every reader of tars knows; pax would have them in UTF-8. */
static bool write_tar(const char *directory, char *root, int fd, struct gw_error *err)
{
	struct packing p = {.directory = directory, .tar = gw_have(archive_write_new()), .err = err};
	bool ok = (archive_write_set_format_gnutar(p.tar) == ARCHIVE_OK && archive_write_open_fd(p.tar, fd) == ARCHIVE_OK) ||
		  fail_writing(&p);

	ok = ok && walk(&p, root) && (archive_write_close(p.tar) == ARCHIVE_OK || fail_writing(&p));
	archive_write_free(p.tar);
	return ok;
}

static int open_nameless(struct gw_error *err)
{
	const char *given = getenv("TMPDIR"), *folder = given && *given ? given : "/var/tmp";
	char *path = gw_sprintf("%s/executorctl-XXXXXX", folder);
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (fd = mkostemp(path, O_CLOEXEC)) >= 0) /* a file system without O_TMPFILE */
		unlink(path);
	if (fd < 0)
		gw_fail_errno(err, GW_INTERNAL, errno, "%s: no temporary file can be made", folder);
	free(path);
	return fd;
}

/* Its real path, which the caller frees. */
static char *make_directory(const char *directory, struct gw_error *err)
{
	struct stat st;
	char *root = *directory && dir_make(directory, 0777, err) ? realpath(directory, NULL) : NULL;

	if (root && stat(root, &st) == 0 && S_ISDIR(st.st_mode))
		return root;
	if (err->kind == GW_OK)
		gw_fail(err, GW_BAD_INPUT, "'%s' is no directory", directory);
	err->kind = GW_BAD_INPUT;
	free(root);
	return NULL;
}

int share_pack(const char *directory, struct gw_error *err)
{
	char *root = make_directory(directory, err);
	int fd = root ? open_nameless(err) : -1;

	if (fd >= 0 && !write_tar(directory, root, fd, err)) {
		close(fd);
		fd = -1;
	}
	free(root);
	return fd;
}
