#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/job_names.h"
#include "libjob/template.h"

static void assert_rendered(const struct ctl_args *args, const char *text, const char *expected)
{
	struct job_names names = {0};
	struct gw_error err = {0};
	char *out = NULL;

	if (!job_names_init(&names, &(struct ctl){.url = ""}, args, &err) ||
	    !template_render("job", text, strlen(text), names.all, &out, &err))
		fail_msg("%s", err.text);
	assert_string_equal(out, expected);
	free(out);
	job_names_finish(&names);
}

static void a_job_has_a_bucket_without_a_gateway_too(void **state)
{
	assert_rendered(&(struct ctl_args){0}, "{{ minio_url }}/{{ job_bucket }} {{ job_bucket_access_key }} {{ job_bucket_secret_key }}",
			"http://10.42.0.1:9000/job-52-54-00-11-22-00-example job-52-54-00-11-22-00-example-dut "
			"00000000000000000000000000000000");
	assert_rendered(
		&(struct ctl_args){0},
		"{{ job.bucket.url == minio_url and job.bucket.name == job_bucket and job.bucket.access_key == "
		"job_bucket_access_key and job.bucket.secret_key == job_bucket_secret_key }} {{ job.http.url }} {{ executor_host }}",
		"True http://10.42.0.1:8090 ci-gateway");
}

static void a_name_of_the_bucket_may_be_set_by_hand(void **state)
{
	struct ctl_args args = {.given = {{'d', "job.bucket.name=mine"}, {'d', "job_bucket=null"}}, .n_given = 2};

	assert_rendered(&args, "{{ job.bucket.name }} {{ job_bucket or 'none' }} {{ job.bucket.url }}", "mine none http://10.42.0.1:9000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_has_a_bucket_without_a_gateway_too),
		cmocka_unit_test(a_name_of_the_bucket_may_be_set_by_hand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
