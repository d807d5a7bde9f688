#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/sorted.h"

static int order(const void *item, const void *key)
{
	return strcmp(item, key);
}

struct list {
	char **v;
	size_t n;
};

static void add(struct list *list, char *text)
{
	list->v = sorted_insert(list->v, &list->n, sorted_place(list->v, list->n, order, text, NULL), text);
}

static void what_is_inserted_in_any_order_is_found_and_stands_in_order(void **state)
{
	static char texts[] = "d\0b\0f\0a\0c\0e";
	struct list list = {0};
	bool found;

	for (int i = 0; i < 6; i++)
		add(&list, &texts[2 * i]);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(list.v[i][0], "abcdef"[i]);
	assert_ptr_equal(sorted_find(list.v, list.n, order, "f"), &texts[4]);
	assert_null(sorted_find(list.v, list.n, order, "ab"));
	assert_int_equal(sorted_place(list.v, list.n, order, "ab", &found), 1);
	assert_false(found);
	assert_int_equal(sorted_place(list.v, list.n, order, "g", &found), 6);
	assert_false(found);
	assert_int_equal(sorted_place(list.v, list.n, order, "c", &found), 2);
	assert_true(found);
	free(list.v);
}

static void what_is_removed_leaves_the_others_in_order(void **state)
{
	static char texts[] = "a\0b\0c";
	struct list list = {0};

	for (int i = 0; i < 3; i++)
		add(&list, &texts[2 * i]);
	sorted_remove(list.v, &list.n, 2);
	sorted_remove(list.v, &list.n, 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0], "b");
	sorted_remove(list.v, &list.n, 0);
	assert_null(sorted_find(list.v, list.n, order, "b"));
	free(list.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inserted_in_any_order_is_found_and_stands_in_order),
		cmocka_unit_test(what_is_removed_leaves_the_others_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
