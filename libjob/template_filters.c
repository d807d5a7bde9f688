/* `x | FILTER`: one row each. Source: Jinja2's builtin filters; those on lists are in template_lists.c, on numbers in template_numbers.c.
 */
#include "libjob/template_filters.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct value *f_default(struct tpl *t, const struct value *v, struct args *args)
{
	bool falsy = value_is_true(arg(args, 1, "boolean", value_bool(false)));

	return v->type == VALUE_UNDEFINED || (falsy && !value_is_true(v)) ? arg(args, 0, "default_value", value_string(&t->pool, "")) : v;
}

const struct value *text_mapped(struct tpl *t, const struct value *v, int (*map)(int))
{
	struct text text = {0};
	char c;

	v = tpl_str(t, v);
	for (size_t i = 0; v->type == VALUE_STRING && i < v->u.s.n && !t->failed; i++) {
		c = (char)map((unsigned char)v->u.s.p[i]);
		text_put(t, &text, &c, 1);
	}
	return text_take(t, &text);
}

static const struct value *f_lower(struct tpl *t, const struct value *v, struct args *args)
{
	return text_mapped(t, v, tolower);
}

static const struct value *f_upper(struct tpl *t, const struct value *v, struct args *args)
{
	return text_mapped(t, v, toupper);
}

static const struct value *f_capitalize(struct tpl *t, const struct value *v, struct args *args)
{
	struct text text = {0};
	char c;

	v = text_mapped(t, v, tolower);
	if (t->failed || !v->u.s.n)
		return v;
	c = (char)toupper((unsigned char)v->u.s.p[0]);
	text_put(t, &text, &c, 1);
	text_put(t, &text, v->u.s.p + 1, v->u.s.n - 1);
	return text_take(t, &text);
}

static const struct value *f_title(struct tpl *t, const struct value *v, struct args *args)
{
	struct text text = {0};
	bool inside = false;

	v = tpl_str(t, v);
	for (size_t i = 0; !t->failed && i < v->u.s.n; i++) {
		unsigned char c = (unsigned char)v->u.s.p[i];
		char mapped = (char)(inside ? tolower(c) : toupper(c));

		inside = !(isspace(c) || (c && strchr("-({[<", c)));
		text_put(t, &text, &mapped, 1);
	}
	return text_take(t, &text);
}

const struct value *text_replaced(struct tpl *t, const struct value *v, const struct value *from, const struct value *to, int64_t count)
{
	struct text text = {0};
	const char *p = v->u.s.p, *end = p + v->u.s.n, *hit;

	if (!from->u.s.n)
		return tpl_fail(t, "replace needs a text to look for that is not empty");
	while (count != 0 && !t->failed && (hit = memmem(p, (size_t)(end - p), from->u.s.p, from->u.s.n))) {
		text_put(t, &text, p, (size_t)(hit - p));
		text_put(t, &text, to->u.s.p, to->u.s.n);
		p = hit + from->u.s.n;
		count -= count > 0;
	}
	text_put(t, &text, p, (size_t)(end - p));
	return text_take(t, &text);
}

static const struct value *f_replace(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *from = tpl_str(t, arg(args, 0, "old", value_undefined()));
	const struct value *to = tpl_str(t, arg(args, 1, "new", value_undefined()));
	const struct value *count = arg(args, 2, "count", value_none());

	v = tpl_str(t, v);
	return t->failed ? v : text_replaced(t, v, from, to, count->type == VALUE_INT ? count->u.i : -1);
}

static const struct value *f_string(struct tpl *t, const struct value *v, struct args *args)
{
	return tpl_str(t, v);
}

static const struct value *f_length(struct tpl *t, const struct value *v, struct args *args)
{
	if (v->type != VALUE_STRING && v->type != VALUE_LIST && v->type != VALUE_DICT && v->type != VALUE_UNDEFINED)
		return tpl_fail(t, "%s has no length", value_type_name(v));
	return value_int(&t->pool, (int64_t)value_len(v));
}

/* Strips white space, or any of `chars`, on the sides given */
const struct value *text_stripped(struct tpl *t, const struct value *v, const struct value *chars, bool left, bool right)
{
	const char *p = v->u.s.p, *end = p + v->u.s.n;
	const char *set = chars->type == VALUE_STRING ? chars->u.s.p : " \t\n\r\v\f";
	size_t n = chars->type == VALUE_STRING ? chars->u.s.n : strlen(set);

	while (left && p < end && memchr(set, *p, n))
		p++;
	while (right && end > p && memchr(set, end[-1], n))
		end--;
	return value_string_n(&t->pool, p, (size_t)(end - p));
}

static const struct value *f_trim(struct tpl *t, const struct value *v, struct args *args)
{
	v = tpl_str(t, v);
	return t->failed ? v : text_stripped(t, v, arg(args, 0, "chars", value_none()), true, true);
}

static const struct value *f_tojson(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *indent = arg(args, 0, "indent", value_none());
	struct text text = {0};

	text_json(t, &text, v, indent->type == VALUE_INT && indent->u.i >= 0 && indent->u.i <= 16 ? (int)indent->u.i : -1, 0);
	return text_take(t, &text);
}

static const struct value *f_escape(struct tpl *t, const struct value *v, struct args *args)
{
	static const struct {
		char c;
		const char *as;
	} escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
	struct text text = {0};

	v = tpl_str(t, v);
	for (size_t i = 0; !t->failed && i < v->u.s.n; i++) {
		const char *as = NULL;

		for (size_t k = 0; k < sizeof(escapes) / sizeof(escapes[0]); k++)
			if (v->u.s.p[i] == escapes[k].c)
				as = escapes[k].as;
		text_put(t, &text, as ? as : &v->u.s.p[i], as ? strlen(as) : 1);
	}
	return text_take(t, &text);
}

static const struct value *f_same(struct tpl *t, const struct value *v, struct args *args)
{
	return v;
}

static const struct value *f_indent(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *width = arg(args, 0, "width", value_int(&t->pool, 4));
	bool first = value_is_true(arg(args, 1, "first", value_bool(false)));
	bool blank = value_is_true(arg(args, 2, "blank", value_bool(false)));
	const struct value *by = width->type == VALUE_STRING ? width : op_math(t, '*', value_string(&t->pool, " "), width);
	struct text text = {0};

	v = tpl_str(t, v);
	for (size_t i = 0; !t->failed && i < v->u.s.n; i++) {
		bool starts = i ? v->u.s.p[i - 1] == '\n' : first;

		if (starts && (blank || i == 0 || v->u.s.p[i] != '\n'))
			text_put(t, &text, by->u.s.p, by->u.s.n);
		text_put(t, &text, &v->u.s.p[i], 1);
	}
	return text_take(t, &text);
}

static const struct value *f_urlencode(struct tpl *t, const struct value *v, struct args *args)
{
	struct text text = {0};
	char buf[8];

	v = tpl_str(t, v);
	for (size_t i = 0; !t->failed && i < v->u.s.n; i++) {
		unsigned char c = (unsigned char)v->u.s.p[i];

		snprintf(buf, sizeof(buf), isalnum(c) || (c && strchr("_.-~/", c)) ? "%c" : "%%%02X", c);
		text_puts(t, &text, buf);
	}
	return text_take(t, &text);
}

static const struct value *f_wordcount(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t n = 0;

	v = tpl_str(t, v);
	for (size_t i = 0; !t->failed && i < v->u.s.n; i++)
		n += !isspace((unsigned char)v->u.s.p[i]) && (i == 0 || isspace((unsigned char)v->u.s.p[i - 1]));
	return value_int(&t->pool, n);
}

static const struct value *f_truncate(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t length = value_as_int(arg(args, 0, "length", value_int(&t->pool, 255)));
	bool kill = value_is_true(arg(args, 1, "killwords", value_bool(false)));
	const struct value *end = tpl_str(t, arg(args, 2, "end", value_string(&t->pool, "...")));
	int64_t leeway = value_as_int(arg(args, 3, "leeway", value_int(&t->pool, 5)));
	const struct value *cut;
	const char *space;

	v = tpl_str(t, v);
	if (t->failed || (int64_t)value_len(v) <= length + leeway)
		return v;
	cut = op_slice(t, v, value_none(), value_int(&t->pool, length - (int64_t)value_len(end)), value_none());
	space = !t->failed && !kill ? memrchr(cut->u.s.p, ' ', cut->u.s.n) : NULL;
	if (space)
		cut = value_string_n(&t->pool, cut->u.s.p, (size_t)(space - cut->u.s.p));
	return t->failed ? cut : op_math(t, '~', cut, end);
}

/* One %-directive of `format` at `p` (behind %); the argument is taken from args->v[*i]. Returns behind it, NULL: failed */
static const char *format_one(struct tpl *t, struct text *text, const char *p, struct args *args, size_t *i)
{
	char spec[16] = "%", buf[400];
	size_t n = strspn(p, "-+ 0#123456789.");
	const struct value *v;

	if (p[n] == '%') {
		text_puts(t, text, "%");
		return p + n + 1;
	}
	if (*i >= args->n || n > 6 || !p[n] || !strchr("sdifxXor", p[n])) {
		tpl_fail(t,
			 *i >= args->n ? "format: there are fewer arguments than directives" : "format: this directive is not supported");
		return NULL;
	}
	v = args->v[(*i)++];
	memcpy(spec + 1, p, n);
	if (strtol(spec + 1 + strcspn(spec + 1, "123456789"), NULL, 10) > 300)
		tpl_fail(t, "format: this width is too large");
	if (strchr("sr", p[n])) {
		struct text shown = {0};

		p[n] == 's' ? text_value(t, &shown, v) : text_repr(t, &shown, v);
		strcat(spec, "s");
		if (n && !t->failed)
			text_put(t, text, buf, strnlen(buf, (size_t)snprintf(buf, sizeof(buf), spec, shown.p ? shown.p : "")));
		else if (!t->failed)
			text_put(t, text, shown.p, shown.n);
		text_free(t, &shown);
	} else if (v->type != VALUE_INT && v->type != VALUE_FLOAT && v->type != VALUE_BOOL) {
		tpl_fail(t, "format: %%%c does not work with %s", p[n], value_type_name(v));
	} else if (!t->failed) {
		double f = value_as_float(v);
		long long whole = v->type == VALUE_FLOAT ? (fabs(f) < 9.2e18 ? (long long)f : 0) : (long long)value_as_int(v);

		snprintf(spec + 1 + n, sizeof(spec) - 1 - n, p[n] == 'f' ? "f" : "ll%c", p[n]);
		if (p[n] == 'f')
			snprintf(buf, sizeof(buf), spec, f);
		else
			snprintf(buf, sizeof(buf), spec, whole);
		text_puts(t, text, buf);
	}
	return p + n + 1;
}

static const struct value *f_format(struct tpl *t, const struct value *v, struct args *args)
{
	struct text text = {0};
	const char *p;
	size_t i = 0;

	v = tpl_str(t, v);
	for (p = t->failed ? NULL : v->u.s.p; p && *p && !t->failed;) {
		size_t n = strcspn(p, "%");

		text_put(t, &text, p, n);
		p += n;
		if (*p)
			p = format_one(t, &text, p + 1, args, &i);
	}
	if (i < args->n)
		tpl_fail(t, "format: there are more arguments than directives");
	return text_take(t, &text);
}

static const struct value *f_attr(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *name = arg(args, 0, "name", value_undefined());

	return name->type == VALUE_STRING ? op_attr(t, v, name->u.s.p) : value_undefined();
}

static const struct {
	const char *name;
	filter *run;
	size_t min, max; /* arguments, with or without a name */
} filters[] = {
	{"abs", number_abs, 0, 0},
	{"attr", f_attr, 1, 1},
	{"batch", list_batch, 1, 2},
	{"capitalize", f_capitalize, 0, 0},
	{"count", f_length, 0, 0},
	{"d", f_default, 0, 2},
	{"default", f_default, 0, 2},
	{"dictsort", list_dictsort, 0, 3},
	{"e", f_escape, 0, 0},
	{"escape", f_escape, 0, 0},
	{"first", list_first, 0, 0},
	{"float", number_float, 0, 1},
	{"forceescape", f_escape, 0, 0},
	{"format", f_format, 0, ARGS_MAX},
	{"groupby", list_groupby, 1, 3},
	{"indent", f_indent, 0, 3},
	{"int", number_int, 0, 2},
	{"items", list_items, 0, 0},
	{"join", list_join, 0, 2},
	{"last", list_last, 0, 0},
	{"length", f_length, 0, 0},
	{"list", list_list, 0, 0},
	{"lower", f_lower, 0, 0},
	{"map", list_map, 1, ARGS_MAX},
	{"max", list_max, 0, 2},
	{"min", list_min, 0, 2},
	{"reject", list_reject, 0, 2},
	{"rejectattr", list_rejectattr, 1, 3},
	{"replace", f_replace, 2, 3},
	{"reverse", list_reverse, 0, 0},
	{"round", number_round, 0, 2},
	{"safe", f_same, 0, 0},
	{"select", list_select, 0, 2},
	{"selectattr", list_selectattr, 1, 3},
	{"sort", list_sort, 0, 3},
	{"string", f_string, 0, 0},
	{"sum", list_sum, 0, 2},
	{"title", f_title, 0, 0},
	{"tojson", f_tojson, 0, 1},
	{"trim", f_trim, 0, 1},
	{"truncate", f_truncate, 0, 4},
	{"unique", list_unique, 0, 2},
	{"upper", f_upper, 0, 0},
	{"urlencode", f_urlencode, 0, 0},
	{"wordcount", f_wordcount, 0, 0},
};

#define FILTERS (sizeof(filters) / sizeof(filters[0]))

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < FILTERS && strcmp(filters[i].name, name) != 0)
		i++;
	return i;
}

bool tpl_filter_exists(const char *name)
{
	return find(name) < FILTERS;
}

const struct value *tpl_filter(struct tpl *t, const char *name, const struct value *v, struct args *args)
{
	size_t i = find(name);
	size_t n = args->n + args->n_keys;

	if (i == FILTERS)
		return tpl_fail(t, "there is no filter '%s'", name);
	if (n < filters[i].min || n > filters[i].max)
		return tpl_fail(t, "the filter '%s' takes %zu to %zu arguments, not %zu", name, filters[i].min, filters[i].max, n);
	if (!tpl_charge(t, v->type == VALUE_STRING ? v->u.s.n : value_len(v)))
		return value_undefined();
	v = filters[i].run(t, v, args);
	return t->failed ? value_undefined() : v;
}
