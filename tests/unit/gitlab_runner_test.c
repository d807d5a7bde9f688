/* gitlabd/runner: what is done next about a runner, and tags as GitLab keeps them; gitlabd/server: for how long a GitLab is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gitlabd/gateway_tags.h"
#include "gitlabd/server.h"

#define S(text) ((char *)text)

static char *tag_a[] = {S("a"), S("b")}, *tag_reversed[] = {S(" b "), S("a"), S("a")}, *tag_other[] = {S("a")};
static struct api_details as_wanted = {7, S("farm-x86-1"), tag_reversed, 3, 3600};
static struct api_details other_name = {7, S("farm-x86-2"), tag_reversed, 3, 3600};
static struct api_details other_tags = {7, S("farm-x86-1"), tag_other, 1, 3600};
static struct api_details other_timeout = {7, S("farm-x86-1"), tag_reversed, 3, -1};

/* What is wanted: e exposed, n not now, r details are readable. What is known: t token, u untold, x refused, V valid, I invalid, v verify
 * is due, d details are due. */
static const struct row {
	const char *want, *known;
	struct api_details *details;
	enum runner_action next;
} rows[] = {
	{"er", "", NULL, RUNNER_REGISTER},
	{"r", "", NULL, RUNNER_NOTHING},
	{"ern", "", NULL, RUNNER_NOTHING},
	{"er", "x", NULL, RUNNER_NOTHING},
	{"er", "u", NULL, RUNNER_TELL},
	{"er", "tuVvd", NULL, RUNNER_TELL},
	{"er", "tvd", NULL, RUNNER_VERIFY},
	{"ern", "tvd", NULL, RUNNER_VERIFY}, /* retired: its runner goes on */
	{"er", "tVd", NULL, RUNNER_DETAILS},
	{"e", "tVd", NULL, RUNNER_NOTHING}, /* no access_token */
	{"er", "tV", &as_wanted, RUNNER_NOTHING},
	{"er", "tV", &other_name, RUNNER_REGISTER},
	{"er", "tV", &other_tags, RUNNER_REGISTER},
	{"er", "tV", &other_timeout, RUNNER_REGISTER},
	{"ern", "tV", &other_tags, RUNNER_NOTHING},
	{"er", "tVx", &other_tags, RUNNER_NOTHING},
	{"er", "tVd", &other_tags, RUNNER_DETAILS}, /* asked first */
	{"er", "tI", NULL, RUNNER_DROP_TOKEN},
	{"er", "tIv", NULL, RUNNER_DROP_TOKEN},
	{"ern", "tI", NULL, RUNNER_DROP_TOKEN},
	{"er", "tIx", NULL, RUNNER_NOTHING},
	{"r", "tVvd", &as_wanted, RUNNER_REMOVE},
	{"r", "tI", NULL, RUNNER_REMOVE},
	{"r", "tVx", NULL, RUNNER_NOTHING},
};

static bool has(const char *flags, char flag)
{
	return strchr(flags, flag) != NULL;
}

static struct runner_want want_of(const char *flags)
{
	return (struct runner_want){.exposed = has(flags, 'e'),
				    .not_now = has(flags, 'n') ? "not now" : NULL,
				    .details_readable = has(flags, 'r'),
				    .description = "farm-x86-1",
				    .tags = tag_a,
				    .n_tags = 2,
				    .maximum_timeout = 3600};
}

static struct runner_known known_of(const char *flags, struct api_details *details)
{
	return (struct runner_known){.has_token = has(flags, 't'),
				     .untold = has(flags, 'u'),
				     .refused = has(flags, 'x'),
				     .valid = has(flags, 'V')   ? RUNNER_VALID
					      : has(flags, 'I') ? RUNNER_INVALID
								: RUNNER_UNKNOWN,
				     .verify_due = has(flags, 'v'),
				     .details_due = has(flags, 'd'),
				     .details = details};
}

static void the_next_step_of_a_runner_is_decided(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct runner_want want = want_of(rows[i].want);
		struct runner_known known = known_of(rows[i].known, rows[i].details);

		if (runner_next(&want, &known) != rows[i].next)
			fail_msg("row %zu: wanted '%s', known '%s': %d", i, rows[i].want, rows[i].known, runner_next(&want, &known));
	}
}

static void promise_40_no_token_is_dropped_that_gitlab_has_not_called_invalid(void **state)
{
	for (unsigned bits = 0; bits < 1U << 9; bits++) {
		struct runner_want want = want_of("e");
		struct runner_known known = {.has_token = bits & 1,
					     .untold = bits & 2,
					     .refused = bits & 4,
					     .verify_due = bits & 8,
					     .details_due = bits & 16,
					     .valid = bits & 32 ? RUNNER_VALID : RUNNER_UNKNOWN,
					     .details = bits & 64 ? &other_tags : NULL};

		want.details_readable = bits & 128;
		want.not_now = bits & 256 ? "not now" : NULL;
		assert_int_not_equal(runner_next(&want, &known), RUNNER_DROP_TOKEN);
		assert_int_not_equal(runner_next(&want, &known), RUNNER_REMOVE);
	}
}

static void tags_are_a_set_trimmed_and_split_at_commas(void **state)
{
	static char *given[] = {S(" b,a "), S("a"), S(""), S(" , "), S("c d"), S("\tb")};
	struct tags tags;
	char *text;

	tags_make(&tags, given, 6);
	text = tags_joined(&tags);
	assert_string_equal(text, "a,b,c d");
	assert_null(tags_refused(&tags));
	free(text);
	tags_finish(&tags);
}

static void tags_that_gitlab_refuses_are_refused_here(void **state)
{
	char long_tag[300], numbers[51][8], *many[51], *one[] = {long_tag};
	struct tags tags = {0};

	assert_string_equal(tags_refused(&tags), "it has no tags, and a runner that takes no untagged jobs needs some");
	for (int i = 0; i < 51; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "tag%d", i);
		many[i] = numbers[i];
	}
	tags_make(&tags, many, 51);
	assert_string_equal(tags_refused(&tags), "it has more than 50 tags; GitLab accepts: 1 to 50");
	tags_finish(&tags);
	memset(long_tag, 'x', sizeof(long_tag));
	long_tag[256] = '\0';
	tags_make(&tags, one, 1);
	assert_string_equal(tags_refused(&tags), "it has a tag of more than 255 characters, which GitLab does not accept");
	tags_finish(&tags);
}

static void the_gateway_is_tagged_by_what_it_is_and_whom_it_serves(void **state)
{
	static char *users[] = {S("eric")}, *groups[] = {S("gfx-ci")};
	struct msg_gitlab_rules allow = {.users = {users, 1}, .projects_in_groups = {groups, 1}};
	struct gateway_facts facts = {"x86_64", 16, UINT64_C(33000000000)};
	struct tags tags;
	char *text;

	gateway_tags(&tags, "lab", &facts, &allow);
	text = tags_joined(&tags);
	assert_string_equal(text, "CI-gateway,ci-tron:gateway:acl:projects_in_groups:gfx-ci,ci-tron:gateway:acl:users:eric,cpu:arch:x86_64,"
				  "cpu:cores:16,cpu:cores:16+,cpu:cores:8+,lab-gateway,mem:size:32+GiB,mem:size:32GiB,mem:size:8+GiB");
	free(text);
	tags_finish(&tags);
}

static void a_failing_server_is_left_alone_for_longer_each_time(void **state)
{
	assert_int_equal(server_back_off_ms(1, 0, 1), 1000);
	assert_int_equal(server_back_off_ms(1, 0, 0), 750); /* spread, so that farms do not come together */
	assert_int_equal(server_back_off_ms(2, 0, 1), 2000);
	assert_int_equal(server_back_off_ms(9, 0, 1), 256000);
	assert_int_equal(server_back_off_ms(10, 0, 1), 300000);
	assert_int_equal(server_back_off_ms(4000000000U, 0, 1), 300000);
	assert_int_equal(server_back_off_ms(1, 60, 0), 60000);
	assert_int_equal(server_back_off_ms(1, INT64_MAX, 0), 3600000);
	assert_int_equal(server_back_off_ms(1, -5, 1), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_step_of_a_runner_is_decided),
		cmocka_unit_test(promise_40_no_token_is_dropped_that_gitlab_has_not_called_invalid),
		cmocka_unit_test(tags_are_a_set_trimmed_and_split_at_commas),
		cmocka_unit_test(tags_that_gitlab_refuses_are_refused_here),
		cmocka_unit_test(the_gateway_is_tagged_by_what_it_is_and_whom_it_serves),
		cmocka_unit_test(a_failing_server_is_left_alone_for_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
