/* A real executord under edits by REST and by an editor at once: nothing acknowledged is lost, also when it is killed at any moment. Slices
 * run here; tests/long/mars_load runs more: MARS_KILL_ROUNDS, MARS_RACE_ROUNDS, MARS_LOAD_SEED. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/farm.h"

#define MAC "52:54:00:00:00:01"
#define DUT "/dut/" MAC

/* The whole file, so that a torn one cannot pass: a state is these two numbers. */
#define STATE                                                                                                                              \
	"# saved by hand: %d\n"                                                                                                            \
	"duts:\n"                                                                                                                          \
	"  '" MAC "': # the first one\n"                                                                                                   \
	"    base_name: box\n"                                                                                                             \
	"    comment: 'number %d' # of REST\n"                                                                                             \
	"    ready_for_service: true\n"

static struct shared {                /* with the children */
	int asked, acknowledged;      /* of REST: the last PATCH that was begun, that was answered 200 */
	int conflicts;                /* answered 409 */
	int saving, saved;            /* of the editor */
	int until_asked, until_saved; /* after so many they stop */
	int settled, asked_then;      /* of the editor's last save of REST's own value: acknowledged before it, asked after it */
	bool stop;
} * shared;

static int option(const char *name, int otherwise)
{
	return getenv(name) ? atoi(getenv(name)) : otherwise;
}

static void start_executord(struct farm *farm)
{
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", NULL};

	proc_start(&farm->supervisor, "farm", argv, farm->env);
	farm_await(farm, DUT, "comment", "number *");
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "LOG_LEVEL=info", NULL};
	struct farm_options options = {.env = env, .no_vpdu = true, .no_files = true, .no_daemons = true};
	char db[1024];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	snprintf(db, sizeof(db), STATE, 0, 0);
	options.db = db;
	*state = farm_start(&options);
	start_executord(*state);
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	munmap(shared, sizeof(*shared));
	return 0;
}

/* ---- REST's side ---- */

/* A byte into `begun` for each that begins. */
static void patch_next(int begun)
{
	char body[64], *answer;
	int status;

	if (begun >= 0)
		assert_int_equal(write(begun, "", 1), 1);
	shared->asked = shared->acknowledged + 1;
	snprintf(body, sizeof(body), "{\"comment\": \"number %d\"}", shared->asked);
	status = farm_request("PATCH", DUT, body, &answer);
	if (status == 200)
		shared->acknowledged = shared->asked;
	else if (status == 409)
		shared->conflicts++;
	else if (status != 0) /* it was killed */
		fprintf(stderr, "PATCH: %d %s\n", status, answer);
	if ((status == 409 && !strstr(answer, "meanwhile") && !strstr(answer, "keeps") && !strstr(answer, "saved by others") &&
	     !strstr(answer, "the file as it is now is not valid")) || /* an editor has written half */
	    (status != 0 && status != 200 && status != 409))
		_exit(1);
	free(answer);
	if (status == 0 && shared->stop)
		_exit(0);
}

static pid_t start_client(int begun)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm((unsigned)option("MARS_RACE_ROUNDS", 0) / 10 + PROC_PATIENCE_MS * 3 / 1000U); /* only a failing test gets there */
		while (!shared->stop && shared->acknowledged < shared->until_asked)
			patch_next(begun);
		_exit(0);
	}
	return pid;
}

/* ---- the editor's side: reads and writes through one descriptor, so that a save by executord waits for its end ---- */

static bool save_once(const char *path)
{
	char text[1024] = "", next[1024];
	int fd = open(path, O_RDWR | O_CLOEXEC), seen, number, half;
	bool ok = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0;

	if (ok && sscanf(text, "# saved by hand: %d\n", &seen) == 1 && seen == shared->saved) {
		number = seen + 1;
		snprintf(next, sizeof(next), "# saved by hand: %d%s", number, strchr(text, '\n'));
		shared->saving = number;
		half = number % 3 ? (int)strlen(next) : (int)strlen(next) / 2; /* each third one in two parts */
		ok = pwrite(fd, next, (size_t)half, 0) == half &&
		     pwrite(fd, next + half, strlen(next) - (size_t)half, half) == (ssize_t)strlen(next) - half &&
		     ftruncate(fd, (off_t)strlen(next)) == 0;
		if (ok)
			shared->saved = number;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static void lost(const char *what, int number, const char *text)
{
	fprintf(stderr, "%s %d is lost; %d acknowledged, %d saved; the file:\n%s", what, number, shared->acknowledged, shared->saved, text);
	_exit(1);
}

/* What the file has of the one value that both change: the editor's last, or what REST was asked for after it; and nothing older than what
 * was acknowledged before the file was opened. */
static void assert_in_order(const char *text, int acknowledged)
{
	const char *comment = strstr(text, "comment: '");
	int number = 0, by_hand = 0;

	if (comment && sscanf(comment, "comment: 'by hand %d'", &by_hand) == 1) {
		if (by_hand != shared->saved)
			lost("the editor's save", shared->saved, text);
		if (acknowledged > shared->asked_then)
			lost("the acknowledged change", acknowledged, text);
	} else if (!comment || sscanf(comment, "comment: 'number %d'", &number) != 1 || number < acknowledged) {
		lost("the acknowledged change", acknowledged, text);
	} else if (number <= shared->settled) {
		lost("the editor's save", shared->saved, text);
	}
}

/* The same value as REST's. */
static bool save_value_once(const char *path)
{
	int acknowledged = shared->acknowledged, fd = open(path, O_RDWR | O_CLOEXEC);
	char text[1024] = "", next[1024];
	bool ok = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0;
	const char *comment = strstr(text, "comment: "), *rest = comment ? strstr(comment, " # of REST") : NULL;

	if (ok) {
		assert_in_order(text, acknowledged);
		snprintf(next, sizeof(next), "%.*scomment: 'by hand %d'%s", (int)(comment - text), text, shared->saved + 1, rest);
		ok = pwrite(fd, next, strlen(next), 0) == (ssize_t)strlen(next) && ftruncate(fd, (off_t)strlen(next)) == 0;
	}
	if (fd >= 0)
		close(fd);
	if (ok) {
		shared->saved++;
		shared->settled = acknowledged;
		shared->asked_then = shared->asked;
	}
	return ok;
}

/* A little while between two saves, as an editor's user leaves: else REST finds the file open for writing each time. */
static void pause_of_user(unsigned *seed)
{
	poll(NULL, 0, 1 + rand_r(seed) % 8);
}

static pid_t start_editor(const char *path, unsigned seed, bool (*save)(const char *path))
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm((unsigned)option("MARS_RACE_ROUNDS", 0) / 10 + PROC_PATIENCE_MS * 3 / 1000U);
		while (!shared->stop && shared->saved < shared->until_saved) {
			save(path);
			pause_of_user(&seed);
		}
		_exit(0);
	}
	return pid;
}

static void await_child(pid_t pid, const char *who)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s ended with %d", who, status);
}

/* ---- what must hold ---- */

/* The file is a state as a whole, with these numbers. */
static void read_state(const struct farm *farm, int *by_hand, int *by_rest)
{
	char *text = file_get(farm->db_path), *comment = strstr(text, "number "), whole[1024];

	*by_hand = *by_rest = -1;
	if (!comment || sscanf(text, "# saved by hand: %d\n", by_hand) != 1 || sscanf(comment, "number %d", by_rest) != 1)
		fail_msg("this is no state:\n%s", text);
	snprintf(whole, sizeof(whole), STATE, *by_hand, *by_rest);
	assert_string_equal(text, whole);
	free(text);
}

static void assert_alone(void)
{
	DIR *dir = opendir(tmp_path("config"));
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' ? strcmp(entry->d_name, "mars_db.yaml") != 0 : strstr(entry->d_name, "mars_db") != NULL)
			fail_msg("%s is left beside the database", entry->d_name);
	closedir(dir);
}

static void assert_nothing_is_lost(struct farm *farm, int round)
{
	int by_hand, by_rest;
	char shown[32];

	read_state(farm, &by_hand, &by_rest);
	if (by_hand != shared->saved)
		fail_msg("round %d: the editor saved %d, the file has %d", round, shared->saved, by_hand);
	if (by_rest != shared->acknowledged && by_rest != shared->asked)
		fail_msg("round %d: %d was acknowledged, %d asked for, the file has %d", round, shared->acknowledged, shared->asked,
			 by_rest);
	snprintf(shown, sizeof(shown), "number %d", by_rest);
	farm_await(farm, DUT, "comment", shown);
	assert_string_equal(farm_get("/full-state", "database/error"), "(none)");
	assert_alone();
	shared->acknowledged = shared->asked = by_rest;
}

/* ---- tests ---- */

/* What a kill cut off between an editor and a save is not always decided without a doubt: a text is kept, and the log says where. */
static void take_kept(struct farm *farm)
{
	DIR *dir = opendir(tmp_path("config"));
	struct dirent *entry;
	char named[300];

	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "mars_db.yaml.kept-", 18) != 0)
			continue;
		snprintf(named, sizeof(named), "*%s*", entry->d_name);
		proc_await(&farm->supervisor, named);
		assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	}
	closedir(dir);
}

static void kill_once(struct farm *farm, int round, unsigned *seed)
{
	int by_hand, by_rest, begun[2];
	pid_t client, editor;
	char byte;

	shared->stop = false;
	shared->until_asked = shared->until_saved = 1 << 30;
	assert_int_equal(pipe(begun), 0);
	client = start_client(begun[1]);
	close(begun[1]);
	editor = start_editor(farm->db_path, rand_r(seed), save_once);
	for (int i = rand_r(seed) % 5; i >= 0; i--)
		assert_int_equal(read(begun[0], &byte, 1), 1);
	poll(NULL, 0, rand_r(seed) % 20); /* the moment of the kill is the random thing here */
	proc_signal(&farm->supervisor, SIGKILL);
	assert_int_equal(proc_wait(&farm->supervisor), 128 + SIGKILL);
	shared->stop = true;
	await_child(editor, "the editor");
	await_child(client, "the client");
	close(begun[0]);
	read_state(farm, &by_hand, &by_rest); /* also before anything put it right */
	start_executord(farm);
	take_kept(farm);
	assert_nothing_is_lost(farm, round);
}

static void promise_1_and_2_killed_at_any_time_under_edits_nothing_acknowledged_is_lost(void **state)
{
	unsigned seed = (unsigned)option("MARS_LOAD_SEED", 1);
	int rounds = option("MARS_KILL_ROUNDS", 20);

	for (int i = 0; i < rounds; i++)
		kill_once(*state, i, &seed);
	printf("%d kills: %d changes acknowledged, %d saves by hand\n", rounds, shared->acknowledged, shared->saved);
	assert_true(shared->acknowledged > 0 && shared->saved > 0);
}

/* Until each has had all its rounds. */
static void race(const struct farm *farm, bool (*save)(const char *path))
{
	int rounds = option("MARS_RACE_ROUNDS", 150), asked = shared->acknowledged, saved = shared->saved;
	pid_t client, editor;

	shared->stop = false;
	shared->conflicts = 0;
	shared->until_asked = asked + rounds;
	shared->until_saved = saved + rounds;
	client = start_client(-1);
	editor = start_editor(farm->db_path, 7, save);
	await_child(client, "the client");
	await_child(editor, "the editor");
	assert_int_equal(shared->acknowledged, asked + rounds);
	assert_int_equal(shared->saved, saved + rounds);
	printf("%d changes and %d saves at once, %d times answered 409\n", rounds, rounds, shared->conflicts);
}

static void promise_5_rest_and_an_editor_at_once_lose_nothing(void **state)
{
	race(*state, save_once);
	assert_nothing_is_lost(*state, 0);
}

static void promise_5_rest_and_an_editor_of_one_value_lose_nothing(void **state)
{
	struct farm *farm = *state;
	char *text, shown[64] = "";

	shared->settled = -1;
	shared->asked_then = shared->acknowledged;
	race(farm, save_value_once);
	text = file_get(farm->db_path);
	assert_in_order(text, shared->acknowledged);
	assert_int_equal(sscanf(strstr(text, "comment: "), "comment: '%63[^']'", shown), 1);
	farm_await(farm, DUT, "comment", shown);
	assert_string_equal(farm_get("/full-state", "database/error"), "(none)");
	assert_alone();
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_1_and_2_killed_at_any_time_under_edits_nothing_acknowledged_is_lost),
		cmocka_unit_test(promise_5_rest_and_an_editor_at_once_lose_nothing),
		cmocka_unit_test(promise_5_rest_and_an_editor_of_one_value_lose_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
