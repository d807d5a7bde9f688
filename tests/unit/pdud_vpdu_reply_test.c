/* Every byte that a virtual PDU may answer, and the addresses that it may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pdud/vpdu_reply.h"

static void refused(enum driver_op op, uint8_t byte, enum gw_error_kind kind, const char *text)
{
	struct vpdu_reply reply;
	struct gw_error err = {0};

	assert_false(vpdu_reply_decode(op, byte, &reply, &err));
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
}

static void only_what_the_protocol_knows_is_accepted(void **state)
{
	for (int byte = 0; byte < 256; byte++) {
		struct vpdu_reply reply;

		assert_int_equal(vpdu_reply_decode(DRIVER_LIST, (uint8_t)byte, &reply, NULL), byte > 0);
		assert_int_equal(reply.count, byte);
		assert_int_equal(vpdu_reply_decode(DRIVER_READ, (uint8_t)byte, &reply, NULL), byte == 3 || byte == 4);
		if (byte == 3 || byte == 4)
			assert_int_equal(reply.state, byte == 3 ? PORT_ON : PORT_OFF);
		assert_int_equal(vpdu_reply_decode(DRIVER_ON, (uint8_t)byte, &reply, NULL), byte == 1);
		assert_int_equal(vpdu_reply_decode(DRIVER_OFF, (uint8_t)byte, &reply, NULL), byte == 1);
	}
}

static void the_others_are_named(void **state)
{
	refused(DRIVER_LIST, 0, GW_BAD_INPUT, "answered 0x00 to its number of ports; accepted: 1 to 255");
	refused(DRIVER_READ, 42, GW_BAD_INPUT, "answered 0x2a to a port's state; accepted: 3 (ON), 4 (OFF), 5 (error)");
	refused(DRIVER_ON, 4, GW_BAD_INPUT, "answered 0x04 to ON; accepted: 1 (done), 5 (error)");
	refused(DRIVER_OFF, 5, GW_REFUSED, "answered 'error' to OFF");
	refused(DRIVER_READ, 0, GW_REFUSED, "answered 'no such port' to a port's state");
}

static void an_address_has_a_host_and_maybe_a_port(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {{"localhost:9191", "localhost", 9191},
		    {"10.0.0.2", "10.0.0.2", 9191},
		    {"pdu.lan:1", "pdu.lan", 1},
		    {"[fd77::1]:65535", "fd77::1", 65535},
		    {"[::1]", "::1", 9191}};
	static const char *const bad[] = {"",        ":9191", "host:", "host:0", "host:65536", "host:12x",
					  "host:-1", "[::1",  "[]:1",  "[::1]9", "a:b:1"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *host = NULL;
		uint16_t port;
		assert_true(vpdu_hostname_decode(good[i].text, &host, &port, NULL));
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		free(host);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};
		char *host = NULL, text[200];
		uint16_t port;
		assert_false(vpdu_hostname_decode(bad[i], &host, &port, &err));
		assert_null(host);
		snprintf(text, sizeof(text), "config.hostname: '%s' is not an address; accepted: HOST or HOST:PORT", bad[i]);
		assert_string_equal(err.text, text);
	}
}

static void drivers_are_found_by_name(void **state)
{
	struct gw_error err = {0};

	assert_ptr_equal(driver_find("vpdu", &err), &driver_vpdu);
	assert_ptr_equal(driver_find("dummy", &err), &driver_dummy);
	assert_null(driver_find("apc_masterswitch", &err));
	assert_string_equal(err.text, "the driver 'apc_masterswitch' is not built yet; built: dummy, vpdu");
	assert_null(driver_find("x", &err));
	assert_string_equal(err.text, "'x' is not a PDU driver; built: dummy, vpdu");
}

static void a_configuration_that_does_not_fit_is_refused_by_its_key(void **state)
{
	static const struct {
		const struct driver *driver;
		const char *config, *error;
	} rows[] = {
		{&driver_vpdu, "{}", "config.hostname: needed; accepted: HOST or HOST:PORT"},
		{&driver_vpdu, "{\"hostname\":7}", "config.hostname: needed; accepted: HOST or HOST:PORT"},
		{&driver_vpdu, "{\"hostname\":\"h\",\"port\":1}", "config.port: not a key of this driver; accepted: hostname"},
		{&driver_dummy, "{}", "config.ports: needed; accepted: a list of at most 4096 labels"},
		{&driver_dummy, "{\"ports\":3}", "config.ports: needed; accepted: a list of at most 4096 labels"},
		{&driver_dummy, "{\"ports\":[\"a\",1]}", "config.ports[1]: not a label; accepted: a text of at most 256 bytes"},
		{&driver_dummy, "{\"ports\":[],\"x\":0}", "config.x: not a key of this driver; accepted: ports"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err = {0};
		cJSON *config = cJSON_Parse(rows[i].config);
		assert_null(rows[i].driver->create(NULL, config, &err));
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_string_equal(err.text, rows[i].error);
		cJSON_Delete(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_protocol_knows_is_accepted),
		cmocka_unit_test(the_others_are_named),
		cmocka_unit_test(an_address_has_a_host_and_maybe_a_port),
		cmocka_unit_test(drivers_are_found_by_name),
		cmocka_unit_test(a_configuration_that_does_not_fit_is_refused_by_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
