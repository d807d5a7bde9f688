/* Changing back, with editors about (exchange.h). */
#include "libmars/exchange_internal.h"

#include "libmars/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SWAPS_MAX 16

static void drop_temp(struct place *place)
{
	unlinkat(place->dir, place->temp, 0);
}

/* What has the temp name is what the file was, or what an editor had made of it: another has the name now. */
static void drop_old(struct place *place, const struct old *old)
{
	if (place_temp_inode(place) == old->inode && !old_waits(old) && old_is_base(old, place, NULL))
		drop_temp(place);
	else
		place_keep(place, place->temp, true);
}

/* The file gets its name back: how many swaps that took, each but the last undoing an editor's rename, which is then done again. 0:
 * somebody deleted it meanwhile. */
static int swap_back(struct place *place, ino_t in)
{
	int n = 0;

	while (n < SWAPS_MAX) {
		ino_t next = place_temp_inode(place);

		if (!place_swap(place))
			return 0;
		n++;
		if (place_temp_inode(place) == in)
			break;
		in = next;
	}
	return n;
}

/* The new file, refilled, gets the name for who waits to write to it, unless another came. */
static bool give_name(struct place *place, struct fresh *fresh, int from)
{
	struct stat st;

	if (fstat(from, &st) < 0 || !place_swap(place))
		return false;
	if (place_temp_inode(place) == st.st_ino && fcntl(from, F_GETLEASE) == F_RDLCK) {
		drop_temp(place);
		return true;
	}
	if (swap_back(place, fresh->inode) > 1)
		place_keep(place, place->name, false);
	return false;
}

/* Somebody came to the new file by the name, and waits. Whoever has the old one open ends first; what he leaves is what the other finds. */
static bool hand_over(struct place *place, struct fresh *fresh, struct old *old)
{
	int fd;
	bool ok;

	if (old->leased)
		fcntl(old->fd, F_SETLEASE, F_UNLCK);
	old->leased = false;
	fd = openat(place->dir, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ok = fd >= 0 && mars_file_await_writers(fd) > 0 && fresh_refill(fresh, place, fd);
	if (ok && fresh_waits(fresh) == O_WRONLY)
		ok = give_name(place, fresh, fd);
	else if (ok)
		drop_temp(place);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The new file has the temp name again. `unchanged`: the old file, which has its own, has nothing that the new one has not. */
static void drop_fresh(struct place *place, struct fresh *fresh, struct old *old, bool unchanged)
{
	if (fresh_waits(fresh) >= 0) {
		if (!hand_over(place, fresh, old) && place_temp_inode(place) == fresh->inode)
			place_keep(place, place->temp, true);
	} else if (!fresh_is_touched(fresh)) {
		drop_temp(place);
	} else if (unchanged && place_swap(place)) { /* an edit of the new one stays */
		drop_old(place, old);
	} else {
		place_keep(place, place->temp, true);
	}
}

void exchange_undo(struct place *place, struct fresh *fresh, struct old *old)
{
	bool renamed = place_temp_inode(place) != old->inode; /* before the exchange: an editor's file came out */
	bool unchanged = !renamed && !old_waits(old);
	int swaps;

	if (place_name_inode(place) != fresh->inode) { /* an editor's, renamed over the new one */
		drop_old(place, old);
		return;
	}
	swaps = swap_back(place, fresh->inode);
	if (swaps == 0 && renameat2(place->dir, place->temp, place->dir, place->name, RENAME_NOREPLACE) == 0)
		return;                               /* the next look sees */
	if (swaps > 1 || (renamed && !fresh->leased)) /* it was away for a moment, and another in its place may have been read */
		place_keep(place, place->name, false);
	if (place_temp_inode(place) == fresh->inode)
		drop_fresh(place, fresh, old, unchanged);
	else
		drop_old(place, old);
}
