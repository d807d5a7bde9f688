/* Tokens to nodes: statements, and the template as a whole. */
#include "libjob/template_parse.h"

#include <stdio.h>
#include <string.h>

static struct node *parse_body(struct tpl *t, const char *ends);
static struct node *parse_for_target(struct tpl *t);

/* Each of these is called behind its tag's name. */

static bool end_block(struct tpl *t)
{
	return parse_peek(t)->kind == T_BLOCK_END ? parse_take(t) != NULL : parse_unexpected(t, "%}") != NULL;
}

static bool take_end(struct tpl *t)
{
	parse_take(t); /* the name that parse_body stopped at */
	return end_block(t);
}

/* {% if a %}...{% elif b %}...{% else %}...: children are the branches, `a` the condition (NULL: else), `b` the body */
static struct node *parse_if(struct tpl *t)
{
	struct node *all = parse_node(t, N_IF, NULL, NULL, NULL);
	bool more = true;

	while (more && !t->failed) {
		struct node *condition = parse_tuple(t, true);

		end_block(t);
		parse_add_child(t, all, parse_node(t, N_POS, condition, parse_body(t, " elif else endif "), NULL));
		more = parse_take_name(t, "elif");
	}
	if (!t->failed && parse_at_name(t, "else")) {
		take_end(t);
		parse_add_child(t, all, parse_node(t, N_POS, NULL, parse_body(t, " endif "), NULL));
	}
	if (!t->failed)
		take_end(t);
	return all;
}

/* A name, or a group of them in brackets */
static struct node *parse_for_name(struct tpl *t)
{
	struct node *n;

	if (parse_peek(t)->kind == T_NAME)
		return parse_name(t);
	if (!parse_take_op(t, '('))
		return parse_unexpected(t, "a name to assign to");
	n = parse_deeper(t) ? parse_for_target(t) : NULL;
	t->depth--;
	return n && parse_expect_op(t, ')') ? n : NULL;
}

/* The names that are assigned to: one N_NAME, or an N_LIST of them, nested for (a, (b, c)). `in` would be taken for the operator by
 * parse_tuple. */
static struct node *parse_for_target(struct tpl *t)
{
	struct node *first = parse_for_name(t), *list;

	if (!parse_at_op(t, ','))
		return first;
	list = parse_node(t, N_LIST, NULL, NULL, NULL);
	parse_add_child(t, list, first);
	while (!t->failed && parse_take_op(t, ',') && !parse_at_name(t, "in") && !parse_at_op(t, '=') && !parse_at_op(t, ')'))
		parse_add_child(t, list, parse_for_name(t));
	return list;
}

/* What `set` assigns to: names, or NAMESPACE.NAME */
static struct node *parse_target(struct tpl *t)
{
	struct node *n = parse_for_target(t);

	if (n && n->kind == N_NAME && parse_take_op(t, '.'))
		n = parse_attr(t, n);
	return n && n->kind == N_ITEM ? parse_unexpected(t, "a name to assign to") : n;
}

/* {% for TARGET in a [if b] %}body{% else %}c: `value`-less node; children: target, body */
static struct node *parse_for(struct tpl *t)
{
	struct node *target = parse_for_target(t);
	struct node *over, *condition = NULL, *body, *otherwise = NULL, *n;

	if (!t->failed && !parse_take_name(t, "in"))
		return parse_unexpected(t, "'in'");
	over = parse_tuple(t, false);
	if (parse_take_name(t, "if"))
		condition = parse_expression(t, true);
	if (parse_at_name(t, "recursive"))
		return parse_unexpected(t, "%} (recursive loops are not supported)");
	end_block(t);
	body = parse_body(t, " else endfor ");
	if (!t->failed && parse_at_name(t, "else")) {
		take_end(t);
		otherwise = parse_body(t, " endfor ");
	}
	n = parse_node(t, N_FOR, over, condition, otherwise);
	parse_add_child(t, n, target);
	parse_add_child(t, n, body);
	return !t->failed && take_end(t) ? n : NULL;
}

/* {% set a = b %} or {% set a | filter %}...{% endset %}: `c` is then the filters over an empty constant */
static struct node *parse_set(struct tpl *t)
{
	struct node *target = parse_target(t);
	struct node *filters = NULL, *n;

	if (!t->failed && parse_take_op(t, '=')) {
		n = parse_node(t, N_SET, target, parse_tuple(t, true), NULL);
		end_block(t);
		return n;
	}
	while (!t->failed && parse_take_op(t, '|'))
		filters = parse_filter(t, filters ? filters : parse_constant(t, NULL));
	end_block(t);
	n = parse_node(t, N_SET_BLOCK, target, parse_body(t, " endset "), filters);
	return !t->failed && take_end(t) ? n : NULL;
}

/* {% with a = 1, b = 2 %}: children are the assignments */
static struct node *parse_with(struct tpl *t)
{
	struct node *n = parse_node(t, N_WITH, NULL, NULL, NULL);

	while (!t->failed && parse_peek(t)->kind == T_NAME) {
		struct node *name = parse_name(t);

		if (!parse_expect_op(t, '='))
			return NULL;
		parse_add_child(t, n, parse_node(t, N_SET, name, parse_expression(t, true), NULL));
		if (!parse_take_op(t, ','))
			break;
	}
	end_block(t);
	if (!t->failed)
		n->a = parse_body(t, " endwith ");
	return !t->failed && take_end(t) ? n : NULL;
}

static struct node *parse_filter_block(struct tpl *t)
{
	struct node *filters = parse_filter(t, parse_constant(t, NULL));
	struct node *n;

	while (!t->failed && parse_take_op(t, '|'))
		filters = parse_filter(t, filters);
	end_block(t);
	n = parse_node(t, N_FILTER_BLOCK, parse_body(t, " endfilter "), filters, NULL);
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

	if (parse_peek(t)->kind != T_NAME)
		return parse_unexpected(t, "a tag's name");
	name = parse_take(t)->text;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(name, statements[i].name) == 0)
			return statements[i].parse(t);
	tpl_fail(t, "there is no tag '%s', or it closes nothing here", name);
	return NULL;
}

static struct node *parse_output(struct tpl *t)
{
	struct node *n = parse_node(t, N_OUTPUT, parse_tuple(t, true), NULL, NULL);

	if (!t->failed && parse_peek(t)->kind != T_VAR_END)
		return parse_unexpected(t, "}}");
	parse_take(t);
	return n;
}

static struct node *parse_data(struct tpl *t)
{
	const struct token *token = parse_take(t);
	struct node *n = parse_node(t, N_DATA, NULL, NULL, NULL);

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
	struct node *body = parse_node(t, N_POS, NULL, NULL, NULL);
	int line = t->line;
	bool ended = false;

	if (!body || !parse_deeper(t))
		return NULL;
	while (!t->failed && !ended) {
		const struct token *token = parse_peek(t);

		if (token->kind == T_EOF) {
			t->line = line;
			if (*ends)
				tpl_fail(t, "a tag is not closed; expected one of:%.*s", (int)strlen(ends) - 1, ends);
			break;
		}
		if (token->kind == T_DATA) {
			parse_add_child(t, body, parse_data(t));
			continue;
		}
		parse_take(t);
		ended = token->kind == T_BLOCK_BEGIN && parse_peek(t)->kind == T_NAME && ends_at(ends, parse_peek(t)->text);
		if (!ended)
			parse_add_child(t, body, token->kind == T_VAR_BEGIN ? parse_output(t) : parse_statement(t));
	}
	t->depth--;
	return body;
}

struct node *tpl_parse(struct tpl *t)
{
	struct node *body = parse_body(t, "");

	return t->failed ? NULL : body;
}
