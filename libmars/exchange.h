/* Putting a new text in the place of a file, if the file still is what the text was made from. Internal to libmars.
 *
 * A save, by steps, and what each protects from:
 *
 *  1. The new text goes into `.NAME.new` beside the file, with the sticky bit: a file of that name and that bit is ours and unfinished.
 *  2. fsync: a power loss never leaves half a text under the file's name.
 *  3. A read lease on the file: nobody has it open for writing, and who opens it so from now on waits for us. Else its writer is waited
 *     for; if that takes too long, or it is not what the edit was made on, the new text is dropped (and the edit made anew on what is
 *     there). A write lease on the new file: who opens it, be it to read, waits for us until it is known whether it stays.
 *  4. RENAME_EXCHANGE: what the file was is now in `.NAME.new`, without the bit. If it is not the one with the lease, an editor renamed in
 *     between; if somebody waits for the lease, he came by the name and will write: the two change back.
 *  5. The bit off the new file, fsync of it and of the directory: from here on the save counts. If one fails the two change back.
 *  6. unlink, while the leases still hold.
 *
 * So a kill leaves one of: `.NAME.new` with the bit (before 4: drop it), without it and the file with it (between 4 and 5: change back, the
 * edit was not acknowledged), neither with it (between 5 and 6: drop the old one), none of that name (after 6). mars_save_recover does
 * this. Who waited for the lease of a save that was killed writes into the old file: it is then not older than the new one, which 5 made
 * younger, and gets its name back.
 *
 * Changing back, with two editors about. W opens the file by its name before 4, to write, and waits; E opens what has the name after 4:
 *
 *      save:  3 lease   4 swap                 6 W waits: swap back         done
 *      W:          open(file) ............................................. writes into the file, which has its name again
 *      E:                       open(new file) ............................ writes into the new file, which nobody finds
 *
 * Step 3's lease of the new file closes this: E waits in open() until W has closed the file; then the new file gets what W left, and the
 * name if E wants to write. Likewise R, who would read the new file while it stands where an editor has just renamed another file to, and
 * write back a text without that edit: R gets to read what that editor wrote. Where an editor renamed over the new file, it has the name
 * already, and nothing changes back.
 *
 * What cannot be closed. rename(2) acts on names: no call makes one depend on what has the name at that moment (RENAME_NOREPLACE needs the
 * name to be free, and a save that frees it leaves no file at all when it is killed there). So an editor's rename may fall between the look
 * at who has the name and the swap back. It shows, as something else comes out than went in, and is put back; but meanwhile the file from
 * before had the name, and whoever read it then writes an older text over that editor's. A lease would make him wait, but there is none to
 * be had on a file that W has open. The same holds for all of the above on file systems without leases. No text is lost even so: what could
 * be, NAME.kept-N holds, and mars_db_take_kept tells of it.
 */
#ifndef LIBMARS_EXCHANGE_H
#define LIBMARS_EXCHANGE_H

#include "libgateway/error.h"

enum exchange_outcome {
	EXCHANGE_SAVED,  /* durable */
	EXCHANGE_OTHER,  /* the file was another by then: it is there untouched, begin again from it */
	EXCHANGE_FAILED, /* `err` says why; the file is as it was */
};

/* `base` is what the file must hold, NULL: there must be none. Blocks. To `*kept` (NULL, or malloc'ed text) is added what was kept. */
enum exchange_outcome mars_exchange(const char *path, const char *base, size_t base_len, const char *text, size_t len, char **kept,
				    struct gw_error *err);

/* Puts right what a killed save left: afterwards the file is the one before or after that save and no temp file is left. `*kept`: all that
 * was ever kept and is there still. */
bool mars_save_recover(const char *path, char **kept, struct gw_error *err);

#endif
