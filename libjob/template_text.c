/* Values to text: as `{{ }}` shows them (Python's str), as a list shows its items (Python's repr), and as JSON. */
#include "libjob/template_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool text_grow(struct tpl *t, struct text *text, size_t cap)
{
	if (cap - text->cap > t->pool.limit - t->pool.used) {
		t->pool.full = true;
		return tpl_charge(t, 0);
	}
	t->pool.used += cap - text->cap;
	text->p = gw_realloc(text->p, cap);
	text->cap = cap;
	return true;
}

void text_put(struct tpl *t, struct text *text, const char *p, size_t n)
{
	if (t->failed || !tpl_charge(t, n))
		return;
	if (n > t->bounds->output - text->n) {
		tpl_fail(t, "the text grows too large; accepted: %zu bytes", t->bounds->output);
		return;
	}
	if (text->n + n + 1 > text->cap && !text_grow(t, text, (text->n + n + 1) * 2 + 64))
		return;
	if (n)
		memcpy(text->p + text->n, p, n);
	text->n += n;
	text->p[text->n] = 0;
}

void text_puts(struct tpl *t, struct text *text, const char *s)
{
	text_put(t, text, s, strlen(s));
}

const struct value *text_take(struct tpl *t, struct text *text)
{
	const struct value *v = t->failed ? value_undefined() : value_string_n(&t->pool, text->p, text->n);

	text_free(t, text);
	return v;
}

void text_free(struct tpl *t, struct text *text)
{
	t->pool.used -= text->cap;
	free(text->p);
	*text = (struct text){0};
}

const struct value *tpl_str(struct tpl *t, const struct value *v)
{
	struct text text = {0};

	if (v->type == VALUE_STRING)
		return v;
	text_value(t, &text, v);
	return text_take(t, &text);
}

/* The shortest digits that read back as the same number, with a point */
static void add_float(struct tpl *t, struct text *text, double f, bool json)
{
	char buf[40];

	if (!isfinite(f)) {
		text_puts(t, text,
			  json ? (isnan(f) ? "NaN"
				  : f < 0  ? "-Infinity"
					   : "Infinity")
			       : (isnan(f) ? "nan"
				  : f < 0  ? "-inf"
					   : "inf"));
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, f);
		if (strtod(buf, NULL) == f)
			break;
	}
	if (strchr(buf, 'e') && fabs(f) >= 1 && fabs(f) < 1e16) /* Python changes to exponents at 1e16 */
		snprintf(buf, sizeof(buf), "%.1f", f);
	text_puts(t, text, buf);
	if (!strpbrk(buf, ".e"))
		text_puts(t, text, ".0");
}

static void add_scalar(struct tpl *t, struct text *text, const struct value *v, bool json)
{
	char buf[32];

	if (v->type == VALUE_NONE)
		text_puts(t, text, json ? "null" : "None");
	else if (v->type == VALUE_BOOL)
		text_puts(t, text, v->u.b ? (json ? "true" : "True") : (json ? "false" : "False"));
	else if (v->type == VALUE_INT)
		text_put(t, text, buf, (size_t)snprintf(buf, sizeof(buf), "%lld", (long long)v->u.i));
	else if (v->type == VALUE_FLOAT)
		add_float(t, text, v->u.f, json);
	else if (v->type == VALUE_CALLABLE || v->type == VALUE_LOOP)
		text_puts(t, text, v->type == VALUE_LOOP ? "<loop>" : "<function>");
}

static void add_quoted(struct tpl *t, struct text *text, const struct value *v)
{
	const char *quote = memchr(v->u.s.p, '\'', v->u.s.n) && !memchr(v->u.s.p, '"', v->u.s.n) ? "\"" : "'";
	char buf[8];

	text_puts(t, text, quote);
	for (size_t i = 0; i < v->u.s.n && !t->failed; i++) {
		unsigned char c = (unsigned char)v->u.s.p[i];
		static const char escapes[] = "\nn\tt\rr";
		const char *e = c ? strchr("\n\t\r", c) : NULL;

		if (e)
			snprintf(buf, sizeof(buf), "\\%c", escapes[(size_t)(strchr(escapes, c) - escapes) + 1]);
		else if (c == '\\' || c == (unsigned char)*quote)
			snprintf(buf, sizeof(buf), "\\%c", c);
		else
			snprintf(buf, sizeof(buf), c < 0x20 || c == 0x7f ? "\\x%02x" : "%c", c);
		text_puts(t, text, buf);
	}
	text_puts(t, text, quote);
}

static void add_container(struct tpl *t, struct text *text, const struct value *v)
{
	text_puts(t, text, v->type == VALUE_LIST ? "[" : "{");
	for (size_t i = 0; i < value_len(v) && !t->failed; i++) {
		if (i)
			text_puts(t, text, ", ");
		if (v->type == VALUE_DICT) {
			text_repr(t, text, value_key_at(v, i));
			text_puts(t, text, ": ");
		}
		text_repr(t, text, v->type == VALUE_LIST ? value_at(v, i) : value_item_at(v, i));
	}
	text_puts(t, text, v->type == VALUE_LIST ? "]" : "}");
}

void text_repr(struct tpl *t, struct text *text, const struct value *v)
{
	if (v->type == VALUE_STRING)
		add_quoted(t, text, v);
	else
		text_value(t, text, v);
}

void text_value(struct tpl *t, struct text *text, const struct value *v)
{
	if (!tpl_charge(t, 0))
		return;
	if (v->type == VALUE_STRING)
		text_put(t, text, v->u.s.p, v->u.s.n);
	else if (v->type == VALUE_LIST || v->type == VALUE_DICT)
		add_container(t, text, v);
	else
		add_scalar(t, text, v, false);
}

static bool json_plain(unsigned char c)
{
	return c >= 0x20 && c != 0x7f && !strchr("<>&'\"\\", c);
}

/* Source: Jinja2's htmlsafe_json_dumps: < > & ' as \uXXXX. Letters other than ASCII stay: YAML and TOML know no pairs of surrogates. DEL
 * does not, which TOML takes in no other way. */
static void json_string(struct tpl *t, struct text *text, const struct value *v)
{
	const char *p = v->u.s.p, *end = p + v->u.s.n;
	char buf[16];

	text_puts(t, text, "\"");
	while (p < end && !t->failed) {
		size_t plain = 0;

		while (p + plain < end && json_plain((unsigned char)p[plain]))
			plain++;
		text_put(t, text, p, plain);
		p += plain;
		if (p == end)
			break;
		if (*p == '\n' || *p == '\t' || *p == '\r')
			snprintf(buf, sizeof(buf), "\\%c", *p == '\n' ? 'n' : *p == '\t' ? 't' : 'r');
		else if (*p == '"' || *p == '\\')
			snprintf(buf, sizeof(buf), "\\%c", *p);
		else
			snprintf(buf, sizeof(buf), "\\u%04x", (unsigned char)*p);
		text_puts(t, text, buf);
		p++;
	}
	text_puts(t, text, "\"");
}

static void json_newline(struct tpl *t, struct text *text, int indent, int level)
{
	if (indent < 0)
		return;
	text_puts(t, text, "\n");
	for (int i = 0; i < indent * level && !t->failed; i++)
		text_puts(t, text, " ");
}

static void json_container(struct tpl *t, struct text *text, const struct value *v, int indent, int level)
{
	bool is_list = v->type == VALUE_LIST;
	struct args case_sensitive = {.v = {value_bool(true)}, .n = 1};

	if (!is_list)
		v = tpl_filter(t, "dictsort", v, &case_sensitive); /* pairs */
	text_puts(t, text, is_list ? "[" : "{");
	for (size_t i = 0; i < value_len(v) && !t->failed; i++) {
		if (i)
			text_puts(t, text, indent < 0 ? ", " : ",");
		json_newline(t, text, indent, level + 1);
		if (!is_list) {
			text_json(t, text, tpl_str(t, value_at(value_at(v, i), 0)), indent, level + 1);
			text_puts(t, text, ": ");
		}
		text_json(t, text, is_list ? value_at(v, i) : value_at(value_at(v, i), 1), indent, level + 1);
	}
	if (value_len(v))
		json_newline(t, text, indent, level);
	text_puts(t, text, is_list ? "]" : "}");
}

void text_json(struct tpl *t, struct text *text, const struct value *v, int indent, int level)
{
	if (!tpl_charge(t, 0))
		return;
	if (v->type == VALUE_STRING)
		json_string(t, text, v);
	else if (v->type == VALUE_LIST || v->type == VALUE_DICT)
		json_container(t, text, v, indent, level);
	else if (v->type == VALUE_UNDEFINED || v->type == VALUE_CALLABLE || v->type == VALUE_LOOP)
		tpl_fail(t, "tojson does not work with %s", v->type == VALUE_UNDEFINED ? "an undefined name" : value_type_name(v));
	else
		add_scalar(t, text, v, true);
}
