/* Works that wait for each other on the pool. Each runs until the test lets it go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "artifactd/works.h"

struct thing {
	struct work work;
	const char *name;
	int gate[2];
};

static struct loop loop;
static struct works works;
static char *said; /* what ended, and how */

static void run(struct work *work)
{
	struct thing *t = (struct thing *)work;
	char byte;

	assert_int_equal(read(t->gate[0], &byte, 1), 1);
	if (work_given_up(work))
		gw_fail(&work->err, GW_REFUSED, "not wanted");
}

static void end(struct work *work)
{
	const struct thing *t = (struct thing *)work;
	char *longer = gw_sprintf("%s%s of %s: %s%s\n", said, t->name, work->job, work->err.kind == GW_OK ? "made" : work->err.text,
				  work->released ? ", in vain" : "");

	free(said);
	said = longer;
}

static void add(struct thing *t, const char *name, const char *job)
{
	*t = (struct thing){.name = name};
	assert_int_equal(pipe(t->gate), 0);
	works_add(&works, &t->work, job);
}

static void let_go(struct thing *t)
{
	assert_int_equal(write(t->gate[1], "x", 1), 1);
}

/* Lets it go and waits for its end, and for what that starts. */
static void finish(struct thing *t)
{
	size_t n = strlen(said);

	let_go(t);
	while (strlen(said) == n)
		uv_run(&loop.uv, UV_RUN_ONCE);
}

static void closed(struct thing *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		close(t[i].gate[0]);
		close(t[i].gate[1]);
	}
}

static int setup(void **state)
{
	struct gw_error err = {0};

	said = gw_strdup("");
	assert_true(loop_init(&loop, &err));
	works_init(&works, &loop, run, end);
	return 0;
}

static int teardown(void **state)
{
	works_finish(&works);
	loop_finish(&loop);
	loop = (struct loop){0};
	free(said);
	return 0;
}

static void two_run_at_once_and_the_next_begins_when_one_has_ended(void **state)
{
	struct thing t[3];

	add(&t[0], "a", "job-1");
	add(&t[1], "b", "job-1");
	add(&t[2], "c", "job-2");
	assert_true(t[0].work.begun && t[1].work.begun && !t[2].work.begun);
	finish(&t[1]);
	assert_true(t[2].work.begun);
	finish(&t[2]);
	finish(&t[0]);
	assert_string_equal(said, "b of job-1: made\nc of job-2: made\na of job-1: made\n");
	closed(t, 3);
}

static void those_of_a_job_are_made_in_turn_and_another_jobs_goes_ahead(void **state)
{
	struct thing t[3];

	works.in_turn = true;
	add(&t[0], "a", "job-1");
	add(&t[1], "b", "job-1");
	add(&t[2], "c", "job-2");
	assert_true(t[0].work.begun && !t[1].work.begun && t[2].work.begun);
	finish(&t[2]);
	assert_false(t[1].work.begun);
	finish(&t[0]);
	assert_true(t[1].work.begun);
	finish(&t[1]);
	assert_string_equal(said, "c of job-2: made\na of job-1: made\nb of job-1: made\n");
	closed(t, 3);
}

static void a_jobs_end_gives_up_what_runs_and_ends_what_waits(void **state)
{
	struct thing t[4];

	add(&t[0], "a", "job-1");
	add(&t[1], "b", "job-2");
	add(&t[2], "c", "job-1");
	add(&t[3], "d", "job-2");
	works_release(&works, "job-1");
	assert_string_equal(said, "c of job-1: the job has ended\n");
	finish(&t[0]);
	assert_true(t[3].work.begun);
	finish(&t[1]);
	finish(&t[3]);
	assert_string_equal(said, "c of job-1: the job has ended\na of job-1: not wanted, in vain\nb of job-2: made\nd of job-2: made\n");
	closed(t, 4);
}

static void at_the_end_nothing_more_begins_and_what_runs_is_waited_for(void **state)
{
	struct thing t[3];

	add(&t[0], "a", "job-1");
	add(&t[1], "b", "job-2");
	add(&t[2], "c", "job-3");
	let_go(&t[0]);
	let_go(&t[1]);
	works_finish(&works);
	assert_non_null(strstr(said, "c of job-3: given up, since this program stops\n"));
	assert_non_null(strstr(said, "a of job-1: "));
	assert_non_null(strstr(said, "b of job-2: "));
	closed(t, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_run_at_once_and_the_next_begins_when_one_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(those_of_a_job_are_made_in_turn_and_another_jobs_goes_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_jobs_end_gives_up_what_runs_and_ends_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(at_the_end_nothing_more_begins_and_what_runs_is_waited_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
