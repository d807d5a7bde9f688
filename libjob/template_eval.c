/* Expressions to values. The recursion is bounded by the parser (nesting, chains), the work by the steps. */
#include "libjob/template_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_COST 4 /* bytes of work that comparing with one name is */

typedef const struct value *evaluate(struct tpl *t, const struct node *n);

const struct value *tpl_fail(struct tpl *t, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (t->failed)
		return value_undefined();
	t->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gw_fail(t->err, GW_BAD_INPUT, "%s:%d: %s", t->where, t->line, text);
	return value_undefined();
}

bool tpl_charge(struct tpl *t, size_t bytes)
{
	t->steps += 1 + (long)(bytes / 64);
	if (t->steps > t->bounds->steps)
		tpl_fail(t, "the template takes too much work; accepted: %ld steps", t->bounds->steps);
	if (t->pool.full)
		tpl_fail(t, "the template needs too much memory or nests values too deeply; accepted: %zu MiB, %d levels",
			 t->bounds->memory / 1024 / 1024, VALUE_DEPTH_MAX);
	return !t->failed;
}

void *tpl_alloc(struct tpl *t, size_t size)
{
	void *p = value_pool_alloc(&t->pool, size);

	if (!p)
		tpl_charge(t, 0);
	return p;
}

const struct value *arg(const struct args *args, size_t i, const char *name, const struct value *otherwise)
{
	for (size_t k = 0; name && k < args->n_keys; k++)
		if (strcmp(args->key[k], name) == 0)
			return args->key_value[k];
	return i < args->n ? args->v[i] : otherwise;
}

static bool add_argument(struct tpl *t, struct args *args, const char *name, const struct value *v)
{
	if (args->n == ARGS_MAX || args->n_keys == ARGS_MAX)
		tpl_fail(t, "too many arguments; accepted: %d", ARGS_MAX);
	else if (name)
		args->key[args->n_keys] = name, args->key_value[args->n_keys++] = v;
	else if (args->n_keys)
		tpl_fail(t, "an argument without a name stands behind one with a name");
	else
		args->v[args->n++] = v;
	return !t->failed;
}

bool tpl_args(struct tpl *t, const struct node *call, struct args *args)
{
	args->n = args->n_keys = 0;
	for (const struct node *item = call->first; item && !t->failed; item = item->next)
		add_argument(t, args, item->name, tpl_eval(t, item->a));
	return !t->failed;
}

static const struct value *lookup(struct tpl *t, const char *name)
{
	for (const struct scope *scope = t->scope; scope; scope = scope->parent) {
		if (!tpl_charge(t, scope->n * NAME_COST))
			return value_undefined();
		for (size_t i = scope->n; i > 0; i--)
			if (strcmp(scope->v[i - 1].name, name) == 0)
				return scope->v[i - 1].value;
	}
	return value_get(t->names, name);
}

void tpl_assign(struct tpl *t, const char *name, const struct value *v)
{
	struct scope *scope = t->scope;
	struct scope_name *more;

	if (!tpl_charge(t, scope->n * NAME_COST))
		return;
	for (size_t i = 0; i < scope->n; i++)
		if (strcmp(scope->v[i].name, name) == 0) {
			scope->v[i].value = v;
			return;
		}
	if (scope->n == scope->cap) {
		more = tpl_alloc(t, (scope->cap * 2 + 4) * sizeof(*more));
		if (!more)
			return;
		if (scope->n)
			memcpy(more, scope->v, scope->n * sizeof(*more));
		scope->v = more;
		scope->cap = scope->cap * 2 + 4;
	}
	scope->v[scope->n++] = (struct scope_name){name, v};
}

static const struct value *eval_const(struct tpl *t, const struct node *n)
{
	return n->value;
}

static const struct value *eval_name(struct tpl *t, const struct node *n)
{
	return lookup(t, n->name);
}

static const struct value *eval_attr(struct tpl *t, const struct node *n)
{
	return op_attr(t, tpl_eval(t, n->a), n->name);
}

static const struct value *eval_item(struct tpl *t, const struct node *n)
{
	const struct value *of = tpl_eval(t, n->a);

	return op_item(t, of, tpl_eval(t, n->b));
}

static const struct value *eval_slice(struct tpl *t, const struct node *n)
{
	const struct value *of = tpl_eval(t, n->a);
	const struct value *bound[3];
	int i = 0;

	for (const struct node *child = n->first; child; child = child->next)
		bound[i++] = tpl_eval(t, child->a);
	return t->failed ? value_undefined() : op_slice(t, of, bound[0], bound[1], bound[2]);
}

static const struct value *call_value(struct tpl *t, const struct value *callee, const char *name, const struct args *args)
{
	const struct value *v;
	struct gw_error err = {0};
	value_call *call;
	void *data;

	if (!value_is_callable(callee, &call, &data))
		return tpl_fail(t,
				callee->type == VALUE_UNDEFINED ? "'%s' is not defined, so it cannot be called" : "'%s' is not a function",
				name);
	if (args->n_keys)
		return tpl_fail(t, "%s() takes no argument with a name ('%s')", name, args->key[0]);
	v = call(&t->pool, data, args->v, args->n, &err);
	if (!v)
		return tpl_fail(t, "%s(): %s", name, err.text);
	tpl_charge(t, v->type == VALUE_STRING ? v->u.s.n : 0);
	return v;
}

static const struct value *call_method(struct tpl *t, const struct node *n)
{
	const struct value *of = tpl_eval(t, n->a->a);
	const struct value *member = of->type == VALUE_DICT ? value_get(of, n->a->name) : value_undefined();
	const struct value *v = NULL;
	struct args args;

	if (!tpl_args(t, n, &args))
		return value_undefined();
	t->line = n->line;
	if (member->type == VALUE_CALLABLE)
		return call_value(t, member, n->a->name, &args);
	v = tpl_method(t, of, n->a->name, &args);
	if (!v && of->type != VALUE_UNDEFINED && of->type != VALUE_DICT)
		return tpl_fail(t, "%s has no method '%s'", value_type_name(of), n->a->name);
	return v ? v : call_value(t, member, n->a->name, &args);
}

static const struct value *eval_call(struct tpl *t, const struct node *n)
{
	const struct value *callee, *v = NULL;
	struct args args;

	if (n->a->kind == N_ATTR)
		return call_method(t, n);
	callee = tpl_eval(t, n->a);
	if (!tpl_args(t, n, &args))
		return value_undefined();
	t->line = n->line;
	if (n->a->kind == N_NAME && callee->type == VALUE_UNDEFINED)
		v = tpl_global(t, n->a->name, &args);
	return v ? v : call_value(t, callee, n->a->kind == N_NAME ? n->a->name : "this", &args);
}

static const struct value *eval_filter(struct tpl *t, const struct node *n)
{
	const struct value *v = tpl_eval(t, n->a);
	struct args args;

	if (!tpl_args(t, n, &args))
		return value_undefined();
	t->line = n->line;
	return tpl_filter(t, n->name, v, &args);
}

static const struct value *eval_test(struct tpl *t, const struct node *n)
{
	const struct value *v = tpl_eval(t, n->a);
	struct args args;

	if (!tpl_args(t, n, &args))
		return value_undefined();
	t->line = n->line;
	return value_bool(tpl_test(t, n->name, v, &args) != (bool)n->op);
}

static const struct value *eval_list(struct tpl *t, const struct node *n)
{
	struct value *list = value_list(&t->pool);

	for (const struct node *item = n->first; item && !t->failed; item = item->next)
		value_append(&t->pool, list, tpl_eval(t, item));
	return list;
}

static const struct value *eval_dict(struct tpl *t, const struct node *n)
{
	struct value *dict = value_dict(&t->pool);

	for (const struct node *item = n->first; item && !t->failed; item = item->next) {
		const struct value *key = tpl_eval(t, item->a);
		const struct value *v = tpl_eval(t, item->b);

		t->line = item->line;
		if (key->type < VALUE_NONE || key->type > VALUE_STRING)
			return tpl_fail(t, "%s cannot be the key of a mapping", value_type_name(key));
		tpl_charge(t, key->type == VALUE_STRING ? key->u.s.n : 0);
		value_set_key(&t->pool, dict, key, v);
	}
	return dict;
}

static const struct value *eval_cond(struct tpl *t, const struct node *n)
{
	if (value_is_true(tpl_eval(t, n->a)))
		return tpl_eval(t, n->b);
	return n->c ? tpl_eval(t, n->c) : value_undefined();
}

static const struct value *eval_and(struct tpl *t, const struct node *n)
{
	const struct value *v = tpl_eval(t, n->a);

	return value_is_true(v) ? tpl_eval(t, n->b) : v;
}

static const struct value *eval_or(struct tpl *t, const struct node *n)
{
	const struct value *v = tpl_eval(t, n->a);

	return value_is_true(v) ? v : tpl_eval(t, n->b);
}

static const struct value *eval_not(struct tpl *t, const struct node *n)
{
	return value_bool(!value_is_true(tpl_eval(t, n->a)));
}

static const struct value *eval_neg(struct tpl *t, const struct node *n)
{
	return op_math(t, '-', value_int(&t->pool, 0), tpl_eval(t, n->a));
}

static const struct value *eval_pos(struct tpl *t, const struct node *n)
{
	return tpl_eval(t, n->a);
}

static const struct value *eval_compare(struct tpl *t, const struct node *n)
{
	const struct value *left = tpl_eval(t, n->a);

	for (const struct node *operand = n->first; operand && !t->failed; operand = operand->next) {
		const struct value *right = tpl_eval(t, operand->a);

		if (t->failed || !op_compare(t, operand->op, left, right))
			return value_bool(false);
		left = right;
	}
	return value_bool(true);
}

static const struct value *eval_concat(struct tpl *t, const struct node *n)
{
	struct text text = {0};

	for (const struct node *item = n->first; item && !t->failed; item = item->next)
		text_value(t, &text, tpl_eval(t, item->a));
	return text_take(t, &text);
}

static const struct value *eval_math(struct tpl *t, const struct node *n)
{
	const struct value *a = tpl_eval(t, n->a);
	const struct value *b = tpl_eval(t, n->b);

	t->line = n->line;
	return t->failed ? value_undefined() : op_math(t, n->op, a, b);
}

static evaluate *const evaluators[] = {
	[N_CONST] = eval_const, [N_NAME] = eval_name,       [N_ATTR] = eval_attr,     [N_ITEM] = eval_item, [N_SLICE] = eval_slice,
	[N_CALL] = eval_call,   [N_FILTER] = eval_filter,   [N_TEST] = eval_test,     [N_LIST] = eval_list, [N_DICT] = eval_dict,
	[N_COND] = eval_cond,   [N_AND] = eval_and,         [N_OR] = eval_or,         [N_NOT] = eval_not,   [N_NEG] = eval_neg,
	[N_POS] = eval_pos,     [N_COMPARE] = eval_compare, [N_CONCAT] = eval_concat, [N_MATH] = eval_math,
};

const struct value *tpl_eval(struct tpl *t, const struct node *n)
{
	const struct value *v;

	t->line = n->line;
	if (!tpl_charge(t, 0))
		return value_undefined();
	v = evaluators[n->kind](t, n);
	t->line = n->line;
	return t->failed ? value_undefined() : v;
}
