/* Jobs on a machine that really netboots (tinydut in qemu), submitted by executorctl to a farm of the real daemons. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/farm.h"

#define DUT   "/dut/" FARM_MAC
#define PORT  "/pdu/VPDU/port/0"
#define ENDED "console_patterns:\n  session_end: {regex: 'reboot: Power down'}\n  job_success: {regex: 'it works'}\n"

static int setup(void **state)
{
	struct farm *farm = farm_start(NULL);

	farm_enroll(farm);
	*state = farm;
	return 0;
}

static int teardown(void **state)
{
	farm_stop(*state);
	return 0;
}

/* After each job, whatever became of it: ready for the next one, and off. */
static void await_idle_and_off(struct farm *farm)
{
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF"); /* which pdud tells, and not the job */
}

static int run(struct farm *farm, struct proc *client, const char *name, const char *job)
{
	int code;

	farm_run_job(client, name, job, NULL, -1);
	code = proc_wait(client);
	await_idle_and_off(farm);
	return code;
}

static void a_job_that_says_its_success_passes(void **state)
{
	struct proc client;

	assert_int_equal(run(*state, &client, "passes", farm_job("hello\nit works\n@poweroff", NULL)), 0);
	assert_true(proc_has_said(&client, "Linux version 6.1.0-tinydut"));
	assert_true(proc_has_said(&client, "Command line: SALAD.machine_id=" FARM_MAC " console=ttyS0"));
	assert_true(proc_has_said(&client, "it works"));
}

static void a_job_that_does_not_say_it_fails(void **state)
{
	struct proc client;

	assert_int_equal(run(*state, &client, "fails", farm_job("it does not\n@poweroff", NULL)), 3);
	assert_true(proc_has_said(&client, "it does not"));
}

/* However long a boot takes here, the second one comes as far as the first. */
static void a_machine_that_hangs_is_booted_again_and_then_given_up(void **state)
{
	struct proc client;
	char *log, *first;

	assert_int_equal(run(*state, &client, "hangs",
			     farm_job("now I hang\n@hang", "timeouts:\n  console_activity: {seconds: 8, retries: 1}\n" ENDED)),
			 4);
	log = proc_log(&client);
	first = strstr(log, "initramfs: ");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "initramfs: "));
	free(log);
}

static void a_reboot_leads_into_the_continue_deployment(void **state)
{
	struct proc client;
	char job[8192];

	snprintf(job, sizeof(job), "%s  continue:\n    initramfs:\n      data: |\n        the second boot: it works\n        @poweroff\n",
		 farm_job("the first boot\n@reboot", "timeouts:\n  boot_cycle: {minutes: 1, retries: 1}\n"
						     "console_patterns:\n"
						     "  session_end: {regex: 'reboot: Power down'}\n"
						     "  session_reboot: {regex: 'reboot: Restarting system'}\n"
						     "  job_success: {regex: 'it works'}\n"));
	assert_int_equal(run(*state, &client, "reboots", job), 0);
	assert_true(proc_has_said(&client, "the first boot"));
	assert_true(proc_has_said(&client, "the second boot: it works"));
}

#define KERNEL   "http://10.42.0.1:8999/tinydut.bin"
#define TYPED_IN "'SALAD.machine_id={{ machine_id }} console=ttyS0'"

/* The kernel is put into an archive and taken out by a rule; nothing of it may have changed on the way. */
static void a_kernel_out_of_an_archive_boots(void **state)
{
	struct proc client;

	assert_int_equal(run(*state, &client, "archived",
			     "version: 1\ntarget: {tags: []}\n" ENDED "deployment:\n  start:\n    kernel:\n"
			     "      archive: {extension: tar, add: [{path: README, artifact: {data: no kernel}},\n"
			     "        {path: boot/vmlinuz-6.1, artifact: {url: " KERNEL "}}]}\n"
			     "      format: {archive: {match: 'boot/vmlinuz-(.*)'}}\n      cmdline: " TYPED_IN "\n"
			     "    initramfs:\n      data: |\n        it works\n        @poweroff\n"),
			 0);
	assert_true(proc_has_said(&client, "Linux version 6.1.0-tinydut"));
}

/* The job's own script is what DHCP names; the kernel's path in it is a regex, so it is fetched while iPXE waits. */
static void a_machine_boots_from_paths_that_are_regexes(void **state)
{
	struct proc client;

	assert_int_equal(run(*state, &client, "regexes",
			     "version: 1\ntarget: {tags: []}\n" ENDED "deployment:\n  start:\n    kernel: {cmdline: " TYPED_IN "}\n"
			     "    initramfs:\n      data: |\n        it works\n        @poweroff\n"
			     "    dhcp:\n      - match: {user_class: iPXE}\n"
			     "        options: {bootfile: 'http://10.42.0.1:8090/pool/own.ipxe'}\n"
			     "    storage:\n      http:\n"
			     "        - path: '/pool/(?P<file>tiny.*)'\n          url: 'http://10.42.0.1:8999/\\g<file>'\n"
			     "        - path: /pool/own.ipxe\n          data: |\n            #!ipxe\n            echo by its own script\n"
			     "            kernel http://10.42.0.1:8090/pool/tinydut.bin {{ job.deployment.kernel.cmdline }}\n"
			     "            initrd --name initrd http://10.42.0.1:8090/_/job/initramfs\n            boot\n"),
			 0);
	assert_true(proc_has_said(&client, "Linux version 6.1.0-tinydut"));
}

/* Its description comes from a server of the submitter's; executorctl has no such option, so the field's client submits it. */
static void a_job_by_its_url_passes(void **state)
{
	struct farm *farm = *state;
	struct proc server, client;
	const char *serve[] = {"python3", "-u",        "-m",          "http.server",         "8997",
			       "--bind",  "10.42.0.1", "--directory", tmp_path("described"), NULL};
	const char *submit[] = {"python3", GW_SOURCE_ROOT "/tests/integration/job_client.py", "5600",
				"{\"job_desc_url\": \"http://10.42.0.1:8997/job.yml\", \"target\": {\"tags\": []}}", NULL};

	assert_int_equal(mkdir(tmp_path("described"), 0755), 0);
	file_put(tmp_path("described/job.yml"), farm_job("hello\nit works\n@poweroff", NULL));
	proc_start(&server, "described", serve, NULL);
	proc_await(&server, "Serving HTTP on");
	proc_start(&client, "by-url", submit, NULL);
	assert_int_equal(proc_wait(&client), 0);
	assert_true(proc_has_said(&client, "answer 200*"));
	assert_true(proc_has_said(&client, "end PASS")); /* so the machine has said it */
	proc_end(&server, SIGKILL);
	await_idle_and_off(farm);
}

static void what_is_typed_reaches_the_machine(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	int keyboard, terminal = terminal_open(&keyboard);

	farm_run_job(&client, "typed", farm_job("your name?\n@read\nit works\n@poweroff", NULL), NULL, terminal);
	close(terminal);
	farm_await_console(&client, "your name?");
	assert_int_equal(write(keyboard, "tinydut\n", 8), 8);
	proc_await(&client, "read: tinydut");
	assert_int_equal(proc_wait(&client), 0);
	close(keyboard);
	await_idle_and_off(farm);
}

static void a_cancelled_job_ends_its_clients_connection(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	farm_run_job(&client, "cancelled", farm_job("here I stay\n@hang", NULL), NULL, -1);
	farm_await_console(&client, "here I stay");
	farm_await(farm, DUT, "state", "RUNNING");
	farm_do("POST", DUT "/cancel_job", "{}");
	assert_int_equal(proc_wait(&client), 4);
	await_idle_and_off(farm);
}

static void a_client_that_leaves_frees_the_machine(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	farm_run_job(&client, "leaves", farm_job("here I stay\n@hang", NULL), NULL, -1);
	farm_await_console(&client, "here I stay");
	proc_end(&client, SIGKILL);
	await_idle_and_off(farm);
}

static void a_busy_machine_refuses_a_second_job(void **state)
{
	struct farm *farm = *state;
	struct proc first, second;

	farm_run_job(&first, "first", farm_job("here I stay\n@hang", NULL), NULL, -1);
	farm_await_console(&first, "here I stay");
	farm_run_job(&second, "second", farm_job("it works\n@poweroff", NULL), NULL, -1);
	assert_int_equal(proc_wait(&second), 6);
	farm_do("POST", DUT "/cancel_job", "{}");
	assert_int_equal(proc_wait(&first), 4);
	await_idle_and_off(farm);
}

static void a_malformed_job_is_refused_by_name_and_changes_nothing(void **state)
{
	struct proc client;

	farm_run_job(&client, "malformed", farm_job("x", "timeout: {}\n" ENDED), NULL, -1);
	assert_int_equal(proc_wait(&client), 6);
	if (!proc_has_said(&client, "timeout*did you mean*timeouts")) {
		proc_show(&client);
		fail_msg("the reason is not shown");
	}
	assert_string_equal(farm_get(DUT, "state"), "IDLE");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_that_says_its_success_passes),
		cmocka_unit_test(a_job_that_does_not_say_it_fails),
		cmocka_unit_test(a_machine_that_hangs_is_booted_again_and_then_given_up),
		cmocka_unit_test(a_reboot_leads_into_the_continue_deployment),
		cmocka_unit_test(a_kernel_out_of_an_archive_boots),
		cmocka_unit_test(a_machine_boots_from_paths_that_are_regexes),
		cmocka_unit_test(a_job_by_its_url_passes),
		cmocka_unit_test(what_is_typed_reaches_the_machine),
		cmocka_unit_test(a_cancelled_job_ends_its_clients_connection),
		cmocka_unit_test(a_client_that_leaves_frees_the_machine),
		cmocka_unit_test(a_busy_machine_refuses_a_second_job),
		cmocka_unit_test(a_malformed_job_is_refused_by_name_and_changes_nothing),
	};
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, setup, teardown);
}
