#include "libgateway/sorted.h"

#include <string.h>

#include "libgateway/error.h"

size_t sorted_place(const void *list, size_t n, sorted_order *order, const void *key, bool *found)
{
	const void *const *v = list;
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (order(v[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (found)
		*found = low < n && order(v[low], key) == 0;
	return low;
}

void *sorted_find(const void *list, size_t n, sorted_order *order, const void *key)
{
	void *const *v = list;
	bool found;
	size_t at = sorted_place(list, n, order, key, &found);

	return found ? v[at] : NULL;
}

void *sorted_insert(void *list, size_t *n, size_t at, void *item)
{
	void **v = gw_realloc(list, (*n + 1) * sizeof(*v));

	memmove(v + at + 1, v + at, (*n - at) * sizeof(*v));
	v[at] = item;
	(*n)++;
	return v;
}

void sorted_remove(void *list, size_t *n, size_t at)
{
	void **v = list;

	(*n)--;
	memmove(v + at, v + at + 1, (*n - at) * sizeof(*v));
}
