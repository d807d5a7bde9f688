/* gitlabd/api_answer: what each answer of a GitLab, or of what stands in its place, is taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gitlabd/api_answer.h"

#define SECRET "glpat-0123456789"
#define HTML   "text/html; charset=utf-8"
#define JSON   "application/json"

static void read_answer(struct api_answer *answer, enum api_what what, int status, const char *type, const char *body)
{
	struct gw_error err = {0};
	struct api_raw raw = {.status = status, .content_type = type, .body = body, .len = strlen(body), .err = &err};

	api_answer_read(answer, what, &raw, SECRET);
}

static const struct row {
	enum api_what what;
	int status;
	const char *type, *body;
	enum api_class class;
	const char *text;
} rows[] = {
	{API_REGISTER, 201, JSON, "{\"id\": 7, \"token\": \"glrt-x\", \"token_expires_at\": null}", API_OK, ""},
	{API_REGISTER, 200, JSON, "{\"id\": 7, \"token\": \"glrt-x\"}", API_NOT_GITLAB, "POST /user/runners: status 200"},
	{API_REGISTER, 201, JSON, "{\"id\": \"7\", \"token\": \"glrt-x\"}", API_NOT_GITLAB,
	 "POST /user/runners: status 201: not the JSON of a GitLab: id is not the number of a runner"},
	{API_REGISTER, 201, JSON, "{\"id\": 7, \"token\": \"a b\"}", API_NOT_GITLAB,
	 "POST /user/runners: status 201: not the JSON of a GitLab: token is not a text of 1 to 512 characters without spaces or quotes"},
	{API_REGISTER, 201, JSON, "{\"id\": 7}", API_NOT_GITLAB,
	 "POST /user/runners: status 201: not the JSON of a GitLab: token is not a text of 1 to 512 characters without spaces or quotes"},
	{API_REGISTER, 400, JSON, "{\"message\": \"400 Bad request - Missing/invalid scope\"}", API_REFUSED,
	 "POST /user/runners: status 400: 400 Bad request - Missing/invalid scope"},
	{API_REGISTER, 401, JSON, "{\"message\": \"token " SECRET " is\\nbad\"}", API_REFUSED,
	 "POST /user/runners: status 401: token **************** is?bad"},
	{API_REGISTER, 422, JSON, "{\"message\": {\"tag_list\": [\"is too long\"]}}", API_REFUSED,
	 "POST /user/runners: status 422: {\"tag_list\":[\"is too long\"]}"},
	{API_REGISTER, 403, JSON, "{\"error\": \"insufficient_scope\"}", API_REFUSED, "POST /user/runners: status 403: insufficient_scope"},
	{API_VERIFY, 200, JSON, "{\"id\": 7, \"token\": \"glrt-x\"}", API_OK, ""},
	{API_VERIFY, 200, JSON, "{}", API_OK, ""},
	{API_VERIFY, 200, JSON, "200", API_OK, ""}, /* GitLabs before 15.1 */
	{API_VERIFY, 200, NULL, "", API_OK, ""},
	{API_VERIFY, 200, HTML, "<html>Sign in</html>", API_NOT_GITLAB, "POST /runners/verify: status 200: an HTML page"},
	{API_VERIFY, 200, JSON, " \n<!DOCTYPE html>", API_NOT_GITLAB, "POST /runners/verify: status 200: an HTML page"},
	{API_VERIFY, 403, JSON, "{\"message\": \"403 Forbidden\"}", API_INVALID_TOKEN, "POST /runners/verify: status 403: 403 Forbidden"},
	{API_VERIFY, 403, NULL, "", API_INVALID_TOKEN, "POST /runners/verify: status 403"},
	{API_VERIFY, 403, HTML, "<html>blocked</html>", API_NOT_GITLAB, "POST /runners/verify: status 403: an HTML page"},
	{API_VERIFY, 403, "text/plain", "RBAC: access denied", API_NOT_GITLAB,
	 "POST /runners/verify: status 403: not the JSON of a GitLab"},
	{API_REMOVE, 403, "text/plain", "Forbidden", API_NOT_GITLAB, "DELETE /runners: status 403: not the JSON of a GitLab"},
	{API_REMOVE, 404, "text/plain", "404 page not found", API_NOT_GITLAB, "DELETE /runners: status 404: not the JSON of a GitLab"},
	{API_VERIFY, 302, HTML, "<html>moved</html>", API_NOT_GITLAB,
	 "POST /runners/verify: status 302: a redirect, which is not followed"},
	{API_VERIFY, 308, NULL, "", API_NOT_GITLAB, "POST /runners/verify: status 308: a redirect, which is not followed"},
	{API_VERIFY, 401, JSON, "{}", API_REFUSED, "POST /runners/verify: status 401"},
	{API_VERIFY, 404, JSON, "{\"error\": \"404 Not Found\"}", API_REFUSED, "POST /runners/verify: status 404: 404 Not Found"},
	{API_VERIFY, 408, NULL, "", API_TRY_LATER, "POST /runners/verify: status 408"},
	{API_VERIFY, 429, NULL, "", API_TRY_LATER, "POST /runners/verify: status 429"},
	{API_VERIFY, 500, JSON, "{\"message\": \"500 Internal Server Error\"}", API_TRY_LATER,
	 "POST /runners/verify: status 500: 500 Internal Server Error"},
	{API_VERIFY, 502, HTML, "<html>Bad Gateway</html>", API_TRY_LATER, "POST /runners/verify: status 502"},
	{API_DETAILS, 200, JSON, "{\"id\": 7, \"description\": null, \"tag_list\": [], \"maximum_timeout\": null}", API_OK, ""},
	{API_DETAILS, 200, JSON, "{\"id\": 7, \"description\": 3, \"tag_list\": []}", API_NOT_GITLAB,
	 "GET /runners/ID: status 200: not the JSON of a GitLab: description is not a text of at most 4096 bytes"},
	{API_DETAILS, 200, JSON, "{\"id\": 7, \"tag_list\": \"a,b\"}", API_NOT_GITLAB,
	 "GET /runners/ID: status 200: not the JSON of a GitLab: tag_list is not a list of at most 1000 tags"},
	{API_DETAILS, 200, JSON, "{\"id\": 7, \"tag_list\": [1]}", API_NOT_GITLAB,
	 "GET /runners/ID: status 200: not the JSON of a GitLab: tag_list: a tag is not a text of at most 1024 bytes"},
	{API_DETAILS, 200, JSON, "{\"id\": 7, \"tag_list\": [], \"maximum_timeout\": 1.5}", API_NOT_GITLAB,
	 "GET /runners/ID: status 200: not the JSON of a GitLab: maximum_timeout is not a number of seconds"},
	{API_DETAILS, 404, JSON, "{\"message\": \"404 Not found\"}", API_GONE, "GET /runners/ID: status 404: 404 Not found"},
	{API_DETAILS, 403, JSON, "{}", API_REFUSED, "GET /runners/ID: status 403"},
	{API_REMOVE, 204, NULL, "", API_OK, ""},
	{API_REMOVE, 403, JSON, "{\"message\": \"403 Forbidden\"}", API_GONE, "DELETE /runners: status 403: 403 Forbidden"},
	{API_REMOVE, 403, HTML, "<html>", API_NOT_GITLAB, "DELETE /runners: status 403: an HTML page"},
	{API_REMOVE, 404, JSON, "{}", API_GONE, "DELETE /runners: status 404"},
	{API_REMOVE, 200, JSON, "{}", API_NOT_GITLAB, "DELETE /runners: status 200"},
	{API_REMOVE_ID, 404, JSON, "{}", API_GONE, "DELETE /runners/ID: status 404"},
	{API_REMOVE_ID, 403, JSON, "{}", API_REFUSED, "DELETE /runners/ID: status 403"},
	{API_LIST, 200, JSON, "[]", API_OK, ""},
	{API_LIST, 200, JSON, "[{\"id\": 1, \"description\": \"farm-x86-1\"}, {\"id\": 2}]", API_OK, ""},
	{API_LIST, 200, JSON, "[{\"id\": 0}]", API_NOT_GITLAB,
	 "the list of runners: status 200: not the JSON of a GitLab: runner 1: id is not the number of a runner"},
	{API_LIST, 200, JSON, "[7]", API_NOT_GITLAB,
	 "the list of runners: status 200: not the JSON of a GitLab: runner 1 is not an object"},
	{API_LIST, 200, JSON, "{}", API_NOT_GITLAB,
	 "the list of runners: status 200: not the JSON of a GitLab: it is not a list of at most 10000 runners"},
};

static void promise_40_each_answer_is_taken_for_what_it_is(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct api_answer answer;

		read_answer(&answer, rows[i].what, rows[i].status, rows[i].type, rows[i].body);
		assert_string_equal(answer.text, rows[i].text);
		if (answer.class != rows[i].class)
			fail_msg("%d %s: %d", rows[i].status, rows[i].body, answer.class);
		api_answer_finish(&answer);
	}
}

/* Whatever the status, the request and the page: one way only leads to a lost token. */
static void promise_40_only_403_on_verify_is_an_invalid_token(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"message\": \"403 Forbidden\"}", "[]", "<html>", "{\"id\": 1, \"token\": \"x\"}"};

	for (int what = 0; what < API_WHATS; what++) {
		for (int status = 0; status < 1000; status++) {
			for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
				struct api_answer answer;

				read_answer(&answer, (enum api_what)what, status, JSON, bodies[i]);
				if (answer.class == API_INVALID_TOKEN)
					assert_true(what == API_VERIFY && status == 403 && bodies[i][0] != '<');
				api_answer_finish(&answer);
			}
		}
	}
}

static void an_error_of_the_transport_is_tried_again(void **state)
{
	struct gw_error err = {GW_UNREACHABLE, "Connection refused"};
	struct api_raw raw = {.body = "", .err = &err};
	struct api_answer answer;

	api_answer_read(&answer, API_VERIFY, &raw, SECRET);
	assert_int_equal(answer.class, API_TRY_LATER);
	assert_string_equal(answer.text, "POST /runners/verify: Connection refused");
	err = (struct gw_error){GW_BAD_INPUT, "the answer is longer than 1048576 bytes"};
	api_answer_read(&answer, API_VERIFY, &raw, SECRET);
	assert_int_equal(answer.class, API_NOT_GITLAB);
}

static void retry_after_and_the_next_page_are_told(void **state)
{
	struct gw_error err = {0};
	struct api_raw raw = {.status = 429, .body = "", .retry_after_s = 17, .err = &err};
	struct api_answer answer;

	api_answer_read(&answer, API_VERIFY, &raw, SECRET);
	assert_int_equal(answer.retry_after_s, 17);
	raw = (struct api_raw){.status = 200, .body = "[]", .len = 2, .next_page = "2", .err = &err};
	api_answer_read(&answer, API_LIST, &raw, SECRET);
	assert_int_equal(answer.next_page, 2);
	api_answer_finish(&answer);
	raw.next_page = "";
	api_answer_read(&answer, API_LIST, &raw, SECRET);
	assert_int_equal(answer.class, API_OK);
	assert_int_equal(answer.next_page, 0);
	api_answer_finish(&answer);
	raw.next_page = "two";
	api_answer_read(&answer, API_LIST, &raw, SECRET);
	assert_string_equal(answer.text, "the list of runners: status 200: x-next-page is not the number of a page");
	api_answer_finish(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_40_each_answer_is_taken_for_what_it_is),
		cmocka_unit_test(promise_40_only_403_on_verify_is_an_invalid_token),
		cmocka_unit_test(an_error_of_the_transport_is_tried_again),
		cmocka_unit_test(retry_after_and_the_next_page_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
