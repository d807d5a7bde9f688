/* Statements to output, and the rendering as a whole. */
#include "libjob/template_internal.h"

#include <string.h>

static const struct value *with_filters(struct tpl *t, const struct node *filters, const struct value *v)
{
	const struct node *inner = filters;
	struct args args;

	if (!filters)
		return v;
	while (inner->kind == N_FILTER)
		inner = inner->a;
	if (filters->a != inner)
		v = with_filters(t, filters->a, v);
	t->line = filters->line;
	return tpl_args(t, filters, &args) ? tpl_filter(t, filters->name, v, &args) : value_undefined();
}

static const struct value *captured(struct tpl *t, const struct node *body)
{
	struct text *outer = t->out;
	struct text text = {0};

	t->out = &text;
	tpl_run_body(t, body);
	t->out = outer;
	return text_take(t, &text);
}

static void assign_attr(struct tpl *t, const struct node *target, const struct value *v)
{
	const struct value *ns = tpl_eval(t, target->a);

	if (ns->type != VALUE_DICT || !ns->is_namespace)
		tpl_fail(t, "only attributes of namespace() can be set");
	else if (v->is_namespace || v->has_namespace)
		tpl_fail(t, "a namespace cannot hold a namespace");
	else
		value_set(&t->pool, (struct value *)(uintptr_t)ns, target->name, v);
}

static void assign(struct tpl *t, const struct node *target, const struct value *v)
{
	size_t i = 0;

	if (t->failed)
		return;
	if (target->kind == N_NAME) {
		tpl_assign(t, target->name, v);
		return;
	}
	if (target->kind == N_ATTR) {
		assign_attr(t, target, v);
		return;
	}
	v = op_list(t, v);
	for (const struct node *item = target->first; item && !t->failed; item = item->next)
		if (i == value_len(v))
			tpl_fail(t, "there are %zu values for more names", i);
		else
			assign(t, item, value_at(v, i++));
	if (i < value_len(v))
		tpl_fail(t, "there are %zu values for %zu names", value_len(v), i);
}

static void run_data(struct tpl *t, const struct node *n)
{
	text_value(t, t->out, n->value);
}

static void run_output(struct tpl *t, const struct node *n)
{
	const struct value *v = tpl_eval(t, n->a);

	if (!t->failed)
		text_value(t, t->out, v);
}

static void run_if(struct tpl *t, const struct node *n)
{
	for (const struct node *branch = n->first; branch && !t->failed; branch = branch->next)
		if (!branch->a || value_is_true(tpl_eval(t, branch->a))) {
			if (!t->failed)
				tpl_run_body(t, branch->b);
			return;
		}
}

/* What is left of a list after `for ... if` */
static const struct value *filtered(struct tpl *t, const struct node *n, const struct value *list)
{
	struct value *kept = value_list(&t->pool);
	struct scope scope = {.parent = t->scope};

	if (!n->b)
		return list;
	t->scope = &scope;
	for (size_t i = 0; i < value_len(list) && tpl_charge(t, 0); i++) {
		assign(t, n->first, value_at(list, i));
		if (!t->failed && value_is_true(tpl_eval(t, n->b)))
			value_append(&t->pool, kept, value_at(list, i));
	}
	t->scope = scope.parent;
	return kept;
}

static void run_for(struct tpl *t, const struct node *n)
{
	const struct value *list = op_list(t, tpl_eval(t, n->a));
	struct loop_state *loop = tpl_alloc(t, sizeof(*loop));
	struct scope scope = {.parent = t->scope};

	if (t->failed || !loop)
		return;
	list = filtered(t, n, list);
	loop->list = list;
	t->scope = &scope;
	for (loop->i = 0; loop->i < value_len(list) && tpl_charge(t, 0); loop->i++) {
		scope.n = 0;
		tpl_assign(t, "loop", value_loop(&t->pool, loop));
		assign(t, n->first, value_at(list, loop->i));
		if (!t->failed)
			tpl_run_body(t, n->first->next);
	}
	t->scope = scope.parent;
	if (!value_len(list) && n->c && !t->failed)
		tpl_run_body(t, n->c);
}

static void run_set(struct tpl *t, const struct node *n)
{
	assign(t, n->a, tpl_eval(t, n->b));
}

static void run_set_block(struct tpl *t, const struct node *n)
{
	assign(t, n->a, with_filters(t, n->c, captured(t, n->b)));
}

static void run_with(struct tpl *t, const struct node *n)
{
	struct scope scope = {.parent = t->scope};

	for (const struct node *item = n->first; item && !t->failed; item = item->next) {
		const struct value *v = tpl_eval(t, item->b); /* sees the names outside */

		t->scope = &scope;
		assign(t, item->a, v);
		t->scope = scope.parent;
	}
	t->scope = &scope;
	if (!t->failed)
		tpl_run_body(t, n->a);
	t->scope = scope.parent;
}

static void run_filter_block(struct tpl *t, const struct node *n)
{
	text_value(t, t->out, with_filters(t, n->b, captured(t, n->a)));
}

static void (*const runners[])(struct tpl *t, const struct node *n) = {
	[N_DATA] = run_data, [N_OUTPUT] = run_output,       [N_IF] = run_if,     [N_FOR] = run_for,
	[N_SET] = run_set,   [N_SET_BLOCK] = run_set_block, [N_WITH] = run_with, [N_FILTER_BLOCK] = run_filter_block,
};

void tpl_run_body(struct tpl *t, const struct node *body)
{
	for (const struct node *n = body->first; n && !t->failed; n = n->next) {
		t->line = n->line;
		if (tpl_charge(t, 0))
			runners[n->kind](t, n);
	}
}

/* Newlines become LF, the last one goes, and so does a first line #!jinja2 (which `line` still counts). */
static bool prepare(struct tpl *t, const char *text, size_t n)
{
	static const char shebang[] = "#!jinja2";
	char *copy = tpl_alloc(t, n + 1);
	size_t len = 0, i = 0;

	if (!copy)
		return false;
	for (i = 0; i < n; i++)
		if (text[i] != '\r')
			copy[len++] = text[i];
		else if (i + 1 >= n || text[i + 1] != '\n')
			copy[len++] = '\n';
	if (len && copy[len - 1] == '\n')
		len--;
	t->line = 1;
	t->source = copy;
	t->source_n = len;
	if (len < sizeof(shebang) - 1 || memcmp(copy, shebang, sizeof(shebang) - 1) != 0)
		return true;
	for (i = sizeof(shebang) - 1; i < len && (copy[i] == ' ' || copy[i] == '\t'); i++)
		;
	if (i < len && copy[i] != '\n')
		return true;
	i += i < len;
	t->source += i;
	t->source_n -= i;
	t->line = 2;
	return true;
}

static void render(struct tpl *t, const char *text, size_t n)
{
	const struct node *body;

	if (n > TEMPLATE_OUTPUT_MAX) {
		tpl_fail(t, "the template has %zu bytes; accepted: %d", n, TEMPLATE_OUTPUT_MAX);
		return;
	}
	if (!prepare(t, text, n) || !tpl_lex(t))
		return;
	body = tpl_parse(t);
	t->depth = 0;
	if (body)
		tpl_run_body(t, body);
	if (!t->failed)
		tpl_charge(t, 0); /* the pool may be full since the last step */
}

bool template_render_within(const struct template_bounds *bounds, const char *where, const char *text, size_t n, const struct value *names,
			    char **out, struct gw_error *err)
{
	struct scope globals = {0};
	struct text result = {0};
	struct tpl t = {.where = where, .bounds = bounds, .err = err, .line = 1, .names = names, .scope = &globals, .out = &result};

	value_pool_init(&t.pool, bounds->memory);
	render(&t, text, n);
	value_pool_finish(&t.pool);
	*out = NULL;
	if (t.failed)
		free(result.p);
	else
		*out = result.p ? result.p : gw_strdup("");
	return !t.failed;
}

bool template_render(const char *where, const char *text, size_t n, const struct value *names, char **out, struct gw_error *err)
{
	static const struct template_bounds bounds = {TEMPLATE_STEPS_MAX, TEMPLATE_OUTPUT_MAX, TEMPLATE_MEMORY_MAX};

	return template_render_within(&bounds, where, text, n, names, out, err);
}
