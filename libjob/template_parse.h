/* The parser: expressions are in template_parse.c, statements in template_statements.c. Every function here returns NULL or false, with the
 * template failed, for what is no template. */
#ifndef LIBJOB_TEMPLATE_PARSE_H
#define LIBJOB_TEMPLATE_PARSE_H

#include "libjob/template_internal.h"

const struct token *parse_peek(struct tpl *t);
const struct token *parse_take(struct tpl *t); /* stays at the end of the template */
bool parse_at_op(struct tpl *t, int op);
bool parse_at_name(struct tpl *t, const char *name);
bool parse_take_op(struct tpl *t, int op); /* if it is there */
bool parse_take_name(struct tpl *t, const char *name);
bool parse_expect_op(struct tpl *t, int op);
void *parse_unexpected(struct tpl *t, const char *wanted); /* NULL */
bool parse_deeper(struct tpl *t);                          /* one level; whoever called it takes it back from t->depth, whatever it said */

struct node *parse_node(struct tpl *t, enum node_kind kind, struct node *a, struct node *b, struct node *c);
void parse_add_child(struct tpl *t, struct node *parent, struct node *child);
struct node *parse_constant(struct tpl *t, const struct value *v);

struct node *parse_expression(struct tpl *t, bool conditional /* a if b else c */);
struct node *parse_tuple(struct tpl *t, bool conditional);
struct node *parse_name(struct tpl *t);
struct node *parse_attr(struct tpl *t, struct node *of);   /* behind the point */
struct node *parse_filter(struct tpl *t, struct node *of); /* behind the bar */

#endif
