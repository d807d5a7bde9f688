/* The database as its admin meets it: `executorctl db check` and `db diff`, and edits of the live file, with a real executord. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/ctl.h"
#include "tests/harness/farm.h"

#define MAC "52:54:00:00:00:01"
#define E   "-e", "http://10.42.0.1/"

static const char good[] = "pdus:\n"
			   "  DUMMY:\n"
			   "    driver: dummy\n"
			   "    config: {ports: [canary-1, two, three]}\n"
			   "duts:\n"
			   "  '" MAC "':\n"
			   "    base_name: box\n"
			   "    tags: [x86_64]\n"
			   "    pdu: DUMMY\n"
			   "    pdu_port_id: 0\n"
			   "    pdu_off_delay: 0.1\n"
			   "    ready_for_service: true\n"
			   "    gitlab:\n"
			   "      fdo: {token: canary-2, runner_id: 7}\n"
			   "gitlab:\n"
			   "  fdo:\n"
			   "    url: https://gitlab.example\n"
			   "    registration_token: canary-3\n";

#define out ctl_out
#define err ctl_err

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_QUICK_CHECK=0", NULL};
	const struct farm_options options = {.db = good, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, "/dut/" MAC, "state", "IDLE");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	ctl_finish();
	return 0;
}

static int without_secrets(int code)
{
	assert_null(strstr(out, "canary"));
	assert_null(strstr(err, "canary"));
	return code;
}
#define CTL(...) without_secrets(ctl(__VA_ARGS__))

static const char *edited(const char *from, const char *to)
{
	const char *at = strstr(good, from), *path = tmp_path("new.yaml");
	char *text;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from)) > 0);
	file_put(path, text);
	free(text);
	return path;
}

#define ASSERT_SAYS(text, part)                                                                                                            \
	do {                                                                                                                               \
		if (!strstr(text, part))                                                                                                   \
			fail_msg("wanted: %s\nin: %s\nerrors: %s", part, out, err);                                                        \
	} while (0)

/* ---- db check without a gateway ---- */

static void a_valid_database_is_counted(void **state)
{
	assert_int_equal(CTL("db", "check", edited("box", "box"), NULL), 0);
	assert_string_equal(out, "new.yaml is valid: PDUs: 1, DUTs: 1, GitLab instances: 1\n");
	assert_string_equal(err, "");
}

static void all_errors_come_at_once_with_a_caret_each(void **state)
{
	assert_int_equal(CTL("db", "check", edited("driver: dummy", "driver: dumy\n    drivr: x"), NULL), 1);
	assert_string_equal(
		err,
		"new.yaml:4:5: pdus.DUMMY: 'drivr' is not a field of a PDU; did you mean 'driver'? Accepted: driver, config, "
		"reserved_port_ids\n"
		"      4 |     drivr: *\n"
		"        |     ^~~~~\n"
		"new.yaml:3:13: pdus.DUMMY.driver: 'dumy' is not a PDU driver; did you mean 'dummy'? Accepted: dummy, vpdu, snmp, "
		"apc_masterswitch, cyberpower_pdu41004, cyberpower_pdu15swhviec12atnet, shelly, tasmota, devantech, kernelchip, usbhub, "
		"snmp_poe, snmp_poe_tplink\n"
		"      3 |     driver: dumy\n"
		"        |             ^~~~\n"
		"executorctl: new.yaml is not valid: 2 errors\n");
	assert_string_equal(out, "");
}

static void warnings_are_shown_and_do_not_fail(void **state)
{
	assert_int_equal(CTL("db", "check", edited("    base_name: box\n", "    base_name: box\n    hidden: false\n"), NULL), 0);
	ASSERT_SAYS(err, "new.yaml:8:5: duts.'" MAC "'.hidden: known from older databases, and not used any more; it may be removed\n"
			 "      8 |     hidden: *****\n");
	ASSERT_SAYS(out, "new.yaml is valid");
}

static void a_machine_at_a_reserved_port_is_warned_of_without_a_gateway_too(void **state)
{
	assert_int_equal(CTL("db", "check", edited("driver: dummy\n", "driver: dummy\n    reserved_port_ids: [0]\n"), NULL), 0);
	assert_string_equal(err,
			    "new.yaml: duts.'" MAC "': port 0 of DUMMY is reserved: it is never switched, so the machine waits until it is "
			    "not, or has another\n");
	ASSERT_SAYS(out, "new.yaml is valid");
}

static void an_insecure_gitlab_counts_only_with_the_option(void **state)
{
	const char *path = edited("https://gitlab", "http://gitlab");

	assert_int_equal(CTL("db", "check", path, NULL), 1);
	ASSERT_SAYS(err,
		    "'http://gitlab.example' is not a URL; accepted: https://..., without a user (http:// with GITLAB_ALLOW_INSECURE)");
	setenv("GITLAB_ALLOW_INSECURE", "true", 1);
	assert_int_equal(CTL("db", "check", path, NULL), 0);
	unsetenv("GITLAB_ALLOW_INSECURE");
}

static void executord_accepts_an_insecure_gitlab_only_with_the_option(void **state)
{
	struct farm *farm = *state;
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", "--check", NULL};
	char db[600];
	const char *env[80];
	size_t n = 0;
	struct proc check;

	snprintf(db, sizeof(db), "MARS_DB_FILE=%s", edited("https://gitlab", "http://gitlab"));
	while (farm->env[n] && n < 70) {
		env[n] = farm->env[n];
		n++;
	}
	env[n] = db;
	env[n + 1] = env[n + 2] = NULL;
	proc_start(&check, "check", argv, env);
	assert_int_equal(proc_wait(&check), 2);
	assert_true(proc_has_said(&check, "new.yaml:17:10: gitlab.fdo.url: 'http://gitlab.example' is not a URL*"));
	env[n + 1] = "GITLAB_ALLOW_INSECURE=yes";
	proc_start(&check, "check-insecure", argv, env);
	assert_int_equal(proc_wait(&check), 0);
}

static void bad_usage_says_how(void **state)
{
	assert_int_equal(CTL("db", "check", NULL), 2);
	assert_string_equal(err, "executorctl: usage: executorctl db check FILE, or executorctl db diff; see executorctl db --help\n");
	assert_int_equal(CTL("db", "check", "/no/such.yaml", NULL), 1);
}

/* ---- with one: what an edit would lead to ---- */

static void nothing_changes_where_the_text_says_the_same(void **state)
{
	assert_int_equal(CTL(E, "db", "check", edited("tags: [x86_64]", "tags: # the same\n      - x86_64"), NULL), 0);
	assert_string_equal(out, "new.yaml says what is loaded: nothing would change.\n");
	assert_int_equal(CTL(E, "db", "diff", NULL), 0);
	assert_string_equal(out, "mars_db.yaml says what is loaded: nothing would change.\n");
}

static void other_tags_register_the_runner_anew_and_restart_nothing(void **state)
{
	assert_int_equal(CTL(E, "db", "check", edited("[x86_64]", "[x86_64, amd]"), NULL), 0);
	assert_string_equal(out, "~ DUT " MAC "\n"
				 "      tags: [x86_64] -> [x86_64, amd]\n"
				 "    => its runner on fdo is registered anew: its tags differ\n");
	assert_string_equal(farm_get("/dut/" MAC, "tags"), "[\"x86_64\"]"); /* nothing was done */
}

static void a_removed_machine_frees_its_port(void **state)
{
	const char *path = tmp_path("new.yaml");

	file_put(path, "pdus:\n  DUMMY:\n    driver: dummy\n    config: {ports: [one, two]}\n    reserved_port_ids: [1]\n");
	assert_int_equal(CTL(E, "db", "check", path, NULL), 0);
	assert_string_equal(out, "- DUT " MAC "\n"
				 "    => it is forgotten, with its training\n"
				 "    => port 0 of DUMMY is freed\n"
				 "- GitLab instance fdo\n"
				 "    => runners on it are unregistered: 1\n"
				 "~ PDU DUMMY\n"
				 "      config.ports: changed (not shown: it may hold secrets)\n"
				 "      reserved_port_ids: [] -> [1]\n"
				 "    => it is set up anew, and it alone\n"
				 "    => port 1 is reserved\n");
}

static void another_port_and_delay_are_told(void **state)
{
	assert_int_equal(CTL(E, "db", "check", edited("pdu_port_id: 0", "pdu_port_id: 2"), NULL), 0);
	ASSERT_SAYS(out, "    => port 0 of DUMMY is freed\n    => port 2 of DUMMY is assigned; its minimum off time: 0.1 s\n");
	assert_int_equal(CTL(E, "db", "check", edited("pdu_off_delay: 0.1", "pdu_off_delay: 5"), NULL), 0);
	assert_string_equal(out, "~ DUT " MAC "\n      pdu_off_delay: 0.1 -> 5\n"
				 "    => minimum off time of port 0 of DUMMY: 0.1 s -> 5 s\n");
}

static void a_machine_that_is_not_ready_is_trained(void **state)
{
	assert_int_equal(CTL(E, "db", "check", edited("ready_for_service: true", "ready_for_service: false"), NULL), 0);
	ASSERT_SAYS(out, "    => its state: IDLE -> TRAINING\n    => it is trained from the beginning: registration and boot loops\n");
	assert_int_equal(CTL(E, "db", "check", edited("duts:\n", "duts:\n  52:54:00:00:00:02: {pdu: DUMMY, pdu_port_id: 1}\n"), NULL), 0);
	ASSERT_SAYS(out, "+ DUT 52:54:00:00:00:02\n    => its state: TRAINING\n    => it is trained from the beginning");
	assert_int_equal(CTL(E, "db", "check", edited("    base_name: box\n", "    base_name: box\n    is_retired: true\n"), NULL), 0);
	ASSERT_SAYS(out, "    => its state: IDLE -> RETIRED\n");
}

static void a_runners_entry_is_told_field_by_field_without_its_token(void **state)
{
	assert_int_equal(
		CTL(E, "db", "check",
		    edited("fdo: {token: canary-2, runner_id: 7}", "fdo: {token: canary-6, exposed: false, acl: {deny: {users: [me]}}}"),
		    NULL),
		0);
	assert_string_equal(out, "~ DUT " MAC "\n"
				 "      gitlab.fdo.token: changed (not shown: it may hold secrets)\n"
				 "      gitlab.fdo.exposed: true -> false\n"
				 "      gitlab.fdo.runner_id: 7 -> none\n"
				 "      gitlab.fdo.acl.deny.users: [] -> [me]\n"
				 "    => its runner on fdo is unregistered\n");
}

static void another_base_name_counts_the_other_machines_anew(void **state)
{
	struct farm *farm = *state;
	static const char others[] = "  52:54:00:00:00:02: {base_name: box}\n  52:54:00:00:00:03: {base_name: box}\n";
	char *text, *was;

	farm_edit_db(farm, "gitlab:\n  fdo:\n    url", "# two more\ngitlab:\n  fdo:\n    url");
	was = file_get(farm->db_path);
	farm_edit_db(farm, "# two more\n", others);
	farm_await(farm, "/dut/52:54:00:00:00:03", "full_name", "test-box-3");
	text = file_get(farm->db_path);
	memcpy(strstr(text, "base_name: box"), "base_name: cap", 14);
	file_put(tmp_path("new.yaml"), text);
	assert_int_equal(CTL(E, "db", "check", tmp_path("new.yaml"), NULL), 0);
	assert_string_equal(out, "~ DUT " MAC "\n"
				 "      base_name: box -> cap\n"
				 "    => its full name: test-box-1 -> test-cap-1\n"
				 "    => the full name of 52:54:00:00:00:02: test-box-2 -> test-box-1\n"
				 "    => the full name of 52:54:00:00:00:03: test-box-3 -> test-box-2\n"
				 "    => its runner on fdo is registered anew: its name differs\n");
	file_put(tmp_path("new.yaml"), was);
	assert_int_equal(rename(tmp_path("new.yaml"), farm->db_path), 0);
	farm_await(farm, "/duts", "duts/52:54:00:00:00:03/state", "(none)");
	free(text);
	free(was);
}

static void another_timeout_registers_all_runners_anew(void **state)
{
	assert_int_equal(CTL(E, "db", "check",
			     edited("    registration_token: canary-3\n", "    registration_token: canary-4\n    maximum_timeout: 3600\n"),
			     NULL),
			 0);
	assert_string_equal(out, "~ GitLab instance fdo\n"
				 "      registration_token: changed (not shown: it may hold secrets)\n"
				 "      maximum_timeout: 21600 -> 3600\n"
				 "    => runners registered anew, because maximum_timeout differs: 1\n");
}

static void a_removed_machines_job_is_cancelled(void **state)
{
	struct farm *farm = *state;
	const char *path = tmp_path("new.yaml");

	farm_do("PATCH", "/dut/" MAC, "{\"ready_for_service\": false}");
	proc_await(&farm->supervisor, "executord info: dut=test-box-1 TRAINING -> TRAINING event=JOB_STARTED job=registration-*");
	file_put(path, "pdus:\n  DUMMY:\n    driver: dummy\n    config: {ports: [canary-1, two, three]}\n");
	assert_int_equal(CTL(E, "db", "check", path, NULL), 0);
	ASSERT_SAYS(out, "- DUT " MAC
			 "\n    => its job is cancelled, and its port is switched OFF\n    => it is forgotten, with its training\n");
	assert_string_equal(farm_get("/dut/" MAC, "state"), "TRAINING");
	farm_do("PATCH", "/dut/" MAC, "{\"ready_for_service\": true}");
	farm_await(farm, "/dut/" MAC, "state", "IDLE");
}

static void a_gateway_finds_the_errors_too(void **state)
{
	char *answer;

	assert_int_equal(CTL(E, "db", "check", edited("pdu: DUMMY", "pdu: DUMY"), NULL), 1);
	ASSERT_SAYS(err, "      9 |     pdu: DUMY\n        |          ^~~~\n");
	ASSERT_SAYS(err, "did you mean 'DUMMY'?");
	assert_int_equal(farm_request("POST", "/database/check",
				      "gitlab: {fdo: {url: 'https://me:canary-5@g', registration_tokn: canary-6}}", &answer),
			 200);
	assert_non_null(strstr(answer, "\"valid\":false"));
	assert_null(strstr(answer, "canary"));
	free(answer);
	assert_int_equal(farm_request("GET", "/database", NULL, &answer), 200);
	assert_null(strstr(answer, "canary"));
	free(answer);
}

/* ---- live edits ---- */

static void an_invalid_edit_is_reported_in_three_places_and_cleared_when_fixed(void **state)
{
	struct farm *farm = *state;

	assert_int_equal(CTL(E, "duts", NULL), 0);
	assert_string_equal(err, "");
	farm_edit_db(farm, "pdu_off_delay: 0.1", "pdu_of_delay: 0.1");
	proc_await(&farm->supervisor,
		   "mars_db.yaml:11:5: duts.'" MAC "': 'pdu_of_delay' is not a field of a DUT; did you mean 'pdu_off_delay'?*");
	farm_await(farm, "/full-state", "database/error",
		   "mars_db.yaml:11:5: *did you mean 'pdu_off_delay'? Accepted: *. The database read at * stays in use.");
	assert_int_equal(CTL(E, "duts", NULL), 0);
	ASSERT_SAYS(out, MAC);
	ASSERT_SAYS(err, "executorctl: the database is not in use as it is on disk: mars_db.yaml:11:5: duts.'" MAC
			 "': 'pdu_of_delay' is not a field");
	assert_int_equal(CTL(E, "db", "diff", NULL), 1);
	ASSERT_SAYS(err, "executorctl: mars_db.yaml is not valid: 1 error\n");
	farm_edit_db(farm, "pdu_of_delay: 0.1", "pdu_off_delay: 0.1");
	farm_await(farm, "/full-state", "database/error", "(none)");
	assert_int_equal(CTL(E, "duts", NULL), 0);
	assert_string_equal(err, "");
	assert_int_equal(CTL(E, "db", "diff", NULL), 0);
}

static void a_deleted_file_changes_nothing_until_it_is_there_again(void **state)
{
	struct farm *farm = *state;
	char *text = file_get(farm->db_path);

	assert_int_equal(unlink(farm->db_path), 0);
	farm_await(farm, "/full-state", "database/error", "cannot open *mars_db.yaml: No such file or directory. The database read at *");
	assert_string_equal(farm_get("/dut/" MAC, "state"), "IDLE");
	assert_int_equal(CTL(E, "db", "diff", NULL), 1);
	file_put(farm->db_path, text);
	farm_await(farm, "/full-state", "database/error", "(none)");
	farm_edit_db(farm, "base_name: box", "base_name: crate");
	farm_await(farm, "/dut/" MAC, "full_name", "test-crate-1");
	free(text);
}

/* ---- reserved ports ---- */

static void a_machine_at_a_reserved_port_waits_and_the_admin_is_warned(void **state)
{
	struct farm *farm = *state;

	assert_int_equal(CTL(E, "db", "check", edited("dummy\n", "dummy\n    reserved_port_ids: [0]\n"), NULL), 0);
	ASSERT_SAYS(out, "    => port 0 is reserved\n    => port 0 is that of " MAC ", which waits until it is not reserved\n");
	assert_int_equal(CTL(E, "db", "check",
			     edited("dummy\n    config: {ports: [canary-1, two, three]}\nduts:\n  '" MAC "':\n    base_name: box\n",
				    "dummy\n    config: {ports: [canary-1, two, three]}\n    reserved_port_ids: [0]\n"
				    "duts:\n  '" MAC "':\n    base_name: tower\n"),
			     NULL),
			 0);
	ASSERT_SAYS(out, "=> port 0 of DUMMY is reserved: it is never switched, so the machine waits until it is not, or has another\n");
	farm_edit_db(farm, "dummy\n", "dummy\n    reserved_port_ids: [0]\n");
	proc_await(&farm->supervisor, "executord*duts.'" MAC "': port 0 of DUMMY is reserved: it is never switched, so the machine waits*");
	farm_await(farm, "/dut/" MAC, "state", "WAIT_FOR_CONFIG");
	assert_string_equal(farm_get("/dut/" MAC, "pdu/port_id"), "0"); /* it is still its own */
	farm_do("PATCH", "/pdu/DUMMY/port/0", "{\"reserved\": false}");
	farm_await(farm, "/dut/" MAC, "state", "IDLE");
	farm_edit_db(farm, "    reserved_port_ids: []\n", "");
	farm_await(farm, "/pdu/DUMMY/port/0", "reserved", "false");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_database_is_counted),
		cmocka_unit_test(all_errors_come_at_once_with_a_caret_each),
		cmocka_unit_test(warnings_are_shown_and_do_not_fail),
		cmocka_unit_test(a_machine_at_a_reserved_port_is_warned_of_without_a_gateway_too),
		cmocka_unit_test(an_insecure_gitlab_counts_only_with_the_option),
		cmocka_unit_test(executord_accepts_an_insecure_gitlab_only_with_the_option),
		cmocka_unit_test(bad_usage_says_how),
		cmocka_unit_test(nothing_changes_where_the_text_says_the_same),
		cmocka_unit_test(other_tags_register_the_runner_anew_and_restart_nothing),
		cmocka_unit_test(a_removed_machine_frees_its_port),
		cmocka_unit_test(another_port_and_delay_are_told),
		cmocka_unit_test(a_machine_that_is_not_ready_is_trained),
		cmocka_unit_test(a_runners_entry_is_told_field_by_field_without_its_token),
		cmocka_unit_test(another_base_name_counts_the_other_machines_anew),
		cmocka_unit_test(another_timeout_registers_all_runners_anew),
		cmocka_unit_test(a_removed_machines_job_is_cancelled),
		cmocka_unit_test(a_machine_at_a_reserved_port_waits_and_the_admin_is_warned),
		cmocka_unit_test(a_gateway_finds_the_errors_too),
		cmocka_unit_test(an_invalid_edit_is_reported_in_three_places_and_cleared_when_fixed),
		cmocka_unit_test(a_deleted_file_changes_nothing_until_it_is_there_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
