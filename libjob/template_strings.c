/* Methods of strings. Source: Python's, with letters of ASCII alone where case counts. */
#include "libjob/template_filters.h"

#include <ctype.h>
#include <string.h>

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

	if (n > 0 && (size_t)n > t->bounds->output)
		return tpl_fail(t, "the text grows too large; accepted: %zu bytes", t->bounds->output);
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

const struct method string_methods[] = {
	{"startswith", m_startswith, 1, 1},
	{"endswith", m_endswith, 1, 1},
	{"split", m_split, 0, 2},
	{"rsplit", m_rsplit, 0, 2},
	{"splitlines", m_splitlines, 0, 0},
	{"partition", m_partition, 1, 1},
	{"rpartition", m_rpartition, 1, 1},
	{"replace", m_replace, 2, 3},
	{"lower", m_lower, 0, 0},
	{"casefold", m_lower, 0, 0},
	{"upper", m_upper, 0, 0},
	{"title", m_title, 0, 0},
	{"capitalize", m_capitalize, 0, 0},
	{"strip", m_strip, 0, 1},
	{"lstrip", m_lstrip, 0, 1},
	{"rstrip", m_rstrip, 0, 1},
	{"removeprefix", m_removeprefix, 1, 1},
	{"removesuffix", m_removesuffix, 1, 1},
	{"join", m_join, 1, 1},
	{"find", m_find, 1, 1},
	{"rfind", m_rfind, 1, 1},
	{"count", m_count, 1, 1},
	{"isdigit", m_isdigit, 0, 0},
	{"isnumeric", m_isdigit, 0, 0},
	{"isalpha", m_isalpha, 0, 0},
	{"isalnum", m_isalnum, 0, 0},
	{"isspace", m_isspace, 0, 0},
	{"islower", m_islower, 0, 0},
	{"isupper", m_isupper, 0, 0},
	{"ljust", m_ljust, 1, 1},
	{"rjust", m_rjust, 1, 1},
	{"center", m_center, 1, 1},
	{"zfill", m_zfill, 1, 1},
	{NULL},
};
