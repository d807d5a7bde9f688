/* `x is TEST`: one row each. Source: Jinja2's builtin tests. */
#include "libjob/template_internal.h"

#include <ctype.h>
#include <string.h>

typedef bool test(struct tpl *t, const struct value *v, const struct value *other);

static bool is_defined(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type != VALUE_UNDEFINED;
}

static bool is_undefined(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_UNDEFINED;
}

static bool is_none(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_NONE;
}

static bool is_string(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_STRING;
}

static bool is_number(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_INT || v->type == VALUE_FLOAT || v->type == VALUE_BOOL;
}

static bool is_integer(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_INT;
}

static bool is_float(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_FLOAT;
}

static bool is_boolean(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_BOOL;
}

static bool is_true(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_BOOL && v->u.b;
}

static bool is_false(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_BOOL && !v->u.b;
}

static bool is_mapping(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_DICT;
}

static bool is_iterable(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_LIST || v->type == VALUE_DICT || v->type == VALUE_STRING || v->type == VALUE_UNDEFINED;
}

static bool is_callable(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_CALLABLE;
}

static bool is_odd(struct tpl *t, const struct value *v, const struct value *other)
{
	return value_as_int(v) % 2 != 0;
}

static bool is_even(struct tpl *t, const struct value *v, const struct value *other)
{
	return value_as_int(v) % 2 == 0;
}

static bool is_divisible(struct tpl *t, const struct value *v, const struct value *other)
{
	if (value_as_int(other) == 0)
		tpl_fail(t, "division by zero");
	return !t->failed && (value_as_int(other) == -1 || value_as_int(v) % value_as_int(other) == 0);
}

static bool has_case(const struct value *v, int (*wrong)(int))
{
	bool letters = false;

	for (size_t i = 0; v->type == VALUE_STRING && i < v->u.s.n; i++) {
		if (wrong((unsigned char)v->u.s.p[i]))
			return false;
		letters |= isalpha((unsigned char)v->u.s.p[i]) != 0;
	}
	return letters;
}

static bool is_lower(struct tpl *t, const struct value *v, const struct value *other)
{
	return has_case(v, isupper);
}

static bool is_upper(struct tpl *t, const struct value *v, const struct value *other)
{
	return has_case(v, islower);
}

static bool is_equal(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_equal(t, v, other);
}

static bool is_unequal(struct tpl *t, const struct value *v, const struct value *other)
{
	return !op_equal(t, v, other);
}

static bool is_less(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_order(t, v, other) < 0;
}

static bool is_less_equal(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_order(t, v, other) <= 0;
}

static bool is_greater(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_order(t, v, other) > 0;
}

static bool is_greater_equal(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_order(t, v, other) >= 0;
}

static bool is_same(struct tpl *t, const struct value *v, const struct value *other)
{
	return v == other || (v->type == other->type && v->type < VALUE_LIST && op_equal(t, v, other));
}

static bool is_in(struct tpl *t, const struct value *v, const struct value *other)
{
	return op_in(t, v, other);
}

static bool is_filter(struct tpl *t, const struct value *v, const struct value *other)
{
	return v->type == VALUE_STRING && tpl_filter_exists(v->u.s.p);
}

static const struct {
	const char *name;
	test *run;
	size_t args;
} tests[] = {
	{"defined", is_defined, 0},
	{"undefined", is_undefined, 0},
	{"none", is_none, 0},
	{"string", is_string, 0},
	{"number", is_number, 0},
	{"integer", is_integer, 0},
	{"float", is_float, 0},
	{"boolean", is_boolean, 0},
	{"true", is_true, 0},
	{"false", is_false, 0},
	{"mapping", is_mapping, 0},
	{"iterable", is_iterable, 0},
	{"sequence", is_iterable, 0},
	{"callable", is_callable, 0},
	{"odd", is_odd, 0},
	{"even", is_even, 0},
	{"divisibleby", is_divisible, 1},
	{"lower", is_lower, 0},
	{"upper", is_upper, 0},
	{"filter", is_filter, 0},
	{"eq", is_equal, 1},
	{"equalto", is_equal, 1},
	{"==", is_equal, 1},
	{"ne", is_unequal, 1},
	{"!=", is_unequal, 1},
	{"lt", is_less, 1},
	{"lessthan", is_less, 1},
	{"<", is_less, 1},
	{"le", is_less_equal, 1},
	{"<=", is_less_equal, 1},
	{"gt", is_greater, 1},
	{"greaterthan", is_greater, 1},
	{">", is_greater, 1},
	{"ge", is_greater_equal, 1},
	{">=", is_greater_equal, 1},
	{"sameas", is_same, 1},
	{"in", is_in, 1},
};

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < sizeof(tests) / sizeof(tests[0]) && strcmp(tests[i].name, name) != 0)
		i++;
	return i;
}

bool tpl_test_exists(const char *name)
{
	return find(name) < sizeof(tests) / sizeof(tests[0]);
}

bool tpl_test(struct tpl *t, const char *name, const struct value *v, struct args *args)
{
	size_t i = find(name);

	if (i == sizeof(tests) / sizeof(tests[0]))
		tpl_fail(t, "there is no test '%s'", name);
	else if (args->n != tests[i].args || args->n_keys)
		tpl_fail(t, "the test '%s' takes %zu argument%s", name, tests[i].args, tests[i].args == 1 ? "" : "s");
	return !t->failed && tests[i].run(t, v, args->n ? args->v[0] : value_undefined());
}
