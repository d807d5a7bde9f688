#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/dut.h"
#include "executord/jobs.h"
#include "executord/state_store.h"

static void what_is_kept_of_a_dut_comes_back(void **state)
{
	struct job job = {.id = "boot_loop-1-2", .jobd_name = "jobd-7", .capability = "a.b", .running = true};
	struct dut dut = {.state = DUT_TRAINING, .quick_check_queued = true, .job = &job}, back = {0};
	struct kept_job kept;
	struct gw_error err = {0};
	cJSON *json;

	dut.known = (struct dut_facts){.ready = true, .pdu = gw_strdup("VPDU"), .port = gw_strdup("0")};
	dut.training = (struct training){.is_registered = true, .loops = gw_calloc(2, sizeof(struct training_loop)), .n_loops = 2};
	dut.training.loops[0] = (struct training_loop){"PASS", 2.5, true, true, true, NULL};
	dut.training.loops[1] = (struct training_loop){"FAIL", 60, true, true, false, gw_strdup("boot_loop-1-1")};
	json = state_store_encode(&dut);
	assert_true(state_store_decode(&back, json, &kept, &err));
	assert_int_equal(back.state, DUT_TRAINING);
	assert_true(back.quick_check_queued);
	assert_true(back.known.ready);
	assert_false(back.known.is_retired);
	assert_string_equal(back.known.pdu, "VPDU");
	assert_string_equal(back.known.port, "0");
	assert_true(back.training.is_registered);
	assert_int_equal(back.training.n_loops, 2);
	assert_int_equal(training_passed(&back.training), 1);
	assert_true(back.training.loops[1].seconds == 60);
	assert_null(back.training.loops[0].log_job);
	assert_string_equal(back.training.loops[1].log_job, "boot_loop-1-1");
	assert_string_equal(kept.id, "boot_loop-1-2");
	assert_string_equal(kept.jobd, "jobd-7");
	assert_string_equal(kept.capability, "a.b");
	assert_true(kept.running);
	cJSON_Delete(json);
	training_finish(&dut.training);
	dut_facts_finish(&dut.known);
	training_finish(&back.training);
	dut_facts_finish(&back.known);
}

static void a_job_that_has_not_gone_yet_is_not_kept(void **state)
{
	struct job job = {.id = "boot_loop-1-2"};
	struct dut dut = {.state = DUT_TRAINING, .job = &job};
	cJSON *json = state_store_encode(&dut);

	assert_null(cJSON_GetObjectItemCaseSensitive(json, "job"));
	cJSON_Delete(json);
}

#define TRAINING "\"training\": {\"is_registered\": true, \"registration_failed\": false, \"loops\": []}"
#define KNOWN    "\"known\": {\"is_retired\": false, \"ready\": true}"

static const struct row {
	const char *json, *error;
} rows[] = {
	{"{}", "state: it is missing or not usable; accepted: a text"},
	{"{\"state\": \"DREAMING\"}", "state: it is missing or not usable; accepted: a state of a DUT"},
	{"{\"state\": \"IDLE\", \"quick_check_queued\": 1}", "quick_check_queued: it is missing or not usable; accepted: true or false"},
	{"{\"state\": \"IDLE\", \"quick_check_queued\": false}", "is_registered: it is missing or not usable; accepted: true or false"},
	{"{\"state\": \"IDLE\", \"quick_check_queued\": false, " TRAINING "}",
	 "is_retired: it is missing or not usable; accepted: true or false"},
	{"{\"state\": \"IDLE\", \"quick_check_queued\": false, \"training\": {\"is_registered\": true, \"registration_failed\": false,"
	 " \"loops\": [{\"status\": \"FAIL\", \"watched\": true, \"firmware_booted\": true, \"console_received\": true, \"seconds\": 1,"
	 " \"log_job\": \"../x\"}]}, " KNOWN "}",
	 "log_job: it is missing or not usable; accepted: a job's id"},
	{"{\"state\": \"RUNNING\", \"quick_check_queued\": false, " TRAINING ", " KNOWN ", \"job\": {\"id\": 3}}",
	 "id: it is missing or not usable; accepted: a text"},
};

static void a_damaged_record_is_refused_and_changes_nothing(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dut dut = {.state = DUT_WAIT_FOR_CONFIG};
		struct kept_job kept;
		struct gw_error err = {0};
		cJSON *json = cJSON_Parse(rows[i].json);

		assert_non_null(json);
		assert_false(state_store_decode(&dut, json, &kept, &err));
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(dut.state, DUT_WAIT_FOR_CONFIG);
		assert_int_equal(dut.training.n_loops, 0);
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_of_a_dut_comes_back),
		cmocka_unit_test(a_job_that_has_not_gone_yet_is_not_kept),
		cmocka_unit_test(a_damaged_record_is_refused_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
