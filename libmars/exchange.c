/* A save, by steps, and what each protects from:
 *
 *  1. The new text goes into `.NAME.new` beside the file, with the sticky bit: a file of that name and that bit is ours and unfinished.
 *  2. fsync: a power loss never leaves half a text under the file's name.
 *  3. A read lease on the file: nobody has it open for writing, and who opens it so from now on waits for us. Else its writer is waited
 * for; if that takes too long, or it is not what the edit was made on, the new text is dropped (and the edit made anew on what is there).
 *  4. RENAME_EXCHANGE: what the file was is now in `.NAME.new`, without the bit. If it is not the one with the lease, an editor renamed in
 *     between; if somebody waits for the lease, he came by the name and will write: the two change back.
 *  5. The bit off the new file, fsync of it and of the directory: from here on the save counts. If one fails the two change back.
 *  6. unlink, while the lease still holds.
 *
 * So a kill leaves one of: `.NAME.new` with the bit (before 4: drop it), without it and the file with it (between 4 and 5: change back, the
 * edit was not acknowledged), neither with it (between 5 and 6: drop the old one), none of that name (after 6). mars_save_recover does
 * this. Who waited for the lease of a save that was killed writes into the old file: it is then not older than the new one, which 5 made
 * younger, and gets its name back.
 *
 * Editors reach the new file by its name from 4 on, and may write into it: so there is no waiting between 4 and 6, and what is written
 * there by then is looked for where the two change back.
 */
#include "libmars/exchange.h"

#include "libmars/file.h"
#include "libmars/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define SWAPS_MAX 16

struct place {
	int dir;        /* the directory of the file itself, symlinks followed */
	char name[256]; /* in it */
	char temp[300]; /* likewise: ".NAME.new" */
	char temp_path[PATH_MAX + 320];
	const char *path; /* as given, for messages */
};

static bool place_from_real(struct place *place, char *real, struct gw_error *err)
{
	char *slash = strrchr(real, '/');
	size_t len;

	snprintf(place->name, sizeof(place->name), "%s", slash + 1);
	snprintf(place->temp, sizeof(place->temp), ".%s.new", place->name);
	*slash = '\0';
	len = strlen(real);
	snprintf(place->temp_path, sizeof(place->temp_path), "%.*s/%s", (int)len, real, place->temp);
	place->dir = open(len ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->dir < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot open the directory of %s", place->path);
	return true;
}

/* The file need not exist, its directory must. */
static bool place_init(struct place *place, const char *path, struct gw_error *err)
{
	char *real = realpath(path, NULL), *copy, *slash, *joined = NULL;
	struct stat st;
	bool ok;

	*place = (struct place){.dir = -1, .path = path};
	if (!real && errno == ENOENT && lstat(path, &st) < 0) {
		copy = gw_strdup(path);
		slash = strrchr(copy, '/');
		if (slash)
			*slash = '\0';
		real = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
		if (real)
			joined = gw_sprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : copy);
		free(copy);
		free(real);
		real = joined;
	}
	if (!real)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot find %s", path);
	ok = place_from_real(place, real, err);
	free(real);
	return ok;
}

static void place_finish(struct place *place)
{
	if (place->dir >= 0)
		close(place->dir);
}

static bool swap(struct place *place)
{
	return renameat2(place->dir, place->temp, place->dir, place->name, RENAME_EXCHANGE) == 0;
}

/* --- The new file ------------------------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool copy_xattrs(int from, int to)
{
	char names[8192], value[65536];
	ssize_t n = flistxattr(from, names, sizeof(names)), size;

	if (n < 0)
		return errno == ENOTSUP;
	for (char *name = names; name < names + n; name += strlen(name) + 1) {
		size = fgetxattr(from, name, value, sizeof(value));
		if (size < 0 && errno != ENODATA)
			return false;
		if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP && strncmp(name, "security.", 9) != 0)
			return false;
	}
	return true;
}

/* Owner, xattrs and mode of the old file, or those of a new one; the sticky bit stays on until the end. */
static bool copy_traits(struct place *place, int fd, mode_t *mode, struct gw_error *err)
{
	int old = openat(place->dir, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st, own;
	bool ok = true;

	*mode = 0600; /* GitLab's tokens will be in it */
	if ((old < 0 && errno != ENOENT) || fstat(fd, &own) < 0 || (old >= 0 && fstat(old, &st) < 0)) {
		ok = gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot look at %s; nothing was written", place->path);
	} else if (old >= 0) {
		*mode = st.st_mode & 0777;
		if ((st.st_uid != own.st_uid || st.st_gid != own.st_gid) && fchown(fd, st.st_uid, st.st_gid) < 0)
			ok = gw_fail_errno(
				err, GW_REFUSED, errno,
				"%s belongs to user %u, group %u, which a save could not keep; nothing was written; run: chown %u:%u %s",
				place->path, st.st_uid, st.st_gid, geteuid(), getegid(), place->path);
		else if (!copy_xattrs(old, fd))
			ok = gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot keep the extended attributes of %s; nothing was written",
					   place->path);
	}
	if (old >= 0)
		close(old);
	if (ok && fchmod(fd, *mode | S_ISVTX) < 0)
		ok = gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot keep the mode of %s; nothing was written", place->path);
	return ok;
}

/* A time that no write gives: the mark of a text that is still as we wrote it. */
static bool mark_as_ours(int fd)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};

	times[1].tv_sec = time(NULL);
	return futimens(fd, times) == 0;
}

static bool is_as_we_wrote_it(const struct stat *st)
{
	return st->st_mtim.tv_nsec == 0;
}

/* The descriptor, or -1 with nothing left behind. */
static int write_temp(struct place *place, const char *text, size_t len, mode_t *mode, struct gw_error *err)
{
	int fd = openat(place->dir, place->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600 | S_ISVTX);

	if (fd < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot make %s; nothing was written", place->temp_path);
		return -1;
	}
	if (!write_all(fd, text, len) || !mark_as_ours(fd) || (fsync(fd) < 0 && errno != EINVAL))
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot write %s; nothing was changed", place->temp_path);
	else if (copy_traits(place, fd, mode, err))
		return fd;
	close(fd);
	unlinkat(place->dir, place->temp, 0);
	return -1;
}

/* --- Exchange and look -------------------------------------------------------------------------------------------------------------- */

static bool temp_is(struct place *place, ino_t inode)
{
	struct stat st;

	return fstatat(place->dir, place->temp, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode;
}

/* An editor may have renamed over the new file already, without having read it: then the edit is to be made anew, on that. */
static bool name_is(struct place *place, int fd)
{
	struct stat now, ours;

	return fstatat(place->dir, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 && now.st_ino == ours.st_ino;
}

static ino_t temp_inode(struct place *place)
{
	struct stat st;

	return fstatat(place->dir, place->temp, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

/* Whether an editor saved into the new file, which has the temp name again, or is at it. */
static bool was_edited(struct place *place)
{
	int fd = openat(place->dir, place->temp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool edited = fd >= 0 && (mars_file_lease(fd) == 0 || (fstat(fd, &st) == 0 && !is_as_we_wrote_it(&st)));

	if (fd >= 0)
		close(fd);
	return edited;
}

/* The old file gets its name back. An editor may save in between: then what it saved came out, and is put back again, being the latest.
 * `unchanged`: the old file has nothing that the new one has not; then an edit of the new one stays, and true is returned. */
static bool change_back(struct place *place, ino_t ours, bool unchanged)
{
	bool edited = false;

	for (int i = 0; i < SWAPS_MAX; i++) {
		ino_t restored = temp_inode(place);

		if (!swap(place)) {
			/* the file was deleted meanwhile: put back what was there, the next look sees */
			renameat2(place->dir, place->temp, place->dir, place->name, RENAME_NOREPLACE);
			return false;
		}
		if (temp_is(place, ours)) {
			edited = i == 0 && unchanged && was_edited(place) && swap(place);
			break;
		}
		ours = restored;
	}
	unlinkat(place->dir, place->temp, 0);
	return edited;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Written now, and later than the old file was, so that it shows if that is written after all. */
static bool make_younger(int fd, int old)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
	struct stat st;

	if (clock_gettime(CLOCK_REALTIME_COARSE, &times[1]) < 0 || (old >= 0 && fstat(old, &st) < 0))
		return false;
	if (old >= 0 && !is_later(&times[1], &st.st_mtim))
		times[1] = st.st_mtim;
	if ((old >= 0 && !is_later(&times[1], &st.st_mtim)) || !times[1].tv_nsec) /* 0 is the mark of our own text */
		times[1].tv_nsec++;
	if (times[1].tv_nsec >= 1000000000) {
		times[1].tv_sec++;
		times[1].tv_nsec = 1;
	}
	return futimens(fd, times) == 0;
}

/* The new file becomes one that a start leaves alone, durably. `old`: -1: there was none. */
static bool settle(struct place *place, int fd, int old, mode_t mode, struct gw_error *err)
{
	if (make_younger(fd, old) && fchmod(fd, mode) == 0 && (fsync(fd) == 0 || errno == EINVAL) &&
	    (fsync(place->dir) == 0 || errno == EINVAL))
		return true;
	return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot write the directory of %s; nothing was changed", place->path);
}

struct old {
	int fd; /* for reading; -1: none */
	bool leased;
	ino_t inode;
	const char *base; /* what it has to hold */
	size_t base_len;
};

static bool old_is_base(const struct old *old, struct place *place, enum exchange_outcome *outcome, struct gw_error *err)
{
	size_t len;
	char *text = mars_file_read_fd(old->fd, place->path, &len, err);
	bool same = text && len == old->base_len && memcmp(text, old->base, len) == 0;

	if (!text)
		gw_context(err, "nothing was changed");
	*outcome = text && !same ? EXCHANGE_OTHER : EXCHANGE_FAILED;
	free(text);
	return same;
}

/* Open and kept from others' writing, if it still is what the edit was made on. */
static bool take_old(struct old *old, struct place *place, enum exchange_outcome *outcome, struct gw_error *err)
{
	struct stat st;
	int lease;

	*outcome = EXCHANGE_FAILED;
	old->fd = openat(place->dir, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (old->fd < 0 && (errno == ENOENT || errno == ELOOP)) { /* gone, or an admin's symlink */
		*outcome = EXCHANGE_OTHER;
		return false;
	}
	if (old->fd < 0 || fstat(old->fd, &st) < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot look at what %s is; nothing was changed", place->path);
	lease = mars_file_await_writers(old->fd);
	if (!lease)
		return gw_fail(err, GW_BUSY, "somebody keeps %s open for writing; nothing was changed", place->path);
	old->leased = lease > 0;
	old->inode = st.st_ino;
	return old_is_base(old, place, outcome, err);
}

/* He opened it by its name when it still had it, and writes once the lease ends. */
static bool somebody_waits(const struct old *old)
{
	return old->leased && fcntl(old->fd, F_GETLEASE) != F_RDLCK;
}

/* The two are exchanged. Not EXCHANGE_SAVED: they are to change back. */
static enum exchange_outcome look_at_old(struct place *place, int fd, mode_t mode, const struct old *old, struct gw_error *err)
{
	enum exchange_outcome outcome = EXCHANGE_OTHER;

	if (!temp_is(place, old->inode) || (!old->leased && !old_is_base(old, place, &outcome, err)))
		return outcome;
	if (!settle(place, fd, old->fd, mode, err))
		return EXCHANGE_FAILED;
	if (!name_is(place, fd) || somebody_waits(old))
		return EXCHANGE_OTHER;
	if (unlinkat(place->dir, place->temp, 0) == 0) /* while the lease holds */
		return EXCHANGE_SAVED;
	gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot remove %s; nothing was changed", place->temp_path);
	return EXCHANGE_FAILED;
}

static enum exchange_outcome exchange_new(struct place *place, int fd, mode_t mode, struct gw_error *err)
{
	int why;

	if (renameat2(place->dir, place->temp, place->dir, place->name, RENAME_NOREPLACE) < 0) {
		why = errno;
		gw_fail_errno(err, GW_UNREACHABLE, why, "cannot make %s; nothing was written", place->path);
		return why == EEXIST ? EXCHANGE_OTHER : EXCHANGE_FAILED;
	}
	if (settle(place, fd, -1, mode, err))
		return EXCHANGE_SAVED;
	renameat2(place->dir, place->name, place->dir, place->temp, RENAME_NOREPLACE);
	return EXCHANGE_FAILED;
}

static enum exchange_outcome exchange_with(struct place *place, int fd, mode_t mode, const struct old *old, struct gw_error *err)
{
	enum exchange_outcome outcome;
	struct stat st;
	int why;

	if (fstat(fd, &st) < 0 || !swap(place)) {
		why = errno;
		gw_fail_errno(err, GW_UNREACHABLE, why, "cannot put the new %s in its place; nothing was changed", place->path);
		unlinkat(place->dir, place->temp, 0);
		return why == ENOENT ? EXCHANGE_OTHER : EXCHANGE_FAILED;
	}
	outcome = look_at_old(place, fd, mode, old, err);
	if (outcome != EXCHANGE_SAVED && change_back(place, st.st_ino, temp_is(place, old->inode) && !somebody_waits(old)))
		outcome = EXCHANGE_OTHER;
	return outcome;
}

static enum exchange_outcome exchange_old(struct place *place, int fd, mode_t mode, const char *base, size_t base_len, struct gw_error *err)
{
	struct old old = {.fd = -1, .base = base, .base_len = base_len};
	enum exchange_outcome outcome;

	if (take_old(&old, place, &outcome, err))
		outcome = exchange_with(place, fd, mode, &old, err);
	else
		unlinkat(place->dir, place->temp, 0);
	if (old.fd >= 0)
		close(old.fd);
	return outcome;
}

static bool recover_place(struct place *place, struct gw_error *err);

enum exchange_outcome mars_exchange(const char *path, const char *base, size_t base_len, const char *text, size_t len, struct gw_error *err)
{
	enum exchange_outcome outcome = EXCHANGE_FAILED;
	struct place place;
	mode_t mode;
	int fd;

	if (!place_init(&place, path, err) || !recover_place(&place, err)) {
		gw_context(err, "nothing was written");
	} else if ((fd = write_temp(&place, text, len, &mode, err)) >= 0) {
		if (base)
			outcome = exchange_old(&place, fd, mode, base, base_len, err);
		else if ((outcome = exchange_new(&place, fd, mode, err)) != EXCHANGE_SAVED)
			unlinkat(place.dir, place.temp, 0);
		close(fd);
	}
	place_finish(&place);
	return outcome;
}

/* --- After a kill ------------------------------------------------------------------------------------------------------------------- */

/* An owner that a save could not keep shows at start, not at the first save. */
static bool check_owner(const struct place *place, const struct stat *st, struct gw_error *err)
{
	if (st->st_uid == geteuid() || geteuid() == 0)
		return true;
	return gw_fail(err, GW_REFUSED, "%s belongs to user %u, which a save by user %u could not keep; run: chown %u %s", place->path,
		       st->st_uid, geteuid(), geteuid(), place->path);
}

/* Who waited for the lease has the old file, under the temp name, and writes into it or has written. */
static bool old_is_later(struct place *place, const struct stat *old, const struct stat *new)
{
	int fd = openat(place->dir, place->temp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool writing = fd >= 0 && mars_file_lease(fd) == 0;

	if (fd >= 0)
		close(fd);
	return writing || !is_later(&new->st_mtim, &old->st_mtim);
}

/* The new file is looked at only after the swap: from then on no editor comes to it by its name. */
static bool undo(struct place *place, bool later)
{
	return swap(place) && (later || !was_edited(place) || swap(place));
}

static bool recover_place(struct place *place, struct gw_error *err)
{
	struct stat file, temp;
	bool have_file = fstatat(place->dir, place->name, &file, 0) == 0;
	bool have_temp = fstatat(place->dir, place->temp, &temp, AT_SYMLINK_NOFOLLOW) == 0;
	bool later;

	if (have_temp && !S_ISREG(temp.st_mode))
		return gw_fail(err, GW_REFUSED, "%s is in the way of saves; remove it", place->temp_path);
	later = have_file && have_temp && !is_as_we_wrote_it(&file) && old_is_later(place, &temp, &file);
	if (have_temp && !(temp.st_mode & S_ISVTX) && (!have_file || (file.st_mode & S_ISVTX) || later)) {
		if (have_file ? !undo(place, later) : renameat(place->dir, place->temp, place->dir, place->name) < 0)
			return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot put %s back as it was", place->path);
		fsync(place->dir);
		have_file = fstatat(place->dir, place->name, &file, 0) == 0;
	}
	if (have_temp && unlinkat(place->dir, place->temp, 0) < 0 && errno != ENOENT)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot remove %s, left by a save that was killed", place->temp_path);
	if (have_file && !check_owner(place, &file, err))
		return false;
	if (have_file && S_ISREG(file.st_mode) && (file.st_mode & S_ISVTX) && fchmodat(place->dir, place->name, file.st_mode & 0777, 0) < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot set the mode of %s", place->path);
	return true;
}

bool mars_save_recover(const char *path, struct gw_error *err)
{
	struct place place;
	bool ok = place_init(&place, path, err) && recover_place(&place, err);

	place_finish(&place);
	return ok;
}
