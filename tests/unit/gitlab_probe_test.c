/* Whether a registration_token is any good: what one answer says of it. */
#include "gitlabd/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT(text) ((char *)(uintptr_t)(text))

static struct msg_gitlab_instance instance_with(const char *token)
{
	return (struct msg_gitlab_instance){
		.name = TEXT("work"), .url = TEXT("https://work.example/"), .registration_token = TEXT(token), .project_id = 42};
}

/* The state after a registration that was answered so. */
static enum probe_state after(struct probes *probes, const struct msg_gitlab_instance *instance, struct api_answer answer)
{
	probe_begin(probes, instance);
	probe_heard(probes, instance->name, probe_key(probes, instance), &answer);
	return probe_of(probes, instance)->state;
}

static const struct api_answer fine = {.class = API_OK}, away = {.class = API_TRY_LATER, .text = "status 503"},
			       bad_tags = {.class = API_REFUSED, .text = "status 400"},
			       bad_token = {.class = API_REFUSED, .is_about_secret = true, .text = "status 401"};

static void the_first_goes_alone(void **state)
{
	struct msg_gitlab_instance instance = instance_with("glpat-1");
	struct probes probes = {0};

	assert_int_equal(probe_of(&probes, &instance)->state, PROBE_UNTRIED);
	probe_begin(&probes, &instance);
	assert_int_equal(probe_of(&probes, &instance)->state, PROBE_UNDER_WAY);
	assert_true(probe_heard(&probes, "work", probe_key(&probes, &instance), &fine));
	assert_int_equal(probe_of(&probes, &instance)->state, PROBE_TAKEN);
	assert_false(probe_heard(&probes, "work", probe_key(&probes, &instance), &fine)); /* the others need not be told again */
	probes_finish(&probes);
}

static void only_what_is_about_the_token_refuses_it(void **state)
{
	struct msg_gitlab_instance instance = instance_with("glpat-1");
	struct probes probes = {0};

	assert_int_equal(after(&probes, &instance, away), PROBE_UNTRIED);
	assert_int_equal(after(&probes, &instance, bad_tags), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, away), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, bad_token), PROBE_REFUSED); /* it was revoked */
	assert_string_equal(probe_of(&probes, &instance)->why, "status 401");
	probes_try_again(&probes);
	assert_int_equal(probe_of(&probes, &instance)->state, PROBE_UNTRIED);
	probes_finish(&probes);
}

static void another_token_is_another_matter(void **state)
{
	struct msg_gitlab_instance before = instance_with("glpat-1"), now = instance_with("glpat-2"), moved = instance_with("glpat-2");
	struct probes probes = {0};

	moved.project_id = 43;
	assert_int_equal(after(&probes, &before, bad_token), PROBE_REFUSED);
	assert_int_equal(probe_of(&probes, &now)->state, PROBE_UNTRIED);
	assert_false(probe_heard(&probes, "work", probe_key(&probes, &before), &bad_token)); /* a late answer */
	assert_int_equal(probe_of(&probes, &now)->state, PROBE_UNTRIED);
	assert_int_equal(after(&probes, &now, bad_token), PROBE_REFUSED);
	assert_int_equal(probe_of(&probes, &moved)->state, PROBE_UNTRIED); /* it may have no rights in a project, and some in another */
	probes_finish(&probes);
}

static void a_refusal_that_may_be_about_one_runner_counts_when_it_is_the_third_in_a_row(void **state)
{
	const struct api_answer bad_runner = {
		.class = API_REFUSED, .is_about_secret = true, .may_be_about_asked = true, .text = "status 403"};
	struct msg_gitlab_instance instance = instance_with("glpat-1");
	struct probes probes = {.of_access = true};

	assert_int_equal(after(&probes, &instance, bad_runner), PROBE_UNTRIED); /* the next goes alone, too */
	assert_int_equal(after(&probes, &instance, fine), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, bad_runner), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, bad_runner), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, away), PROBE_TAKEN);
	assert_int_equal(after(&probes, &instance, bad_runner), PROBE_REFUSED);
	assert_int_equal(after(&probes, &instance, away), PROBE_REFUSED); /* it was asked before */
	assert_string_equal(probe_of(&probes, &instance)->why, "status 403");
	probe_try_again(&probes, "home");
	assert_int_equal(probe_of(&probes, &instance)->state, PROBE_REFUSED);
	probe_try_again(&probes, "work");
	assert_int_equal(after(&probes, &instance, bad_runner), PROBE_UNTRIED);
	assert_int_equal(after(&probes, &instance, bad_token), PROBE_REFUSED);
	probes_finish(&probes);
}

static void each_token_of_an_instance_is_judged_by_itself(void **state)
{
	struct msg_gitlab_instance before = instance_with("glpat-1"), now = instance_with("glpat-2");
	struct probes access = {.of_access = true};

	before.access_token = now.access_token = TEXT("glpat-a");
	assert_int_equal(after(&access, &before, bad_token), PROBE_REFUSED);
	assert_int_equal(probe_of(&access, &now)->state, PROBE_REFUSED); /* another registration_token */
	now.access_token = TEXT("glpat-b");
	assert_int_equal(probe_of(&access, &now)->state, PROBE_UNTRIED);
	probes_finish(&access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_goes_alone),
		cmocka_unit_test(only_what_is_about_the_token_refuses_it),
		cmocka_unit_test(another_token_is_another_matter),
		cmocka_unit_test(a_refusal_that_may_be_about_one_runner_counts_when_it_is_the_third_in_a_row),
		cmocka_unit_test(each_token_of_an_instance_is_judged_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
