/* The new text as a file, until it has the name. */
#include "libmars/exchange_internal.h"

#include "libmars/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

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

bool is_as_we_wrote_it(const struct stat *st)
{
	return st->st_mtim.tv_nsec == 0;
}

bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static bool note_written(struct fresh *fresh)
{
	struct stat st;

	if (fstat(fresh->fd, &st) < 0)
		return false;
	fresh->inode = st.st_ino;
	fresh->written = st.st_mtim;
	return true;
}

static bool synced(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL;
}

bool fresh_write(struct fresh *fresh, struct place *place, const char *text, size_t len, struct gw_error *err)
{
	int fd = openat(place->dir, place->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600 | S_ISVTX);

	*fresh = (struct fresh){.fd = fd};
	if (fd < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot make %s; nothing was written", place->temp_path);
	if (!write_all(fd, text, len) || !mark_as_ours(fd) || !note_written(fresh) || !synced(fd))
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot write %s; nothing was changed", place->temp_path);
	else if (copy_traits(place, fd, &fresh->mode, err))
		return true;
	close(fd);
	unlinkat(place->dir, place->temp, 0);
	return false;
}

/* --- Who is at it -------------------------------------------------------------------------------------------------------------------- */

/* Only its sole opener gets one. */
void fresh_lease(struct fresh *fresh)
{
	fresh->leased = fcntl(fresh->fd, F_SETSIG, SIGURG) == 0 &&
			fcntl(fresh->fd, F_SETLEASE, F_WRLCK) == 0; /* mars_file_lease says why */
}

int fresh_waits(const struct fresh *fresh)
{
	int left = fresh->leased ? fcntl(fresh->fd, F_GETLEASE) : F_WRLCK;

	return left == F_WRLCK ? -1 : left == F_RDLCK ? O_RDONLY : O_WRONLY;
}

bool fresh_is_touched(const struct fresh *fresh)
{
	struct stat st;

	if (fstat(fresh->fd, &st) < 0 || st.st_mtim.tv_sec != fresh->written.tv_sec || st.st_mtim.tv_nsec != fresh->written.tv_nsec)
		return true;
	return !fresh->leased && fcntl(fresh->fd, F_SETLEASE, F_WRLCK) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* --- What becomes of it -------------------------------------------------------------------------------------------------------------- */

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

/* The bit goes first: with it and not as we wrote it, somebody edited it. And where somebody did, without a lease, it is to show. */
bool fresh_settle(struct fresh *fresh, struct place *place, int old, struct gw_error *err)
{
	bool touched = fresh_is_touched(fresh);

	if (fchmod(fresh->fd, fresh->mode) == 0 && make_younger(fresh->fd, old) && (touched || note_written(fresh)) && synced(fresh->fd) &&
	    synced(place->dir))
		return true;
	return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot write the directory of %s; nothing was changed", place->path);
}

bool fresh_refill(struct fresh *fresh, struct place *place, int from)
{
	size_t len;
	char *text = mars_file_read_fd(from, place->path, &len, NULL);
	bool ok = text && ftruncate(fresh->fd, 0) == 0 && lseek(fresh->fd, 0, SEEK_SET) == 0 && write_all(fresh->fd, text, len) &&
		  copy_traits(place, fresh->fd, &fresh->mode, NULL) && fchmod(fresh->fd, fresh->mode) == 0 && synced(fresh->fd);

	free(text);
	return ok;
}
