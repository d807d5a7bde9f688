/* Debian's kernel on a machine that nobody knows: discovered, registered, trained and given a job, through REST alone. Each state is
 * asserted in its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define DUT "/dut/" FARM_MAC

/* The packaged templates instead of the harness's: the machine registers itself. */
static const char *const real_jobs[] = {"EXECUTOR_REGISTRATION_JOB=", "EXECUTOR_BOOTLOOP_JOB=", "SERGENT_HARTMAN_BOOT_COUNT=2",
					"SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=2", NULL};

/* The DUT's states as executord logged them, one behind the other: "WAIT_FOR_CONFIG -> TRAINING" and so on. */
static void await_step(struct farm *farm, const char *step)
{
	char *pattern = gw_sprintf("dut=test-* %s event=", step);

	proc_await(&farm->supervisor, pattern);
	free(pattern);
}

static void an_unknown_machine_is_trained_and_runs_a_job(void **state)
{
	const struct farm_options options = {.env = real_jobs, .memory = "512", .no_files = true};
	struct farm *farm = farm_start(&options);
	static const char *const target[] = {"-i", FARM_MAC, NULL};
	struct proc client;
	char *hello = file_get(GW_SOURCE_ROOT "/examples/hello.yml");

	assert_string_equal(farm_get("/duts", "duts"), "{}");
	farm_do("POST", "/dut/discover", "{\"pdu\": \"VPDU\", \"port_id\": 0, \"timeout\": 120}");
	assert_string_equal(farm_get("/dut/discover", "pdu"), "VPDU");
	farm_await(farm, DUT, "state", "TRAINING");
	assert_string_equal(farm_get("/dut/discover", ""), "{}");
	assert_string_equal(farm_get(DUT, "training/is_registered"), "false");
	farm_await(farm, DUT, "training/is_registered", "true");
	await_step(farm, "TRAINING -> TRAINING");
	farm_await(farm, DUT, "training/current_loop_count", "1");
	await_step(farm, "TRAINING -> IDLE");
	farm_await(farm, DUT, "state", "IDLE");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "true");
	assert_string_equal(farm_get(DUT, "full_name"), "test-x86_64-bios-1");
	assert_string_equal(farm_get(DUT, "ip_address"), farm_get("/duts", "duts/" FARM_MAC "/ip_address"));
	assert_string_not_equal(farm_get(DUT, "ip_address"), "null");
	farm_await(farm, "/pdu/VPDU/port/0", "state", "OFF");

	farm_run_job(&client, "hello", hello, target, -1);
	await_step(farm, "IDLE -> QUEUED");
	await_step(farm, "QUEUED -> RUNNING");
	farm_await(farm, DUT, "state", "RUNNING");
	assert_int_equal(proc_wait(&client), 0);
	await_step(farm, "RUNNING -> IDLE");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, "/pdu/VPDU/port/0", "state", "OFF");
	assert_true(proc_has_said(&client, "Hello from " FARM_MAC));
	free(hello);
	farm_stop(farm);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_unknown_machine_is_trained_and_runs_a_job)};

	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
