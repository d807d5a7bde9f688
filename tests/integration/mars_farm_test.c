/* What an admin's edit of the database leads to in a running farm of real daemons: only what it says. In a network namespace of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/farm.h"

#define MAC  "52:54:00:00:00:01"
#define DUT  "/dut/" MAC
#define PORT "/pdu/FIRST/port/0"

static const char db[] = "# my farm\n"
			 "pdus:\n"
			 "  FIRST:\n"
			 "    driver: dummy\n"
			 "    config: {ports: [one, two]}\n"
			 "  SECOND:\n"
			 "    driver: dummy\n"
			 "    config: {ports: [one, two]}\n"
			 "duts:\n"
			 "  '" MAC "': # the first one\n"
			 "    base_name: box\n"
			 "    tags: [x86_64]\n"
			 "    pdu: FIRST\n"
			 "    pdu_port_id: 0\n"
			 "    pdu_off_delay: 0.1 # seconds\n"
			 "    ready_for_service: true\n"
			 "  # what follows is the last\n";

static const char job[] = "version: 1\n"
			  "target: {id: " MAC "}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: '^good bye'}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;

	shell("mkdir %s && ln -s config.v1 %s", tmp_path("config.v1"), tmp_path("config"));
	farm = farm_start(&options);
	farm_await(farm, "/pdus", "pdus/FIRST/state", "OK");
	farm_await(farm, "/pdus", "pdus/SECOND/state", "OK");
	farm_await(farm, DUT, "state", "IDLE");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

static void start_job(struct farm *farm, struct proc *client, const char *name)
{
	farm_run_job(client, name, job, NULL, -1);
	farm_await(farm, DUT, "state", "RUNNING");
	proc_await(client, "the machine is powered");
	farm_await(farm, PORT, "state", "ON");
}

/* ---- Two change one value ---- */

#define CHANGED "this was changed in the file meanwhile; nothing was written"
#define KEPT    "for writing; nothing was changed" /* the editor took more than 2 s */
enum { WAS_CHANGED, WAS_KEPT, WAS_OTHERWISE };

/* In a child: the harness' calls wait for their answer. Its exit code is what the answer says. */
static pid_t patch_in_background(int editor, const char *body)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *answer;
		int status;

		close(editor); /* the editor's own has to be the last one */
		status = farm_request("PATCH", DUT, body, &answer);
		if (status == 409 && strstr(answer, MAC ": " CHANGED))
			_exit(WAS_CHANGED);
		if (status == 409 && strstr(answer, KEPT))
			_exit(WAS_KEPT);
		fprintf(stderr, "%d %s\nexpected: 409 " MAC ": " CHANGED "\n", status, answer);
		_exit(WAS_OTHERWISE);
	}
	return pid;
}

/* A watch on the database's folder: the new text of a save comes there, then who has the old one open is waited for. */
static int watch_saves(const char *path)
{
	char dir[512];
	int watch = inotify_init1(IN_CLOEXEC);

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_true(inotify_add_watch(watch, dir, IN_CREATE) >= 0);
	return watch;
}

/* What the change by REST came to, which began while the editor had the file open. */
static int change_while_an_editor_is_at_it(struct farm *farm)
{
	int fd = open(farm->db_path, O_RDWR | O_CLOEXEC), status, saves = watch_saves(farm->db_path); /* the editor is at it */
	char *text = file_get(farm->db_path), *delay = strstr(text, "pdu_off_delay: 0.1"), event[1024];
	pid_t rest;

	assert_non_null(delay);
	rest = patch_in_background(fd, "{\"pdu_off_delay\": 0.7}");
	assert_true(read(saves, event, sizeof(event)) > 0);
	close(saves);
	assert_int_equal(pwrite(fd, "pdu_off_delay: 0.5", 18, delay - text), 18);
	close(fd);
	assert_int_equal(waitpid(rest, &status, 0), rest);
	free(text);
	farm_await(farm, DUT, "pdu_off_delay", "0.5");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "    pdu_off_delay: 0.5 # seconds\n"));
	assert_non_null(strstr(text, "  # what follows is the last\n"));
	free(text);
	farm_do("PATCH", DUT, "{\"pdu_off_delay\": 0.1}"); /* now that it was seen */
	return WIFEXITED(status) ? WEXITSTATUS(status) : WAS_OTHERWISE;
}

static void promise_5_a_change_to_what_an_admin_changed_meanwhile_is_answered_409(void **state)
{
	int outcome = change_while_an_editor_is_at_it(*state);

	for (int tries = 1; outcome == WAS_KEPT && tries < 10; tries++)
		outcome = change_while_an_editor_is_at_it(*state);
	assert_int_equal(outcome, WAS_CHANGED);
}

/* ---- What an edit leads to ---- */

static void a_changed_pdu_is_rebuilt_alone(void **state)
{
	struct farm *farm = *state;

	farm_do("PATCH", "/pdu/FIRST/port/1", "{\"state\": \"off\"}");
	farm_await(farm, "/pdu/FIRST/port/1", "state", "OFF");
	farm_edit_db(farm, "  SECOND:\n    driver: dummy\n    config: {ports: [one, two]}\n",
		     "  SECOND:\n    driver: dummy\n    config: {ports: [one, two, three]}\n");
	farm_await(farm, "/pdu/SECOND/port/2", "label", "three");
	assert_string_equal(farm_get("/pdu/FIRST/port/1", "state"), "OFF"); /* a dummy built anew has all ports ON */
	assert_string_equal(farm_get(DUT, "state"), "IDLE");
}

static void a_changed_tag_leaves_the_job_alone(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "retagged");
	farm_edit_db(farm, "tags: [x86_64]", "tags: [x86_64, amdgpu]");
	farm_await(farm, DUT, "tags/1", "amdgpu");
	assert_string_equal(farm_get(DUT, "state"), "RUNNING");
	assert_string_equal(farm_get(PORT, "state"), "ON");
	assert_false(proc_has_said(&client, "the machine is powered*the machine is powered"));
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_wait(&client);
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
}

static void a_folders_symlink_that_leads_to_another_version_is_an_edit(void **state)
{
	struct farm *farm = *state;
	char *text;

	shell("mkdir %s", tmp_path("config.v2"));
	shell("sed 's/pdu_off_delay: 0.1/pdu_off_delay: 0.2/' %s >%s", farm->db_path, tmp_path("config.v2/mars_db.yaml"));
	shell("ln -s config.v2 %s && mv -T %s %s", tmp_path("next"), tmp_path("next"), tmp_path("config"));
	farm_await(farm, DUT, "pdu_off_delay", "0.2");
	farm_do("PATCH", DUT, "{\"pdu_off_delay\": 0.1}");
	text = file_get(tmp_path("config.v2/mars_db.yaml"));
	assert_non_null(strstr(text, "    pdu_off_delay: 0.1 # seconds\n"));
	free(text);
}

static void a_removed_machine_loses_its_job_and_its_power(void **state)
{
	struct farm *farm = *state;
	char *text = file_get(farm->db_path), *entry = strstr(text, "  '" MAC "'"), *rest = strstr(text, "  # what follows");
	struct proc client;

	start_job(farm, &client, "removed");
	assert_true(entry && rest);
	*rest = '\0';
	farm_edit_db(farm, entry, "  # gone\n");
	proc_wait(&client);
	farm_await(farm, PORT, "state", "OFF");
	farm_await(farm, "/duts", "duts/" MAC "/state", "(none)");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_5_a_change_to_what_an_admin_changed_meanwhile_is_answered_409),
		cmocka_unit_test(a_changed_pdu_is_rebuilt_alone),
		cmocka_unit_test(a_changed_tag_leaves_the_job_alone),
		cmocka_unit_test(a_folders_symlink_that_leads_to_another_version_is_an_edit),
		cmocka_unit_test(a_removed_machine_loses_its_job_and_its_power),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
