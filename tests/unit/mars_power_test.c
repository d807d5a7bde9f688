/* Power loss at any moment of a save: what libmars asks of the disk is recorded (the linker leads its calls through here), and each state
 * that the disk may then be in is made and opened. What was synced is there; of what was not, any: the folder's changes up to any one of
 * them, a file's bytes as they were, half or whole, its mode as it was or is. An acknowledged edit is in all of them. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/save.h"

#define MAC  "52:54:00:00:00:01"
#define HEAD "duts:\n  " MAC ":\n    comment: "
#define TAIL " # by hand\n"

/* ---- the recorder ---- */

enum what { CREATE, WRITE, MODE, SYNC, SYNC_FOLDER, RENAME, EXCHANGE, UNLINK, ACKNOWLEDGED };
static struct event {
	enum what what;
	ino_t inode;
	char name[64], to[64];
	char text[256];
	mode_t mode;
} events[512];
static size_t n_events;
static bool recording;

static struct event *record(enum what what)
{
	static struct event nowhere;

	if (!recording)
		return &nowhere;
	assert_true(n_events < sizeof(events) / sizeof(events[0]));
	events[n_events].what = what;
	return &events[n_events++];
}

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

int __real_openat64(int dir, const char *name, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *name, int flags, ...);
int __wrap_openat64(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	struct event *e;
	va_list ap;
	int fd;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	fd = __real_openat64(dir, name, flags, mode);
	if (fd >= 0 && (flags & O_CREAT)) {
		e = record(CREATE);
		e->inode = inode_of(fd);
		e->mode = mode;
		snprintf(e->name, sizeof(e->name), "%s", name);
	}
	return fd;
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	struct event *e = record(WRITE);

	assert_true(n < sizeof(e->text));
	e->inode = inode_of(fd);
	memcpy(e->text, bytes, n);
	e->text[n] = '\0';
	return __real_write(fd, bytes, n);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	record(S_ISDIR(st.st_mode) ? SYNC_FOLDER : SYNC)->inode = st.st_ino;
	return __real_fsync(fd);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode)
{
	struct event *e = record(MODE);

	e->inode = inode_of(fd);
	e->mode = mode;
	return __real_fchmod(fd, mode);
}

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int rc = __real_renameat2(from_dir, from, to_dir, to, flags);
	struct event *e;

	if (rc == 0) {
		e = record(flags & RENAME_EXCHANGE ? EXCHANGE : RENAME);
		snprintf(e->name, sizeof(e->name), "%s", from);
		snprintf(e->to, sizeof(e->to), "%s", to);
	}
	return rc;
}

int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
	int rc = __real_unlinkat(dir, name, flags);

	if (rc == 0)
		snprintf(record(UNLINK)->name, sizeof(events[0].name), "%s", name);
	return rc;
}

/* ---- a disk ---- */

struct inode {
	ino_t number;
	char text[256], synced[256];
	mode_t mode, synced_mode;
};
struct entry {
	char name[64];
	struct inode *inode; /* NULL: there is none */
};
struct folder {
	struct entry entries[2];
};
static struct disk {
	struct inode inodes[16];
	size_t n_inodes;
	struct folder folders[32]; /* after each change since the last sync */
	size_t n_folders;
} disk;

static struct inode *find_inode(ino_t number)
{
	for (size_t i = disk.n_inodes; i > 0; i--) /* the latest: numbers are used again */
		if (disk.inodes[i - 1].number == number)
			return &disk.inodes[i - 1];
	fail_msg("inode %ju was not seen before", (uintmax_t)number);
	return NULL;
}

static struct inode *add_inode(ino_t number, mode_t mode)
{
	struct inode *inode = &disk.inodes[disk.n_inodes++];

	assert_true(disk.n_inodes <= sizeof(disk.inodes) / sizeof(disk.inodes[0]));
	*inode = (struct inode){.number = number, .mode = mode, .synced_mode = mode};
	return inode;
}

static struct entry *entry_of(struct folder *folder, const char *name)
{
	for (int i = 0; i < 2; i++)
		if (!folder->entries[i].name[0] || strcmp(folder->entries[i].name, name) == 0) {
			snprintf(folder->entries[i].name, sizeof(folder->entries[i].name), "%s", name);
			return &folder->entries[i];
		}
	fail_msg("a third file: %s", name);
	return NULL;
}

static struct folder *next_folder(void)
{
	assert_true(disk.n_folders < sizeof(disk.folders) / sizeof(disk.folders[0]));
	disk.folders[disk.n_folders] = disk.folders[disk.n_folders - 1];
	return &disk.folders[disk.n_folders++];
}

static void change_folder(const struct event *e)
{
	struct folder *folder = next_folder();
	struct entry *from = entry_of(folder, e->name), *to;
	struct inode *was;

	if (e->what == CREATE) {
		from->inode = add_inode(e->inode, e->mode);
	} else if (e->what == UNLINK) {
		from->inode = NULL;
	} else {
		to = entry_of(folder, e->to);
		was = to->inode;
		to->inode = from->inode;
		from->inode = e->what == EXCHANGE ? was : NULL;
	}
}

static void apply(const struct event *e)
{
	struct inode *inode = e->what == WRITE || e->what == MODE || e->what == SYNC ? find_inode(e->inode) : NULL;

	switch (e->what) {
	case WRITE:
		strncat(inode->text, e->text, sizeof(inode->text) - strlen(inode->text) - 1);
		break;
	case MODE:
		inode->mode = e->mode;
		break;
	case SYNC:
		memcpy(inode->synced, inode->text, sizeof(inode->synced));
		inode->synced_mode = inode->mode;
		break;
	case SYNC_FOLDER:
		disk.folders[0] = disk.folders[disk.n_folders - 1];
		disk.n_folders = 1;
		break;
	case ACKNOWLEDGED:
		break;
	default:
		change_folder(e);
	}
}

/* ---- after the power loss ---- */

static char dir[256], lost_dir[256], path[300], lost_path[300];
static unsigned states;

static void make_file(const struct entry *entry, unsigned choice)
{
	const struct inode *inode = entry->inode;
	const char *text = choice % 3 == 0 ? inode->synced : inode->text;
	bool half = choice % 3 == 1 && strcmp(inode->text, inode->synced) != 0;
	size_t len = strlen(text) / (half ? 2 : 1);
	mode_t mode = choice / 3 ? inode->mode : inode->synced_mode;
	struct timespec time = {1000, 0};
	char name[400];
	int fd;

	snprintf(name, sizeof(name), "%s/%s", lost_dir, entry->name);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	/* the time that a save gives it, which is synced with its text; then the one that comes with its last mode, later than its
	 * predecessor's */
	if (!(mode & S_ISVTX))
		time = (struct timespec){2000 + (time_t)(inode - disk.inodes), 5};
	assert_int_equal(futimens(fd, (const struct timespec[]){time, time}), 0);
	close(fd);
}

static void clear_lost(void)
{
	static const char *const names[] = {"mars_db.yaml", ".mars_db.yaml.new"};
	char name[400];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s/%s", lost_dir, names[i]);
		unlink(name);
	}
}

/* The number that the database has, opened after the loss. */
static int number_after(const struct folder *folder, unsigned choices)
{
	struct gw_errors errs = {0};
	struct mars_db *db;
	const struct mars_dut *dut;
	int number;

	clear_lost();
	for (int i = 0; i < 2; i++)
		if (folder->entries[i].inode)
			make_file(&folder->entries[i], i ? choices / 6 : choices % 6);
	db = mars_db_open(lost_path, NULL, &errs);
	if (!db)
		fail_msg("%s", errs.v[0].text);
	dut = mars_db_find_dut(db, MAC);
	number = dut && dut->comment ? atoi(dut->comment) : -1;
	mars_db_destroy(db);
	states++;
	return number;
}

/* `acknowledged` and at most the edit that is under way. */
static void lose_power(size_t at, int acknowledged)
{
	for (size_t f = 0; f < disk.n_folders; f++)
		for (unsigned choices = 0; choices < 36; choices++) {
			int number = number_after(&disk.folders[f], choices);

			if (number != acknowledged && number != acknowledged + 1)
				fail_msg("power lost after call %zu (%d), folder %zu, files %u: %d was acknowledged, %d is there", at,
					 at ? (int)events[at - 1].what : -1, f, choices, acknowledged, number);
		}
}

static void edit(struct mars_db *db, int number)
{
	char text[16];
	const struct mars_edit edit = {MARS_SET, {"duts", MAC, "comment"}, MARS_V_TEXT(text), true};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	snprintf(text, sizeof(text), "%d-th", number);
	if (!mars_db_apply(db, &edit, 1, &changes, &err))
		fail_msg("%s", err.text);
	mars_changes_finish(&changes);
	record(ACKNOWLEDGED);
}

static void record_edits(int n)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);

	assert_non_null(db);
	recording = true;
	for (int i = 1; i <= n; i++)
		edit(db, i);
	recording = false;
	mars_db_destroy(db);
}

static void replay(int acknowledged)
{
	int whole = acknowledged;

	lose_power(0, acknowledged);
	for (size_t i = 0; i < n_events; i++) {
		apply(&events[i]);
		acknowledged += events[i].what == ACKNOWLEDGED;
		lose_power(i + 1, acknowledged);
	}
	printf("%d edits, %zu calls, %u states of the disk\n", acknowledged - whole, n_events, states);
	assert_true(states > 100);
}

static void put_first(void)
{
	FILE *file = fopen(path, "w");
	struct stat st;
	struct inode *inode;

	assert_non_null(file);
	fputs(HEAD "0-th" TAIL, file);
	fclose(file);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(stat(path, &st), 0);
	inode = add_inode(st.st_ino, 0640);
	strcpy(inode->text, HEAD "0-th" TAIL);
	strcpy(inode->synced, inode->text);
	entry_of(&disk.folders[0], "mars_db.yaml")->inode = inode;
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

	snprintf(dir, sizeof(dir), "%s/mars_power.XXXXXX", tmp);
	snprintf(lost_dir, sizeof(lost_dir), "%s/mars_lost.XXXXXX", tmp);
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(lost_dir));
	snprintf(path, sizeof(path), "%s/mars_db.yaml", dir);
	snprintf(lost_path, sizeof(lost_path), "%s/mars_db.yaml", lost_dir);
	disk = (struct disk){.n_folders = 1};
	n_events = states = 0;
	return 0;
}

static int end(void **state)
{
	clear_lost();
	unlink(path);
	return rmdir(dir) | rmdir(lost_dir);
}

static void promise_2_an_acknowledged_edit_outlives_a_power_loss(void **state)
{
	put_first();
	record_edits(3);
	replay(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(promise_2_an_acknowledged_edit_outlives_a_power_loss, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
