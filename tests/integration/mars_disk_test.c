/* A disk that takes nothing more, under a real executord: REST says why, file and memory stay as they were and agree, the next start finds
 * nothing beside the file, and once there is space again changes go through. The database has a file system of its own, of 1 MiB. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/farm.h"
#include "tests/harness/net.h"

#define MAC "52:54:00:00:00:01"
#define DUT "/dut/" MAC

enum { ANSWER_MAX = 16384 };

static const char db[] = "# my farm\n"
			 "duts:\n"
			 "  '" MAC "': # the first one\n"
			 "    base_name: box\n"
			 "    comment: old # by hand\n"
			 "    ready_for_service: true\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	assert_int_equal(mkdir(tmp_path("config"), 0755), 0);
	if (mount("tmpfs", tmp_path("config"), "tmpfs", 0, "size=1m,nr_inodes=16") < 0)
		fail_msg("mount: %s", strerror(errno));
	*state = farm_start(&options);
	farm_await(*state, DUT, "comment", "old");
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	assert_int_equal(umount(tmp_path("config")), 0);
	return 0;
}

/* ---- ways to take its space, and to give it back ---- */

static void fill_blocks(void)
{
	static const char block[4096];
	int fd = open(tmp_path("config/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void free_blocks(void)
{
	assert_int_equal(unlink(tmp_path("config/filler")), 0);
}

static void fill_inodes(void)
{
	int fd, n = 0;

	while ((fd = open(tmp_path("config/inode-%d", n), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0) {
		close(fd);
		n++;
	}
	assert_int_equal(errno, ENOSPC);
}

static void free_inodes(void)
{
	for (int i = 0; unlink(tmp_path("config/inode-%d", i)) == 0; i++)
		;
}

static void remount(unsigned long flags)
{
	if (mount(NULL, tmp_path("config"), NULL, MS_REMOUNT | flags, NULL) < 0)
		fail_msg("remount: %s", strerror(errno));
}

static void make_read_only(void)
{
	remount(MS_RDONLY);
}

static void make_writable(void)
{
	remount(0);
}

/* ---- what must hold ---- */

static void assert_refused(int expected, const char *body, const char *reason)
{
	char *answer;
	int status = farm_request("PATCH", DUT, body, &answer);

	if (status != expected || !glob_line(reason, answer, strcspn(answer, "\n")))
		fail_msg("%s: %d %s\nexpected: %d %s", body, status, answer, expected, reason);
	free(answer);
}

static void assert_file_is(const struct farm *farm, const char *text)
{
	char *now = file_get(farm->db_path);

	assert_string_equal(now, text);
	free(now);
}

static void assert_alone(const struct farm *farm)
{
	DIR *dir = opendir(tmp_path("config"));
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, "mars_db") && strcmp(entry->d_name, "mars_db.yaml") != 0)
			fail_msg("%s is left beside the database", entry->d_name);
	closedir(dir);
}

static void restart(struct farm *farm)
{
	farm_kill(farm, "executord");
	farm_await(farm, "/full-state", "now", "*T*");
}

struct trouble {
	void (*begin)(void), (*end)(void);
	int status;
	const char *reason;
};

/* Refused with its reason as often as one tries, the same after a kill and a start in the midst of it; then all is well again. */
static void go_through(struct farm *farm, const struct trouble *trouble, const char *value)
{
	char *before = file_get(farm->db_path), *was = strdup(farm_get(DUT, "comment")), *body, *line;

	assert_true(asprintf(&body, "{\"comment\": \"%s\"}", value) > 0);
	trouble->begin();
	for (int i = 0; i < 3; i++) {
		assert_refused(trouble->status, body, trouble->reason);
		assert_string_equal(farm_get(DUT, "comment"), was);
		assert_file_is(farm, before);
	}
	restart(farm);
	assert_string_equal(farm_get(DUT, "comment"), was);
	assert_file_is(farm, before);
	assert_alone(farm);
	assert_refused(trouble->status, body, trouble->reason);
	trouble->end();
	assert_alone(farm);
	farm_do("PATCH", DUT, body);
	assert_string_equal(farm_get(DUT, "comment"), value);
	assert_true(asprintf(&line, "    comment: %s # by hand\n", value) > 0);
	free(before);
	before = file_get(farm->db_path);
	assert_non_null(strstr(before, line));
	restart(farm);
	assert_string_equal(farm_get(DUT, "comment"), value);
	assert_alone(farm);
	free(line);
	free(body);
	free(was);
	free(before);
}

static void promise_4_a_full_disk_is_answered_507_and_changes_nothing(void **state)
{
	static const struct trouble full = {fill_blocks, free_blocks, 507,
					    "{\"error\":\"*config/.mars_db.yaml.new*nothing was *: No space left on device\"}"};

	go_through(*state, &full, "space");
}

static void promise_4_a_disk_without_inodes_is_answered_507_and_changes_nothing(void **state)
{
	static const struct trouble full = {fill_inodes, free_inodes, 507,
					    "{\"error\":\"*config/.mars_db.yaml.new; nothing was written: No space left on device\"}"};

	go_through(*state, &full, "inodes");
}

static void promise_4_a_read_only_disk_is_answered_503_and_changes_nothing(void **state)
{
	static const struct trouble read_only = {make_read_only, make_writable, 503,
						 "{\"error\":\"*config/.mars_db.yaml.new; nothing was written: Read-only file system\"}"};

	go_through(*state, &read_only, "writable");
}

/* An editor that truncates, and then gets no space: the file is empty. One that writes a new one leaves the old. */
static void promise_6_an_editor_on_a_full_disk_takes_nothing_away(void **state)
{
	struct farm *farm = *state;
	char *text = file_get(farm->db_path), command[700];
	int fd;

	fill_blocks();
	snprintf(command, sizeof(command), "sed -i 's/base_name: box/base_name: crate/' %s 2>/dev/null", farm->db_path);
	assert_int_not_equal(system(command), 0);
	assert_file_is(farm, text);

	fd = open(farm->db_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	fill_blocks(); /* what it had is taken */
	assert_int_equal(write(fd, text, strlen(text)), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
	proc_await(&farm->supervisor, "executord*mars_db.yaml:1:1: the file is empty; accepted: a database, {} for one without anything.*");
	assert_string_equal(farm_get(DUT, "base_name"), "box");
	assert_refused(409, "{\"comment\": \"new\"}", "{\"error\":\"*so nothing was written: mars_db.yaml:1:1: the file is empty*");
	assert_file_is(farm, "");

	free_blocks();
	file_put(farm->db_path, text);
	farm_await(farm, "/full-state", "database/error", "(none)");
	assert_string_equal(farm_get(DUT, "base_name"), "box");
	free(text);
}

/* ---- those that wait for their turn ---- */

static int ask(const char *method, const char *path, const char *body)
{
	int fd = net_connect(80);
	char *request;

	assert_true(asprintf(&request,
			     "%s /api/v1%s HTTP/1.1\r\nHost: 10.42.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
			     "Content-Length: %zu\r\n\r\n%s",
			     method, path, strlen(body), body) > 0);
	net_send(fd, request);
	free(request);
	return fd;
}

/* A machine with 16 long tags. The caller frees. */
static char *body_of_machine(void)
{
	char *body = strdup("{\"id\": \"52:54:00:00:00:03\", \"tags\": ["), *more;

	for (int i = 0; i < 16; i++) {
		assert_true(asprintf(&more, "%s\"%0250d\"%s", body, i, i < 15 ? ", " : "]}") > 0);
		free(body);
		body = more;
	}
	return body;
}

/* All of it: the request says that it is the last one. The caller frees. */
static char *answer_of(int fd)
{
	char *text = calloc(1, ANSWER_MAX);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n = 1;

	for (size_t used = 0; n > 0; used += (size_t)n) {
		assert_int_equal(poll(&p, 1, PROC_PATIENCE_MS), 1);
		n = read(fd, text + used, ANSWER_MAX - 1 - used);
		assert_true(n >= 0);
	}
	close(fd);
	return text;
}

static void assert_answer(const char *answer, const char *status, const char *part)
{
	char begin[64];

	snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", status);
	if (strncmp(answer, begin, strlen(begin)) != 0 || !strstr(answer, part))
		fail_msg("%s\nexpected: %s... %s", answer, begin, part);
}

/* Until a save has written its file: from then on it waits for whoever has the database open. */
static void await_save(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PROC_PATIENCE_MS), 1);
	close(watch);
}

/* False: the first one gave up waiting for the editor, after 2 s, so none of them could come true. */
static bool change_while_the_disk_fills_up(struct farm *farm, const char *comment, const char *machine)
{
	int editor = open(farm->db_path, O_RDWR | O_CLOEXEC), watch = inotify_init1(IN_CLOEXEC), fds[3];
	char *answers[3];
	bool in_time;

	assert_true(inotify_add_watch(watch, tmp_path("config"), IN_MODIFY) >= 0);
	fds[0] = ask("PATCH", DUT, "{\"comment\": \"first\"}");
	await_save(watch);
	fds[1] = ask("PATCH", DUT, comment);
	fds[2] = ask("POST", "/dut/", machine);
	farm_await(farm, DUT, "state", "*"); /* so the two before it are heard, too */
	fill_blocks();
	close(editor);
	for (int i = 0; i < 3; i++)
		answers[i] = answer_of(fds[i]);
	in_time = !strstr(answers[0], "for writing; nothing was changed");
	if (in_time) {
		assert_answer(answers[0], "200", "\"comment\":\"first\"");
		assert_answer(answers[1], "507", ".mars_db.yaml.new; nothing was ");
		assert_answer(answers[2], "507", ": No space left on device\"}");
	} else {
		free_blocks();
	}
	for (int i = 0; i < 3; i++)
		free(answers[i]);
	return in_time;
}

static void promise_4_a_change_that_waits_while_the_disk_fills_up_is_answered_507(void **state)
{
	struct farm *farm = *state;
	char *text, *comment, *machine = body_of_machine();

	/* more than the one block that the first change gives back */
	assert_true(asprintf(&comment, "{\"comment\": \"%04000d\"}", 0) > 0);
	for (int tries = 1; !change_while_the_disk_fills_up(farm, comment, machine); tries++)
		assert_true(tries < 10);
	assert_string_equal(farm_get(DUT, "comment"), "first");
	assert_string_equal(farm_get("/duts", "duts/52:54:00:00:00:03"), "(none)");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "    comment: first # by hand\n"));
	assert_null(strstr(text, "52:54:00:00:00:03"));
	assert_alone(farm);
	free_blocks();
	farm_do("POST", "/dut/", machine);
	farm_do("DELETE", "/dut/52:54:00:00:00:03", NULL);
	free(text);
	free(comment);
	free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_4_a_full_disk_is_answered_507_and_changes_nothing),
		cmocka_unit_test(promise_4_a_disk_without_inodes_is_answered_507_and_changes_nothing),
		cmocka_unit_test(promise_6_an_editor_on_a_full_disk_takes_nothing_away),
		cmocka_unit_test(promise_4_a_read_only_disk_is_answered_503_and_changes_nothing),
		cmocka_unit_test(promise_4_a_change_that_waits_while_the_disk_fills_up_is_answered_507),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
