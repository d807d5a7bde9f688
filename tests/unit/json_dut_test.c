#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/executord.h"
#include "executord/json.h"
#include "executord/settings.h"
#include "libgateway/farm_name.h"

static const char db[] = "gitlab:\n"
			 "  freedesktop: {url: 'https://gitlab.freedesktop.org/'}\n"
			 "  other: {url: 'https://gitlab.com/'}\n"
			 "pdus:\n"
			 "  APC: {driver: dummy, config: {ports: [a]}, reserved_port_ids: [5]}\n"
			 "duts:\n"
			 "  '52:54:00:11:22:0A':\n"
			 "    base_name: gfx9\n"
			 "    ip_address: 10.42.0.7\n"
			 "    tags: [amdgpu:APU]\n"
			 "    manual_tags: [freesync]\n"
			 "    local_tty_device: ttyS0\n"
			 "    pdu: APC\n"
			 "    pdu_port_id: 3\n"
			 "    pdu_off_delay: 2.5\n"
			 "    ready_for_service: true\n"
			 "    firmware_boot_time: 7\n"
			 "    comment: a note\n"
			 "    gitlab: {freedesktop: {token: glrt-secret, exposed: false, runner_id: 42}}\n";

static struct executord *farm(void)
{
	struct executord *ex = gw_calloc(1, sizeof(*ex));
	struct gw_errors errs = {0};

	ex->database.db = mars_db_parse(db, sizeof(db) - 1, "mars_db.yaml", NULL, &errs);
	assert_non_null(ex->database.db);
	snprintf(ex->settings.console_host, sizeof(ex->settings.console_host), "ci-gateway");
	ex->settings.boot_count = 2;
	ex->settings.qualifying = 1;
	return ex;
}

static void farm_end(struct executord *ex)
{
	mars_db_destroy(ex->database.db);
	free(ex);
}

static void a_dut_shows_what_the_database_says_and_never_a_token(void **state)
{
	struct executord *ex = farm();
	struct dut *dut = dut_create(ex, "52:54:00:11:22:0A");

	dut->full_name = gw_strdup("lab-gfx9-1");
	dut->state = DUT_IDLE;
	dut->log_port = 40001;
	assert_string_equal(
		json_dut(dut),
		"{\"id\":\"52:54:00:11:22:0A\",\"state\":\"IDLE\",\"ready_for_service\":true,\"has_pdu_assigned\":true,"
		"\"local_tty_device\":\"ttyS0\",\"tags\":[\"amdgpu:APU\"],\"manual_tags\":[\"freesync\"],\"base_name\":\"gfx9\","
		"\"full_name\":\"lab-gfx9-1\",\"mac_address\":\"52:54:00:11:22:0a\",\"ip_address\":\"10.42.0.7\","
		"\"is_retired\":false,\"training\":{\"state\":\"IDLE\"},\"pdu\":{\"name\":\"APC\",\"port_id\":\"3\"},"
		"\"pdu_off_delay\":2.5,\"firmware_boot_time\":7,\"comment\":\"a note\","
		"\"gitlab\":{\"freedesktop\":{\"exposed\":false,\"runner_id\":42},\"other\":{\"exposed\":true,\"runner_id\":-1}},"
		"\"logs_endpoint\":{\"host\":\"ci-gateway\",\"port\":40001}}");
	dut_destroy(dut);
	farm_end(ex);
}

static void training_shows_its_loops(void **state)
{
	static const char expected[] =
		"\"training\":{\"state\":\"ENROLLING\",\"is_registered\":true,\"boot_loop_counts\":2,\"qualifying_rate\":1,"
		"\"current_loop_count\":2,\"statuses\":{\"PASS\":1,\"INCOMPLETE\":1},\"loops\":["
		"{\"status\":\"PASS\",\"seconds_elapsed\":2,\"energy_consumed_check\":null,\"firmware_booted_check\":true,"
		"\"console_data_received_check\":true,\"has_log\":false},"
		"{\"status\":\"INCOMPLETE\",\"seconds_elapsed\":60,\"energy_consumed_check\":null,\"firmware_booted_check\":false,"
		"\"console_data_received_check\":true,\"has_log\":true}]}";
	struct executord *ex = farm();
	struct dut *dut = dut_create(ex, "52:54:00:11:22:0A");
	const char *shown;

	dut->state = DUT_TRAINING;
	dut->training = (struct training){.is_registered = true, .loops = gw_calloc(2, sizeof(struct training_loop)), .n_loops = 2};
	dut->training.loops[0] = (struct training_loop){"PASS", 2, true, true, true, NULL};
	dut->training.loops[1] = (struct training_loop){"INCOMPLETE", 60, true, false, true, gw_strdup("boot_loop-1-1")};
	shown = strstr(json_dut(dut), "\"training\":");
	assert_non_null(shown);
	assert_int_equal(strncmp(shown, expected, strlen(expected)), 0);
	dut_destroy(dut);
	farm_end(ex);
}

static void checks_of_a_loop_that_never_powered_its_machine_are_null(void **state)
{
	static const char expected[] = "{\"status\":\"SETUP_FAIL\",\"seconds_elapsed\":1,\"energy_consumed_check\":null,"
				       "\"firmware_booted_check\":null,\"console_data_received_check\":null,\"has_log\":false}";
	struct executord *ex = farm();
	struct dut *dut = dut_create(ex, "52:54:00:11:22:0A");

	dut->state = DUT_TRAINING;
	dut->training = (struct training){.is_registered = true, .loops = gw_calloc(1, sizeof(struct training_loop)), .n_loops = 1};
	dut->training.loops[0] = (struct training_loop){.status = "SETUP_FAIL", .seconds = 1};
	assert_non_null(strstr(json_dut(dut), expected));
	dut_destroy(dut);
	farm_end(ex);
}

static void a_failed_registration_shows_until_it_is_tried_again(void **state)
{
	struct executord *ex = farm();
	struct dut *dut = dut_create(ex, "52:54:00:11:22:0A");

	dut->state = DUT_TRAINING;
	dut->training.registration_failed = true;
	assert_non_null(strstr(json_dut(dut), "\"training\":{\"state\":\"REGISTRATION_FAILED\",\"is_registered\":false,"));
	dut_destroy(dut);
	farm_end(ex);
}

static void a_pdu_shows_its_ports_as_read_back(void **state)
{
	struct executord *ex = farm();
	struct pdu *pdu = pdu_create("APC");

	assert_string_equal(json_pdu(ex, pdu), "{\"ports\":{},\"state\":\"CREATED\",\"error\":null}");
	printed_drop(&pdu->printed);
	pdu->ports = gw_calloc(1, sizeof(*pdu->ports));
	pdu->n_ports = 1;
	pdu->ports[0] = (struct port){.id = gw_strdup("5"), .state = "OFF", .min_off_ms = 2500, .last_polled = 1767225600};
	snprintf(pdu->state, sizeof(pdu->state), "OK");
	assert_string_equal(json_pdu(ex, pdu),
			    "{\"ports\":{\"5\":{\"label\":null,\"min_off_time\":2.5,\"state\":\"OFF\",\"last_shutdown\":null,"
			    "\"last_polled\":\"2026-01-01T00:00:00.000+00:00\",\"reserved\":true}},\"state\":\"OK\",\"error\":null}");
	pdu_destroy(pdu);
	farm_end(ex);
}

static void the_farm_is_called_as_its_gateway(void **state)
{
	char name[64];
	struct gw_error err = {0};

	assert_true(farm_name_of("lab-gateway", name, &err));
	assert_string_equal(name, "lab");
	assert_false(farm_name_of("lab", name, &err));
	assert_string_equal(err.text,
			    "FARM_NAME is not set, and the hostname 'lab' does not give it: it is no NAME-gateway; accepted: 1 to 63 "
			    "characters");
	assert_false(farm_name_of("-gateway", name, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dut_shows_what_the_database_says_and_never_a_token),
		cmocka_unit_test(training_shows_its_loops),
		cmocka_unit_test(checks_of_a_loop_that_never_powered_its_machine_are_null),
		cmocka_unit_test(a_failed_registration_shows_until_it_is_tried_again),
		cmocka_unit_test(a_pdu_shows_its_ports_as_read_back),
		cmocka_unit_test(the_farm_is_called_as_its_gateway),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
