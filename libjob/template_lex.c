/* Template text to tokens. Source: Jinja2's lexer (newlines become LF, one trailing newline goes, `-` strips white space). */
#include "libjob/template_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct lexer {
	struct tpl *t;
	const char *p, *end;
	int line;
	bool strip;       /* the tag before ended with `-` */
	int open;         /* brackets, so that }} inside a dict literal is no end */
	const char *data; /* start of the data that is being collected */
};

static struct token *push(struct lexer *lx, enum token_kind kind)
{
	struct tpl *t = lx->t;
	struct token *token;

	if (t->n_tokens == t->cap_tokens) {
		size_t cap = t->cap_tokens ? t->cap_tokens * 2 : 64;
		struct token *v = tpl_alloc(t, cap * sizeof(*v));

		if (!v)
			return NULL;
		if (t->n_tokens)
			memcpy(v, t->tokens, t->n_tokens * sizeof(*v));
		t->tokens = v;
		t->cap_tokens = cap;
	}
	token = &t->tokens[t->n_tokens++];
	*token = (struct token){.kind = kind, .line = lx->line};
	return token;
}

static bool fail(struct lexer *lx, const char *what)
{
	lx->t->line = lx->line;
	tpl_fail(lx->t, "%s", what);
	return false;
}

static void advance(struct lexer *lx, size_t n)
{
	for (; n && lx->p < lx->end; n--, lx->p++)
		lx->line += *lx->p == '\n';
}

static bool starts(const struct lexer *lx, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(lx->end - lx->p) >= n && memcmp(lx->p, s, n) == 0;
}

static void skip_space(struct lexer *lx)
{
	while (lx->p < lx->end && isspace((unsigned char)*lx->p))
		advance(lx, 1);
}

/* The data from `from` to `to` becomes a token, without what `-` on either side takes. */
static bool push_data(struct lexer *lx, const char *from, const char *to, int line, bool strip_end)
{
	struct token *token;

	while (strip_end && to > from && isspace((unsigned char)to[-1]))
		to--;
	if (to == from)
		return true;
	token = push(lx, T_DATA);
	if (!token)
		return false;
	token->text = from;
	token->n = (size_t)(to - from);
	token->line = line;
	return true;
}

static bool lex_comment(struct lexer *lx)
{
	const char *end = memmem(lx->p + 2, (size_t)(lx->end - lx->p - 2), "#}", 2);

	if (!end)
		return fail(lx, "a comment {# is not closed; #} was expected");
	lx->strip = end > lx->p + 2 && end[-1] == '-';
	advance(lx, (size_t)(end + 2 - lx->p));
	if (lx->strip)
		skip_space(lx);
	return true;
}

/* At "{%": whether it is `{% NAME %}`; then `*strip` says whether it ended with `-`, and `*after` is behind it. */
static bool is_tag(const char *p, const char *end, const char *name, bool *strip, const char **after)
{
	size_t n = strlen(name);

	p += 2;
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	while (p < end && isspace((unsigned char)*p))
		p++;
	if ((size_t)(end - p) < n || memcmp(p, name, n) != 0)
		return false;
	p += n;
	while (p < end && isspace((unsigned char)*p))
		p++;
	*strip = p < end && *p == '-';
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	*after = p + 2;
	return end - p >= 2 && p[0] == '%' && p[1] == '}';
}

static bool lex_raw(struct lexer *lx, const char *body, bool strip_body)
{
	const char *p = body;
	const char *after;
	bool strip;

	while ((p = memmem(p, (size_t)(lx->end - p), "{%", 2)) && !is_tag(p, lx->end, "endraw", &strip, &after))
		p += 2;
	if (!p)
		return fail(lx, "raw is not closed; {% endraw %} was expected");
	advance(lx, (size_t)(body - lx->p));
	if (strip_body)
		while (lx->p < p && isspace((unsigned char)*lx->p))
			advance(lx, 1);
	if (!push_data(lx, lx->p, p, lx->line, p[2] == '-'))
		return false;
	advance(lx, (size_t)(after - lx->p));
	lx->strip = strip;
	if (strip)
		skip_space(lx);
	return true;
}

static bool lex_number(struct lexer *lx)
{
	char digits[64];
	size_t n = 0;
	bool is_float = false;
	const char *p = lx->p;
	char *stop;
	struct token *token;

	for (; p < lx->end && n < sizeof(digits) - 1; p++) {
		bool exponent = (*p == 'e' || *p == 'E') && !(n > 1 && digits[1] == 'x');

		if (*p == '_' && n)
			continue;
		if (*p == '.' && (is_float || p + 1 >= lx->end || !isdigit((unsigned char)p[1])))
			break;
		if ((*p == '+' || *p == '-') ? !(n && strchr("eE", digits[n - 1]) && is_float) : !isalnum((unsigned char)*p) && *p != '.')
			break;
		is_float |= *p == '.' || exponent;
		digits[n++] = *p;
	}
	digits[n] = 0;
	token = push(lx, T_VALUE);
	if (!token)
		return false;
	errno = 0;
	if (is_float)
		token->value = value_float(&lx->t->pool, strtod(digits, &stop));
	else if (digits[0] == '0' && (digits[1] == 'b' || digits[1] == 'o'))
		token->value = value_int(&lx->t->pool, strtoll(digits + 2, &stop, digits[1] == 'b' ? 2 : 8));
	else
		token->value = value_int(&lx->t->pool, strtoll(digits, &stop, digits[1] == 'x' ? 16 : 10));
	if (*stop || errno)
		return fail(lx, "this is not a number, or too large a one");
	advance(lx, (size_t)(p - lx->p));
	return true;
}

static size_t utf8_put(char *to, unsigned long c)
{
	if (c < 0x80)
		return to[0] = (char)c, 1;
	if (c < 0x800)
		return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)), to[2] = (char)(0x80 | (c & 63)), 3;
	return to[0] = (char)(0xf0 | c >> 18), to[1] = (char)(0x80 | (c >> 12 & 63)), to[2] = (char)(0x80 | (c >> 6 & 63)),
	       to[3] = (char)(0x80 | (c & 63)), 4;
}

/* After a backslash. Returns how many bytes of `p` it took; what it means goes to `to` (up to 4 bytes). */
static size_t unescape(const char *p, const char *end, char *to, size_t *n)
{
	static const char plain[] = "\\\\''\"\"n\nt\tr\rb\bf\fv\va\a";
	static const struct {
		char letter;
		unsigned digits;
	} hex[] = {{'x', 2}, {'u', 4}, {'U', 8}};
	char buf[9] = "";

	for (size_t i = 0; i + 1 < sizeof(plain); i += 2)
		if (*p == plain[i])
			return *to = plain[i + 1], *n = 1, 1;
	for (size_t i = 0; i < 3; i++) {
		unsigned long c;
		char *stop;

		if (*p != hex[i].letter || (size_t)(end - p) <= hex[i].digits)
			continue;
		memcpy(buf, p + 1, hex[i].digits);
		c = strtoul(buf, &stop, 16);
		if (*stop || !isxdigit((unsigned char)buf[0]) || c > 0x10ffff || c == 0 || (c >= 0xd800 && c < 0xe000))
			break;
		return *n = utf8_put(to, c), hex[i].digits + 1;
	}
	to[0] = '\\';
	to[1] = *p;
	*n = 2;
	return 1;
}

static bool lex_string(struct lexer *lx)
{
	const char *p = lx->p + 1;
	const char *close = p;
	struct token *token;
	char *text;
	size_t n = 0;

	while (close < lx->end && *close != *lx->p)
		close += *close == '\\' ? 2 : 1;
	if (close >= lx->end)
		return fail(lx, "a string is not closed");
	token = push(lx, T_VALUE);
	text = token ? tpl_alloc(lx->t, (size_t)(close - p) * 2 + 5) : NULL;
	if (!text)
		return false;
	while (p < close) {
		size_t put = 1;

		if (*p == '\\' && p + 1 < close) {
			p += 1 + unescape(p + 1, close, text + n, &put);
			n += put;
		} else {
			text[n++] = *p++;
		}
	}
	token->value = value_string_borrow(&lx->t->pool, text, n);
	advance(lx, (size_t)(close + 1 - lx->p));
	return true;
}

static bool lex_name(struct lexer *lx)
{
	struct token *token = push(lx, T_NAME);
	const char *p = lx->p;
	char *name;

	while (p < lx->end && (isalnum((unsigned char)*p) || *p == '_'))
		p++;
	name = token ? tpl_alloc(lx->t, (size_t)(p - lx->p) + 1) : NULL;
	if (!name)
		return false;
	memcpy(name, lx->p, (size_t)(p - lx->p));
	token->text = name;
	token->n = (size_t)(p - lx->p);
	advance(lx, token->n);
	return true;
}

static bool lex_operator(struct lexer *lx)
{
	static const char *const twos[] = {"==", "!=", ">=", "<=", "//", "**"};
	char what[64];
	struct token *token;

	if (!strchr("+-*/%~[](){}=<>.:|,;", *lx->p) && !starts(lx, "!=")) {
		snprintf(what, sizeof(what), "the character '%c' is not known in an expression",
			 isprint((unsigned char)*lx->p) ? *lx->p : '?');
		return fail(lx, what);
	}
	token = push(lx, T_OP);
	if (!token)
		return false;
	token->op = (unsigned char)*lx->p;
	for (size_t i = 0; i < sizeof(twos) / sizeof(twos[0]); i++)
		if (starts(lx, twos[i]))
			token->op = OP2(twos[i][0], twos[i][1]);
	lx->open += strchr("[({", *lx->p) != NULL;
	lx->open -= strchr("])}", *lx->p) != NULL;
	advance(lx, token->op > 255 ? 2 : 1);
	return true;
}

static bool lex_one(struct lexer *lx)
{
	unsigned char c = (unsigned char)*lx->p;

	if (isdigit(c))
		return lex_number(lx);
	if (c == '"' || c == '\'')
		return lex_string(lx);
	if (isalpha(c) || c == '_')
		return lex_name(lx);
	return lex_operator(lx);
}

/* From behind "{{" or "{%" to behind its end. */
static bool lex_expression(struct lexer *lx, const char *close, enum token_kind kind)
{
	int line = lx->line;

	lx->open = 0;
	for (;;) {
		char stripped[4] = {'-', close[0], close[1], 0};
		char kept[4] = {'+', close[0], close[1], 0};

		skip_space(lx);
		if (lx->p >= lx->end) {
			lx->line = line;
			return fail(lx, kind == T_VAR_END ? "{{ is not closed; }} was expected" : "{% is not closed; %} was expected");
		}
		if (lx->open <= 0 && (starts(lx, close) || starts(lx, stripped) || starts(lx, kept)))
			break;
		if (!lex_one(lx))
			return false;
	}
	if (!push(lx, kind))
		return false;
	lx->strip = *lx->p == '-';
	advance(lx, *lx->p == '-' || *lx->p == '+' ? 3 : 2);
	if (lx->strip)
		skip_space(lx);
	return true;
}

static bool lex_tag(struct lexer *lx)
{
	bool is_block = lx->p[1] == '%';
	const char *after;
	bool strip;

	if (lx->p[1] == '#')
		return lex_comment(lx);
	if (is_block && is_tag(lx->p, lx->end, "raw", &strip, &after))
		return lex_raw(lx, after, strip);
	if (!push(lx, is_block ? T_BLOCK_BEGIN : T_VAR_BEGIN))
		return false;
	advance(lx, 2);
	if (lx->p < lx->end && (*lx->p == '-' || (is_block && *lx->p == '+')))
		advance(lx, 1);
	return lex_expression(lx, is_block ? "%}" : "}}", is_block ? T_BLOCK_END : T_VAR_END);
}

bool tpl_lex(struct tpl *t)
{
	struct lexer lx = {.t = t, .p = t->source, .end = t->source + t->source_n, .line = t->line};

	while (lx.p < lx.end) {
		const char *from = lx.p;
		int line = lx.line;

		while (lx.p < lx.end && !(lx.p[0] == '{' && lx.p + 1 < lx.end && strchr("{%#", lx.p[1]) && lx.p[1]))
			advance(&lx, 1);
		if (!push_data(&lx, from, lx.p, line, lx.end - lx.p > 2 && lx.p[2] == '-'))
			return false;
		if (lx.p < lx.end && !lex_tag(&lx))
			return false;
	}
	return push(&lx, T_EOF) != NULL;
}
