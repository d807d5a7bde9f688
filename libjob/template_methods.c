/* Methods of strings, lists, dicts and `loop`, and the functions that are always there. Source: Python's; none of them changes its object.
 */
#include "libjob/template_filters.h"

#include <ctype.h>
#include <string.h>

#define RANGE_MAX 100000 /* as Jinja2's sandbox */

typedef const struct value *method(struct tpl *t, const struct value *v, struct args *args);

static bool string_args(struct tpl *t, const struct args *args, const char *name)
{
	for (size_t i = 0; i < args->n; i++)
		if (args->v[i]->type != VALUE_STRING)
			tpl_fail(t, "%s() needs a string, not %s", name, value_type_name(args->v[i]));
	return !t->failed;
}

static bool begins(const struct value *v, const struct value *with)
{
	return with->type == VALUE_STRING && v->u.s.n >= with->u.s.n && memcmp(v->u.s.p, with->u.s.p, with->u.s.n) == 0;
}

static bool ends(const struct value *v, const struct value *with)
{
	return with->type == VALUE_STRING && v->u.s.n >= with->u.s.n &&
	       memcmp(v->u.s.p + v->u.s.n - with->u.s.n, with->u.s.p, with->u.s.n) == 0;
}

/* Either a string or a list of them */
static const struct value *any_of(struct tpl *t, const struct value *v, const struct value *with,
				  bool (*is)(const struct value *, const struct value *))
{
	bool found = is(v, with);

	if (with->type != VALUE_STRING && with->type != VALUE_LIST)
		return tpl_fail(t, "startswith() and endswith() need a string or a list of strings, not %s", value_type_name(with));
	for (size_t i = 0; i < value_len(with) && with->type == VALUE_LIST && !found && tpl_charge(t, 0); i++)
		found = is(v, value_at(with, i));
	return value_bool(found);
}

static const struct value *m_startswith(struct tpl *t, const struct value *v, struct args *args)
{
	return any_of(t, v, args->v[0], begins);
}

static const struct value *m_endswith(struct tpl *t, const struct value *v, struct args *args)
{
	return any_of(t, v, args->v[0], ends);
}

static const struct value *split_space(struct tpl *t, const struct value *v, int64_t max)
{
	struct value *list = value_list(&t->pool);
	const char *p = v->u.s.p, *end = p + v->u.s.n, *from;

	for (; tpl_charge(t, 0); max--) {
		while (p < end && isspace((unsigned char)*p))
			p++;
		if (p == end)
			break;
		for (from = p; p < end && (max == 0 || !isspace((unsigned char)*p)); p++)
			;
		value_append(&t->pool, list, value_string_n(&t->pool, from, (size_t)(p - from)));
	}
	return list;
}

static const struct value *m_split(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *by = arg(args, 0, "sep", value_none());
	const struct value *max = arg(args, 1, "maxsplit", value_none());
	int64_t left = max->type == VALUE_INT ? max->u.i : -1;
	struct value *list = value_list(&t->pool);
	const char *p = v->u.s.p, *end = p + v->u.s.n, *hit;

	if (by->type != VALUE_STRING)
		return split_space(t, v, left);
	if (!by->u.s.n)
		return tpl_fail(t, "split() needs a separator that is not empty");
	while (left != 0 && tpl_charge(t, 0) && (hit = memmem(p, (size_t)(end - p), by->u.s.p, by->u.s.n))) {
		value_append(&t->pool, list, value_string_n(&t->pool, p, (size_t)(hit - p)));
		p = hit + by->u.s.n;
		left -= left > 0;
	}
	value_append(&t->pool, list, value_string_n(&t->pool, p, (size_t)(end - p)));
	return list;
}

/* The last `needle` before `end`. Each place that begins like it costs, since all of the needle may be compared there. */
static const char *last_hit(struct tpl *t, const struct value *v, const struct value *needle, const char *end)
{
	const char *begin = v->u.s.p, *p;
	size_t n = needle->u.s.n, left = (size_t)(end - begin);

	if (!n || n > left)
		return n ? NULL : end;
	for (left -= n - 1; (p = memrchr(begin, needle->u.s.p[0], left)) && tpl_charge(t, n); left = (size_t)(p - begin))
		if (memcmp(p, needle->u.s.p, n) == 0)
			return p;
	return NULL;
}

static const struct value *m_rsplit(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *by = arg(args, 0, "sep", value_none());
	const struct value *max = arg(args, 1, "maxsplit", value_none());
	int64_t left = max->type == VALUE_INT ? max->u.i : -1;
	struct value *list = value_list(&t->pool);
	const char *end = v->u.s.p + v->u.s.n, *hit;
	struct args none = {.n = 0};

	if (left < 0)
		return m_split(t, v, args);
	if (by->type != VALUE_STRING || !by->u.s.n)
		return tpl_fail(t, "rsplit() with a maximum needs a separator");
	while (left-- > 0 && tpl_charge(t, v->u.s.n) && (hit = last_hit(t, v, by, end))) {
		value_append(&t->pool, list, value_string_n(&t->pool, hit + by->u.s.n, (size_t)(end - hit) - by->u.s.n));
		end = hit;
	}
	value_append(&t->pool, list, value_string_n(&t->pool, v->u.s.p, (size_t)(end - v->u.s.p)));
	return list_reverse(t, list, &none);
}

static const struct value *m_splitlines(struct tpl *t, const struct value *v, struct args *args)
{
	struct value *list = value_list(&t->pool);
	const char *p = v->u.s.p, *end = p + v->u.s.n;

	while (p < end && tpl_charge(t, 0)) {
		size_t n = 0;

		while (p + n < end && p[n] != '\n' && p[n] != '\r')
			n++;
		value_append(&t->pool, list, value_string_n(&t->pool, p, n));
		p += n + (p + n < end) + (p + n + 1 < end && p[n] == '\r' && p[n + 1] == '\n');
	}
	return list;
}

static const struct value *partition(struct tpl *t, const struct value *v, const struct value *by, bool last)
{
	const char *hit = NULL;
	struct value *list = value_list(&t->pool);
	size_t n;

	if (by->type != VALUE_STRING || !by->u.s.n)
		return tpl_fail(t, "partition() needs a separator that is not empty");
	hit = last ? last_hit(t, v, by, v->u.s.p + v->u.s.n) : memmem(v->u.s.p, v->u.s.n, by->u.s.p, by->u.s.n);
	n = hit ? (size_t)(hit - v->u.s.p) : last ? 0 : v->u.s.n;
	value_append(&t->pool, list, value_string_n(&t->pool, v->u.s.p, n));
	value_append(&t->pool, list, hit ? by : value_string(&t->pool, ""));
	n += hit ? by->u.s.n : 0;
	value_append(&t->pool, list, value_string_n(&t->pool, v->u.s.p + n, v->u.s.n - n));
	return list;
}

static const struct value *m_partition(struct tpl *t, const struct value *v, struct args *args)
{
	return partition(t, v, args->v[0], false);
}

static const struct value *m_rpartition(struct tpl *t, const struct value *v, struct args *args)
{
	return partition(t, v, args->v[0], true);
}

static const struct value *m_replace(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t count = args->n > 2 && args->v[2]->type == VALUE_INT ? args->v[2]->u.i : -1;

	args->n = 2;
	return string_args(t, args, "replace") ? text_replaced(t, v, args->v[0], args->v[1], count) : v;
}

static const struct value *m_lower(struct tpl *t, const struct value *v, struct args *args)
{
	return text_mapped(t, v, tolower);
}

static const struct value *m_upper(struct tpl *t, const struct value *v, struct args *args)
{
	return text_mapped(t, v, toupper);
}

static const struct value *m_title(struct tpl *t, const struct value *v, struct args *args)
{
	return tpl_filter(t, "title", v, args);
}

static const struct value *m_capitalize(struct tpl *t, const struct value *v, struct args *args)
{
	return tpl_filter(t, "capitalize", v, args);
}

static const struct value *m_strip(struct tpl *t, const struct value *v, struct args *args)
{
	return text_stripped(t, v, arg(args, 0, NULL, value_none()), true, true);
}

static const struct value *m_lstrip(struct tpl *t, const struct value *v, struct args *args)
{
	return text_stripped(t, v, arg(args, 0, NULL, value_none()), true, false);
}

static const struct value *m_rstrip(struct tpl *t, const struct value *v, struct args *args)
{
	return text_stripped(t, v, arg(args, 0, NULL, value_none()), false, true);
}

static const struct value *m_removeprefix(struct tpl *t, const struct value *v, struct args *args)
{
	return begins(v, args->v[0]) ? value_string_n(&t->pool, v->u.s.p + args->v[0]->u.s.n, v->u.s.n - args->v[0]->u.s.n) : v;
}

static const struct value *m_removesuffix(struct tpl *t, const struct value *v, struct args *args)
{
	return ends(v, args->v[0]) ? value_string_n(&t->pool, v->u.s.p, v->u.s.n - args->v[0]->u.s.n) : v;
}

static const struct value *m_join(struct tpl *t, const struct value *v, struct args *args)
{
	struct args between = {.v = {v}, .n = 1};

	return list_join(t, args->v[0], &between);
}

/* Counted in characters */
static const struct value *offset(struct tpl *t, const struct value *v, const char *hit)
{
	int64_t n = 0;

	for (const char *p = v->u.s.p; hit && p < hit; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return value_int(&t->pool, hit ? n : -1);
}

static const struct value *m_find(struct tpl *t, const struct value *v, struct args *args)
{
	return string_args(t, args, "find") ? offset(t, v, memmem(v->u.s.p, v->u.s.n, args->v[0]->u.s.p, args->v[0]->u.s.n)) : v;
}

static const struct value *m_rfind(struct tpl *t, const struct value *v, struct args *args)
{
	return string_args(t, args, "rfind") ? offset(t, v, last_hit(t, v, args->v[0], v->u.s.p + v->u.s.n)) : v;
}

static const struct value *m_count(struct tpl *t, const struct value *v, struct args *args)
{
	const char *p = v->u.s.p, *end = p + v->u.s.n;
	int64_t n = 0;

	if (!string_args(t, args, "count") || !args->v[0]->u.s.n)
		return value_int(&t->pool, (int64_t)value_len(v) + 1);
	while ((p = memmem(p, (size_t)(end - p), args->v[0]->u.s.p, args->v[0]->u.s.n))) {
		p += args->v[0]->u.s.n;
		n++;
	}
	return value_int(&t->pool, n);
}

static const struct value *all_are(const struct value *v, int (*is)(int))
{
	for (size_t i = 0; i < v->u.s.n; i++)
		if (!is((unsigned char)v->u.s.p[i]))
			return value_bool(false);
	return value_bool(v->u.s.n > 0);
}

static const struct value *m_isdigit(struct tpl *t, const struct value *v, struct args *args)
{
	return all_are(v, isdigit);
}

static const struct value *m_isalpha(struct tpl *t, const struct value *v, struct args *args)
{
	return all_are(v, isalpha);
}

static const struct value *m_isalnum(struct tpl *t, const struct value *v, struct args *args)
{
	return all_are(v, isalnum);
}

static const struct value *m_isspace(struct tpl *t, const struct value *v, struct args *args)
{
	return all_are(v, isspace);
}

static const struct value *m_islower(struct tpl *t, const struct value *v, struct args *args)
{
	return value_bool(tpl_test(t, "lower", v, args));
}

static const struct value *m_isupper(struct tpl *t, const struct value *v, struct args *args)
{
	return value_bool(tpl_test(t, "upper", v, args));
}

static const struct value *padded(struct tpl *t, const struct value *v, int64_t width, char with, int left /* of 2 parts */)
{
	int64_t n = width - (int64_t)value_len(v);
	struct text text = {0};

	if (n > TEMPLATE_OUTPUT_MAX)
		return tpl_fail(t, "the text grows too large; accepted: %d bytes", TEMPLATE_OUTPUT_MAX);
	for (int64_t i = 0; i < n * left / 2 && !t->failed; i++)
		text_put(t, &text, &with, 1);
	text_value(t, &text, v);
	for (int64_t i = n * left / 2; i < n && !t->failed; i++)
		text_put(t, &text, &with, 1);
	return text_take(t, &text);
}

static const struct value *m_ljust(struct tpl *t, const struct value *v, struct args *args)
{
	return padded(t, v, value_as_int(args->v[0]), ' ', 0);
}

static const struct value *m_rjust(struct tpl *t, const struct value *v, struct args *args)
{
	return padded(t, v, value_as_int(args->v[0]), ' ', 2);
}

static const struct value *m_center(struct tpl *t, const struct value *v, struct args *args)
{
	return padded(t, v, value_as_int(args->v[0]), ' ', 1);
}

static const struct value *m_zfill(struct tpl *t, const struct value *v, struct args *args)
{
	return padded(t, v, value_as_int(args->v[0]), '0', 2);
}

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

static const struct {
	enum value_type of;
	const char *name;
	method *run;
	size_t min, max;
} methods[] = {
	{VALUE_STRING, "startswith", m_startswith, 1, 1},
	{VALUE_STRING, "endswith", m_endswith, 1, 1},
	{VALUE_STRING, "split", m_split, 0, 2},
	{VALUE_STRING, "rsplit", m_rsplit, 0, 2},
	{VALUE_STRING, "splitlines", m_splitlines, 0, 0},
	{VALUE_STRING, "partition", m_partition, 1, 1},
	{VALUE_STRING, "rpartition", m_rpartition, 1, 1},
	{VALUE_STRING, "replace", m_replace, 2, 3},
	{VALUE_STRING, "lower", m_lower, 0, 0},
	{VALUE_STRING, "casefold", m_lower, 0, 0},
	{VALUE_STRING, "upper", m_upper, 0, 0},
	{VALUE_STRING, "title", m_title, 0, 0},
	{VALUE_STRING, "capitalize", m_capitalize, 0, 0},
	{VALUE_STRING, "strip", m_strip, 0, 1},
	{VALUE_STRING, "lstrip", m_lstrip, 0, 1},
	{VALUE_STRING, "rstrip", m_rstrip, 0, 1},
	{VALUE_STRING, "removeprefix", m_removeprefix, 1, 1},
	{VALUE_STRING, "removesuffix", m_removesuffix, 1, 1},
	{VALUE_STRING, "join", m_join, 1, 1},
	{VALUE_STRING, "find", m_find, 1, 1},
	{VALUE_STRING, "rfind", m_rfind, 1, 1},
	{VALUE_STRING, "count", m_count, 1, 1},
	{VALUE_STRING, "isdigit", m_isdigit, 0, 0},
	{VALUE_STRING, "isnumeric", m_isdigit, 0, 0},
	{VALUE_STRING, "isalpha", m_isalpha, 0, 0},
	{VALUE_STRING, "isalnum", m_isalnum, 0, 0},
	{VALUE_STRING, "isspace", m_isspace, 0, 0},
	{VALUE_STRING, "islower", m_islower, 0, 0},
	{VALUE_STRING, "isupper", m_isupper, 0, 0},
	{VALUE_STRING, "ljust", m_ljust, 1, 1},
	{VALUE_STRING, "rjust", m_rjust, 1, 1},
	{VALUE_STRING, "center", m_center, 1, 1},
	{VALUE_STRING, "zfill", m_zfill, 1, 1},
	{VALUE_DICT, "items", list_items, 0, 0},
	{VALUE_DICT, "keys", m_keys, 0, 0},
	{VALUE_DICT, "values", m_values, 0, 0},
	{VALUE_DICT, "get", m_get, 1, 2},
	{VALUE_LIST, "index", m_index, 1, 1},
	{VALUE_LIST, "count", m_list_count, 1, 1},
};

const struct value *tpl_method(struct tpl *t, const struct value *v, const char *name, struct args *args)
{
	size_t n = args->n + args->n_keys;

	if (v->type == VALUE_LOOP)
		return loop_method(t, v, name, args);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].of != v->type || strcmp(methods[i].name, name) != 0)
			continue;
		if (n < methods[i].min || n > methods[i].max || (args->n_keys && methods[i].min))
			return tpl_fail(t, "%s() takes %zu to %zu arguments, not %zu", name, methods[i].min, methods[i].max, n);
		return tpl_charge(t, v->type == VALUE_STRING ? v->u.s.n : 0) ? methods[i].run(t, v, args) : value_undefined();
	}
	return NULL;
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
