/* Tokens to nodes: expressions. Source: Jinja2's parser, whose grammar and precedence this follows rule by rule. */
#include "libjob/template_parse.h"

#include <string.h>

static struct node *parse_unary(struct tpl *t, bool filters);
static struct node *parse_primary(struct tpl *t);
static struct node *parse_postfix(struct tpl *t, struct node *n);

/* a, b, c up to `close`; keyword arguments keep their name in ->name when `keywords`. */
static void parse_items(struct tpl *t, struct node *into, int close, bool keywords)
{
	while (!t->failed && !parse_take_op(t, close)) {
		const char *name = NULL;
		struct node *item;

		if (keywords && (parse_at_op(t, '*') || parse_at_op(t, OP2('*', '*')))) {
			parse_unexpected(t, "an argument (* and ** are not supported)");
			return;
		}
		if (keywords && parse_peek(t)->kind == T_NAME && t->tokens[t->at + 1].kind == T_OP && t->tokens[t->at + 1].op == '=') {
			name = parse_take(t)->text;
			parse_take(t);
		}
		item = parse_expression(t, true);
		if (item && (keywords || item->next)) { /* an argument is wrapped: the expression keeps its own name */
			item = parse_node(t, N_POS, item, NULL, NULL);
			if (item)
				item->name = name;
		}
		parse_add_child(t, into, item);
		if (!parse_at_op(t, close) && !parse_take_op(t, ','))
			parse_unexpected(t, close == ')' ? "',' or ')'" : "',' or ']'");
	}
}

static struct node *parse_dict(struct tpl *t)
{
	struct node *dict = parse_node(t, N_DICT, NULL, NULL, NULL);

	while (!t->failed && !parse_take_op(t, '}')) {
		struct node *key = parse_expression(t, true);

		if (!key || !parse_expect_op(t, ':'))
			return NULL;
		parse_add_child(t, dict, parse_node(t, N_CONST, key, parse_expression(t, true), NULL));
		if (!parse_at_op(t, '}') && !parse_take_op(t, ','))
			parse_unexpected(t, "',' or '}'");
	}
	return dict;
}

/* a, b: a list where more than one expression stands; behind '(' also (a,) and (). */
struct node *parse_tuple(struct tpl *t, bool conditional)
{
	struct node *first = parse_expression(t, conditional);
	struct node *list;

	if (!parse_at_op(t, ','))
		return first;
	list = parse_node(t, N_LIST, NULL, NULL, NULL);
	parse_add_child(t, list, first);
	while (!t->failed && parse_take_op(t, ',')) {
		if (parse_peek(t)->kind == T_VAR_END || parse_peek(t)->kind == T_BLOCK_END || parse_at_op(t, ')') || parse_at_op(t, '=') ||
		    parse_at_name(t, "in"))
			break;
		parse_add_child(t, list, parse_expression(t, conditional));
	}
	return list;
}

static struct node *parse_group(struct tpl *t)
{
	struct node *n;

	if (parse_take_op(t, ')'))
		return parse_node(t, N_LIST, NULL, NULL, NULL);
	n = parse_tuple(t, true);
	return n && parse_expect_op(t, ')') ? n : NULL;
}

struct node *parse_name(struct tpl *t)
{
	static const struct {
		const char *name;
		int value; /* 0 false, 1 true, 2 none */
	} words[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"False", 0}, {"none", 2}, {"None", 2}};
	const char *name = parse_take(t)->text;
	struct node *n;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i].name) == 0)
			return parse_constant(t, words[i].value == 2 ? value_none() : value_bool(words[i].value));
	n = parse_node(t, N_NAME, NULL, NULL, NULL);
	if (n)
		n->name = name;
	return n;
}

/* "a" "b" is "ab" */
static struct node *parse_value(struct tpl *t)
{
	const struct value *v = parse_take(t)->value;

	while (v->type == VALUE_STRING && parse_peek(t)->kind == T_VALUE && parse_peek(t)->value->type == VALUE_STRING &&
	       tpl_charge(t, v->u.s.n))
		v = op_math(t, '~', v, parse_take(t)->value);
	return parse_constant(t, v);
}

static struct node *parse_primary(struct tpl *t)
{
	struct node *n = NULL;

	if (parse_peek(t)->kind == T_NAME)
		return parse_name(t);
	if (parse_peek(t)->kind == T_VALUE)
		return parse_value(t);
	if (!parse_deeper(t))
		return NULL;
	if (parse_take_op(t, '(')) {
		n = parse_group(t);
	} else if (parse_take_op(t, '[')) {
		n = parse_node(t, N_LIST, NULL, NULL, NULL);
		parse_items(t, n, ']', false);
	} else if (parse_take_op(t, '{')) {
		n = parse_dict(t);
	} else {
		parse_unexpected(t, "an expression");
	}
	t->depth--;
	return n;
}

struct node *parse_attr(struct tpl *t, struct node *of)
{
	struct node *n;

	if (parse_peek(t)->kind == T_NAME) {
		const char *name = parse_take(t)->text;

		n = parse_node(t, N_ATTR, of, NULL, NULL);
		if (n)
			n->name = name;
		return n;
	}
	if (parse_peek(t)->kind == T_VALUE && parse_peek(t)->value->type == VALUE_INT) {
		struct node *index = parse_constant(t, parse_take(t)->value);

		return parse_node(t, N_ITEM, of, index, NULL);
	}
	return parse_unexpected(t, "an attribute's name");
}

/* x[i], x[a:b:c]: the slice's bounds are children, none where they are left out */
static struct node *parse_subscript(struct tpl *t, struct node *of)
{
	struct node *parts[3] = {NULL, NULL, NULL};
	struct node *slice;
	int colons = 0;

	while (!t->failed && !parse_at_op(t, ']')) {
		if (parse_take_op(t, ':')) {
			if (++colons > 2)
				return parse_unexpected(t, "']'");
		} else if (parts[colons]) {
			return parse_unexpected(t, "']'");
		} else {
			parts[colons] = parse_expression(t, true);
		}
	}
	parse_take(t);
	if (!colons)
		return parts[0] ? parse_node(t, N_ITEM, of, parts[0], NULL) : parse_unexpected(t, "an index");
	slice = parse_node(t, N_SLICE, of, NULL, NULL);
	for (int i = 0; i < 3; i++)
		parse_add_child(t, slice, parse_node(t, N_POS, parts[i] ? parts[i] : parse_constant(t, value_none()), NULL, NULL));
	return slice;
}

static struct node *parse_call(struct tpl *t, struct node *of)
{
	struct node *n = parse_node(t, N_CALL, of, NULL, NULL);

	if (parse_deeper(t))
		parse_items(t, n, ')', true);
	t->depth--;
	return n;
}

static struct node *parse_postfix(struct tpl *t, struct node *n)
{
	while (n && !t->failed) {
		if (parse_take_op(t, '.'))
			n = parse_attr(t, n);
		else if (parse_take_op(t, '['))
			n = parse_deeper(t) ? parse_subscript(t, n) : NULL, t->depth--;
		else if (parse_take_op(t, '('))
			n = parse_call(t, n);
		else
			break;
	}
	return n;
}

struct node *parse_filter(struct tpl *t, struct node *of)
{
	struct node *n;
	const char *name;

	if (parse_peek(t)->kind != T_NAME)
		return parse_unexpected(t, "a filter's name");
	name = parse_take(t)->text;
	if (!tpl_filter_exists(name)) {
		tpl_fail(t, "there is no filter '%s'", name);
		return NULL;
	}
	n = parse_node(t, N_FILTER, of, NULL, NULL);
	if (!n)
		return NULL;
	n->name = name;
	if (parse_take_op(t, '('))
		parse_items(t, n, ')', true);
	return n;
}

static bool starts_argument(struct tpl *t)
{
	static const char *const words[] = {"else", "or", "and", "if", "in", "not", "is"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (parse_at_name(t, words[i]))
			return false;
	return parse_peek(t)->kind == T_NAME || parse_peek(t)->kind == T_VALUE || parse_at_op(t, '[') || parse_at_op(t, '{');
}

/* x is [not] TEST [argument] */
static struct node *parse_test(struct tpl *t, struct node *of)
{
	bool negated = parse_take_name(t, "not");
	struct node *n;
	const char *name;

	if (parse_peek(t)->kind != T_NAME)
		return parse_unexpected(t, "a test's name");
	name = parse_take(t)->text;
	if (!tpl_test_exists(name)) {
		tpl_fail(t, "there is no test '%s'", name);
		return NULL;
	}
	n = parse_node(t, N_TEST, of, NULL, NULL);
	if (!n)
		return NULL;
	n->name = name;
	n->op = negated;
	if (parse_take_op(t, '('))
		parse_items(t, n, ')', true);
	else if (starts_argument(t))
		parse_add_child(t, n, parse_node(t, N_POS, parse_postfix(t, parse_primary(t)), NULL, NULL));
	return n;
}

static struct node *parse_filters(struct tpl *t, struct node *n)
{
	while (n && !t->failed) {
		if (parse_take_op(t, '|'))
			n = parse_filter(t, n);
		else if (parse_take_name(t, "is"))
			n = parse_test(t, n);
		else if (parse_take_op(t, '('))
			n = parse_call(t, n);
		else
			break;
	}
	return n;
}

static struct node *parse_unary(struct tpl *t, bool filters)
{
	struct node *n;

	if (parse_at_op(t, '-') || parse_at_op(t, '+')) {
		enum node_kind kind = parse_take(t)->op == '-' ? N_NEG : N_POS;

		n = parse_deeper(t) ? parse_node(t, kind, parse_unary(t, false), NULL, NULL) : NULL;
		t->depth--;
	} else {
		n = parse_primary(t);
	}
	n = parse_postfix(t, n);
	return filters ? parse_filters(t, n) : n;
}

static struct node *math(struct tpl *t, int op, struct node *a, struct node *b)
{
	struct node *n = parse_node(t, N_MATH, a, b, NULL);

	if (n)
		n->op = op;
	return n;
}

static struct node *parse_power(struct tpl *t)
{
	struct node *n = parse_unary(t, true);

	while (!t->failed && parse_take_op(t, OP2('*', '*')))
		n = math(t, OP2('*', '*'), n, parse_unary(t, true));
	return n;
}

static struct node *parse_product(struct tpl *t)
{
	static const int ops[] = {'*', '/', OP2('/', '/'), '%'};
	struct node *n = parse_power(t);
	bool found = true;

	while (found && !t->failed) {
		found = false;
		for (size_t i = 0; i < 4 && !found; i++) {
			found = parse_take_op(t, ops[i]);
			if (found)
				n = math(t, ops[i], n, parse_power(t));
		}
	}
	return n;
}

static struct node *parse_concat(struct tpl *t)
{
	struct node *n = parse_product(t);
	struct node *all;

	if (!n || !parse_at_op(t, '~'))
		return n;
	all = parse_node(t, N_CONCAT, NULL, NULL, NULL);
	parse_add_child(t, all, parse_node(t, N_POS, n, NULL, NULL));
	while (!t->failed && parse_take_op(t, '~'))
		parse_add_child(t, all, parse_node(t, N_POS, parse_product(t), NULL, NULL));
	return all;
}

static struct node *parse_sum(struct tpl *t)
{
	struct node *n = parse_concat(t);

	while (!t->failed && (parse_at_op(t, '+') || parse_at_op(t, '-'))) {
		int op = parse_take(t)->op;

		n = math(t, op, n, parse_concat(t));
	}
	return n;
}

/* The operator of a comparison: one of OP2, '<', '>', 'i' for in, 'n' for not in; 0: none here. */
static int take_comparison(struct tpl *t)
{
	static const int ops[] = {OP2('=', '='), OP2('!', '='), OP2('<', '='), OP2('>', '='), '<', '>'};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (parse_take_op(t, ops[i]))
			return ops[i];
	if (parse_take_name(t, "in"))
		return 'i';
	if (parse_at_name(t, "not") && t->tokens[t->at + 1].kind == T_NAME && strcmp(t->tokens[t->at + 1].text, "in") == 0) {
		parse_take(t);
		parse_take(t);
		return 'n';
	}
	return 0;
}

/* a < b < c: `a` is the first operand, the children are the others with their operators */
static struct node *parse_comparison(struct tpl *t)
{
	struct node *n = parse_sum(t);
	struct node *all = NULL;
	int op;

	while (!t->failed && (op = take_comparison(t))) {
		struct node *operand;

		if (!all)
			all = parse_node(t, N_COMPARE, n, NULL, NULL);
		operand = parse_node(t, N_POS, parse_sum(t), NULL, NULL);
		if (operand)
			operand->op = op;
		parse_add_child(t, all, operand);
	}
	return all ? all : n;
}

static struct node *parse_not(struct tpl *t)
{
	struct node *n;

	if (!parse_take_name(t, "not"))
		return parse_comparison(t);
	n = parse_deeper(t) ? parse_node(t, N_NOT, parse_not(t), NULL, NULL) : NULL;
	t->depth--;
	return n;
}

static struct node *parse_and(struct tpl *t)
{
	struct node *n = parse_not(t);

	while (!t->failed && parse_take_name(t, "and"))
		n = parse_node(t, N_AND, n, parse_not(t), NULL);
	return n;
}

static struct node *parse_or(struct tpl *t)
{
	struct node *n = parse_and(t);

	while (!t->failed && parse_take_name(t, "or"))
		n = parse_node(t, N_OR, n, parse_and(t), NULL);
	return n;
}

/* a if b else c: N_COND(b, a, c) */
struct node *parse_expression(struct tpl *t, bool conditional)
{
	struct node *n = parse_deeper(t) ? parse_or(t) : NULL;

	while (conditional && !t->failed && parse_take_name(t, "if")) {
		struct node *condition = parse_or(t);

		n = parse_node(t, N_COND, condition, n, parse_take_name(t, "else") ? parse_expression(t, true) : NULL);
	}
	t->depth--;
	return n;
}
