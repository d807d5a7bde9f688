/* Operators of templates. Source: Python's, without its big integers: what does not fit 64 bits is an error. */
#include "libjob/template_internal.h"

#include <math.h>
#include <string.h>

static bool is_number(const struct value *v)
{
	return v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_FLOAT;
}

static const struct value *overflow(struct tpl *t)
{
	return tpl_fail(t, "the result is too large a number");
}

static const struct value *int_power(struct tpl *t, int64_t base, int64_t exponent)
{
	int64_t result = 1;

	if (exponent < 0)
		return value_float(&t->pool, pow((double)base, (double)exponent));
	if (base == 0 || base == 1 || base == -1)
		return value_int(&t->pool, exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base);
	for (; exponent > 0; exponent--)
		if (__builtin_mul_overflow(result, base, &result))
			return overflow(t);
	return value_int(&t->pool, result);
}

static const struct value *int_math(struct tpl *t, int op, int64_t a, int64_t b)
{
	int64_t r = 0;
	bool bad = false;

	if ((op == '%' || op == OP2('/', '/') || op == '/') && b == 0)
		return tpl_fail(t, "division by zero");
	if (op == OP2('*', '*'))
		return int_power(t, a, b);
	if (op == '/')
		return value_float(&t->pool, (double)a / (double)b);
	if (b == -1 && (op == '%' || op == OP2('/', '/'))) /* INT64_MIN / -1 traps */
		return op == '%' ? value_int(&t->pool, 0) : int_math(t, '-', 0, a);
	if (op == '+')
		bad = __builtin_add_overflow(a, b, &r);
	else if (op == '-')
		bad = __builtin_sub_overflow(a, b, &r);
	else if (op == '*')
		bad = __builtin_mul_overflow(a, b, &r);
	else if (op == '%')
		r = a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
	else
		r = a / b - (a % b != 0 && (a < 0) != (b < 0));
	return bad ? overflow(t) : value_int(&t->pool, r);
}

static const struct value *float_math(struct tpl *t, int op, double a, double b)
{
	double r = 0;

	if ((op == '%' || op == OP2('/', '/') || op == '/') && b == 0)
		return tpl_fail(t, "division by zero");
	if (op == '+')
		r = a + b;
	else if (op == '-')
		r = a - b;
	else if (op == '*')
		r = a * b;
	else if (op == '/')
		r = a / b;
	else if (op == OP2('/', '/'))
		r = floor(a / b);
	else if (op == '%')
		r = a - b * floor(a / b);
	else
		r = pow(a, b);
	return value_float(&t->pool, r);
}

static const struct value *repeat(struct tpl *t, const struct value *v, int64_t times)
{
	size_t size = v->type == VALUE_STRING ? v->u.s.n : value_len(v) * 64;
	struct value *list = v->type == VALUE_LIST ? value_list(&t->pool) : NULL;
	struct text text = {0};

	for (; times > 0 && size && tpl_charge(t, size); times--) {
		if (!list)
			text_put(t, &text, v->u.s.p, v->u.s.n);
		for (size_t i = 0; list && i < value_len(v); i++)
			value_append(&t->pool, list, value_at(v, i));
	}
	return list ? list : text_take(t, &text);
}

static const struct value *concat_lists(struct tpl *t, const struct value *a, const struct value *b)
{
	struct value *list = value_list(&t->pool);

	for (size_t i = 0; i < value_len(a) && tpl_charge(t, 0); i++)
		value_append(&t->pool, list, value_at(a, i));
	for (size_t i = 0; i < value_len(b) && tpl_charge(t, 0); i++)
		value_append(&t->pool, list, value_at(b, i));
	return list;
}

static const struct value *concat(struct tpl *t, const struct value *a, const struct value *b)
{
	struct text text = {0};

	text_value(t, &text, a);
	text_value(t, &text, b);
	return text_take(t, &text);
}

static const struct value *format_with(struct tpl *t, const struct value *format, const struct value *v)
{
	struct args args = {.n = 0};

	if (v->type != VALUE_LIST)
		args.v[args.n++] = v;
	for (size_t i = 0; v->type == VALUE_LIST && i < value_len(v) && args.n < ARGS_MAX; i++)
		args.v[args.n++] = value_at(v, i);
	return tpl_filter(t, "format", format, &args);
}

const struct value *op_math(struct tpl *t, int op, const struct value *a, const struct value *b)
{
	char name[3] = {(char)(op & 255), (char)(op >> 8), 0};

	if (op == '~')
		return concat(t, a, b);
	if (is_number(a) && is_number(b))
		return a->type == VALUE_FLOAT || b->type == VALUE_FLOAT ? float_math(t, op, value_as_float(a), value_as_float(b))
									: int_math(t, op, value_as_int(a), value_as_int(b));
	if (op == '+' && a->type == VALUE_STRING && b->type == VALUE_STRING)
		return concat(t, a, b);
	if (op == '+' && a->type == VALUE_LIST && b->type == VALUE_LIST)
		return concat_lists(t, a, b);
	if (op == '*' && (a->type == VALUE_STRING || a->type == VALUE_LIST) && (b->type == VALUE_INT || b->type == VALUE_BOOL))
		return repeat(t, a, value_as_int(b));
	if (op == '*' && (b->type == VALUE_STRING || b->type == VALUE_LIST) && (a->type == VALUE_INT || a->type == VALUE_BOOL))
		return repeat(t, b, value_as_int(a));
	if (op == '%' && a->type == VALUE_STRING)
		return format_with(t, a, b);
	return tpl_fail(t, "'%s' does not work with %s and %s", name, value_type_name(a), value_type_name(b));
}

static bool lists_equal(struct tpl *t, const struct value *a, const struct value *b)
{
	if (value_len(a) != value_len(b))
		return false;
	for (size_t i = 0; i < value_len(a) && !t->failed; i++)
		if (!op_equal(t, value_at(a, i), value_at(b, i)))
			return false;
	return true;
}

static bool dicts_equal(struct tpl *t, const struct value *a, const struct value *b)
{
	if (value_len(a) != value_len(b))
		return false;
	for (size_t i = 0; i < value_len(a) && !t->failed; i++)
		if (!op_equal(t, value_item_at(a, i), value_get_key(b, value_key_at(a, i))))
			return false;
	return true;
}

/* As value_equal, but each comparison costs: lists that share their items can be exponentially large. */
bool op_equal(struct tpl *t, const struct value *a, const struct value *b)
{
	if (!tpl_charge(t, a->type == VALUE_STRING ? a->u.s.n : 0))
		return false;
	if (a->type == VALUE_LIST && b->type == VALUE_LIST)
		return lists_equal(t, a, b);
	if (a->type == VALUE_DICT && b->type == VALUE_DICT)
		return dicts_equal(t, a, b);
	return value_equal(a, b);
}

static int string_order(const struct value *a, const struct value *b)
{
	size_t n = a->u.s.n < b->u.s.n ? a->u.s.n : b->u.s.n;
	int order = n ? memcmp(a->u.s.p, b->u.s.p, n) : 0;

	return order ? order : (a->u.s.n > b->u.s.n) - (a->u.s.n < b->u.s.n);
}

static int list_order(struct tpl *t, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < value_len(a) && i < value_len(b) && !t->failed; i++)
		if (!op_equal(t, value_at(a, i), value_at(b, i)))
			return op_order(t, value_at(a, i), value_at(b, i));
	return (value_len(a) > value_len(b)) - (value_len(a) < value_len(b));
}

int op_order(struct tpl *t, const struct value *a, const struct value *b)
{
	double x = value_as_float(a), y = value_as_float(b);

	if (!tpl_charge(t, a->type == VALUE_STRING ? a->u.s.n : 0))
		return 0;
	if (a->type == VALUE_STRING && b->type == VALUE_STRING)
		return string_order(a, b);
	if (a->type == VALUE_LIST && b->type == VALUE_LIST)
		return list_order(t, a, b);
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return (a->u.i > b->u.i) - (a->u.i < b->u.i);
	if (is_number(a) && is_number(b))
		return (x > y) - (x < y);
	tpl_fail(t, "%s and %s have no order", value_type_name(a), value_type_name(b));
	return 0;
}

bool op_in(struct tpl *t, const struct value *needle, const struct value *hay)
{
	if (hay->type == VALUE_STRING) {
		if (needle->type != VALUE_STRING)
			tpl_fail(t, "'in' a string needs a string, not %s", value_type_name(needle));
		return tpl_charge(t, hay->u.s.n) && memmem(hay->u.s.p, hay->u.s.n, needle->u.s.p, needle->u.s.n) != NULL;
	}
	if (hay->type == VALUE_DICT)
		return tpl_charge(t, needle->type == VALUE_STRING ? needle->u.s.n : 0) && needle->type >= VALUE_NONE &&
		       needle->type <= VALUE_STRING && value_get_key(hay, needle)->type != VALUE_UNDEFINED;
	if (hay->type != VALUE_LIST && hay->type != VALUE_UNDEFINED)
		tpl_fail(t, "'in' does not work with %s", value_type_name(hay));
	for (size_t i = 0; i < value_len(hay) && !t->failed; i++)
		if (op_equal(t, needle, value_at(hay, i)))
			return true;
	return false;
}

bool op_compare(struct tpl *t, int op, const struct value *a, const struct value *b)
{
	switch (op) {
	case 'i':
		return op_in(t, a, b);
	case 'n':
		return !op_in(t, a, b);
	case OP2('=', '='):
		return op_equal(t, a, b);
	case OP2('!', '='):
		return !op_equal(t, a, b);
	case '<':
		return op_order(t, a, b) < 0;
	case '>':
		return op_order(t, a, b) > 0;
	case OP2('<', '='):
		return op_order(t, a, b) <= 0;
	default:
		return op_order(t, a, b) >= 0;
	}
}

/* Names that begin with _ are nobody's attributes: that is where sandboxes are left. */
const struct value *op_attr(struct tpl *t, const struct value *v, const char *name)
{
	if (v->type == VALUE_LOOP)
		return loop_attr(t, v, name);
	return v->type == VALUE_DICT && *name != '_' ? value_get(v, name) : value_undefined();
}

/* Byte offset of character `i` */
static size_t char_at(const struct value *s, size_t i)
{
	size_t at = 0;

	for (; at < s->u.s.n; at++)
		if (((unsigned char)s->u.s.p[at] & 0xc0) != 0x80 && i-- == 0)
			break;
	return at;
}

const struct value *op_item(struct tpl *t, const struct value *v, const struct value *key)
{
	int64_t i = value_as_int(key);
	size_t n;

	if (v->type == VALUE_DICT)
		return tpl_charge(t, key->type == VALUE_STRING ? key->u.s.n : 0) && key->type >= VALUE_NONE && key->type <= VALUE_STRING
			       ? value_get_key(v, key)
			       : value_undefined();
	if (key->type == VALUE_STRING)
		return op_attr(t, v, key->u.s.p);
	if (key->type != VALUE_INT || (v->type != VALUE_LIST && v->type != VALUE_STRING) ||
	    !tpl_charge(t, v->type == VALUE_STRING ? v->u.s.n : 0))
		return value_undefined();
	n = value_len(v);
	if (i < 0)
		i += (int64_t)n;
	if (i < 0 || (uint64_t)i >= n)
		return value_undefined();
	if (v->type == VALUE_LIST)
		return value_at(v, (size_t)i);
	n = char_at(v, (size_t)i);
	return value_string_n(&t->pool, v->u.s.p + n, char_at(v, (size_t)i + 1) - n);
}

/* A slice's bound as Python clips it */
static int64_t bound(const struct value *v, int64_t n, int64_t otherwise, bool back)
{
	int64_t i = value_as_int(v);

	if (v->type != VALUE_INT)
		return otherwise;
	if (i < 0)
		i = i < -n ? -1 - !back : i + n;
	if (i < 0)
		return back ? -1 : 0;
	return i > n - back ? n - back : i;
}

const struct value *op_slice(struct tpl *t, const struct value *v, const struct value *from, const struct value *to,
			     const struct value *step)
{
	int64_t n = (int64_t)value_len(v);
	int64_t by = step->type == VALUE_INT ? step->u.i : 1;
	int64_t start = bound(from, n, by < 0 ? n - 1 : 0, by < 0);
	int64_t end = bound(to, n, by < 0 ? -1 : n, by < 0);
	bool is_text = v->type == VALUE_STRING;
	struct value *list;
	struct args none = {.n = 0};

	if (v->type == VALUE_UNDEFINED)
		return v;
	if (v->type != VALUE_LIST && v->type != VALUE_STRING)
		return tpl_fail(t, "%s has no slices", value_type_name(v));
	if (by == 0 || by > INT32_MAX || by < -INT32_MAX)
		return tpl_fail(t, "this step of a slice is not accepted");
	list = value_list(&t->pool);
	v = op_list(t, v);
	for (int64_t i = start; (by > 0 ? i < end : i > end) && tpl_charge(t, 0); i += by)
		value_append(&t->pool, list, value_at(v, (size_t)i));
	return is_text ? tpl_filter(t, "join", list, &none) : list;
}

const struct value *op_list(struct tpl *t, const struct value *v)
{
	struct value *list;
	size_t at = 0;

	if (v->type == VALUE_LIST)
		return v;
	list = value_list(&t->pool);
	if (v->type == VALUE_UNDEFINED)
		return list;
	if (v->type != VALUE_DICT && v->type != VALUE_STRING)
		return tpl_fail(t, "%s cannot be walked through", value_type_name(v));
	for (size_t i = 0; v->type == VALUE_DICT && i < value_len(v) && tpl_charge(t, 0); i++)
		value_append(&t->pool, list, value_key_at(v, i));
	while (v->type == VALUE_STRING && at < v->u.s.n && tpl_charge(t, 0)) {
		size_t from = at++;

		while (at < v->u.s.n && ((unsigned char)v->u.s.p[at] & 0xc0) == 0x80)
			at++;
		value_append(&t->pool, list, value_string_n(&t->pool, v->u.s.p + from, at - from));
	}
	return list;
}
