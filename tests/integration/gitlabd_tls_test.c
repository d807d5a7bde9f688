/* Promise 40: a token goes to nobody whose certificate is not that of the GitLab, and HTTP/2 is spoken. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/gitlab.h"

#define ID "52:54:00:00:00:01"
#define X1 "farm-x86-1"

static char ca[300];
static const char *const trusting[] = {ca, NULL};

static int setup(void **state)
{
	gl_start((const char *const[]){"a=9001", "good=9443,good", "name=9444,name", "stranger=9445,ca", "late=9446,expired", NULL});
	snprintf(ca, sizeof(ca), "SSL_CERT_FILE=%s", tmp_path("certificates/ca.pem"));
	return 0;
}

/* Until gitlabd says of a GitLab what is wrong with it. */
static void await_error(const char *text)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "gitlab=*%s*tried again", text);
	proc_await(&gl.gitlabd, pattern);
}

static void promise_40_a_private_authority_is_trusted_if_told_so(void **state)
{
	gl_add_instance("good", "https://localhost:9443/", "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(trusting);
	gl_until_token(ID, "good");
	gl_await_runners("good", 1);
}

static void refused_certificate(const char *name, const char *url)
{
	gl_add_instance(name, url, "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(trusting);
	await_error("certificate");
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count(name, "POST", ""), 0);
}

static void promise_40_a_certificate_for_another_name_gets_no_token(void **state)
{
	refused_certificate("name", "https://localhost:9444");
}

static void promise_40_a_certificate_of_another_authority_gets_no_token(void **state)
{
	refused_certificate("stranger", "https://localhost:9445");
}

static void promise_40_a_certificate_that_has_expired_gets_no_token(void **state)
{
	refused_certificate("late", "https://localhost:9446");
}

static void promise_40_an_unknown_authority_gets_no_token(void **state)
{
	gl_add_instance("good", "https://localhost:9443/", "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(NULL);
	await_error("certificate");
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count("good", "POST", ""), 0);
}

/* nghttpx in front of the plain GitLab, as a load balancer would be; it says in Via which HTTP it was asked by. */
static void http_2_is_spoken_where_it_is_offered(void **state)
{
	struct proc proxy = {0};

	if (system("command -v nghttpx >/dev/null") != 0)
		skip();
	proc_start(&proxy, "nghttpx",
		   (const char *const[]){"nghttpx", "--conf=/dev/null", "--frontend=127.0.0.1,9447", "--backend=127.0.0.1,9001",
					 "--workers=1", "--errorlog-file=/dev/stderr", "--log-level=NOTICE", "--no-ocsp",
					 tmp_path("certificates/good.key"), tmp_path("certificates/good.pem"), NULL},
		   NULL);
	proc_await(&proxy, "*Worker process*spawned*");
	gl_add_instance("a", "https://127.0.0.1:9447", "project_type");
	gl_add_duts(20);
	gl_gitlabd_start(trusting);
	gl_until_tokens(20);
	gl_do("a", "wait", "{\"requests\": 20, \"match\": {\"path\": \"/user/runners\", \"via\": \"2 nghttpx\"}}");
	gl_await_runners("a", 20);
	proc_end(&proxy, SIGTERM);
	assert_int_equal(gl_gitlabd_stop(SIGTERM), 0);
}

static void promise_40_plain_http_gets_no_token_unless_it_is_allowed(void **state)
{
	cJSON *status;

	gl_add_instance("a", "http://localhost:9001", "project_type");
	gl_add_dut(ID, X1);
	gl_gitlabd_start(NULL);
	status = gl_status();
	assert_non_null(
		strstr(gl_text(cJSON_GetArrayItem(cJSON_GetObjectItem(status, "instances"), 0), "last_error"), "GITLAB_ALLOW_INSECURE"));
	cJSON_Delete(status);
	gl_gitlabd_stop(SIGTERM);
	assert_int_equal(gl_count("a", "POST", ""), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, gl_teardown)
		T(promise_40_a_private_authority_is_trusted_if_told_so),
		T(promise_40_a_certificate_for_another_name_gets_no_token),
		T(promise_40_a_certificate_of_another_authority_gets_no_token),
		T(promise_40_a_certificate_that_has_expired_gets_no_token),
		T(http_2_is_spoken_where_it_is_offered),
		T(promise_40_an_unknown_authority_gets_no_token),
		T(promise_40_plain_http_gets_no_token_unless_it_is_allowed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
