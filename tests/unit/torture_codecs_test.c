/* Each allocation of the codecs fails once, also those of cJSON: an error with its text, the end of the program, or the same outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/dut.h"
#include "executord/state_store.h"
#include "libbus/wire.h"
#include "libgateway/json.h"
#include "tests/harness/torture.h"

static enum torture_end refused(const struct gw_error *err)
{
	if (err->kind != GW_OK && err->text[0]) {
		fprintf(stderr, "%s\n", err->text);
		return TORTURE_REFUSED;
	}
	fputs("refused without a reason\n", stderr);
	return TORTURE_WRONG;
}

static enum torture_end decode_message(void *data)
{
	static const char text[] =
		"{\"ask\":\"boot.deploy\",\"body\":{\"capability\":\"c\",\"files\":[{\"path\":\"/_/job/"
		"kernel\",\"http\":true,\"tftp\":false,"
		"\"artifacts\":[\"sha256-0\"]}],\"dhcp\":[{\"protocol\":\"tftp\",\"options\":[{\"code\":6,\"hex\":\"0a2a0001\"}]}],"
		"\"cmdline\":\"console=ttyS0\",\"initramfs\":false,\"asks_http\":false,\"asks_tftp\":true}}";
	struct gw_error err = {0};
	struct bus_wire wire;
	enum torture_end came_to = TORTURE_WRONG;
	void *body;
	char *again;

	if (!bus_wire_decode(text, strlen(text), &wire, &err))
		return refused(&err);
	body = bus_body_decode(bus_types[wire.type].body, wire.body, &err);
	if (!body) {
		bus_wire_finish(&wire);
		return refused(&err);
	}
	again = bus_wire_ask(wire.type, body, &err);
	if (!again)
		came_to = refused(&err);
	else if (strcmp(again, text) == 0)
		came_to = TORTURE_DONE;
	else
		fprintf(stderr, "%s\n", again);
	free(again);
	bus_body_free(bus_types[wire.type].body, body);
	bus_wire_finish(&wire);
	return came_to;
}

static void promise_18_a_message_goes_whole_or_is_refused(void **state)
{
	struct torture torture = {.work = decode_message};

	torture_each(&torture, "a message");
}

static enum torture_end decode_state(void *data)
{
	static const char text[] = "{\"state\":\"IDLE\",\"quick_check_queued\":false,\"training\":{\"is_registered\":false,\"registration_"
				   "failed\":false,\"loops\":[]},"
				   "\"known\":{\"is_retired\":false,\"ready\":true,\"pdu\":\"VPDU\"}}";
	struct gw_error err = {0};
	struct dut dut = {0};
	struct kept_job job;
	enum torture_end came_to;
	cJSON *json = json_decode(text, strlen(text), &err);

	if (!json)
		return refused(&err);
	if (state_store_decode(&dut, json, &job, &err))
		came_to = dut.state == DUT_IDLE && dut.known.pdu ? TORTURE_DONE : TORTURE_WRONG;
	else
		came_to = refused(&err);
	training_finish(&dut.training);
	dut_facts_finish(&dut.known);
	cJSON_Delete(json);
	return came_to;
}

static void promise_18_a_kept_state_is_read_whole_or_refused(void **state)
{
	struct torture torture = {.work = decode_state};

	torture_each(&torture, "a kept state");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_18_a_message_goes_whole_or_is_refused),
		cmocka_unit_test(promise_18_a_kept_state_is_read_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
