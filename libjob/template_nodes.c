/* What the parser takes from the tokens, and the nodes that it makes. */
#include "libjob/template_parse.h"

#include <string.h>

#define CHAIN_MAX 500 /* nodes beneath each other: a.b.c.d..., a + b + c + ... */

const struct token *parse_peek(struct tpl *t)
{
	return &t->tokens[t->at];
}

const struct token *parse_take(struct tpl *t)
{
	const struct token *token = &t->tokens[t->at];

	t->line = token->line;
	if (token->kind != T_EOF)
		t->at++;
	return token;
}

bool parse_at_op(struct tpl *t, int op)
{
	return parse_peek(t)->kind == T_OP && parse_peek(t)->op == op;
}

bool parse_at_name(struct tpl *t, const char *name)
{
	return parse_peek(t)->kind == T_NAME && strcmp(parse_peek(t)->text, name) == 0;
}

bool parse_take_op(struct tpl *t, int op)
{
	return parse_at_op(t, op) && parse_take(t);
}

bool parse_take_name(struct tpl *t, const char *name)
{
	return parse_at_name(t, name) && parse_take(t);
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

void *parse_unexpected(struct tpl *t, const char *wanted)
{
	char buf[3];

	t->line = parse_peek(t)->line;
	tpl_fail(t, "found '%s'; expected: %s", token_text(parse_peek(t), buf), wanted);
	return NULL;
}

bool parse_expect_op(struct tpl *t, int op)
{
	char wanted[] = {'\'', (char)op, '\'', 0};

	return parse_take_op(t, op) || parse_unexpected(t, wanted);
}

struct node *parse_node(struct tpl *t, enum node_kind kind, struct node *a, struct node *b, struct node *c)
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

void parse_add_child(struct tpl *t, struct node *parent, struct node *child)
{
	if (!parent || !child)
		return;
	if (child->depth >= parent->depth)
		parent->depth = child->depth + 1;
	*parent->last = child;
	parent->last = &child->next;
}

bool parse_deeper(struct tpl *t)
{
	if (++t->depth > TEMPLATE_DEPTH_MAX)
		tpl_fail(t, "nested too deeply; accepted: %d levels", TEMPLATE_DEPTH_MAX);
	return !t->failed;
}

struct node *parse_constant(struct tpl *t, const struct value *v)
{
	struct node *n = parse_node(t, N_CONST, NULL, NULL, NULL);

	if (n)
		n->value = v;
	return n;
}
