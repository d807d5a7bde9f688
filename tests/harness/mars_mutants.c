#include "tests/harness/mars_mutants.h"

#include "libmars/decode.h"
#include "libmars/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
	const struct tree *tree;
	const char *text;
	size_t len, n;
	mutant_take *take;
	void *data;
};

struct place { /* of an error; no path: NULL */
	unsigned line, column;
	const char *path;
};

/* ---- what can be wrong with a value ---- */

struct wrong {
	enum mars_type type;
	const char *value;
	const char *says;  /* $: the field's bounds */
	const char *below; /* added to the path: the item that is wrong */
	unsigned offset;   /* of that item in the value */
};

#define NO_LIST(what)  "a list is not " what
#define NO_MAP(what)   "a mapping is not " what
#define SECRET         "this is not a token; accepted: a text without blanks"
#define BOOL           " is not true or false; accepted: true, false"
#define SECONDS        " is not a number of seconds; accepted: $"
#define WATTS          " is not a number of watts; accepted: $"
#define INTEGER        " is not an integer; accepted: $"
#define OUT            " is out of bounds; accepted: $"
#define MAC            " is not a MAC address; accepted: six pairs of hexadecimal digits, as 52:54:00:11:22:0a"
#define IP             " is not an IPv4 address; accepted: an address of one machine, as 10.42.0.17"
#define DATE           " is not a date; accepted: as 2021-12-22 16:57:08.146275"
#define URL            " is not a URL; accepted: https://..., without a user (http:// with GITLAB_ALLOW_INSECURE)"
#define PORT           " is not a port id; accepted: an integer or a name"
#define PORTS          " is not a port id; accepted: integers or names"
#define TAG            " is not a tag; accepted: texts of 1 to 255 bytes without commas or blanks around them"
#define ITEM           " is not a text; accepted: texts of 1 to 1024 bytes"
#define NO_ITEMS(what) " is not a list of " what "; accepted: [] or items that begin with '- '"
#define CONFIG         "this is not a mapping; accepted: what the driver needs, as `hostname: 10.0.0.2`"
#define X10            "xxxxxxxxxx"
#define X70            X10 X10 X10 X10 X10 X10 X10

static const struct wrong wrongs[] = {
	{MARS_TEXT, "[a]", NO_LIST("a text; accepted: $ bytes"), NULL, 0},
	{MARS_TEXT, "{a: 1}", NO_MAP("a text; accepted: $ bytes"), NULL, 0},
	{MARS_TEXT, "\"a\\eb\"", "'a\\x1bb' has a control character; accepted: a text without", NULL, 0},
	{MARS_TEXT, X70 X70, "*' has 140 bytes; accepted: $ bytes", NULL, 0},
	{MARS_NAME, "[a]", NO_LIST("a name; accepted: $ bytes without `/`"), NULL, 0},
	{MARS_NAME, "{a: 1}", NO_MAP("a name; accepted: $ bytes without `/`"), NULL, 0},
	{MARS_NAME, "a/b", "'a/b' is not a name; accepted: $ bytes without `/`", NULL, 0},
	{MARS_NAME, "\"a\\eb\"", "'a\\x1bb' has a control character; accepted: a text without", NULL, 0},
	{MARS_NAME, X70 X70, "*' has 140 bytes; accepted: $ bytes without `/`", NULL, 0},
	{MARS_LINES, "[a]", NO_LIST("a text; accepted: $ bytes"), NULL, 0},
	{MARS_LINES, "{a: 1}", NO_MAP("a text; accepted: $ bytes"), NULL, 0},
	{MARS_LINES, "\"a\\x7f\"", "'a\\x7f' has a control character; accepted: a text without, but line ends and tabs", NULL, 0},
	{MARS_SECRET, "[a]", SECRET, NULL, 0},
	{MARS_SECRET, "{a: 1}", SECRET, NULL, 0},
	{MARS_SECRET, "glpat a", SECRET, NULL, 0},
	{MARS_SECRET, "\"a\\n\"", SECRET, NULL, 0},
	{MARS_BOOL, "maybe", "'maybe'" BOOL, NULL, 0},
	{MARS_BOOL, "tru", "'tru'" BOOL, NULL, 0},
	{MARS_BOOL, "1", "'1'" BOOL, NULL, 0},
	{MARS_BOOL, "''", "''" BOOL, NULL, 0},
	{MARS_BOOL, "[true]", "a list" BOOL, NULL, 0},
	{MARS_BOOL, "{a: true}", "a mapping" BOOL, NULL, 0},
	{MARS_INTEGER, "many", "'many'" INTEGER, NULL, 0},
	{MARS_INTEGER, "1.5", "'1.5'" INTEGER, NULL, 0},
	{MARS_INTEGER, "0x10", "'0x10'" INTEGER, NULL, 0},
	{MARS_INTEGER, "1_000", "'1_000'" INTEGER, NULL, 0},
	{MARS_INTEGER, "''", "''" INTEGER, NULL, 0},
	{MARS_INTEGER, "[1]", "a list" INTEGER, NULL, 0},
	{MARS_INTEGER, "{a: 1}", "a mapping" INTEGER, NULL, 0},
	{MARS_INTEGER, "-2", "'-2'" OUT, NULL, 0},
	{MARS_INTEGER, "99999999999999999999", "'99999999999999999999'" OUT, NULL, 0},
	{MARS_SECONDS, "soon", "'soon'" SECONDS, NULL, 0},
	{MARS_SECONDS, ".inf", "'.inf'" SECONDS, NULL, 0},
	{MARS_SECONDS, "0x10", "'0x10'" SECONDS, NULL, 0},
	{MARS_SECONDS, "1 m", "'1 m'" SECONDS, NULL, 0},
	{MARS_SECONDS, "''", "''" SECONDS, NULL, 0},
	{MARS_SECONDS, "[1]", "a list" SECONDS, NULL, 0},
	{MARS_SECONDS, "{a: 1}", "a mapping" SECONDS, NULL, 0},
	{MARS_SECONDS, "-0.1", "'-0.1'" OUT, NULL, 0},
	{MARS_SECONDS, "1e6", "'1e6'" OUT, NULL, 0},
	{MARS_WATTS, "some", "'some'" WATTS, NULL, 0},
	{MARS_WATTS, "12W", "'12W'" WATTS, NULL, 0},
	{MARS_WATTS, "[1]", "a list" WATTS, NULL, 0},
	{MARS_WATTS, "-1", "'-1'" OUT, NULL, 0},
	{MARS_WATTS, "1e6", "'1e6'" OUT, NULL, 0},
	{MARS_MAC, "52:54:00", "'52:54:00'" MAC, NULL, 0},
	{MARS_MAC, "52-54-00-11-22-00", "'52-54-00-11-22-00'" MAC, NULL, 0},
	{MARS_MAC, "52:54:00:11:22:0g", "'52:54:00:11:22:0g'" MAC, NULL, 0},
	{MARS_MAC, "[a]", "a list" MAC, NULL, 0},
	{MARS_IPV4, "10.42.0", "'10.42.0'" IP, NULL, 0},
	{MARS_IPV4, "10.42.0.1/24", "'10.42.0.1/24'" IP, NULL, 0},
	{MARS_IPV4, "10.42.0.256", "'10.42.0.256'" IP, NULL, 0},
	{MARS_IPV4, "127.0.0.1", "'127.0.0.1'" IP, NULL, 0},
	{MARS_IPV4, "224.0.0.1", "'224.0.0.1'" IP, NULL, 0},
	{MARS_IPV4, "0.0.0.0", "'0.0.0.0'" IP, NULL, 0},
	{MARS_IPV4, "fe80::1", "'fe80::1'" IP, NULL, 0},
	{MARS_IPV4, "[a]", "a list" IP, NULL, 0},
	{MARS_DATE, "yesterday", "'yesterday'" DATE, NULL, 0},
	{MARS_DATE, "1640190000", "'1640190000'" DATE, NULL, 0},
	{MARS_DATE, "2021-13-01", "'2021-13-01'" DATE, NULL, 0},
	{MARS_DATE, "2021-02-29", "'2021-02-29'" DATE, NULL, 0},
	{MARS_DATE, "2021-12-22 24:00:00", "'2021-12-22 24:00:00'" DATE, NULL, 0},
	{MARS_DATE, "2021-12-22 16:57:08 CET", "'2021-12-22 16:57:08 CET'" DATE, NULL, 0},
	{MARS_DATE, "[a]", "a list" DATE, NULL, 0},
	{MARS_URL, "ftp://h/", "'ftp://h/'" URL, NULL, 0},
	{MARS_URL, "https://", "'https://'" URL, NULL, 0},
	{MARS_URL, "http://h/", "'http://h/'" URL, NULL, 0},
	{MARS_URL, "https://a b/", "'https://a b/'" URL, NULL, 0},
	{MARS_URL, "https://u:p@h/", "this" URL, NULL, 0},
	{MARS_URL, "[a]", "a list" URL, NULL, 0},
	{MARS_PORT_ID, "''", "''" PORT, NULL, 0},
	{MARS_PORT_ID, "[1]", "a list" PORT, NULL, 0},
	{MARS_PORT_ID, "{a: 1}", "a mapping" PORT, NULL, 0},
	{MARS_PORT_ID, X70, "'xxx*'" PORT, NULL, 0},
	{MARS_CHOICE, "nothing_like_it", "'nothing_like_it' is not a *; accepted: *, *", NULL, 0},
	{MARS_CHOICE, "''", "'' is not a *; accepted: *, *", NULL, 0},
	{MARS_CHOICE, "[a]", NO_LIST("a *; accepted: *, *"), NULL, 0},
	{MARS_CHOICE, "{a: 1}", NO_MAP("a *; accepted: *, *"), NULL, 0},
	{MARS_TEXTS, "text", "'text'" NO_ITEMS("texts"), NULL, 0},
	{MARS_TEXTS, "{a: 1}", "a mapping" NO_ITEMS("texts"), NULL, 0},
	{MARS_TEXTS, "[ok, {a: 1}]", "a mapping" ITEM, "[1]", 5},
	{MARS_TEXTS, "[ok, [b]]", "a list" ITEM, "[1]", 5},
	{MARS_TEXTS, "[ok, '']", "''" ITEM, "[1]", 5},
	{MARS_TEXTS, "[ok, ~]", "'~'" ITEM, "[1]", 5},
	{MARS_TAGS, "text", "'text'" NO_ITEMS("tags"), NULL, 0},
	{MARS_TAGS, "{a: 1}", "a mapping" NO_ITEMS("tags"), NULL, 0},
	{MARS_TAGS, "[ok, {a: 1}]", "a mapping" TAG, "[1]", 5},
	{MARS_TAGS, "[ok, [b]]", "a list" TAG, "[1]", 5},
	{MARS_TAGS, "[ok, '']", "''" TAG, "[1]", 5},
	{MARS_TAGS, "[ok, 'a,b']", "'a,b'" TAG, "[1]", 5},
	{MARS_TAGS, "[ok, ' a']", "' a'" TAG, "[1]", 5},
	{MARS_PORT_IDS, "7", "'7'" NO_ITEMS("port ids"), NULL, 0},
	{MARS_PORT_IDS, "{a: 1}", "a mapping" NO_ITEMS("port ids"), NULL, 0},
	{MARS_PORT_IDS, "[7, {a: 1}]", "a mapping" PORTS, "[1]", 4},
	{MARS_PORT_IDS, "[7, '']", "''" PORTS, "[1]", 4},
	{MARS_CONFIG, "text", CONFIG, NULL, 0},
	{MARS_CONFIG, "[a]", CONFIG, NULL, 0},
	{MARS_OBJECT, "text", "'text' is not a mapping of a *'s fields", NULL, 0},
	{MARS_OBJECT, "[a]", "a list is not a mapping of a *'s fields", NULL, 0},
	{MARS_OBJECTS, "text", "*is not a mapping*", NULL, 0},
	{MARS_OBJECTS, "[a]", "*is not a mapping*", NULL, 0},
};

/* What no type takes, since it is no YAML, or not ours. `offset`: where in it the error is; -1: somewhere behind. */
static const struct broken {
	const char *value;
	size_t len;
	const char *says;
	int offset;
} broken[] = {
#define BYTES(text) text, sizeof(text) - 1
	{BYTES("*none"), "'*none' stands for nothing: no '&none' is before it", 0},
	{BYTES("!secret x"), "the tag '!secret' is not known here; leave it out", -1},
	{BYTES("!!python/name:os.system x"), "the tag 'tag:yaml.org,2002:python/name:os.system' is not known here; leave it out", -1},
	{BYTES("\"open"), "this is not valid YAML: *", -1},
	{BYTES("[open"), "this is not valid YAML: *", -1},
	{BYTES("{open: 1"), "this is not valid YAML: *", -1},
	{BYTES("@at"), "this is not valid YAML: *", -1},
	{BYTES("a\0b"), "byte 0x00 is not valid here; accepted: UTF-8 without control characters", 1},
	{BYTES("ab\xff"), "byte 0xff is not valid here; accepted: UTF-8 without control characters", 2},
	{BYTES("\xed\xa0\x80"), "byte 0xed is not valid here; accepted: UTF-8 without control characters", 0},
	{BYTES("\x1b[31m"), "byte 0x1b is not valid here; accepted: UTF-8 without control characters", 0},
};

/* ---- making one ---- */

__attribute__((format(printf, 7, 8))) static void mutate(struct maker *m, size_t start, size_t end, const char *new, size_t len,
							 const struct place *at, const char *fmt, ...)
{
	struct text text = {0};
	char says[600], error[900], column[16] = "*";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(says, sizeof(says), fmt, ap);
	va_end(ap);
	if (at->column)
		snprintf(column, sizeof(column), "%u", at->column);
	if (at->line)
		snprintf(error, sizeof(error), "%u:%s: %s%s%s", at->line, column, at->path ? at->path : "", at->path ? ": " : "", says);
	else
		snprintf(error, sizeof(error), "*:*: %s", says);
	text_add(&text, m->text, start);
	text_add(&text, new, len);
	text_add(&text, m->text + end, m->len - end);
	m->take(m->data, &(struct mutant){text.bytes, text.len, error});
	m->n++;
	text_finish(&text);
}

static bool is_block(const struct tree_node *value)
{
	return value->kind != TREE_SCALAR && !value->flow;
}

static bool is_in_place(const struct tree_node *value) /* behind its key, and something is written there */
{
	return !is_block(value) && !value->absent;
}

/* Behind the key and a blank, whatever stands there now. */
static struct place put_value(struct maker *m, const struct tree_node *value, size_t *start, const char *path)
{
	const struct tree_node *key = value->key;

	if (is_in_place(value)) {
		*start = value->start;
		return (struct place){value->line, value->column, path};
	}
	*start = key->end + 1;
	return (struct place){key->line, key->column + key->end - key->start + 2, path};
}

static void replace(struct maker *m, const struct tree_node *value, const char *new, size_t len, const struct place *at, const char *says)
{
	char with[300];
	size_t start;

	put_value(m, value, &start, NULL);
	memcpy(with, " ", 1);
	memcpy(with + 1, new, len);
	if (is_in_place(value))
		mutate(m, start, value->end, new, len, at, "%s", says);
	else
		mutate(m, start, value->absent ? start : value->end, with, len + 1, at, "%s", says);
}

static void with_bounds(const struct mars_field *field, const char *says, char *out, size_t size)
{
	const char *dollar = strchr(says, '$');

	if (dollar)
		snprintf(out, size, "%.*s%.0f to %.0f%s", (int)(dollar - says), says, field->min, field->max, dollar + 1);
	else
		snprintf(out, size, "%s", says);
}

static void mutate_value(struct maker *m, const struct mars_field *field, const struct tree_node *value, const struct tree_path *path)
{
	char where[200], item[220], says[400];
	size_t start;

	tree_path_text(path, where, sizeof(where));
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct place at = put_value(m, value, &start, where);

		if (w->type != field->type)
			continue;
		if (w->below) {
			snprintf(item, sizeof(item), "%s%s", where, w->below);
			at.path = item;
			at.column += w->offset;
		}
		with_bounds(field, w->says, says, sizeof(says));
		replace(m, value, w->value, strlen(w->value), &at, says);
	}
}

static void break_value(struct maker *m, const struct tree_node *value)
{
	size_t start;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct place at = put_value(m, value, &start, NULL);

		if (broken[i].offset < 0)
			at.line = 0;
		else
			at.column += (unsigned)broken[i].offset;
		replace(m, value, broken[i].value, broken[i].len, &at, broken[i].says);
	}
}

/* ---- what can be wrong with a key ---- */

static void misspell(struct maker *m, const struct mars_object *object, const struct tree_node *key, const struct tree_path *path,
		     char *typo)
{
	char where[200] = "";
	struct place at = {key->line, key->column, where};

	if (strlen(typo) < 3 || mars_field_find(object, typo, strlen(typo)) ||
	    (strlen(typo) == key->len && !memcmp(typo, key->text, key->len)))
		return;
	if (path)
		tree_path_text(path, where, sizeof(where));
	else
		at.path = NULL;
	mutate(m, key->start, key->end, typo, strlen(typo), &at, "'%s' is not a field of %s %s; did you mean '%.*s'? Accepted: *", typo,
	       strchr("AEIOU", object->name[0]) ? "an" : "a", object->name, (int)key->len, key->text);
}

static void mutate_key(struct maker *m, const struct mars_object *object, const struct tree_node *value, const struct tree_path *path)
{
	const struct tree_node *key = value->key;
	size_t line = key->start - (key->column - 1);
	int len = (int)key->len;
	char typo[100], with[200];

	snprintf(typo, sizeof(typo), "%.*s", len - 1, key->text);
	misspell(m, object, key, path, typo);
	snprintf(typo, sizeof(typo), "%c%.*s", key->text[0], len, key->text);
	misspell(m, object, key, path, typo);
	snprintf(typo, sizeof(typo), "%c%c%c%.*s", key->text[0], key->text[2], key->text[1], len - 3, key->text + 3);
	misspell(m, object, key, path, typo);

	snprintf(with, sizeof(with), "%*s%.*s: ~\n", (int)key->column - 1, "", len, key->text);
	mutate(m, line, line, with, strlen(with), &(struct place){key->line + 1, key->column, NULL},
	       "'%.*s' is there already, at line %u; a key can be given once", len, key->text, key->line);
	snprintf(with, sizeof(with), "%*s<<: {}\n", (int)key->column - 1, "");
	mutate(m, line, line, with, strlen(with), &(struct place){key->line, key->column, NULL},
	       "merging with '<<' is not supported; write the fields out");
	mutate(m, line, key->start, "\t", 1, &(struct place){0, 0, NULL}, "this is not valid YAML: *");
	mutate(m, key->end, key->end + 1, "", 0, &(struct place){0, 0, NULL}, "*");
}

/* ---- all of them ---- */

static void walk(struct maker *m, const struct mars_object *object, const struct tree_node *map, const struct tree_path *path)
{
	for (const struct tree_node *value = map->first; value; value = value->next) {
		const struct mars_field *field = mars_field_find(object, value->key->text, value->key->len);
		struct tree_path at = {path, value->key->text, value->key->len, 0};

		mutate_key(m, object, value, path);
		mutate_value(m, field, value, &at);
		if (!is_block(value))
			break_value(m, value);
		else if (field->type == MARS_OBJECT)
			walk(m, field->object, value, &at);
		for (const struct tree_node *entry = value->first; field->type == MARS_OBJECTS && entry; entry = entry->next) {
			struct tree_path below = {&at, entry->key->text, entry->key->len, 0};

			mutate_value(m, &(struct mars_field){.type = MARS_OBJECT}, entry, &below);
			walk(m, field->object, entry, &below);
		}
	}
}

size_t mars_mutants(const char *text, size_t len, mutant_take *take, void *data)
{
	struct gw_errors errs = {0};
	struct tree *tree = tree_parse(text, len, "db", &errs);
	struct maker m = {.tree = tree, .text = text, .len = len, .take = take, .data = data};

	gw_assert(tree);
	walk(&m, &mars_root_object, tree_root(tree), NULL);
	tree_destroy(tree);
	return m.n;
}
