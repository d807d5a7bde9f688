/* Methods of lists, dicts and `loop`, and the functions that are always there. Source: Python's; none of them changes its object. */
#include "libjob/template_filters.h"

#include <string.h>

#define RANGE_MAX 100000 /* as Jinja2's sandbox */

static const struct value *m_keys(struct tpl *t, const struct value *v, struct args *args)
{
	return op_list(t, v);
}

static const struct value *m_values(struct tpl *t, const struct value *v, struct args *args)
{
	struct value *list = value_list(&t->pool);

	for (size_t i = 0; i < value_len(v) && tpl_charge(t, 0); i++)
		value_append(&t->pool, list, value_item_at(v, i));
	return list;
}

static const struct value *m_get(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *found = op_item(t, v, args->v[0]);

	return found->type == VALUE_UNDEFINED ? arg(args, 1, NULL, value_none()) : found;
}

static const struct value *m_index(struct tpl *t, const struct value *v, struct args *args)
{
	for (size_t i = 0; i < value_len(v) && !t->failed; i++)
		if (op_equal(t, value_at(v, i), args->v[0]))
			return value_int(&t->pool, (int64_t)i);
	return tpl_fail(t, "index(): this is not in the list");
}

static const struct value *m_list_count(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t n = 0;

	for (size_t i = 0; i < value_len(v) && !t->failed; i++)
		n += op_equal(t, value_at(v, i), args->v[0]);
	return value_int(&t->pool, n);
}

static const struct method dict_methods[] = {
	{"items", list_items, 0, 0}, {"keys", m_keys, 0, 0}, {"values", m_values, 0, 0}, {"get", m_get, 1, 2}, {NULL},
};

static const struct method list_methods[] = {{"index", m_index, 1, 1}, {"count", m_list_count, 1, 1}, {NULL}};

static const struct method *const methods[VALUE_TYPES] = {
	[VALUE_STRING] = string_methods, [VALUE_DICT] = dict_methods, [VALUE_LIST] = list_methods};

const struct value *tpl_method(struct tpl *t, const struct value *v, const char *name, struct args *args)
{
	const struct method *method = methods[v->type];
	size_t n = args->n + args->n_keys;

	if (v->type == VALUE_LOOP)
		return loop_method(t, v, name, args);
	while (method && method->name && strcmp(method->name, name) != 0)
		method++;
	if (!method || !method->name)
		return NULL;
	if (n < method->min || n > method->max || (args->n_keys && method->min))
		return tpl_fail(t, "%s() takes %zu to %zu arguments, not %zu", name, method->min, method->max, n);
	return tpl_charge(t, v->type == VALUE_STRING ? v->u.s.n : 0) ? method->run(t, v, args) : value_undefined();
}

const struct value *loop_attr(struct tpl *t, const struct value *v, const char *name)
{
	const struct loop_state *loop = v->u.loop;
	int64_t n = (int64_t)value_len(loop->list), i = (int64_t)loop->i;
	const struct {
		const char *name;
		int64_t number;
	} numbers[] = {{"index", i + 1}, {"index0", i}, {"revindex", n - i}, {"revindex0", n - i - 1},
		       {"length", n},    {"depth", 1},  {"depth0", 0}}; /* depths are those of recursive loops */

	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
		if (strcmp(numbers[k].name, name) == 0)
			return value_int(&t->pool, numbers[k].number);
	if (strcmp(name, "first") == 0 || strcmp(name, "last") == 0)
		return value_bool(i == (*name == 'f' ? 0 : n - 1));
	if (strcmp(name, "previtem") == 0)
		return i ? value_at(loop->list, loop->i - 1) : value_undefined();
	return strcmp(name, "nextitem") == 0 ? value_at(loop->list, loop->i + 1) : value_undefined();
}

const struct value *loop_method(struct tpl *t, const struct value *v, const char *name, struct args *args)
{
	struct loop_state *loop = v->u.loop;
	const struct value *now = args->n ? args->v[0] : value_none(), *before = loop->changed;

	if (strcmp(name, "cycle") == 0)
		return args->n ? args->v[loop->i % args->n] : tpl_fail(t, "loop.cycle() needs an argument");
	if (strcmp(name, "changed") != 0)
		return NULL;
	loop->changed = now;
	return value_bool(!before || !op_equal(t, before, now));
}

static const struct value *g_range(struct tpl *t, struct args *args)
{
	int64_t from = args->n > 1 ? value_as_int(args->v[0]) : 0;
	int64_t to = args->n ? value_as_int(args->v[args->n > 1]) : 0;
	int64_t by = args->n > 2 ? value_as_int(args->v[2]) : 1;
	struct value *list = value_list(&t->pool);
	__int128 count = by ? ((__int128)to - from + by + (by > 0 ? -1 : 1)) / by : 0;

	if (args->n < 1 || args->n > 3 || !by)
		return tpl_fail(t, "range() takes 1 to 3 integers, the third not 0");
	if (count > RANGE_MAX)
		return tpl_fail(t, "range() of more than %d numbers", RANGE_MAX);
	for (int64_t i = 0; i < (int64_t)count && tpl_charge(t, 0); i++)
		value_append(&t->pool, list, value_int(&t->pool, from + i * by));
	return list;
}

static const struct value *g_dict(struct tpl *t, struct args *args)
{
	struct value *dict = value_dict(&t->pool);

	if (args->n > 1 || (args->n && args->v[0]->type != VALUE_DICT))
		return tpl_fail(t, "dict() and namespace() take one mapping, and names");
	for (size_t i = 0; args->n && i < value_len(args->v[0]) && tpl_charge(t, 0); i++)
		value_set_key(&t->pool, dict, value_key_at(args->v[0], i), value_item_at(args->v[0], i));
	for (size_t i = 0; i < args->n_keys && !t->failed; i++)
		value_set(&t->pool, dict, args->key[i], args->key_value[i]);
	return dict;
}

static const struct value *g_namespace(struct tpl *t, struct args *args)
{
	struct value *ns = (struct value *)(uintptr_t)g_dict(t, args);

	if (t->failed)
		return ns;
	if (ns->has_namespace)
		return tpl_fail(t, "a namespace cannot hold a namespace");
	if (ns->type == VALUE_DICT)
		ns->is_namespace = true;
	return ns;
}

const struct value *tpl_global(struct tpl *t, const char *name, struct args *args)
{
	static const struct {
		const char *name;
		const struct value *(*run)(struct tpl *t, struct args *args);
	} globals[] = {{"range", g_range}, {"dict", g_dict}, {"namespace", g_namespace}};

	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
		if (strcmp(globals[i].name, name) == 0)
			return globals[i].run(t, args);
	return NULL;
}
