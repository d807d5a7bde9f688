/* No lost edit: changes as REST makes them and admins who save by each kind of editor, all at once. A slice runs here; tests/long/mars_race
 * runs 10,000 rounds: MARS_RACE_ROUNDS.
 *
 * An editor that read the file before a save and writes it after would undo that save, as it would undo any other editor's: so each admin
 * reads and writes at once, looks whether what it read is still what is there, and has a value of its own.
 *
 * However long an editor is kept from running, no save gives up waiting for it: the linker leads libmars' clock through here. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/reload.h"
#include "libmars/save.h"

#define DUT_1 "52:54:00:00:00:01"

static char dir[256], db_path[300];

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, now);
	*now = (struct timespec){1};
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
	/* syncing there is quick, whatever the disk is busy with */
	snprintf(dir, sizeof(dir), "%s/mars_race.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(db_path, sizeof(db_path), "%s/mars_db.yaml", dir);
	return 0;
}

static int end(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* --- Admins -------------------------------------------------------------------------------------------------------------------------- */

enum way { BY_RENAME, IN_PLACE, IN_CHUNKS, WAYS };

struct admin {
	enum way way;
	int rounds, saved;
	const bool *done;
};

static const char *const keys[WAYS] = {"pdu_off_delay: ", "boot_sequence_power: ", "# seen: "};

static int counted(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atoi(at + strlen(key)) : -1;
}

/* The text with its number one higher, or false if that is not what stands there. */
static bool next_text(const char *text, const char *key, int expected, char *out, size_t size)
{
	const char *at = strstr(text, key);

	if (!at || counted(text, key) != expected)
		return false;
	at += strlen(key);
	return snprintf(out, size, "%.*s%d%s", (int)(at - text), text, expected + 1, at + strspn(at, "0123456789")) < (int)size;
}

/* vim's way: a new file beside it, renamed over it, unless it changed since it was read. */
static bool save_by_rename(const char *text, struct stat *was)
{
	char mine[320];
	struct stat now;

	snprintf(mine, sizeof(mine), "%s/4913", dir);
	put(mine, text);
	return stat(db_path, &now) == 0 && now.st_ino == was->st_ino && rename(mine, db_path) == 0;
}

static bool write_part(int fd, const char *text, size_t from, size_t to)
{
	return pwrite(fd, text + from, to - from, (off_t)from) == (ssize_t)(to - from);
}

/* A save through a descriptor that was opened for reading and writing before it was read. */
static bool save_through(int fd, const char *text, bool in_chunks)
{
	size_t len = strlen(text), half = in_chunks ? len / 2 : len;

	if (!write_part(fd, text, 0, half))
		return false;
	if (in_chunks)
		usleep(300); /* half a file is there for a while */
	return write_part(fd, text, half, len) && ftruncate(fd, (off_t)len) == 0;
}

static pthread_mutex_t admins = PTHREAD_MUTEX_INITIALIZER; /* they know of each other, and of no daemon */

static bool edit_once(struct admin *admin)
{
	char text[4096] = "", next[4096];
	int fd = open(db_path, O_RDWR | O_CLOEXEC);
	bool ok = false;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	    next_text(text, keys[admin->way], admin->saved, next, sizeof(next)))
		ok = admin->way == BY_RENAME ? save_by_rename(next, &st) : save_through(fd, next, admin->way == IN_CHUNKS);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Each round needs to find the one before: a lost save ends it. */
static void *admin_saves(void *data)
{
	struct admin *admin = data;

	while (admin->saved < admin->rounds) {
		bool alone = __atomic_load_n(admin->done, __ATOMIC_SEQ_CST), ok;

		pthread_mutex_lock(&admins);
		ok = edit_once(admin);
		pthread_mutex_unlock(&admins);
		admin->saved += ok;
		if (alone && !ok)
			break;
		usleep(200);
	}
	return NULL;
}

/* --- REST ---------------------------------------------------------------------------------------------------------------------------- */

/* As a PATCH: over nobody's value. True if it was acknowledged. Its key alternates, so that insertion, change and removal all race. */
static bool patch(struct mars_db *db, int round)
{
	struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "firmware_boot_time"}, MARS_V_INTEGER(round), false};
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	bool ok = mars_db_apply(db, &edit, 1, &changes, &err);

	if (!ok && err.kind != GW_BUSY && err.kind != GW_BAD_INPUT) /* half a file is there, or it is being written */
		fail_msg("round %d: %s", round, err.text);
	mars_changes_finish(&changes);
	mars_db_reload(db, &changes, &errs); /* as the watch would have it */
	mars_changes_finish(&changes);
	gw_errors_finish(&errs);
	return ok;
}

/* `n` admins, each with a way of his own from `first` on. */
static void race(enum way first, int n)
{
	const char *given = getenv("MARS_RACE_ROUNDS");
	int rounds = given ? atoi(given) / WAYS : 150, last = -1, acknowledged = 0;
	bool done = false;
	struct admin all[WAYS];
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	struct mars_db *db;
	pthread_t threads[WAYS];

	put(db_path, "# seen: 0\nduts:\n  " DUT_1 ":\n    pdu_off_delay: 0 # the admin's\n    boot_sequence_power: 0 # likewise\n");
	db = mars_db_open(db_path, NULL, &errs);
	assert_non_null(db);
	for (int a = 0; a < n; a++) {
		all[a] = (struct admin){.way = first + (enum way)a, .rounds = rounds, .done = &done};
		assert_int_equal(pthread_create(&threads[a], NULL, admin_saves, &all[a]), 0);
	}
	for (int i = 0; i < rounds || !acknowledged; i++) { /* an editor that does not get on for long leaves half a file for as long */
		const struct mars_dut *dut = mars_db_find_dut(db, DUT_1);

		if (last >= 0 && (!dut || dut->firmware_boot_time != last))
			fail_msg("round %d: the acknowledged %d is lost: %g", i, last, dut ? dut->firmware_boot_time : -2);
		if (patch(db, i)) {
			last = i;
			acknowledged++;
		}
	}
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	for (int a = 0; a < n; a++)
		pthread_join(threads[a], NULL);
	assert_true(mars_db_reload(db, &changes, &errs));
	assert_true(last < 0 || mars_db_find_dut(db, DUT_1)->firmware_boot_time == last);
	for (int a = 0; a < n; a++) {
		int there = counted(mars_db_text(db, &(size_t){0}), keys[all[a].way]);

		if (there != all[a].saved || all[a].saved == 0)
			fail_msg("%d of the admin's saves, but the file has %d", all[a].saved, there);
		printf("%d saves of an admin, %d of %d changes acknowledged\n", all[a].saved, acknowledged, rounds);
	}
	assert_null(mars_db_take_kept(db)); /* all is in the database */
	assert_non_null(strstr(mars_db_text(db, &(size_t){0}), " # the admin's\n"));
	mars_changes_finish(&changes);
	mars_db_destroy(db);
}

static void promise_5_an_admin_who_renames_and_rest_lose_nothing(void **state)
{
	race(BY_RENAME, 1);
}

static void promise_5_an_admin_who_writes_in_place_and_rest_lose_nothing(void **state)
{
	race(IN_PLACE, 1);
}

static void promise_5_an_admin_who_writes_in_chunks_and_rest_lose_nothing(void **state)
{
	race(IN_CHUNKS, 1);
}

/* What one has saved, the next must find, whoever he is: else he would save without it. */
static void promise_5_admins_of_all_ways_in_turn_and_rest_lose_nothing(void **state)
{
	race(BY_RENAME, WAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(promise_5_an_admin_who_renames_and_rest_lose_nothing, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_an_admin_who_writes_in_place_and_rest_lose_nothing, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_an_admin_who_writes_in_chunks_and_rest_lose_nothing, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_admins_of_all_ways_in_turn_and_rest_lose_nothing, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
