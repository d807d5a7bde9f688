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

static void patch_next(void)
{
	char body[64], *answer;
	int status;

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

static pid_t start_client(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm((unsigned)option("MARS_RACE_ROUNDS", 0) / 10 + PROC_PATIENCE_MS / 1000U); /* only a failing test gets there */
		while (!shared->stop && shared->acknowledged < shared->until_asked)
			patch_next();
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

/* A little while between two saves, as an editor's user leaves: else REST finds the file open for writing each time. */
static void pause_of_user(unsigned *seed)
{
	poll(NULL, 0, 1 + rand_r(seed) % 8);
}

static pid_t start_editor(const char *path, unsigned seed)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm((unsigned)option("MARS_RACE_ROUNDS", 0) / 10 + PROC_PATIENCE_MS / 1000U);
		while (!shared->stop && shared->saved < shared->until_saved) {
			save_once(path);
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

static void kill_once(struct farm *farm, int round, unsigned *seed)
{
	pid_t client, editor;
	int by_hand, by_rest;

	shared->stop = false;
	shared->until_asked = shared->until_saved = 1 << 30;
	client = start_client();
	editor = start_editor(farm->db_path, rand_r(seed));
	poll(NULL, 0, 5 + rand_r(seed) % 60); /* the moment of the kill is the random thing here */
	proc_signal(&farm->supervisor, SIGKILL);
	assert_int_equal(proc_wait(&farm->supervisor), 128 + SIGKILL);
	shared->stop = true;
	await_child(editor, "the editor");
	await_child(client, "the client");
	read_state(farm, &by_hand, &by_rest); /* also before anything put it right */
	start_executord(farm);
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

static void promise_5_rest_and_an_editor_at_once_lose_nothing(void **state)
{
	int rounds = option("MARS_RACE_ROUNDS", 100), asked = shared->acknowledged, saved = shared->saved;
	pid_t client, editor;

	shared->stop = false;
	shared->until_asked = asked + rounds;
	shared->until_saved = saved + rounds;
	client = start_client();
	editor = start_editor(((struct farm *)*state)->db_path, 7);
	await_child(client, "the client");
	await_child(editor, "the editor");
	assert_int_equal(shared->acknowledged, asked + rounds);
	assert_int_equal(shared->saved, saved + rounds);
	assert_nothing_is_lost(*state, 0);
	printf("%d changes and %d saves at once, %d times answered 409\n", rounds, rounds, shared->conflicts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_1_and_2_killed_at_any_time_under_edits_nothing_acknowledged_is_lost),
		cmocka_unit_test(promise_5_rest_and_an_editor_at_once_lose_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
