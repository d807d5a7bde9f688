#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/frames.h"

#define AT INT64_C(1769860800000000) /* 2026-01-31T12:00:00+00:00 */

static void assert_frame(char *frame, size_t len, const char *json)
{
	const uint8_t *header = (const uint8_t *)frame;
	size_t announced = (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
	char *text = gw_strndup(frame + FRAME_HEADER, len - FRAME_HEADER);

	assert_int_equal(announced, len - FRAME_HEADER);
	assert_string_equal(text, json);
	free(text);
	free(frame);
}

static void a_message_is_encoded_to_the_letter(void **state)
{
	cJSON *metadata = cJSON_Parse("{\"patterns\":[\"session_end\"],\"line\":\"x\"}");
	size_t len;
	char *frame = frame_encode_ctrl(AT + 1, "+0.100s: Booting\n", FRAME_INFO, FRAME_TAG_NONE, NULL, &len);

	assert_frame(frame, len,
		     "{\"msg_type\":\"ctrl\",\"date\":\"2026-01-31T12:00:00.000001+00:00\",\"payload\":{\"msg\":\"+0.100s: Booting\\n\","
		     "\"severity\":1,\"tag\":0,\"metadata\":{}}}");
	frame = frame_encode_ctrl(AT, "m", FRAME_ERROR, FRAME_TAG_PATTERN_MATCHED, metadata, &len);
	assert_frame(frame, len,
		     "{\"msg_type\":\"ctrl\",\"date\":\"2026-01-31T12:00:00.000000+00:00\",\"payload\":{\"msg\":\"m\",\"severity\":3,"
		     "\"tag\":401,"
		     "\"metadata\":{\"patterns\":[\"session_end\"],\"line\":\"x\"}}}");
	cJSON_Delete(metadata);
}

static void a_message_that_is_not_utf8_is_made_so(void **state)
{
	size_t len;
	char *frame = frame_encode_ctrl(AT, "caf\xe9\n", FRAME_INFO, FRAME_TAG_NONE, NULL, &len);

	assert_frame(frame, len,
		     "{\"msg_type\":\"ctrl\",\"date\":\"2026-01-31T12:00:00.000000+00:00\",\"payload\":{\"msg\":\"caf\xef\xbf\xbd\\n\","
		     "\"severity\":1,\"tag\":0,\"metadata\":{}}}");
}

static void console_bytes_are_encoded_in_base85(void **state)
{
	size_t len;
	char *frame = frame_encode_job_io(AT, "hello\r\n", 7, &len);

	assert_frame(frame, len, "{\"msg_type\":\"job_io\",\"date\":\"2026-01-31T12:00:00.000000+00:00\",\"payload\":\"Xk~0{Zw(3\"}");
}

static void an_end_is_encoded_with_and_without_a_bucket(void **state)
{
	size_t len;
	char *frame = frame_encode_session_end(AT, "PASS", (double)NAN, NULL, NULL, &len);

	assert_frame(frame, len,
		     "{\"msg_type\":\"session_end\",\"date\":\"2026-01-31T12:00:00.000000+00:00\",\"payload\":{\"status\":\"PASS\","
		     "\"joules_consumed\":null,\"job_bucket\":null}}");
	frame = frame_encode_session_end(AT, "FAIL", 12.5, "http://a:s@10.42.0.1:9000", "job-1", &len);
	assert_frame(
		frame, len,
		"{\"msg_type\":\"session_end\",\"date\":\"2026-01-31T12:00:00.000000+00:00\",\"payload\":{\"status\":\"FAIL\","
		"\"joules_consumed\":12.5,\"job_bucket\":{\"minio_access_url\":\"http://a:s@10.42.0.1:9000\",\"bucket_name\":\"job-1\"}}}");
}

/* --- Decoding ----------------------------------------------------------------------------------------------------------------------- */

static enum frame_taken decode(struct frame *frame, const char *json, struct gw_error *err)
{
	size_t n = strlen(json), used = 0;
	char *bytes = gw_sprintf("____%s and more", json);
	enum frame_taken taken;

	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(n >> (24 - 8 * i));
	taken = frame_decode(frame, bytes, FRAME_HEADER + n + strlen(" and more"), 4096, &used, err);
	if (taken == FRAME_TAKEN)
		assert_int_equal(used, FRAME_HEADER + n);
	free(bytes);
	return taken;
}

#define DATED(type, payload) "{\"msg_type\": \"" type "\", \"date\": \"2026-01-31T12:00:00+00:00\", \"payload\": " payload "}"

static void what_the_fields_programs_send_is_understood(void **state)
{
	struct frame frame;

	assert_int_equal(
		decode(&frame, DATED("ctrl", "{\"msg\": \"hi\\n\", \"severity\": 2, \"tag\": 777, \"metadata\": {\"a\": 1}}"), NULL),
		FRAME_TAKEN);
	assert_int_equal(frame.kind, FRAME_CTRL);
	assert_string_equal(frame.msg, "hi\n");
	assert_int_equal(frame.severity, FRAME_WARNING);
	assert_int_equal(frame.tag, 777);
	assert_non_null(frame.metadata);
	assert_true(frame.date_us == AT);
	frame_finish(&frame);
	assert_int_equal(decode(&frame, DATED("ctrl", "{\"msg\": \"\"}"), NULL), FRAME_TAKEN); /* as older ones do */
	assert_int_equal(frame.severity, FRAME_INFO);
	assert_int_equal(frame.tag, FRAME_TAG_NONE);
	frame_finish(&frame);
	assert_int_equal(decode(&frame, DATED("job_io", "\"Xk~0{Zw(3\""), NULL), FRAME_TAKEN);
	assert_int_equal(frame.n, 7);
	assert_memory_equal(frame.bytes, "hello\r\n", 7);
	frame_finish(&frame);
	assert_int_equal(
		decode(&frame, DATED("session_end", "{\"status\": \"WARN\", \"joules_consumed\": null, \"job_bucket\": null}"), NULL),
		FRAME_TAKEN);
	assert_string_equal(frame.status, "WARN");
	assert_true(isnan(frame.joules_consumed));
	assert_null(frame.access_url);
	frame_finish(&frame);
}

static void a_frame_in_pieces_is_waited_for(void **state)
{
	struct gw_error err = {0};
	struct frame frame;
	size_t len, used = 0;
	char *bytes = frame_encode_job_io(AT, "x", 1, &len);

	for (size_t n = 0; n < len; n++)
		assert_int_equal(frame_decode(&frame, bytes, n, 4096, &used, &err), FRAME_MORE);
	assert_int_equal(frame_decode(&frame, bytes, len, 4096, &used, &err), FRAME_TAKEN);
	assert_int_equal(used, len);
	frame_finish(&frame);
	free(bytes);
}

static void a_length_out_of_bounds_is_refused_before_its_bytes_come(void **state)
{
	struct gw_error err = {0};
	struct frame frame;
	size_t used;

	assert_int_equal(frame_decode(&frame, "\xff\xff\xff\xff", 4, 65536, &used, &err), FRAME_BAD);
	assert_string_equal(err.text, "a frame of 4294967295 bytes is too long; accepted: up to 65536");
}

static void what_makes_no_sense_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *json, *why;
	} bad[] = {
		{"[1]", "a frame: it is an array; accepted: a JSON object"},
		{"{\"msg_type\": \"hello\"}", "a frame: msg_type: 'hello' is not known; accepted: ctrl, job_io, session_end"},
		{"{\"msg_type\": 1}", "a frame: msg_type: '' is not known; accepted: ctrl, job_io, session_end"},
		{"{\"msg_type\": \"ctrl\", \"payload\": {}}", "a frame: date: '' is not as 2026-01-31T12:00:00.123456+00:00"},
		{DATED("ctrl", "\"x\""), "a frame: ctrl: its payload is not an object"},
		{DATED("ctrl", "{\"msg\": 1}"), "a frame: ctrl: payload.msg is not a text"},
		{DATED("ctrl", "{\"msg\": \"\", \"severity\": 4}"), "a frame: ctrl: payload.severity is no severity; accepted: 0 to 3"},
		{DATED("ctrl", "{\"msg\": \"\", \"severity\": 1e300}"), "a frame: ctrl: payload.severity is no severity; accepted: 0 to 3"},
		{DATED("ctrl", "{\"msg\": \"\", \"metadata\": []}"), "a frame: ctrl: payload.metadata is not an object"},
		{DATED("job_io", "{}"), "a frame: job_io: its payload is not a text"},
		{DATED("job_io", "\"a\""), "a frame: job_io: base85: a lone digit at its end, 1"},
		{DATED("session_end", "{\"job_bucket\": {\"bucket_name\": \"b\"}}"),
		 "a frame: session_end: payload.job_bucket needs minio_access_url and bucket_name, both texts"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};
		struct frame frame;

		assert_int_equal(decode(&frame, bad[i].json, &err), FRAME_BAD);
		assert_string_equal(err.text, bad[i].why);
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_null(frame.json);
	}
}

/* --- Dates -------------------------------------------------------------------------------------------------------------------------- */

static void dates_are_those_that_python_writes_and_reads(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{"2026-01-31T12:00:00+00:00", AT},
		{"2026-01-31T12:00:00.123+00:00", AT + 123000},
		{"2026-01-31T12:00:00.123456+00:00", AT + 123456},
		{"2026-01-31T13:30:00+01:30", AT},
		{"2026-01-31T04:00:00-08:00", AT},
		{"1970-01-01T00:00:00+00:00", 0},
		{"2024-02-29T00:00:00+00:00", INT64_C(1709164800000000)},
	};
	char text[FRAME_DATE_ROOM];
	int64_t us;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(frame_date_decode(good[i].text, &us, NULL));
		assert_true(us == good[i].us);
	}
	assert_string_equal(frame_date_encode(text, AT + 7), "2026-01-31T12:00:00.000007+00:00");
}

static void other_dates_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31T12:00:00Z",
		"2026-01-31 12:00:00+00:00",
		"2026-01-31T12:00:00.12+00:00",
		"2026-01-31T12:00:00.1234567+00:00",
		"2026-01-31T12:00:00+0000",
		"2026-01-31T12:00:00+00:00 ",
		"2026-02-29T12:00:00+00:00",
		"2026-13-01T12:00:00+00:00",
		"2026-01-00T12:00:00+00:00",
		"2026-01-31T24:00:00+00:00",
		"2026-01-31T12:00:60+00:00",
		"2026-01-31T12:00:00+24:00",
		"1969-12-31T12:00:00+00:00",
	};
	int64_t us;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};
		char want[128];

		if (frame_date_decode(bad[i], &us, &err))
			fail_msg("'%s' was taken for a date", bad[i]);
		snprintf(want, sizeof(want), "date: '%s' is not as 2026-01-31T12:00:00.123456+00:00", bad[i]);
		assert_string_equal(err.text, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_encoded_to_the_letter),
		cmocka_unit_test(a_message_that_is_not_utf8_is_made_so),
		cmocka_unit_test(console_bytes_are_encoded_in_base85),
		cmocka_unit_test(an_end_is_encoded_with_and_without_a_bucket),
		cmocka_unit_test(what_the_fields_programs_send_is_understood),
		cmocka_unit_test(a_frame_in_pieces_is_waited_for),
		cmocka_unit_test(a_length_out_of_bounds_is_refused_before_its_bytes_come),
		cmocka_unit_test(what_makes_no_sense_is_refused_with_its_reason),
		cmocka_unit_test(dates_are_those_that_python_writes_and_reads),
		cmocka_unit_test(other_dates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
