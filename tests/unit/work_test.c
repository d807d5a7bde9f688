/* What waits for the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bucketd/work.h"

struct piece {
	char name;
	bool ran, told, done;
	uv_sem_t *go; /* waited for by the thread; NULL: not */
};

static struct {
	struct loop loop;
	struct work work;
	char order[16];
	unsigned ended;
	int at_once, most; /* atomic */
} t;

static void run(void *data)
{
	struct piece *piece = data;
	int now = __atomic_add_fetch(&t.at_once, 1, __ATOMIC_SEQ_CST);

	if (now > __atomic_load_n(&t.most, __ATOMIC_SEQ_CST))
		__atomic_store_n(&t.most, now, __ATOMIC_SEQ_CST);
	if (piece->go)
		uv_sem_wait(piece->go);
	piece->ran = true;
	__atomic_sub_fetch(&t.at_once, 1, __ATOMIC_SEQ_CST);
}

static void on_done(void *data, bool done)
{
	struct piece *piece = data;

	assert_false(piece->told);
	piece->told = true;
	piece->done = done;
	t.order[t.ended++] = piece->name;
}

static int setup(void **state)
{
	struct gw_error err = {0};

	memset(&t, 0, sizeof(t));
	assert_true(loop_init(&t.loop, &err));
	return 0;
}

static int teardown(void **state)
{
	work_finish(&t.work);
	loop_finish(&t.loop);
	return 0;
}

static void run_until(unsigned ended)
{
	while (t.ended < ended)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static void a_bounded_number_runs_at_once_and_all_in_the_end(void **state)
{
	struct piece pieces[8] = {{0}};

	work_init(&t.work, &t.loop, 2, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_true(work_add(&t.work, NULL, run, on_done, &pieces[i]));
	assert_int_equal(t.work.running, 2);
	run_until(8);
	assert_true(t.most <= 2);
	for (unsigned i = 0; i < 8; i++)
		assert_true(pieces[i].ran && pieces[i].done);
}

static void those_of_one_name_keep_their_order_and_hold_up_no_other(void **state)
{
	uv_sem_t go;
	struct piece first = {.name = '1', .go = &go}, second = {.name = '2'}, other = {.name = 'o'};

	uv_sem_init(&go, 0);
	work_init(&t.work, &t.loop, 2, 0);
	work_add(&t.work, "job", run, on_done, &first);
	work_add(&t.work, "job", run, on_done, &second);
	work_add(&t.work, "another", run, on_done, &other);
	run_until(1);
	assert_string_equal(t.order, "o");
	uv_sem_post(&go);
	run_until(3);
	assert_string_equal(t.order, "o12");
	uv_sem_destroy(&go);
}

static void more_than_may_wait_are_refused(void **state)
{
	uv_sem_t go;
	struct piece runs = {.go = &go}, waits = {0}, late = {0};

	uv_sem_init(&go, 0);
	work_init(&t.work, &t.loop, 1, 1);
	assert_true(work_add(&t.work, NULL, run, on_done, &runs));
	assert_true(work_add(&t.work, NULL, run, on_done, &waits));
	assert_false(work_add(&t.work, NULL, run, on_done, &late));
	uv_sem_post(&go);
	run_until(2);
	assert_false(late.ran || late.told);
	uv_sem_destroy(&go);
}

static void at_the_end_what_runs_is_waited_for_and_what_waits_never_runs(void **state)
{
	uv_sem_t go;
	struct piece runs = {.go = &go}, waits = {0};

	uv_sem_init(&go, 1);
	work_init(&t.work, &t.loop, 1, 0);
	work_add(&t.work, NULL, run, on_done, &runs);
	work_add(&t.work, NULL, run, on_done, &waits);
	work_finish(&t.work);
	assert_true(runs.ran && runs.done);
	assert_true(waits.told && !waits.ran && !waits.done);
	uv_sem_destroy(&go);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_bounded_number_runs_at_once_and_all_in_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(those_of_one_name_keep_their_order_and_hold_up_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_may_wait_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(at_the_end_what_runs_is_waited_for_and_what_waits_never_runs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
