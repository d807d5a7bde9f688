#include "libmars/render.h"

#include "libmars/marsdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Scalars ------------------------------------------------------------------------------------------------------------------------ */

/* What YAML 1.1 or 1.2 readers take for something else than a text. */
static bool is_reserved_word(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};

	for (int i = 0; words[i]; i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

static bool is_dotted_quad(const char *text)
{
	unsigned a, b, c, d;
	int n = 0;

	return sscanf(text, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &n) == 4 && text[n] == '\0' && strspn(text, "0123456789.") == strlen(text);
}

/* Narrower than YAML: a text that begins with a letter, of characters that mean nothing to YAML where they stand. */
static bool is_plain(const char *text)
{
	char mac[18];
	size_t n = strlen(text);

	if (is_dotted_quad(text))
		return true;
	if (!n || !((text[0] | 32) >= 'a' && (text[0] | 32) <= 'z') || is_reserved_word(text) || mars_mac_decode(text, n, mac))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!text_is_word(text[i]) && !strchr("./:@+ ", text[i]))
			return false;
	return text[n - 1] != ' ' && text[n - 1] != ':' && !strstr(text, ": ");
}

static bool is_printable_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

static void put_single(struct text *out, const char *text)
{
	text_adds(out, "'");
	for (; *text; text++)
		text_add(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
	text_adds(out, "'");
}

static void put_double(struct text *out, const char *text)
{
	text_adds(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			text_addf(out, "\\%c", c);
		else if (c == '\n')
			text_adds(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			text_addf(out, "\\x%02x", c);
		else if (c == 0xc2 && (unsigned char)text[1] < 0xa0) /* U+0080 to U+009F, a line end (U+0085) among them */
			text_addf(out, "\\x%02x", (unsigned char)*++text);
		else if (c == 0xe2 && (unsigned char)text[1] == 0x80 &&
			 ((unsigned char)text[2] & 0xfe) == 0xa8) { /* line ends to YAML 1.1 */
			text_addf(out, "\\u20%02x", (unsigned char)text[2] == 0xa8 ? 0x28 : 0x29);
			text += 2;
		} else
			text_add(out, text, 1);
	}
	text_adds(out, "\"");
}

static void put_text(struct text *out, const char *text, enum tree_style quotes)
{
	if (!is_printable_line(text) || quotes == TREE_DOUBLE)
		put_double(out, text);
	else if (is_plain(text) && quotes != TREE_SINGLE)
		text_adds(out, text);
	else
		put_single(out, text);
}

/* PyYAML takes an exponent only behind a dot and with its sign: 1.0e-05. */
static void put_number(struct text *out, double number)
{
	char buf[64];
	size_t mantissa;

	snprintf(buf, sizeof(buf), "%.15g", number);
	if (strtod(buf, NULL) != number)
		snprintf(buf, sizeof(buf), "%.17g", number);
	mantissa = strcspn(buf, "e");
	text_add(out, buf, mantissa);
	if (buf[mantissa] && !memchr(buf, '.', mantissa))
		text_adds(out, ".0");
	text_adds(out, buf + mantissa);
}

void render_key(struct text *out, const char *key, enum tree_style quotes)
{
	put_text(out, key, quotes);
}

static void put_flow_mapping(struct text *out, const struct mars_value *value)
{
	text_adds(out, "{");
	for (size_t i = 0; i < value->n; i++) {
		text_adds(out, i ? ", " : "");
		render_key(out, value->members[i].name, TREE_PLAIN);
		text_adds(out, ": ");
		render_inline(out, &value->members[i].value, TREE_PLAIN);
	}
	text_adds(out, "}");
}

static void put_flow_list(struct text *out, const struct mars_value *value)
{
	text_adds(out, "[");
	for (size_t i = 0; i < value->n; i++) {
		text_adds(out, i ? ", " : "");
		put_text(out, value->texts[i], TREE_PLAIN);
	}
	text_adds(out, "]");
}

void render_inline(struct text *out, const struct mars_value *value, enum tree_style quotes)
{
	switch (value->type) {
	case MARS_VALUE_NULL:
		return text_adds(out, "null");
	case MARS_VALUE_BOOL:
		return text_adds(out, value->boolean ? "true" : "false");
	case MARS_VALUE_INTEGER:
		return text_addf(out, "%" PRId64, value->integer);
	case MARS_VALUE_NUMBER:
		return put_number(out, value->number);
	case MARS_VALUE_TEXT:
		return put_text(out, value->text, quotes);
	case MARS_VALUE_DATE:
		return text_adds(out, value->text);
	case MARS_VALUE_TEXTS:
		return put_flow_list(out, value);
	case MARS_VALUE_MAPPING:
		return put_flow_mapping(out, value);
	}
}

/* --- Blocks ------------------------------------------------------------------------------------------------------------------------- */

void render_indent(struct text *out, unsigned indent)
{
	while (indent--)
		text_add(out, " ", 1);
}

static void new_line(struct text *out, const struct render_style *style, unsigned indent)
{
	text_adds(out, style->line_end);
	render_indent(out, indent);
}

void render_member(struct text *out, const struct render_style *style, unsigned indent, const struct mars_member *member)
{
	const struct mars_value *value = &member->value;
	struct render_style inner = *style;

	inner.quotes = TREE_PLAIN;
	render_key(out, member->name, style->quotes);
	text_adds(out, ":");
	if (value->type == MARS_VALUE_TEXTS && value->n) {
		for (size_t i = 0; i < value->n; i++) {
			new_line(out, style, indent + style->dash);
			text_adds(out, "- ");
			put_text(out, value->texts[i], TREE_PLAIN);
		}
	} else if (value->type == MARS_VALUE_MAPPING && value->n) {
		for (size_t i = 0; i < value->n; i++) {
			new_line(out, style, indent + style->step);
			render_member(out, &inner, indent + style->step, &value->members[i]);
		}
	} else {
		text_adds(out, " ");
		render_inline(out, value, TREE_PLAIN);
	}
}

/* The first block list that is a mapping's value shows how far dashes are indented. */
static const struct tree_node *first_block_list(const struct tree_node *node)
{
	const struct tree_node *found = NULL;

	if (!node || node->kind != TREE_MAP || node->flow)
		return NULL;
	for (const struct tree_node *value = node->first; value && !found; value = value->next)
		found = value->kind == TREE_LIST && !value->flow && value->n && value->line > value->key->line ? value
													       : first_block_list(value);
	return found;
}

/* How far the first block mapping that is a value of `map` is indented; 0: there is none. */
static unsigned step_in(const struct tree_node *map)
{
	for (const struct tree_node *value = map && map->kind == TREE_MAP ? map->first : NULL; value; value = value->next)
		if (value->kind == TREE_MAP && !value->flow && value->n && value->first->key->column > value->key->column)
			return value->first->key->column - value->key->column;
	return 0;
}

int render_dash_of(const struct tree_node *node)
{
	const struct tree_node *list = first_block_list(node);

	return !list ? -1 : list->column < list->key->column ? RENDER_MAX_STEP + 1 : (int)(list->column - list->key->column);
}

static void look_at(struct render_style *style, const struct tree_node *map)
{
	int dash = render_dash_of(map);
	unsigned step = step_in(map);

	if (step && step <= RENDER_MAX_STEP)
		style->step = step;
	if (dash >= 0 && dash <= RENDER_MAX_STEP)
		style->dash = (unsigned)dash;
}

struct render_style render_style_of(const struct tree *tree)
{
	size_t len;
	const char *text = tree_text(tree, &len), *end = len ? memchr(text, '\n', len) : NULL;
	struct render_style style = {.line_end = end && end > text && end[-1] == '\r' ? "\r\n" : "\n", .step = 2, .dash = 2};

	look_at(&style, tree_root(tree));
	if (!first_block_list(tree_root(tree)))
		style.dash = style.step;
	return style;
}

struct render_style render_style_near(const struct render_style *style, const struct tree_node *map)
{
	struct render_style near = *style;

	if (!map || map->kind != TREE_MAP || map->flow)
		return near;
	look_at(&near, map);
	if (map->last && (map->last->key->style == TREE_SINGLE || map->last->key->style == TREE_DOUBLE))
		near.quotes = (enum tree_style)map->last->key->style;
	return near;
}

/* --- Reading back ------------------------------------------------------------------------------------------------------------------- */

static bool reads_as_number(const struct tree_node *node, double number)
{
	char copy[64], *end;

	if (node->style != TREE_PLAIN || node->len == 0 || node->len >= sizeof(copy))
		return false;
	memcpy(copy, node->text, node->len);
	copy[node->len] = '\0';
	return strtod(copy, &end) == number && *end == '\0';
}

static bool reads_as_texts(const struct tree_node *node, const struct mars_value *value)
{
	const struct tree_node *item = node->first;

	if (node->kind != TREE_LIST || node->n != value->n)
		return false;
	for (size_t i = 0; i < value->n; i++, item = item->next)
		if (!tree_is(item, value->texts[i]) || tree_is_null(item))
			return false;
	return true;
}

static bool reads_as_mapping(const struct tree *tree, const struct tree_node *node, const struct mars_value *value)
{
	if (node->kind != TREE_MAP || node->n != value->n)
		return false;
	for (size_t i = 0; i < value->n; i++) {
		const struct tree_node *member = tree_get(tree, node, value->members[i].name, strlen(value->members[i].name));

		if (!member || !render_reads_as(tree, member, &value->members[i].value))
			return false;
	}
	return true;
}

bool render_reads_as(const struct tree *tree, const struct tree_node *node, const struct mars_value *value)
{
	if (value->type == MARS_VALUE_NULL || tree_is_null(node))
		return tree_is_null(node) && value->type == MARS_VALUE_NULL;
	if (value->type == MARS_VALUE_TEXTS)
		return reads_as_texts(node, value);
	if (value->type == MARS_VALUE_MAPPING)
		return reads_as_mapping(tree, node, value);
	if (node->kind != TREE_SCALAR)
		return false;
	if (value->type == MARS_VALUE_BOOL)
		return node->style == TREE_PLAIN && tree_is(node, value->boolean ? "true" : "false");
	if (value->type == MARS_VALUE_INTEGER)
		return reads_as_number(node, (double)value->integer);
	if (value->type == MARS_VALUE_NUMBER)
		return reads_as_number(node, value->number);
	return tree_is(node, value->text);
}
