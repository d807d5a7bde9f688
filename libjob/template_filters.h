/* What filters and methods share: between template_filters.c, template_lists.c, template_numbers.c, template_strings.c
 * and template_methods.c. */
#ifndef LIBJOB_TEMPLATE_FILTERS_H
#define LIBJOB_TEMPLATE_FILTERS_H

#include "libjob/template_internal.h"

typedef const struct value *filter(struct tpl *t, const struct value *v, struct args *args);

filter list_batch, list_dictsort, list_first, list_groupby, list_items, list_join, list_last, list_list, list_map, list_max, list_min,
	list_reject, list_rejectattr, list_reverse, list_select, list_selectattr, list_sort, list_sum, list_unique;

/* A method is a filter that only one type of value has. */
struct method {
	const char *name; /* the last row has none */
	filter *run;
	size_t min, max; /* arguments */
};
extern const struct method string_methods[];

filter number_abs, number_float, number_int, number_round; /* of numbers */

/* Of strings only */
const struct value *text_mapped(struct tpl *t, const struct value *v, int (*map)(int));
const struct value *text_replaced(struct tpl *t, const struct value *v, const struct value *from, const struct value *to, int64_t count);
const struct value *text_stripped(struct tpl *t, const struct value *v, const struct value *chars, bool left, bool right);

#endif
