/* Lists of pointers in an order. Pure; the list's owner keeps the array, its count and what it points to. */
#ifndef LIBGATEWAY_SORTED_H
#define LIBGATEWAY_SORTED_H

#include <stdbool.h>
#include <stddef.h>

/* How `item` stands to `key`: below, at or above 0, as strcmp. */
typedef int sorted_order(const void *item, const void *key);

/* Where the first item that is not before `key` stands, or would. `found` (or NULL): whether that one is `key`'s. */
size_t sorted_place(const void *list, size_t n, sorted_order *order, const void *key, bool *found);
void *sorted_find(const void *list, size_t n, sorted_order *order, const void *key); /* NULL: there is none */

/* The list with `item` at place `at` and *n one more: another array, the old one is freed. */
void *sorted_insert(void *list, size_t *n, size_t at, void *item);
void sorted_remove(void *list, size_t *n, size_t at); /* what stood there stays the caller's */

#endif
