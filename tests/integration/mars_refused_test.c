/* A bad edit of the live database, by whatever slip: nothing changes, it is reported with line and column in the log, in /full-state and by
 * executorctl, it is never overwritten, running jobs go on; and the report goes when the file is put right. With real daemons. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/marsdb.h"
#include "tests/harness/ctl.h"
#include "tests/harness/farm.h"
#include "tests/harness/mars_mutants.h"

#define MAC  "52:54:00:00:00:01"
#define DUT  "/dut/" MAC
#define PORT "/pdu/DUMMY/port/0"

static const char db[] = "pdus:\n"
			 "  DUMMY:\n"
			 "    driver: dummy\n"
			 "    config: {ports: [one, two]}\n"
			 "    reserved_port_ids: [1]\n"
			 "duts:\n"
			 "  '" MAC "': # the first one\n"
			 "    base_name: box\n"
			 "    ip_address: 10.42.0.9\n"
			 "    tags:\n"
			 "    - x86_64\n"
			 "    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n"
			 "    pdu_off_delay: 0.1 # seconds\n"
			 "    ready_for_service: true\n"
			 "    first_seen: 2021-12-22 16:57:08.146275\n"
			 "    comment: old\n";

static const char job[] = "version: 1\n"
			  "target: {id: " MAC "}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: '^good bye'}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

static struct proc client; /* its job runs all the while */

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, DUT, "state", "IDLE");
	farm_run_job(&client, "job", job, NULL, -1);
	farm_await(farm, DUT, "state", "RUNNING");
	proc_await(&client, "the machine is powered");
	farm_await(farm, PORT, "state", "ON");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	proc_end(&client, SIGKILL);
	farm_stop(*state);
	ctl_finish();
	return 0;
}

/* ---- an editor ---- */

static void put(const char *path, int flags, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(close(fd), 0);
}

static void save(const struct farm *farm, bool by_rename, const char *text, size_t len)
{
	if (!by_rename)
		return put(farm->db_path, O_TRUNC, text, len);
	put(tmp_path("config/mars_db.yaml~"), O_TRUNC, text, len);
	assert_int_equal(rename(tmp_path("config/mars_db.yaml~"), farm->db_path), 0);
}

static void assert_file_is(const struct farm *farm, const char *text, size_t len)
{
	static char now[65536];
	int fd = open(farm->db_path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, now, sizeof(now)), len);
	assert_memory_equal(now, text, len);
	close(fd);
}

/* ---- what must hold ---- */

static void assert_nothing_changed(void)
{
	cJSON *dut = farm_json(DUT);

	assert_string_equal(cJSON_GetObjectItem(dut, "state")->valuestring, "RUNNING");
	assert_string_equal(cJSON_GetObjectItem(dut, "comment")->valuestring, "old");
	assert_string_equal(cJSON_GetObjectItem(dut, "ip_address")->valuestring, "10.42.0.9");
	cJSON_Delete(dut);
	assert_string_equal(farm_get(PORT, "state"), "ON");
}

static void assert_refused(const char *method, const char *path, const char *body, const char *why)
{
	char *answer;
	int status = farm_request(method, path, body, &answer);
	cJSON *json = cJSON_Parse(answer);
	const cJSON *error = cJSON_GetObjectItem(json, "error");

	if (status != 409 || !error || !strstr(error->valuestring, why))
		fail_msg("%s %s: %d %s\nexpected: %s", method, path, status, answer, why);
	cJSON_Delete(json);
	free(answer);
}

/* A change by REST is refused, since it would be lost or take the admin's edit along. */
static void assert_rest_keeps_off(const char *error)
{
	char why[700];

	snprintf(why, sizeof(why), "the file as it is now is not valid, so nothing was written: %s", error);
	why[300] = '\0'; /* a long one is cut */
	assert_refused("PATCH", DUT, "{\"comment\": \"new\"}", why);
	assert_refused("PATCH", "/pdu/DUMMY/port/1", "{\"reserved\": false}", why);
	assert_refused("DELETE", DUT, NULL, why);
	assert_refused("POST", "/dut/", "{\"base_name\": \"crate\", \"mac_address\": \"52:54:00:00:00:02\"}", why);
}

static void assert_ctl_says(const char *error)
{
	assert_int_equal(ctl("-e", "http://10.42.0.1/", "duts", NULL), 0);
	assert_non_null(strstr(ctl_out, MAC));
	if (!strstr(ctl_err, "executorctl: the database is not in use as it is on disk: ") || !strstr(ctl_err, error))
		fail_msg("wanted: %s\nin: %s", error, ctl_err);
}

struct run {
	struct farm *farm;
	int n;
};

static void first_error(const struct mutant *mutant, char *out, size_t size)
{
	struct gw_errors errs = {0};
	struct gw_error first = {0};

	assert_null(mars_db_parse(mutant->text, mutant->len, "mars_db.yaml", NULL, &errs));
	assert_false(gw_errors_none(&errs, &first)); /* "ERROR", or "ERROR (and 7 more)" */
	snprintf(out, size, "%.440s", first.text);
	gw_errors_finish(&errs);
}

static void assert_reported(struct farm *farm, const char *error)
{
	const char *stop = error[strlen(error) - 1] == '?' ? "" : ".", *shown;
	char pattern[800];

	snprintf(pattern, sizeof(pattern), "executord*%s%s The database read at * stays in use.", error, stop);
	proc_await(&farm->supervisor, pattern);
	snprintf(pattern, sizeof(pattern), "%s%s The database read at * stays in use.", error, stop);
	shown = farm_get("/full-state", "database/error");
	if (!glob_line(pattern, shown, strlen(shown)))
		fail_msg("wanted: %s\nfound: %s", pattern, shown);
}

static void edit_badly(void *data, const struct mutant *mutant)
{
	struct run *run = data;
	char error[512];

	first_error(mutant, error, sizeof(error));
	save(run->farm, run->n % 2, mutant->text, mutant->len);
	assert_reported(run->farm, error);
	assert_nothing_changed();
	if (run->n % 40 == 0) {
		assert_ctl_says(error);
		assert_rest_keeps_off(error);
	}
	assert_file_is(run->farm, mutant->text, mutant->len);
	run->n++;
}

static void assert_all_is_well(struct farm *farm)
{
	farm_await(farm, "/full-state", "database/error", "(none)");
	assert_int_equal(ctl("-e", "http://10.42.0.1/", "duts", NULL), 0);
	assert_string_equal(ctl_err, "");
	assert_nothing_changed();
	assert_file_is(farm, db, strlen(db));
}

static void promise_6_a_bad_edit_is_reported_and_changes_nothing(void **state)
{
	struct run run = {*state, 0};

	mars_mutants(db, strlen(db), edit_badly, &run);
	printf("%d bad edits\n", run.n);
	save(run.farm, false, db, strlen(db));
	assert_all_is_well(run.farm);
}

static long peak_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "VmHWM: %ld", &kib) != 1)
		;
	fclose(file);
	return kib;
}

static void promise_6_a_line_of_a_GiB_is_refused_unread(void **state)
{
	struct farm *farm = *state;
	long before = peak_kib(farm_pid(farm, "executord"));
	char error[700];
	int fd;

	put(tmp_path("config/large"), O_TRUNC, db, strlen(db));
	fd = open(tmp_path("config/large"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);
	assert_int_equal(rename(tmp_path("config/large"), farm->db_path), 0);
	snprintf(error, sizeof(error), "%s: 1073741824 bytes are too many; accepted: up to 67108864", farm->db_path);
	assert_reported(farm, error);
	assert_ctl_says("1073741824 bytes are too many");
	assert_refused("PATCH", DUT, "{\"comment\": \"new\"}", "1073741824 bytes are too many");
	assert_nothing_changed();
	assert_true(peak_kib(farm_pid(farm, "executord")) - before < 4096);
	save(farm, true, db, strlen(db));
	assert_all_is_well(farm);
}

static void promise_6_the_job_went_on_all_the_while(void **state)
{
	struct farm *farm = *state;

	assert_int_equal(kill(client.pid, 0), 0);
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_wait(&client);
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_6_a_bad_edit_is_reported_and_changes_nothing),
		cmocka_unit_test(promise_6_a_line_of_a_GiB_is_refused_unread),
		cmocka_unit_test(promise_6_the_job_went_on_all_the_while),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
