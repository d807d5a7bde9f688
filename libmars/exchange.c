/* The steps 3 to 6 of exchange.h. */
#include "libmars/exchange_internal.h"

#include "libmars/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- The old file -------------------------------------------------------------------------------------------------------------------- */

bool old_is_base(const struct old *old, struct place *place, struct gw_error *err)
{
	size_t len;
	char *text = mars_file_read_fd(old->fd, place->path, &len, err);
	bool same = text && len == old->base_len && memcmp(text, old->base, len) == 0;

	if (!text)
		gw_context(err, "nothing was changed");
	free(text);
	return same;
}

bool old_waits(const struct old *old)
{
	return old->leased && fcntl(old->fd, F_GETLEASE) != F_RDLCK;
}

/* Open and kept from others' writing, if it still is what the edit was made on. */
static enum exchange_outcome take_old(struct old *old, struct place *place, struct gw_error *err)
{
	struct gw_error why = {0};
	struct stat st;
	int lease;

	old->fd = openat(place->dir, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (old->fd < 0 && (errno == ENOENT || errno == ELOOP)) /* gone, or an admin's symlink */
		return EXCHANGE_OTHER;
	if (old->fd < 0 || fstat(old->fd, &st) < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot look at what %s is; nothing was changed", place->path);
		return EXCHANGE_FAILED;
	}
	lease = mars_file_await_writers(old->fd);
	if (!lease) {
		gw_fail(err, GW_BUSY, "somebody keeps %s open for writing; nothing was changed", place->path);
		return EXCHANGE_FAILED;
	}
	old->leased = lease > 0;
	old->inode = st.st_ino;
	if (old_is_base(old, place, &why))
		return EXCHANGE_SAVED;
	if (err)
		*err = why;
	return why.kind == GW_OK ? EXCHANGE_OTHER : EXCHANGE_FAILED;
}

/* --- Exchange and look --------------------------------------------------------------------------------------------------------------- */

/* Whether what came out is the old file, and nobody comes to it by the name that it had. */
static enum exchange_outcome look_at_old(struct place *place, const struct old *old, struct gw_error *err)
{
	struct gw_error why = {0};

	if (place_temp_inode(place) != old->inode || old_waits(old))
		return EXCHANGE_OTHER;
	if (old->leased || old_is_base(old, place, &why))
		return EXCHANGE_SAVED;
	if (err)
		*err = why;
	return why.kind == GW_OK ? EXCHANGE_OTHER : EXCHANGE_FAILED;
}

/* The two are exchanged. Not EXCHANGE_SAVED: they are to change back. */
static enum exchange_outcome conclude(struct place *place, struct fresh *fresh, const struct old *old, struct gw_error *err)
{
	enum exchange_outcome outcome = look_at_old(place, old, err);

	if (outcome != EXCHANGE_SAVED)
		return outcome;
	if (!fresh_settle(fresh, place, old->fd, err))
		return EXCHANGE_FAILED;
	if (place_name_inode(place) != fresh->inode || old_waits(old)) /* that took its time */
		return EXCHANGE_OTHER;
	if (unlinkat(place->dir, place->temp, 0) == 0) /* while the leases hold */
		return EXCHANGE_SAVED;
	gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot remove %s; nothing was changed", place->temp_path);
	return EXCHANGE_FAILED;
}

static enum exchange_outcome exchange_with(struct place *place, struct fresh *fresh, struct old *old, struct gw_error *err)
{
	enum exchange_outcome outcome;
	int why;

	fresh_lease(fresh);
	if (!place_swap(place)) {
		why = errno;
		gw_fail_errno(err, GW_UNREACHABLE, why, "cannot put the new %s in its place; nothing was changed", place->path);
		unlinkat(place->dir, place->temp, 0);
		return why == ENOENT ? EXCHANGE_OTHER : EXCHANGE_FAILED;
	}
	outcome = conclude(place, fresh, old, err);
	if (outcome != EXCHANGE_SAVED)
		exchange_undo(place, fresh, old);
	return outcome;
}

static enum exchange_outcome exchange_old(struct place *place, struct fresh *fresh, const char *base, size_t base_len, struct gw_error *err)
{
	struct old old = {.fd = -1, .base = base, .base_len = base_len};
	enum exchange_outcome outcome = take_old(&old, place, err);

	if (outcome == EXCHANGE_SAVED)
		outcome = exchange_with(place, fresh, &old, err);
	else
		unlinkat(place->dir, place->temp, 0);
	if (old.fd >= 0)
		close(old.fd);
	return outcome;
}

/* Where there was none. An editor may make one at the same time: that has the name, then. */
static enum exchange_outcome exchange_new(struct place *place, struct fresh *fresh, struct gw_error *err)
{
	int why;

	if (renameat2(place->dir, place->temp, place->dir, place->name, RENAME_NOREPLACE) < 0) {
		why = errno;
		gw_fail_errno(err, GW_UNREACHABLE, why, "cannot make %s; nothing was written", place->path);
		unlinkat(place->dir, place->temp, 0);
		return why == EEXIST ? EXCHANGE_OTHER : EXCHANGE_FAILED;
	}
	if (fresh_settle(fresh, place, -1, err))
		return EXCHANGE_SAVED;
	if (fresh_is_touched(fresh) || place_name_inode(place) != fresh->inode)
		return EXCHANGE_OTHER;
	renameat2(place->dir, place->name, place->dir, place->temp, RENAME_NOREPLACE);
	if (place_temp_inode(place) == fresh->inode)
		unlinkat(place->dir, place->temp, 0);
	else
		renameat2(place->dir, place->temp, place->dir, place->name, RENAME_NOREPLACE); /* an editor's, renamed over it just now */
	return EXCHANGE_FAILED;
}

static void hand_kept(struct place *place, char **kept)
{
	char *before = *kept;

	if (!place->kept)
		return;
	*kept = gw_sprintf("%s%s%s", before ? before : "", before ? ", " : "", place->kept);
	free(before);
}

enum exchange_outcome mars_exchange(const char *path, const char *base, size_t base_len, const char *text, size_t len, char **kept,
				    struct gw_error *err)
{
	enum exchange_outcome outcome = EXCHANGE_FAILED;
	struct place place;
	struct fresh fresh;

	if (!place_init(&place, path, err) || !exchange_recover(&place, err)) {
		gw_context(err, "nothing was written");
	} else if (fresh_write(&fresh, &place, text, len, err)) {
		outcome = base ? exchange_old(&place, &fresh, base, base_len, err) : exchange_new(&place, &fresh, err);
		close(fresh.fd); /* who waited to open it goes on */
	}
	hand_kept(&place, kept);
	place_finish(&place);
	return outcome;
}

bool mars_save_recover(const char *path, char **kept, struct gw_error *err)
{
	struct place place;
	bool ok = place_init(&place, path, err) && exchange_recover(&place, err);

	if (ok)
		place_find_kept(&place);
	hand_kept(&place, kept);
	place_finish(&place);
	return ok;
}
