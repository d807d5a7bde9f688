/* Filters on lists. Source: Jinja2's builtin filters: sort, unique, min and max ignore case unless told otherwise. */
#include "libjob/template_filters.h"

#include <ctype.h>
#include <string.h>

/* attribute="a.b" or attribute=0 */
static const struct value *follow(struct tpl *t, const struct value *v, const struct value *attribute)
{
	const char *p = value_text(attribute, NULL);

	if (attribute->type == VALUE_INT)
		return op_item(t, v, attribute);
	while (p && *p && !t->failed) {
		size_t n = strcspn(p, ".");
		const struct value *name = value_string_n(&t->pool, p, n);

		if (!tpl_charge(t, n))
			break;
		v = *p >= '0' && *p <= '9' ? op_item(t, v, value_int(&t->pool, atoi(name->u.s.p))) : op_attr(t, v, name->u.s.p);
		p += n + (p[n] == '.');
	}
	return v;
}

static const struct value *sort_key(struct tpl *t, const struct value *v, const struct value *attribute, bool case_sensitive)
{
	v = follow(t, v, attribute);
	return case_sensitive || v->type != VALUE_STRING ? v : text_mapped(t, v, tolower);
}

struct keyed {
	const struct value *key, *v;
};

static void merge(struct tpl *t, struct keyed *v, struct keyed *tmp, size_t n, bool reverse)
{
	size_t half = n / 2, a = 0, b = half;

	if (n < 2 || !tpl_charge(t, n))
		return;
	merge(t, v, tmp, half, reverse);
	merge(t, v + half, tmp, n - half, reverse);
	for (size_t i = 0; i < n && !t->failed; i++) {
		int order = a == half ? 1 : b == n ? -1 : op_order(t, v[a].key, v[b].key);

		if (reverse && a < half && b < n)
			order = -order;
		tmp[i] = order <= 0 ? v[a++] : v[b++];
	}
	if (!t->failed)
		memcpy(v, tmp, n * sizeof(*v));
}

static const struct value *sorted(struct tpl *t, const struct value *v, const struct value *attribute, bool case_sensitive, bool reverse)
{
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool);
	size_t n = value_len(list);
	struct keyed *items = tpl_alloc(t, (n + 1) * 2 * sizeof(*items));

	for (size_t i = 0; items && i < n && !t->failed; i++)
		items[i] = (struct keyed){sort_key(t, value_at(list, i), attribute, case_sensitive), value_at(list, i)};
	if (!t->failed)
		merge(t, items, items + n, n, reverse);
	for (size_t i = 0; i < n && !t->failed; i++)
		value_append(&t->pool, result, items[i].v);
	return result;
}

const struct value *list_sort(struct tpl *t, const struct value *v, struct args *args)
{
	return sorted(t, v, arg(args, 2, "attribute", value_none()), value_is_true(arg(args, 1, "case_sensitive", value_bool(false))),
		      value_is_true(arg(args, 0, "reverse", value_bool(false))));
}

const struct value *list_items(struct tpl *t, const struct value *v, struct args *args)
{
	struct value *list = value_list(&t->pool);

	if (v->type != VALUE_DICT && v->type != VALUE_UNDEFINED)
		return tpl_fail(t, "%s has no items", value_type_name(v));
	for (size_t i = 0; i < value_len(v) && tpl_charge(t, 0); i++) {
		struct value *pair = value_list(&t->pool);

		value_append(&t->pool, pair, value_key_at(v, i));
		value_append(&t->pool, pair, value_item_at(v, i));
		value_append(&t->pool, list, pair);
	}
	return list;
}

const struct value *list_dictsort(struct tpl *t, const struct value *v, struct args *args)
{
	const char *by = value_text(arg(args, 1, "by", value_string(&t->pool, "key")), NULL);
	struct args none = {.n = 0};

	if (!by || (strcmp(by, "key") != 0 && strcmp(by, "value") != 0))
		return tpl_fail(t, "dictsort: by is 'key' or 'value'");
	return sorted(t, list_items(t, v, &none), value_int(&t->pool, *by == 'v'),
		      value_is_true(arg(args, 0, "case_sensitive", value_bool(false))),
		      value_is_true(arg(args, 2, "reverse", value_bool(false))));
}

const struct value *list_first(struct tpl *t, const struct value *v, struct args *args)
{
	return value_at(op_list(t, v), 0);
}

const struct value *list_last(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *list = op_list(t, v);

	return value_len(list) ? value_at(list, value_len(list) - 1) : value_undefined();
}

const struct value *list_list(struct tpl *t, const struct value *v, struct args *args)
{
	return op_list(t, v);
}

const struct value *list_join(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *between = tpl_str(t, arg(args, 0, "d", value_string(&t->pool, "")));
	const struct value *attribute = arg(args, 1, "attribute", value_none());
	const struct value *list = op_list(t, v);
	struct text text = {0};

	for (size_t i = 0; i < value_len(list) && !t->failed; i++) {
		if (i)
			text_value(t, &text, between);
		text_value(t, &text, follow(t, value_at(list, i), attribute));
	}
	return text_take(t, &text);
}

const struct value *list_reverse(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool);
	struct args none = {.n = 0};

	for (size_t i = value_len(list); i > 0 && tpl_charge(t, 0); i--)
		value_append(&t->pool, result, value_at(list, i - 1));
	return v->type == VALUE_STRING ? list_join(t, result, &none) : result;
}

const struct value *list_unique(struct tpl *t, const struct value *v, struct args *args)
{
	bool case_sensitive = value_is_true(arg(args, 0, "case_sensitive", value_bool(false)));
	const struct value *attribute = arg(args, 1, "attribute", value_none());
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool), *seen = value_list(&t->pool);

	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		const struct value *key = sort_key(t, value_at(list, i), attribute, case_sensitive);

		if (op_in(t, key, seen))
			continue;
		value_append(&t->pool, seen, key);
		value_append(&t->pool, result, value_at(list, i));
	}
	return result;
}

static const struct value *extreme(struct tpl *t, const struct value *v, struct args *args, int sign)
{
	bool case_sensitive = value_is_true(arg(args, 0, "case_sensitive", value_bool(false)));
	const struct value *attribute = arg(args, 1, "attribute", value_none());
	const struct value *list = op_list(t, v);
	const struct value *best = value_undefined(), *best_key = NULL;

	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		const struct value *key = sort_key(t, value_at(list, i), attribute, case_sensitive);

		if (!best_key || op_order(t, key, best_key) * sign > 0) {
			best_key = key;
			best = value_at(list, i);
		}
	}
	return best;
}

const struct value *list_max(struct tpl *t, const struct value *v, struct args *args)
{
	return extreme(t, v, args, 1);
}

const struct value *list_min(struct tpl *t, const struct value *v, struct args *args)
{
	return extreme(t, v, args, -1);
}

const struct value *list_sum(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *attribute = arg(args, 0, "attribute", value_none());
	const struct value *sum = arg(args, 1, "start", value_int(&t->pool, 0));
	const struct value *list = op_list(t, v);

	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++)
		sum = op_math(t, '+', sum, follow(t, value_at(list, i), attribute));
	return sum;
}

/* The arguments from `from` on */
static struct args rest(const struct args *args, size_t from)
{
	struct args r = {.n = 0};

	for (size_t i = from; i < args->n; i++)
		r.v[r.n++] = args->v[i];
	return r;
}

const struct value *list_map(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *attribute = arg(args, ARGS_MAX, "attribute", value_none());
	const struct value *otherwise = arg(args, ARGS_MAX, "default", value_undefined());
	const char *name = args->n ? value_text(args->v[0], NULL) : NULL;
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool);

	if (!name && attribute->type == VALUE_NONE)
		return tpl_fail(t, "map needs a filter's name or attribute=");
	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		struct args more = rest(args, 1);
		const struct value *item = value_at(list, i);

		item = name ? tpl_filter(t, name, item, &more) : follow(t, item, attribute);
		value_append(&t->pool, result, item->type == VALUE_UNDEFINED ? otherwise : item);
	}
	return result;
}

static const struct value *selected(struct tpl *t, const struct value *v, struct args *args, bool by_attribute, bool wanted)
{
	const struct value *attribute = by_attribute ? arg(args, 0, NULL, value_none()) : value_none();
	const struct value *test = arg(args, by_attribute, NULL, value_none());
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool);

	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		const struct value *item = follow(t, value_at(list, i), attribute);
		struct args more = rest(args, (size_t)by_attribute + 1);

		if ((test->type == VALUE_STRING ? tpl_test(t, test->u.s.p, item, &more) : value_is_true(item)) == wanted)
			value_append(&t->pool, result, value_at(list, i));
	}
	return result;
}

const struct value *list_select(struct tpl *t, const struct value *v, struct args *args)
{
	return selected(t, v, args, false, true);
}

const struct value *list_reject(struct tpl *t, const struct value *v, struct args *args)
{
	return selected(t, v, args, false, false);
}

const struct value *list_selectattr(struct tpl *t, const struct value *v, struct args *args)
{
	return selected(t, v, args, true, true);
}

const struct value *list_rejectattr(struct tpl *t, const struct value *v, struct args *args)
{
	return selected(t, v, args, true, false);
}

const struct value *list_batch(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t count = value_as_int(arg(args, 0, "linecount", value_undefined()));
	const struct value *fill = arg(args, 1, "fill_with", value_none());
	const struct value *list = op_list(t, v);
	struct value *result = value_list(&t->pool), *row = NULL;

	if (count < 1 || count > 10000)
		return tpl_fail(t, "batch needs a count from 1 to 10000");
	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		if (i % (size_t)count == 0)
			row = value_list(&t->pool);
		value_append(&t->pool, row, value_at(list, i));
		if (i % (size_t)count == (size_t)count - 1 || i == value_len(list) - 1) {
			while (fill->type != VALUE_NONE && value_len(row) < (size_t)count && tpl_charge(t, 0))
				value_append(&t->pool, row, fill);
			value_append(&t->pool, result, row);
		}
	}
	return result;
}

/* A list of [key, items], sorted by key */
const struct value *list_groupby(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *attribute = arg(args, 0, "attribute", value_none());
	bool case_sensitive = value_is_true(arg(args, 2, "case_sensitive", value_bool(false)));
	const struct value *list = sorted(t, v, attribute, case_sensitive, false);
	const struct value *last = NULL;
	struct value *result = value_list(&t->pool), *items = NULL;

	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		const struct value *key = sort_key(t, value_at(list, i), attribute, case_sensitive);

		if (!last || !op_equal(t, key, last)) {
			struct value *pair = value_list(&t->pool);

			items = value_list(&t->pool);
			value_append(&t->pool, pair, follow(t, value_at(list, i), attribute));
			for (size_t k = i;
			     k < value_len(list) && op_equal(t, sort_key(t, value_at(list, k), attribute, case_sensitive), key); k++)
				value_append(&t->pool, items, value_at(list, k));
			value_append(&t->pool, pair, items);
			value_append(&t->pool, result, pair);
			last = key;
		}
	}
	return result;
}
