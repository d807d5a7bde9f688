/* Tokens to nodes. Source: Jinja2's parser, whose grammar and precedence this follows rule by rule. */
#include "libjob/template_internal.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 500 /* nodes beneath each other: a.b.c.d..., a + b + c + ... */

static struct node *parse_expression(struct tpl *t, bool conditional);
static struct node *parse_unary(struct tpl *t, bool filters);
static struct node *parse_primary(struct tpl *t);
static struct node *parse_postfix(struct tpl *t, struct node *n);
static struct node *parse_body(struct tpl *t, const char *ends);
static struct node *parse_for_target(struct tpl *t);

static const struct token *peek(struct tpl *t)
{
	return &t->tokens[t->at];
}

static const struct token *take(struct tpl *t)
{
	const struct token *token = &t->tokens[t->at];

	t->line = token->line;
	if (token->kind != T_EOF)
		t->at++;
	return token;
}

static bool is_op(struct tpl *t, int op)
{
	return peek(t)->kind == T_OP && peek(t)->op == op;
}

static bool is_name(struct tpl *t, const char *name)
{
	return peek(t)->kind == T_NAME && strcmp(peek(t)->text, name) == 0;
}

static bool take_op(struct tpl *t, int op)
{
	return is_op(t, op) && take(t);
}

static bool take_name(struct tpl *t, const char *name)
{
	return is_name(t, name) && take(t);
}

static const char *token_text(const struct token *token, char buf[3])
{
	static const char *const kinds[] = {"text", "{{", "}}", "{%", "%}", "", "a value", "", "the end of the template"};

	if (token->kind == T_NAME)
		return token->text;
	if (token->kind != T_OP)
		return kinds[token->kind];
	buf[0] = (char)(token->op & 255);
	buf[1] = (char)(token->op >> 8);
	buf[2] = 0;
	return buf;
}

static void *unexpected(struct tpl *t, const char *wanted)
{
	char buf[3];

	t->line = peek(t)->line;
	tpl_fail(t, "found '%s'; expected: %s", token_text(peek(t), buf), wanted);
	return NULL;
}

static bool expect_op(struct tpl *t, int op)
{
	char wanted[] = {'\'', (char)op, '\'', 0};

	return take_op(t, op) || unexpected(t, wanted);
}

static struct node *node(struct tpl *t, enum node_kind kind, struct node *a, struct node *b, struct node *c)
{
	struct node *n = t->failed ? NULL : tpl_alloc(t, sizeof(*n));
	struct node *children[] = {a, b, c};

	if (!n)
		return NULL;
	n->kind = kind;
	n->line = t->line;
	n->last = &n->first;
	n->depth = 1;
	n->a = a;
	n->b = b;
	n->c = c;
	for (int i = 0; i < 3; i++)
		if (children[i] && children[i]->depth >= n->depth)
			n->depth = children[i]->depth + 1;
	if (n->depth > CHAIN_MAX)
		tpl_fail(t, "the expression is too long; accepted: %d operators in a row", CHAIN_MAX);
	return n;
}

static void add_child(struct tpl *t, struct node *parent, struct node *child)
{
	if (!parent || !child)
		return;
	if (child->depth >= parent->depth)
		parent->depth = child->depth + 1;
	*parent->last = child;
	parent->last = &child->next;
}

static bool deeper(struct tpl *t)
{
	if (++t->depth > TEMPLATE_DEPTH_MAX)
		tpl_fail(t, "nested too deeply; accepted: %d levels", TEMPLATE_DEPTH_MAX);
	return !t->failed;
}

/* a, b, c up to `close`; keyword arguments keep their name in ->name when `keywords`. */
static void parse_items(struct tpl *t, struct node *into, int close, bool keywords)
{
	while (!t->failed && !take_op(t, close)) {
		const char *name = NULL;
		struct node *item;

		if (keywords && (is_op(t, '*') || is_op(t, OP2('*', '*')))) {
			unexpected(t, "an argument (* and ** are not supported)");
			return;
		}
		if (keywords && peek(t)->kind == T_NAME && t->tokens[t->at + 1].kind == T_OP && t->tokens[t->at + 1].op == '=') {
			name = take(t)->text;
			take(t);
		}
		item = parse_expression(t, true);
		if (item && (keywords || item->next)) { /* an argument is wrapped: the expression keeps its own name */
			item = node(t, N_POS, item, NULL, NULL);
			if (item)
				item->name = name;
		}
		add_child(t, into, item);
		if (!is_op(t, close) && !take_op(t, ','))
			unexpected(t, close == ')' ? "',' or ')'" : "',' or ']'");
	}
}

static struct node *parse_dict(struct tpl *t)
{
	struct node *dict = node(t, N_DICT, NULL, NULL, NULL);

	while (!t->failed && !take_op(t, '}')) {
		struct node *key = parse_expression(t, true);

		if (!key || !expect_op(t, ':'))
			return NULL;
		add_child(t, dict, node(t, N_CONST, key, parse_expression(t, true), NULL));
		if (!is_op(t, '}') && !take_op(t, ','))
			unexpected(t, "',' or '}'");
	}
	return dict;
}

/* a, b: a list where more than one expression stands; behind '(' also (a,) and (). */
static struct node *parse_tuple(struct tpl *t, bool conditional)
{
	struct node *first = parse_expression(t, conditional);
	struct node *list;

	if (!is_op(t, ','))
		return first;
	list = node(t, N_LIST, NULL, NULL, NULL);
	add_child(t, list, first);
	while (!t->failed && take_op(t, ',')) {
		if (peek(t)->kind == T_VAR_END || peek(t)->kind == T_BLOCK_END || is_op(t, ')') || is_op(t, '=') || is_name(t, "in"))
			break;
		add_child(t, list, parse_expression(t, conditional));
	}
	return list;
}

static struct node *parse_group(struct tpl *t)
{
	struct node *n;

	if (take_op(t, ')'))
		return node(t, N_LIST, NULL, NULL, NULL);
	n = parse_tuple(t, true);
	return n && expect_op(t, ')') ? n : NULL;
}

static struct node *constant(struct tpl *t, const struct value *v)
{
	struct node *n = node(t, N_CONST, NULL, NULL, NULL);

	if (n)
		n->value = v;
	return n;
}

static struct node *parse_name(struct tpl *t)
{
	static const struct {
		const char *name;
		int value; /* 0 false, 1 true, 2 none */
	} words[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"False", 0}, {"none", 2}, {"None", 2}};
	const char *name = take(t)->text;
	struct node *n;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i].name) == 0)
			return constant(t, words[i].value == 2 ? value_none() : value_bool(words[i].value));
	n = node(t, N_NAME, NULL, NULL, NULL);
	if (n)
		n->name = name;
	return n;
}

/* "a" "b" is "ab" */
static struct node *parse_value(struct tpl *t)
{
	const struct value *v = take(t)->value;

	while (v->type == VALUE_STRING && peek(t)->kind == T_VALUE && peek(t)->value->type == VALUE_STRING && tpl_charge(t, v->u.s.n))
		v = op_math(t, '~', v, take(t)->value);
	return constant(t, v);
}

static struct node *parse_primary(struct tpl *t)
{
	struct node *n = NULL;

	if (peek(t)->kind == T_NAME)
		return parse_name(t);
	if (peek(t)->kind == T_VALUE)
		return parse_value(t);
	if (!deeper(t))
		return NULL;
	if (take_op(t, '(')) {
		n = parse_group(t);
	} else if (take_op(t, '[')) {
		n = node(t, N_LIST, NULL, NULL, NULL);
		parse_items(t, n, ']', false);
	} else if (take_op(t, '{')) {
		n = parse_dict(t);
	} else {
		unexpected(t, "an expression");
	}
	t->depth--;
	return n;
}

static struct node *parse_attr(struct tpl *t, struct node *of)
{
	struct node *n;

	if (peek(t)->kind == T_NAME) {
		const char *name = take(t)->text;

		n = node(t, N_ATTR, of, NULL, NULL);
		if (n)
			n->name = name;
		return n;
	}
	if (peek(t)->kind == T_VALUE && peek(t)->value->type == VALUE_INT) {
		struct node *index = constant(t, take(t)->value);

		return node(t, N_ITEM, of, index, NULL);
	}
	return unexpected(t, "an attribute's name");
}

/* x[i], x[a:b:c]: the slice's bounds are children, none where they are left out */
static struct node *parse_subscript(struct tpl *t, struct node *of)
{
	struct node *parts[3] = {NULL, NULL, NULL};
	struct node *slice;
	int colons = 0;

	while (!t->failed && !is_op(t, ']')) {
		if (take_op(t, ':')) {
			if (++colons > 2)
				return unexpected(t, "']'");
		} else if (parts[colons]) {
			return unexpected(t, "']'");
		} else {
			parts[colons] = parse_expression(t, true);
		}
	}
	take(t);
	if (!colons)
		return parts[0] ? node(t, N_ITEM, of, parts[0], NULL) : unexpected(t, "an index");
	slice = node(t, N_SLICE, of, NULL, NULL);
	for (int i = 0; i < 3; i++)
		add_child(t, slice, node(t, N_POS, parts[i] ? parts[i] : constant(t, value_none()), NULL, NULL));
	return slice;
}

static struct node *parse_call(struct tpl *t, struct node *of)
{
	struct node *n = node(t, N_CALL, of, NULL, NULL);

	if (deeper(t))
		parse_items(t, n, ')', true);
	t->depth--;
	return n;
}

static struct node *parse_postfix(struct tpl *t, struct node *n)
{
	while (n && !t->failed) {
		if (take_op(t, '.'))
			n = parse_attr(t, n);
		else if (take_op(t, '['))
			n = deeper(t) ? parse_subscript(t, n) : NULL, t->depth--;
		else if (take_op(t, '('))
			n = parse_call(t, n);
		else
			break;
	}
	return n;
}

static struct node *parse_filter(struct tpl *t, struct node *of)
{
	struct node *n;
	const char *name;

	if (peek(t)->kind != T_NAME)
		return unexpected(t, "a filter's name");
	name = take(t)->text;
	if (!tpl_filter_exists(name)) {
		tpl_fail(t, "there is no filter '%s'", name);
		return NULL;
	}
	n = node(t, N_FILTER, of, NULL, NULL);
	if (!n)
		return NULL;
	n->name = name;
	if (take_op(t, '('))
		parse_items(t, n, ')', true);
	return n;
}

static bool starts_argument(struct tpl *t)
{
	static const char *const words[] = {"else", "or", "and", "if", "in", "not", "is"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_name(t, words[i]))
			return false;
	return peek(t)->kind == T_NAME || peek(t)->kind == T_VALUE || is_op(t, '[') || is_op(t, '{');
}

/* x is [not] TEST [argument] */
static struct node *parse_test(struct tpl *t, struct node *of)
{
	bool negated = take_name(t, "not");
	struct node *n;
	const char *name;

	if (peek(t)->kind != T_NAME)
		return unexpected(t, "a test's name");
	name = take(t)->text;
	if (!tpl_test_exists(name)) {
		tpl_fail(t, "there is no test '%s'", name);
		return NULL;
	}
	n = node(t, N_TEST, of, NULL, NULL);
	if (!n)
		return NULL;
	n->name = name;
	n->op = negated;
	if (take_op(t, '('))
		parse_items(t, n, ')', true);
	else if (starts_argument(t))
		add_child(t, n, node(t, N_POS, parse_postfix(t, parse_primary(t)), NULL, NULL));
	return n;
}

static struct node *parse_filters(struct tpl *t, struct node *n)
{
	while (n && !t->failed) {
		if (take_op(t, '|'))
			n = parse_filter(t, n);
		else if (take_name(t, "is"))
			n = parse_test(t, n);
		else if (take_op(t, '('))
			n = parse_call(t, n);
		else
			break;
	}
	return n;
}

static struct node *parse_unary(struct tpl *t, bool filters)
{
	struct node *n;

	if (is_op(t, '-') || is_op(t, '+')) {
		enum node_kind kind = take(t)->op == '-' ? N_NEG : N_POS;

		n = deeper(t) ? node(t, kind, parse_unary(t, false), NULL, NULL) : NULL;
		t->depth--;
	} else {
		n = parse_primary(t);
	}
	n = parse_postfix(t, n);
	return filters ? parse_filters(t, n) : n;
}

static struct node *math(struct tpl *t, int op, struct node *a, struct node *b)
{
	struct node *n = node(t, N_MATH, a, b, NULL);

	if (n)
		n->op = op;
	return n;
}

static struct node *parse_power(struct tpl *t)
{
	struct node *n = parse_unary(t, true);

	while (!t->failed && take_op(t, OP2('*', '*')))
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
			found = take_op(t, ops[i]);
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

	if (!n || !is_op(t, '~'))
		return n;
	all = node(t, N_CONCAT, NULL, NULL, NULL);
	add_child(t, all, node(t, N_POS, n, NULL, NULL));
	while (!t->failed && take_op(t, '~'))
		add_child(t, all, node(t, N_POS, parse_product(t), NULL, NULL));
	return all;
}

static struct node *parse_sum(struct tpl *t)
{
	struct node *n = parse_concat(t);

	while (!t->failed && (is_op(t, '+') || is_op(t, '-'))) {
		int op = take(t)->op;

		n = math(t, op, n, parse_concat(t));
	}
	return n;
}

/* The operator of a comparison: one of OP2, '<', '>', 'i' for in, 'n' for not in; 0: none here. */
static int take_comparison(struct tpl *t)
{
	static const int ops[] = {OP2('=', '='), OP2('!', '='), OP2('<', '='), OP2('>', '='), '<', '>'};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (take_op(t, ops[i]))
			return ops[i];
	if (take_name(t, "in"))
		return 'i';
	if (is_name(t, "not") && t->tokens[t->at + 1].kind == T_NAME && strcmp(t->tokens[t->at + 1].text, "in") == 0) {
		take(t);
		take(t);
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
			all = node(t, N_COMPARE, n, NULL, NULL);
		operand = node(t, N_POS, parse_sum(t), NULL, NULL);
		if (operand)
			operand->op = op;
		add_child(t, all, operand);
	}
	return all ? all : n;
}

static struct node *parse_not(struct tpl *t)
{
	struct node *n;

	if (!take_name(t, "not"))
		return parse_comparison(t);
	n = deeper(t) ? node(t, N_NOT, parse_not(t), NULL, NULL) : NULL;
	t->depth--;
	return n;
}

static struct node *parse_and(struct tpl *t)
{
	struct node *n = parse_not(t);

	while (!t->failed && take_name(t, "and"))
		n = node(t, N_AND, n, parse_not(t), NULL);
	return n;
}

static struct node *parse_or(struct tpl *t)
{
	struct node *n = parse_and(t);

	while (!t->failed && take_name(t, "or"))
		n = node(t, N_OR, n, parse_and(t), NULL);
	return n;
}

/* a if b else c: N_COND(b, a, c) */
static struct node *parse_expression(struct tpl *t, bool conditional)
{
	struct node *n = deeper(t) ? parse_or(t) : NULL;

	while (conditional && !t->failed && take_name(t, "if")) {
		struct node *condition = parse_or(t);

		n = node(t, N_COND, condition, n, take_name(t, "else") ? parse_expression(t, true) : NULL);
	}
	t->depth--;
	return n;
}

/* Statements. Each is called behind its tag's name. */

static bool end_block(struct tpl *t)
{
	return peek(t)->kind == T_BLOCK_END ? take(t) != NULL : unexpected(t, "%}") != NULL;
}

static bool take_end(struct tpl *t)
{
	take(t); /* the name that parse_body stopped at */
	return end_block(t);
}

/* {% if a %}...{% elif b %}...{% else %}...: children are the branches, `a` the condition (NULL: else), `b` the body */
static struct node *parse_if(struct tpl *t)
{
	struct node *all = node(t, N_IF, NULL, NULL, NULL);
	bool more = true;

	while (more && !t->failed) {
		struct node *condition = parse_tuple(t, true);

		end_block(t);
		add_child(t, all, node(t, N_POS, condition, parse_body(t, " elif else endif "), NULL));
		more = take_name(t, "elif");
	}
	if (!t->failed && is_name(t, "else")) {
		take_end(t);
		add_child(t, all, node(t, N_POS, NULL, parse_body(t, " endif "), NULL));
	}
	if (!t->failed)
		take_end(t);
	return all;
}

/* A name, or a group of them in brackets */
static struct node *parse_for_name(struct tpl *t)
{
	struct node *n;

	if (peek(t)->kind == T_NAME)
		return parse_name(t);
	if (!take_op(t, '('))
		return unexpected(t, "a name to assign to");
	n = deeper(t) ? parse_for_target(t) : NULL;
	t->depth--;
	return n && expect_op(t, ')') ? n : NULL;
}

/* The names that are assigned to: one N_NAME, or an N_LIST of them, nested for (a, (b, c)). `in` would be taken for the operator by
 * parse_tuple. */
static struct node *parse_for_target(struct tpl *t)
{
	struct node *first = parse_for_name(t), *list;

	if (!is_op(t, ','))
		return first;
	list = node(t, N_LIST, NULL, NULL, NULL);
	add_child(t, list, first);
	while (!t->failed && take_op(t, ',') && !is_name(t, "in") && !is_op(t, '=') && !is_op(t, ')'))
		add_child(t, list, parse_for_name(t));
	return list;
}

/* What `set` assigns to: names, or NAMESPACE.NAME */
static struct node *parse_target(struct tpl *t)
{
	struct node *n = parse_for_target(t);

	if (n && n->kind == N_NAME && take_op(t, '.'))
		n = parse_attr(t, n);
	return n && n->kind == N_ITEM ? unexpected(t, "a name to assign to") : n;
}

/* {% for TARGET in a [if b] %}body{% else %}c: `value`-less node; children: target, body */
static struct node *parse_for(struct tpl *t)
{
	struct node *target = parse_for_target(t);
	struct node *over, *condition = NULL, *body, *otherwise = NULL, *n;

	if (!t->failed && !take_name(t, "in"))
		return unexpected(t, "'in'");
	over = parse_tuple(t, false);
	if (take_name(t, "if"))
		condition = parse_expression(t, true);
	if (is_name(t, "recursive"))
		return unexpected(t, "%} (recursive loops are not supported)");
	end_block(t);
	body = parse_body(t, " else endfor ");
	if (!t->failed && is_name(t, "else")) {
		take_end(t);
		otherwise = parse_body(t, " endfor ");
	}
	n = node(t, N_FOR, over, condition, otherwise);
	add_child(t, n, target);
	add_child(t, n, body);
	return !t->failed && take_end(t) ? n : NULL;
}

/* {% set a = b %} or {% set a | filter %}...{% endset %}: `c` is then the filters over an empty constant */
static struct node *parse_set(struct tpl *t)
{
	struct node *target = parse_target(t);
	struct node *filters = NULL, *n;

	if (!t->failed && take_op(t, '=')) {
		n = node(t, N_SET, target, parse_tuple(t, true), NULL);
		end_block(t);
		return n;
	}
	while (!t->failed && take_op(t, '|'))
		filters = parse_filter(t, filters ? filters : constant(t, NULL));
	end_block(t);
	n = node(t, N_SET_BLOCK, target, parse_body(t, " endset "), filters);
	return !t->failed && take_end(t) ? n : NULL;
}

/* {% with a = 1, b = 2 %}: children are the assignments */
static struct node *parse_with(struct tpl *t)
{
	struct node *n = node(t, N_WITH, NULL, NULL, NULL);

	while (!t->failed && peek(t)->kind == T_NAME) {
		struct node *name = parse_name(t);

		if (!expect_op(t, '='))
			return NULL;
		add_child(t, n, node(t, N_SET, name, parse_expression(t, true), NULL));
		if (!take_op(t, ','))
			break;
	}
	end_block(t);
	if (!t->failed)
		n->a = parse_body(t, " endwith ");
	return !t->failed && take_end(t) ? n : NULL;
}

static struct node *parse_filter_block(struct tpl *t)
{
	struct node *filters = parse_filter(t, constant(t, NULL));
	struct node *n;

	while (!t->failed && take_op(t, '|'))
		filters = parse_filter(t, filters);
	end_block(t);
	n = node(t, N_FILTER_BLOCK, parse_body(t, " endfilter "), filters, NULL);
	return !t->failed && take_end(t) ? n : NULL;
}

static struct node *parse_unsupported(struct tpl *t)
{
	tpl_fail(t, "{%% %s %%} is not supported", t->tokens[t->at - 1].text);
	return NULL;
}

static const struct {
	const char *name;
	struct node *(*parse)(struct tpl *t);
} statements[] = {
	{"if", parse_if},
	{"for", parse_for},
	{"set", parse_set},
	{"with", parse_with},
	{"filter", parse_filter_block},
	{"include", parse_unsupported},
	{"import", parse_unsupported},
	{"from", parse_unsupported},
	{"extends", parse_unsupported},
	{"block", parse_unsupported},
	{"macro", parse_unsupported},
	{"call", parse_unsupported},
	{"do", parse_unsupported},
	{"break", parse_unsupported},
	{"continue", parse_unsupported},
	{"autoescape", parse_unsupported},
	{"trans", parse_unsupported},
};

static struct node *parse_statement(struct tpl *t)
{
	const char *name;

	if (peek(t)->kind != T_NAME)
		return unexpected(t, "a tag's name");
	name = take(t)->text;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(name, statements[i].name) == 0)
			return statements[i].parse(t);
	tpl_fail(t, "there is no tag '%s', or it closes nothing here", name);
	return NULL;
}

static struct node *parse_output(struct tpl *t)
{
	struct node *n = node(t, N_OUTPUT, parse_tuple(t, true), NULL, NULL);

	if (!t->failed && peek(t)->kind != T_VAR_END)
		return unexpected(t, "}}");
	take(t);
	return n;
}

static struct node *parse_data(struct tpl *t)
{
	const struct token *token = take(t);
	struct node *n = node(t, N_DATA, NULL, NULL, NULL);

	if (n)
		n->value = value_string_n(&t->pool, token->text, token->n);
	return n;
}

/* Whether `ends` (words with spaces around) has `name` */
static bool ends_at(const char *ends, const char *name)
{
	char word[32];

	if (strlen(name) > sizeof(word) - 3)
		return false;
	snprintf(word, sizeof(word), " %s ", name);
	return strstr(ends, word) != NULL;
}

/* Statements up to a tag of `ends`, whose name is the next token then; "": up to the end of the template. */
static struct node *parse_body(struct tpl *t, const char *ends)
{
	struct node *body = node(t, N_POS, NULL, NULL, NULL);
	int line = t->line;
	bool ended = false;

	if (!body || !deeper(t))
		return NULL;
	while (!t->failed && !ended) {
		const struct token *token = peek(t);

		if (token->kind == T_EOF) {
			t->line = line;
			if (*ends)
				tpl_fail(t, "a tag is not closed; expected one of:%.*s", (int)strlen(ends) - 1, ends);
			break;
		}
		if (token->kind == T_DATA) {
			add_child(t, body, parse_data(t));
			continue;
		}
		take(t);
		ended = token->kind == T_BLOCK_BEGIN && peek(t)->kind == T_NAME && ends_at(ends, peek(t)->text);
		if (!ended)
			add_child(t, body, token->kind == T_VAR_BEGIN ? parse_output(t) : parse_statement(t));
	}
	t->depth--;
	return body;
}

struct node *tpl_parse(struct tpl *t)
{
	struct node *body = parse_body(t, "");

	return t->failed ? NULL : body;
}
