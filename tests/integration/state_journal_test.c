/* What a killed executord knew of a farm with many machines: a change of one is a line of a journal, not the whole farm anew. Real daemons,
 * in a network namespace of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "libgateway/files.h"
#include "tests/harness/farm.h"

#define DUT "/dut/52:54:00:00:00:03"
enum { DUTS = 8 };

static char folder[600], all[700], journal[700];

static bool has(const char *path, const char *part)
{
	char *text = file_read(path, 1 << 20, NULL, NULL); /* the journal may go at any moment */
	bool found = text && strstr(text, part);

	free(text);
	return found;
}

static void await_in(const char *path, const char *part)
{
	char events[4096];
	int fd = inotify_init1(IN_CLOEXEC);

	assert_true(fd >= 0 && inotify_add_watch(fd, folder, IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
	while (!has(path, part))
		assert_true(read(fd, events, sizeof(events)) > 0);
	close(fd);
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	char db[4096];
	int n = snprintf(db, sizeof(db), "pdus:\n  DUMMY: {driver: dummy, config: {ports: [a, b, c, d, e, f, g, h]}}\nduts:\n");
	struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;

	for (int i = 0; i < DUTS; i++)
		n += snprintf(db + n, sizeof(db) - (size_t)n,
			      "  '52:54:00:00:00:%02d': {base_name: box, pdu: DUMMY, pdu_port_id: %d, ready_for_service: true}\n", i, i);
	*state = farm = farm_start(&options);
	farm_await(farm, DUT, "state", "IDLE");
	snprintf(folder, sizeof(folder), "%s/executord", farm->state_dir);
	snprintf(all, sizeof(all), "%s/duts.json", folder);
	snprintf(journal, sizeof(journal), "%s/duts.journal", folder);
	await_in(all, "\"52:54:00:00:00:03\":{\"state\":\"IDLE\"");
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	assert_int_equal(access(journal, F_OK), -1); /* whoever stops in order leaves one file */
	return 0;
}

/* And not started again before the supervisor may go on. */
static void kill_executord(struct farm *farm)
{
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "executord");
}

static void promise_11_a_change_of_one_machine_is_a_line_and_outlives_a_kill(void **state)
{
	struct farm *farm = *state;
	char *before = file_get(all), *after;

	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	await_in(journal, "\"52:54:00:00:00:03\":{\"state\":\"RETIRED\"");
	after = file_get(all);
	assert_string_equal(before, after);
	assert_false(has(journal, "52:54:00:00:00:04"));
	kill_executord(farm);
	proc_signal(&farm->supervisor, SIGCONT);
	proc_await(&farm->supervisor, "executord*dut=test-box-4 is RETIRED as before the restart");
	farm_await(farm, DUT, "state", "RETIRED");
	await_in(all, "\"52:54:00:00:00:03\":{\"state\":\"RETIRED\"");
	free(before);
	free(after);
}

static void promise_8_a_torn_line_of_the_journal_does_not_stop_the_next_start(void **state)
{
	struct farm *farm = *state;
	char *text, *torn;

	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	await_in(journal, "\"52:54:00:00:00:03\":{\"state\":\"IDLE\"");
	kill_executord(farm);
	text = file_get(journal);
	torn = gw_sprintf("%s%.*s", text, 60, text); /* and the beginning of another */
	file_put(journal, torn);
	proc_signal(&farm->supervisor, SIGCONT);
	proc_await(&farm->supervisor, "executord*duts.journal: its end, from byte * of *, was not written out and does not count");
	proc_await(&farm->supervisor, "executord*dut=test-box-4 is IDLE as before the restart");
	farm_await(farm, DUT, "state", "IDLE");
	free(text);
	free(torn);
}

static void a_machine_that_is_gone_does_not_come_back(void **state)
{
	struct farm *farm = *state;

	farm_do("DELETE", DUT, "");
	await_in(journal, "\"52:54:00:00:00:03\":null");
	kill_executord(farm);
	proc_signal(&farm->supervisor, SIGCONT);
	proc_await(&farm->supervisor, "executord*dut=test-box-5 is IDLE as before the restart");
	farm_await(farm, "/dut/52:54:00:00:00:04", "state", "IDLE");
	assert_int_equal(farm_request("GET", DUT, NULL, NULL), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_11_a_change_of_one_machine_is_a_line_and_outlives_a_kill),
		cmocka_unit_test(promise_8_a_torn_line_of_the_journal_does_not_stop_the_next_start),
		cmocka_unit_test(a_machine_that_is_gone_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
