/* The inside of the template engine: tokens (template_lex.c), nodes (template_parse.c), evaluation (template_eval.c, template_run.c), and
 * what templates can call (template_filters.c, template_tests.c, template_methods.c, template_ops.c). One struct tpl is one rendering. */
#ifndef LIBJOB_TEMPLATE_INTERNAL_H
#define LIBJOB_TEMPLATE_INTERNAL_H

#include "libjob/template.h"
#include "libjob/value_internal.h"

enum token_kind { T_DATA, T_VAR_BEGIN, T_VAR_END, T_BLOCK_BEGIN, T_BLOCK_END, T_NAME, T_VALUE, T_OP, T_EOF };

#define OP2(a, b) ((a) | (b) << 8) /* "==" is OP2('=', '=') */

struct token {
	enum token_kind kind;
	int line;
	int op;           /* T_OP: a character or OP2 */
	const char *text; /* T_DATA, T_NAME: n bytes in the pool, names 0-terminated */
	size_t n;
	const struct value *value; /* T_VALUE: a number or string */
};

enum node_kind {
	N_DATA,
	N_OUTPUT,
	N_IF,
	N_FOR,
	N_SET,
	N_SET_BLOCK,
	N_WITH,
	N_FILTER_BLOCK, /* statements */
	N_CONST,
	N_NAME,
	N_ATTR,
	N_ITEM,
	N_SLICE,
	N_CALL,
	N_FILTER,
	N_TEST,
	N_LIST,
	N_DICT,
	N_COND,
	N_AND,
	N_OR,
	N_NOT,
	N_NEG,
	N_POS,
	N_COMPARE,
	N_CONCAT,
	N_MATH
};

struct node {
	enum node_kind kind;
	int line;
	int op;           /* N_MATH, and each operand of N_COMPARE; N_TEST: 1 negated */
	unsigned depth;   /* 1 + the deepest child's */
	const char *name; /* N_NAME, N_ATTR, N_FILTER, N_TEST: 0-terminated; an argument: its keyword or NULL */
	const struct value *value;
	struct node *a, *b, *c;     /* what they are is said where they are evaluated */
	struct node *first, **last; /* children: list items, arguments, statements of a body */
	struct node *next;          /* in its parent's children */
};

struct scope {
	struct scope *parent;
	struct scope_name {
		const char *name;
		const struct value *value;
	} * v;
	size_t n, cap;
};

struct loop_state { /* of a running `for` */
	const struct value *list;
	size_t i;
	const struct value *changed; /* what loop.changed() saw last */
};

struct text { /* grows in memory of its own, which counts as the pool's; bounded by bounds->output */
	char *p;
	size_t n, cap;
};

struct tpl {
	struct value_pool pool;
	const char *where;
	const struct template_bounds *bounds;
	struct gw_error *err;
	bool failed; /* err is set: everything returns as fast as it can */
	int line;    /* of what is being done, for errors */
	long steps;
	unsigned depth;
	const char *source;
	size_t source_n;
	struct token *tokens;
	size_t n_tokens, cap_tokens, at;
	const struct value *names;
	struct scope *scope;
	struct text *out;
};

/* Positional arguments come first; keywords are beside them. */
#define ARGS_MAX 16
struct args {
	const struct value *v[ARGS_MAX];
	size_t n;
	const char *key[ARGS_MAX];
	const struct value *key_value[ARGS_MAX];
	size_t n_keys;
};

/* Sets the error once ("where:LINE: ...") and `failed`. Returns undefined, so that evaluators can return it. */
const struct value *tpl_fail(struct tpl *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool tpl_charge(struct tpl *t, size_t bytes); /* one step and one for each 64 bytes; false: out of steps or failed */
void *tpl_alloc(struct tpl *t, size_t size);  /* NULL: failed */

bool tpl_lex(struct tpl *t);
struct node *tpl_parse(struct tpl *t); /* a body: its children are statements. NULL: failed */
void tpl_run_body(struct tpl *t, const struct node *body);
const struct value *tpl_eval(struct tpl *t, const struct node *n);
bool tpl_args(struct tpl *t, const struct node *call, struct args *args);
void tpl_assign(struct tpl *t, const char *name, const struct value *v);

/* Text of values */
void text_put(struct tpl *t, struct text *text, const char *p, size_t n);
void text_puts(struct tpl *t, struct text *text, const char *s);
void text_value(struct tpl *t, struct text *text, const struct value *v); /* as {{ }} shows it */
void text_repr(struct tpl *t, struct text *text, const struct value *v);  /* as a list shows its items */
void text_json(struct tpl *t, struct text *text, const struct value *v, int indent /* < 0: one line */, int level);
const struct value *text_take(struct tpl *t, struct text *text); /* as a string of the pool; frees the text */
void text_free(struct tpl *t, struct text *text);
const struct value *tpl_str(struct tpl *t, const struct value *v); /* a string stays itself */

/* Operators */
const struct value *op_math(struct tpl *t, int op, const struct value *a, const struct value *b);
bool op_equal(struct tpl *t, const struct value *a, const struct value *b);
int op_order(struct tpl *t, const struct value *a, const struct value *b); /* < 0, 0, > 0 */
bool op_in(struct tpl *t, const struct value *needle, const struct value *hay);
bool op_compare(struct tpl *t, int op, const struct value *a, const struct value *b);
const struct value *op_attr(struct tpl *t, const struct value *v, const char *name);
const struct value *op_item(struct tpl *t, const struct value *v, const struct value *key);
const struct value *op_slice(struct tpl *t, const struct value *v, const struct value *from, const struct value *to,
			     const struct value *step);
const struct value *op_list(struct tpl *t, const struct value *v); /* what a `for` over it sees, as a list */

/* Calls. The arguments' count is checked by the callee's row. */
const struct value *tpl_filter(struct tpl *t, const char *name, const struct value *v, struct args *args);
bool tpl_filter_exists(const char *name);
bool tpl_test(struct tpl *t, const char *name, const struct value *v, struct args *args);
bool tpl_test_exists(const char *name);
/* A method of a string, list, dict or loop: NULL if there is none of that name. */
const struct value *tpl_method(struct tpl *t, const struct value *v, const char *name, struct args *args);
const struct value *tpl_global(struct tpl *t, const char *name, struct args *args); /* range, dict, namespace; NULL: none */
const struct value *loop_attr(struct tpl *t, const struct value *loop, const char *name);
const struct value *loop_method(struct tpl *t, const struct value *loop, const char *name, struct args *args);

/* Argument `i` or keyword `name` (NULL: none), else `otherwise`. */
const struct value *arg(const struct args *args, size_t i, const char *name, const struct value *otherwise);

#endif
