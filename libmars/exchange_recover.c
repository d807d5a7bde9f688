/* What a killed save left (exchange.h). */
#include "libmars/exchange_internal.h"

#include "libmars/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* An owner that a save could not keep shows at start, not at the first save. */
static bool check_owner(const struct place *place, const struct stat *st, struct gw_error *err)
{
	if (st->st_uid == geteuid() || geteuid() == 0)
		return true;
	return gw_fail(err, GW_REFUSED, "%s belongs to user %u, which a save by user %u could not keep; run: chown %u %s", place->path,
		       st->st_uid, geteuid(), geteuid(), place->path);
}

static int open_temp(const struct place *place)
{
	return openat(place->dir, place->temp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Somebody has what has the temp name open for writing. */
static bool is_being_written(const struct place *place)
{
	int fd = open_temp(place);
	bool writing = fd >= 0 && mars_file_lease(fd) == 0;

	if (fd >= 0)
		close(fd);
	return writing;
}

/* Whether an editor saved into the new file, which has the temp name again, or is at it. */
static bool was_edited(const struct place *place)
{
	struct stat st;

	return is_being_written(place) || (fstatat(place->dir, place->temp, &st, AT_SYMLINK_NOFOLLOW) == 0 && !is_as_we_wrote_it(&st));
}

/* The old file gets its name back, unless the new one was edited and that one not (`later`). The new file is looked at only after the
 * swap: from then on no editor comes to it by its name. *keep: what has the temp name then may have somebody's edit. */
static bool undo(struct place *place, bool unsettled, bool later, bool *keep)
{
	if (!place_swap(place))
		return false;
	if (unsettled ? was_edited(place) : is_being_written(place))
		*keep = true;
	return later || !*keep || place_swap(place);
}

/* The file was exchanged already, so what has the temp name is what it was before; `have_file`: unless somebody deleted the new one. */
static bool change_back(struct place *place, bool have_file, bool unsettled, bool later, bool *keep, struct gw_error *err)
{
	if (have_file ? !undo(place, unsettled, later, keep) : renameat(place->dir, place->temp, place->dir, place->name) < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot put %s back as it was", place->path);
	fsync(place->dir);
	return true;
}

static bool clear_temp(struct place *place, bool keep, struct gw_error *err)
{
	if ((keep || is_being_written(place)) && place_keep(place, place->temp, true))
		return true;
	if (unlinkat(place->dir, place->temp, 0) == 0 || errno == ENOENT)
		return true;
	return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot remove %s, left by a save that was killed", place->temp_path);
}

static bool born(const struct place *place, const char *name, struct timespec *when)
{
	struct statx st;

	if (statx(place->dir, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
		return false;
	*when = (struct timespec){st.stx_btime.tv_sec, st.stx_btime.tv_nsec};
	return true;
}

/* What has the temp name was written when what has the name was there already, so not before they were exchanged. */
static bool is_written_since(const struct place *place, const struct stat *temp)
{
	struct timespec file_born;

	return born(place, place->name, &file_born) && is_later(&temp->st_mtim, &file_born);
}

/* Power was lost after the new file was settled, and before the exchange was on the disk. */
static bool was_not_exchanged(const struct place *place)
{
	struct timespec file_born, temp_born;

	return born(place, place->name, &file_born) && born(place, place->temp, &temp_born) && is_later(&temp_born, &file_born);
}

/* Who waited for the lease has the old file, under the temp name, and writes into it or has written since the new one was settled. */
static bool old_is_later(const struct place *place, const struct stat *old, const struct stat *new)
{
	return !is_as_we_wrote_it(new) && (is_being_written(place) || !is_later(&new->st_mtim, &old->st_mtim));
}

bool exchange_recover(struct place *place, struct gw_error *err)
{
	struct stat file, temp;
	bool have_file = fstatat(place->dir, place->name, &file, 0) == 0;
	bool have_temp = fstatat(place->dir, place->temp, &temp, AT_SYMLINK_NOFOLLOW) == 0;
	bool exchanged = have_temp && !(temp.st_mode & S_ISVTX), unsettled = have_file && (file.st_mode & S_ISVTX);
	bool later = have_file && exchanged && old_is_later(place, &temp, &file), keep = later && !was_not_exchanged(place);

	if (have_temp && !S_ISREG(temp.st_mode))
		return gw_fail(err, GW_REFUSED, "%s is in the way of saves; remove it", place->temp_path);
	if (exchanged && (!have_file || unsettled || later)) {
		if (!change_back(place, have_file, unsettled, later, &keep, err))
			return false;
		have_file = fstatat(place->dir, place->name, &file, 0) == 0;
	} else if (exchanged) {
		keep = is_written_since(place, &temp);
	}
	if (have_temp && !clear_temp(place, keep, err))
		return false;
	if (have_file && !check_owner(place, &file, err))
		return false;
	if (have_file && S_ISREG(file.st_mode) && (file.st_mode & S_ISVTX) && fchmodat(place->dir, place->name, file.st_mode & 0777, 0) < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot set the mode of %s", place->path);
	return true;
}
