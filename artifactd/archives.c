/* From one archive to another, or to one of its files. */
#include "artifactd/archives_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct conversion {
	const struct archive_recipe *recipe;
	const struct archive_io *io;
	struct archive_in in;
	struct archive_out out;
	struct archive_rules rules;
	struct archive_set added;   /* paths of what is added: the archive's own of that name are left out */
	struct archive_set folders; /* that were written */
	size_t entries;
};

static bool go_on(const struct conversion *c, struct gw_error *err)
{
	return !c->io->stopped(c->io->data) || gw_fail(err, GW_REFUSED, "it is not wanted any more");
}

/* ---- writing ---- */

/* Linux makes no folder by itself that an initramfs does not name. */
static bool write_folders(struct conversion *c, const char *path, struct gw_error *err)
{
	char folder[ARCHIVE_PATH_MAX];
	bool good = true;

	for (const char *slash = strchr(path, '/'); good && slash; slash = strchr(slash + 1, '/')) {
		struct archive_entry *entry;

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		if (!archive_set_add(&c->folders, folder))
			continue;
		entry = archive_entry_new();
		archive_entry_set_pathname(entry, folder);
		archive_entry_set_mode(entry, S_IFDIR | 0755);
		archive_entry_set_nlink(entry, 1); /* else a cpio has it for another name of the last */
		archive_entry_set_mtime(entry, 0, 0);
		archive_entry_set_size(entry, 0);
		good = archive_out_header(&c->out, entry, err);
		archive_entry_free(entry);
	}
	return good;
}

static bool copy_entry(struct conversion *c, struct gw_error *err)
{
	char bytes[ARCHIVE_BLOCK];
	ssize_t n;

	while ((n = archive_in_read(&c->in, bytes, sizeof(bytes), err)) > 0)
		if (!go_on(c, err) || !archive_out_write(&c->out, bytes, (size_t)n, err))
			return false;
	return n == 0;
}

static bool skip_entry(struct conversion *c, struct gw_error *err)
{
	char bytes[ARCHIVE_BLOCK];
	ssize_t n;

	while ((n = archive_in_read(&c->in, bytes, sizeof(bytes), err)) > 0)
		if (!go_on(c, err))
			return false;
	return n == 0;
}

/* ---- the archive's own entries ---- */

/* Only a tar can say that a file is another's second name; elsewhere a symbolic link does. In a cpio that was read the number of the inode
 * says it, and still does. */
static bool settle_link(struct conversion *c, struct archive_entry *entry, struct gw_error *err)
{
	const char *of = archive_entry_hardlink(entry);
	char plain[ARCHIVE_PATH_MAX], kept[ARCHIVE_PATH_MAX], target[ARCHIVE_PATH_MAX + 1];
	int found;

	if (!of)
		return true;
	if (strcmp(c->recipe->extension, "cpio") == 0 && archive_in_is_cpio(&c->in)) {
		archive_entry_set_hardlink(entry, NULL);
		return true;
	}
	if (!archive_path_plain(of, plain, err) || (found = archive_rules_apply(&c->rules, plain, kept, err)) < 0)
		return false;
	if (!found)
		return gw_fail(err, GW_BAD_INPUT, "'%.200s' is a link to '%.200s', which is not kept", archive_entry_pathname(entry),
			       plain);
	archive_entry_set_hardlink(entry, NULL);
	if (strcmp(c->recipe->extension, "tar") == 0) {
		archive_entry_set_hardlink(entry, kept);
		return true;
	}
	snprintf(target, sizeof(target), "/%s", kept);
	archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_perm(entry, 0777);
	archive_entry_set_symlink(entry, target);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_size(entry, 0);
	return true;
}

static bool write_entry(struct conversion *c, struct archive_entry *entry, const char *path, struct gw_error *err)
{
	bool folder = archive_entry_filetype(entry) == AE_IFDIR;

	if (folder && !archive_set_add(&c->folders, path))
		return true;
	if (archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) && !archive_entry_size_is_set(entry))
		return gw_fail(err, GW_BAD_INPUT, "the size of '%.200s' is not told in front of it", path);
	archive_entry_set_pathname(entry, path);
	archive_entry_unset_atime(entry);
	archive_entry_unset_ctime(entry);
	archive_entry_unset_birthtime(entry);
	return settle_link(c, entry, err) && write_folders(c, path, err) && archive_out_header(&c->out, entry, err) && copy_entry(c, err);
}

static bool take_entry(struct conversion *c, struct archive_entry *entry, const char *plain, struct gw_error *err)
{
	char kept[ARCHIVE_PATH_MAX];
	int found = archive_rules_apply(&c->rules, plain, kept, err);

	if (found < 0)
		return false;
	if (!found || !*kept || archive_set_has(&c->added, kept))
		return skip_entry(c, err);
	return write_entry(c, entry, kept, err);
}

/* 1: this was the file; 0: go on; -1: `err`. */
static int match_entry(struct conversion *c, struct archive_entry *entry, const char *plain, struct gw_error *err)
{
	char kept[ARCHIVE_PATH_MAX];
	int found = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry)
			    ? archive_rules_apply(&c->rules, plain, kept, err)
			    : 0;

	if (found < 0)
		return -1;
	if (!found)
		return skip_entry(c, err) ? 0 : -1;
	return copy_entry(c, err) ? 1 : -1;
}

static const char *name_of(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	return name ? name : archive_entry_pathname_utf8(entry);
}

/* The same as of match_entry. */
static int one_entry(struct conversion *c, struct archive_entry *entry, struct gw_error *err)
{
	char plain[ARCHIVE_PATH_MAX];
	const char *name = name_of(entry);

	if (++c->entries > ARCHIVE_ENTRIES_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the archive has more than %d entries", ARCHIVE_ENTRIES_MAX) ? 0 : -1;
	if (!name)
		return gw_fail(err, GW_BAD_INPUT, "an entry of the archive has a name that is no text") ? 0 : -1;
	if (!go_on(c, err) || !archive_path_plain(name, plain, err))
		return -1;
	if (!*plain) /* its own folder */
		return skip_entry(c, err) ? 0 : -1;
	return c->recipe->match ? match_entry(c, entry, plain, err) : take_entry(c, entry, plain, err) ? 0 : -1;
}

static bool convert_entries(struct conversion *c, struct gw_error *err)
{
	struct archive_entry *entry;
	int done = 0;

	while (done == 0 && (entry = archive_in_next(&c->in, err)))
		done = one_entry(c, entry, err);
	if (done < 0 || err->kind != GW_OK)
		return false;
	return done || !c->recipe->match || gw_fail(err, GW_NOT_FOUND, "no file of the archive matches '%.200s'", c->recipe->match);
}

/* ---- what is added ---- */

static bool copy_file(struct conversion *c, const struct archive_add *add, struct gw_error *err)
{
	char bytes[ARCHIVE_BLOCK];
	int64_t at = 0;

	while (at < add->size) {
		size_t want = add->size - at < (int64_t)sizeof(bytes) ? (size_t)(add->size - at) : sizeof(bytes);
		ssize_t n = pread(add->fd, bytes, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return gw_fail(err, GW_UNREACHABLE, "what is added as '%.200s' cannot be read: %s", add->path,
				       n < 0 ? strerror(errno) : "it is shorter than it was");
		if (!go_on(c, err) || !archive_out_write(&c->out, bytes, (size_t)n, err))
			return false;
		at += n;
	}
	return true;
}

static bool add_file(struct conversion *c, const struct archive_add *add, const char *path, struct gw_error *err)
{
	struct archive_entry *entry = archive_entry_new();
	bool good;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, add->mode);
	archive_entry_set_size(entry, add->size);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_mtime(entry, 0, 0);
	good = write_folders(c, path, err) && archive_out_header(&c->out, entry, err) && copy_file(c, add, err);
	archive_entry_free(entry);
	return good;
}

static bool note_added(struct conversion *c, struct gw_error *err)
{
	char plain[ARCHIVE_PATH_MAX];

	for (size_t i = 0; i < c->recipe->n_add; i++) {
		if (!archive_path_plain(c->recipe->add[i].path, plain, err))
			return false;
		if (!*plain || !archive_set_add(&c->added, plain))
			return gw_fail(err, GW_BAD_INPUT, "'%.200s' is added twice, or is no file's name", c->recipe->add[i].path);
	}
	return true;
}

static bool add_all(struct conversion *c, struct gw_error *err)
{
	char plain[ARCHIVE_PATH_MAX];

	for (size_t i = 0; i < c->recipe->n_add; i++)
		if (!archive_path_plain(c->recipe->add[i].path, plain, err) || !add_file(c, &c->recipe->add[i], plain, err))
			return false;
	return true;
}

/* ---- all of it ---- */

static bool begin(struct conversion *c, struct gw_error *err)
{
	const struct archive_recipe *recipe = c->recipe;
	const struct archive_keep match = {.path = recipe->match};
	bool good = recipe->match ? archive_rules_init(&c->rules, &match, 1, err)
				  : archive_rules_init(&c->rules, recipe->keep, recipe->n_keep, err);

	if (recipe->match)
		c->rules.of = NULL; /* it has no rewrite */
	return good && note_added(c, err) && (c->io->in < 0 || archive_in_open(&c->in, c->io->in, recipe->max_bytes, err)) &&
	       archive_out_open(&c->out, recipe, c->io, err);
}

bool archive_convert(const struct archive_recipe *recipe, const struct archive_io *io, struct gw_error *err)
{
	struct conversion *c = gw_calloc(1, sizeof(*c));
	bool good;

	c->recipe = recipe;
	c->io = io;
	good = begin(c, err) && (io->in < 0 || convert_entries(c, err)) && add_all(c, err) && archive_out_end(&c->out, err);
	archive_out_close(&c->out);
	archive_in_close(&c->in);
	archive_rules_finish(&c->rules);
	archive_set_finish(&c->added);
	archive_set_finish(&c->folders);
	free(c);
	return good;
}
