#include "libmars/tree.h"

#include "libmars/marsdb.h"
#include "libmars/text.h"

#include <inttypes.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct slot {
	const struct tree_node *map; /* NULL: an anchor */
	struct tree_node *node;
	const char *key;
	uint32_t len, hash;
};

struct tree {
	const char *text;
	size_t len;
	struct tree_node *root;
	struct chunk *chunks; /* nodes and texts that are not in `text` as they are */
	struct slot *slots;   /* (mapping, key) -> value, (NULL, anchor) -> node; open addressing */
	size_t slots_used, slots_size;
};

struct builder {
	struct tree *tree;
	const char *name;
	struct gw_errors *errs;
	struct tree_node *open[MARS_MAX_DEPTH + 1];
	int depth;
	struct tree_node *key; /* the key whose value comes next */
	bool ignored_key;      /* that key is a duplicate: its value goes nowhere */
	uint64_t aliased;
	int documents;
	bool failed; /* so that going on makes no sense */
};

static void *tree_alloc(struct tree *tree, size_t size)
{
	struct chunk *chunk = tree->chunks;

	size = (size + 7) & ~(size_t)7;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t want = size > CHUNK ? size : CHUNK;

		chunk = gw_calloc(1, sizeof(*chunk) + want);
		chunk->size = want;
		chunk->next = tree->chunks;
		tree->chunks = chunk;
	}
	chunk->used += size;
	return chunk->bytes + chunk->used - size;
}

/* Thousands of mappings have the same keys: mixed well, or they pile up. */
static uint32_t slot_hash(const struct tree_node *map, const char *key, size_t len)
{
	uint64_t h = text_hash(key, len) ^ (uintptr_t)map;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return (uint32_t)(h ^ h >> 33);
}

/* Where it is, or the empty slot for it. NULL: there are no slots yet. */
static struct slot *slot_find(const struct tree *tree, const struct tree_node *map, const char *key, size_t len)
{
	uint32_t hash = slot_hash(map, key, len);

	if (!tree->slots_size)
		return NULL;
	for (size_t i = hash & (tree->slots_size - 1);; i = (i + 1) & (tree->slots_size - 1)) {
		struct slot *slot = &tree->slots[i];

		if (!slot->node || (slot->hash == hash && slot->map == map && slot->len == len && memcmp(slot->key, key, len) == 0))
			return slot;
	}
}

static void slots_grow(struct tree *tree)
{
	struct slot *old = tree->slots;
	size_t n = tree->slots_size, to;

	tree->slots_size = n ? n * 2 : 256;
	tree->slots = gw_calloc(tree->slots_size, sizeof(*tree->slots));
	for (size_t i = 0; i < n; i++) {
		if (!old[i].node)
			continue;
		for (to = old[i].hash; tree->slots[to & (tree->slots_size - 1)].node;)
			to++;
		tree->slots[to & (tree->slots_size - 1)] = old[i];
	}
	free(old);
}

/* A key takes some 25 bytes of a database. Growing step by step costs as much again as filling it. */
static void reserve_slots(struct tree *tree)
{
	tree->slots_size = 256;
	while (tree->slots_size < tree->len / 16)
		tree->slots_size *= 2;
	tree->slots = gw_calloc(tree->slots_size, sizeof(*tree->slots));
}

/* False if the key is there already; an anchor may be defined anew. */
static bool slot_put(struct tree *tree, const struct tree_node *map, const char *key, uint32_t len, struct tree_node *node)
{
	struct slot *slot;

	if ((tree->slots_used + 1) * 2 > tree->slots_size)
		slots_grow(tree);
	slot = slot_find(tree, map, key, len);
	if (slot->node && map)
		return false;
	tree->slots_used += !slot->node;
	*slot = (struct slot){map, node, key, len, slot_hash(map, key, len)};
	return true;
}

__attribute__((format(printf, 4, 5))) static void complain(struct builder *b, uint32_t line, uint32_t column, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gw_errors_add(b->errs, GW_BAD_INPUT, "%s:%" PRIu32 ":%" PRIu32 ": %s", b->name, line, column, text);
}

static void give_up(struct builder *b, const struct tree_node *at, const char *why)
{
	complain(b, at->line, at->column, "%s", why);
	b->failed = true;
}

static void place(struct tree_node *node, const struct fy_mark *start, const struct fy_mark *end)
{
	if (!start)
		return;
	node->start = (uint32_t)start->input_pos;
	node->end = end ? (uint32_t)end->input_pos : node->start;
	node->line = (uint32_t)start->line + 1;
	node->column = (uint32_t)start->column + 1;
}

/* A value that is not written stands right behind its key's colon, or at its list's start. */
static void place_absent(struct builder *b, struct tree_node *node)
{
	const struct tree_node *from = b->key ? b->key : b->depth ? b->open[b->depth - 1] : NULL;
	uint32_t at = from ? from->end : 0;

	if (b->key) {
		while (at < b->tree->len && b->tree->text[at] == ' ')
			at++;
		at = at < b->tree->len && b->tree->text[at] == ':' ? at + 1 : from->end;
	}
	node->absent = true;
	node->start = node->end = at;
	node->line = from ? from->line : 1;
	node->column = from ? from->column + (at - from->start) : 1;
}

static const char *keep_text(struct builder *b, const char *text, size_t len)
{
	char *copy;

	if (text >= b->tree->text && text + len <= b->tree->text + b->tree->len)
		return text;
	copy = tree_alloc(b->tree, len);
	memcpy(copy, text, len);
	return copy;
}

/* The marks of a quoted scalar leave out its quotes, those of `|` and `>` the header. */
static void widen_scalar(struct builder *b, struct tree_node *node)
{
	uint32_t at;

	if (node->style == TREE_SINGLE || node->style == TREE_DOUBLE) {
		node->start -= node->start > 0;
		node->column -= node->column > 1;
		node->end += node->end < b->tree->len;
	} else if (node->style == TREE_BLOCK_TEXT) {
		at = b->key ? b->key->end : node->start;
		while (at < node->start && !(strchr("|>", b->tree->text[at]) && at && strchr(" \t:-", b->tree->text[at - 1])))
			at++;
		node->start = at;
		if (b->key) {
			node->line = b->key->line;
			node->column = b->key->column + (at - b->key->start);
		}
		while (node->end > node->start && strchr(" \t\r\n", b->tree->text[node->end - 1]))
			node->end--;
	}
}

static const uint8_t styles[] = {[FYSS_PLAIN] = TREE_PLAIN,
				 [FYSS_SINGLE_QUOTED] = TREE_SINGLE,
				 [FYSS_DOUBLE_QUOTED] = TREE_DOUBLE,
				 [FYSS_LITERAL] = TREE_BLOCK_TEXT,
				 [FYSS_FOLDED] = TREE_BLOCK_TEXT};

static void fill_scalar(struct builder *b, struct tree_node *node, struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;

	if (!token) {
		place_absent(b, node);
		node->text = "";
		return;
	}
	node->style = styles[fy_token_scalar_style(token)];
	node->text = keep_text(b, text ? text : "", len);
	node->len = (uint32_t)len;
	widen_scalar(b, node);
}

static void fill_alias(struct builder *b, struct tree_node *node, struct fy_token *token)
{
	size_t len = 0;
	const char *name = fy_token_get_text(token, &len);
	struct slot *slot = slot_find(b->tree, NULL, name, len);
	char shown[80];

	node->text = keep_text(b, name, len);
	node->len = (uint32_t)len;
	node->start -= node->start > 0;
	node->column -= node->column > 1;
	node->target = slot && slot->node ? slot->node : NULL;
	if (!node->target) {
		complain(b, node->line, node->column, "'*%s' stands for nothing: no '&%s' is before it",
			 tree_show(name, len, shown, sizeof(shown)), shown);
		b->failed = true;
		return;
	}
	for (int i = 0; i < b->depth; i++)
		if (b->open[i] == node->target)
			return give_up(b, node, "an alias stands inside of what it stands for");
	node->target = (struct tree_node *)tree_resolve(node->target);
	node->weight = node->target->weight;
	node->height = node->target->height;
	b->aliased += node->weight;
	if (b->aliased > MARS_MAX_ALIASED)
		give_up(b, node, "aliases stand for too much; accepted: 100000 nodes in all");
	else if (b->depth + node->height > MARS_MAX_DEPTH)
		give_up(b, node, "mappings and lists are too deep in each other; accepted: 32 levels");
}

static void check_tag(struct builder *b, struct tree_node *node, struct fy_token *token)
{
	static const char *const known[] = {"str", "int", "float", "bool", "null", "seq", "map", "timestamp", NULL};
	static const char prefix[] = "tag:yaml.org,2002:";
	size_t len = 0;
	const char *tag = token ? fy_token_get_text(token, &len) : NULL;
	char shown[80];

	if (!tag)
		return;
	if (len > sizeof(prefix) - 1 && memcmp(tag, prefix, sizeof(prefix) - 1) == 0)
		for (int i = 0; known[i]; i++)
			if (strlen(known[i]) == len - (sizeof(prefix) - 1) &&
			    memcmp(tag + sizeof(prefix) - 1, known[i], strlen(known[i])) == 0) {
				if (i == 0 && node->style == TREE_PLAIN && node->kind == TREE_SCALAR)
					node->style = TREE_DOUBLE; /* !!str: never null or a number */
				return;
			}
	complain(b, node->line, node->column, "the tag '%s' is not known here; leave it out", tree_show(tag, len, shown, sizeof(shown)));
}

static void take_key(struct builder *b, struct tree_node *node)
{
	const struct slot *slot;
	char shown[80];

	b->key = node;
	b->ignored_key = false;
	if (node->kind != TREE_SCALAR)
		return give_up(b, node, "a key must be a text");
	slot = slot_find(b->tree, node->parent, node->text, node->len);
	if (tree_is(node, "<<") && node->style == TREE_PLAIN) {
		complain(b, node->line, node->column, "merging with '<<' is not supported; write the fields out");
		b->ignored_key = true;
	} else if (slot && slot->node) {
		complain(b, node->line, node->column, "'%s' is there already, at line %" PRIu32 "; a key can be given once",
			 tree_show(node->text, node->len, shown, sizeof(shown)), slot->node->key->line);
		b->ignored_key = true;
	}
}

static void append(struct tree_node *parent, struct tree_node *node)
{
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n++;
}

static bool is_key(const struct builder *b)
{
	return b->depth && b->open[b->depth - 1]->kind == TREE_MAP && !b->key;
}

/* Puts a node that just began where it belongs. */
static void attach(struct builder *b, struct tree_node *node)
{
	struct tree_node *parent = b->depth ? b->open[b->depth - 1] : NULL;

	node->parent = parent;
	if (!parent) {
		b->tree->root = node;
	} else if (is_key(b)) {
		take_key(b, node);
	} else if (parent->kind == TREE_MAP) {
		node->key = b->key;
		if (!b->ignored_key && slot_put(b->tree, parent, b->key->text, b->key->len, node))
			append(parent, node);
		b->key = NULL;
	} else {
		append(parent, node);
	}
}

/* A node that is complete adds to its parent. Keys do not count: they are scalars. */
static void account(struct builder *b, const struct tree_node *node)
{
	struct tree_node *parent = node->parent;

	if (!parent || node == b->key)
		return;
	parent->weight += node->weight;
	if (parent->height < node->height + 1)
		parent->height = (uint8_t)(node->height + 1);
}

static void begin_node(struct builder *b, struct fy_event *event, enum tree_kind kind, struct fy_token *anchor, struct fy_token *tag)
{
	struct tree_node *node = tree_alloc(b->tree, sizeof(*node));
	const char *name;
	size_t len;

	node->kind = (uint8_t)kind;
	node->weight = 1;
	place(node, fy_event_start_mark(event), fy_event_end_mark(event));
	if (kind == TREE_SCALAR)
		fill_scalar(b, node, event->scalar.value);
	else if (kind == TREE_ALIAS)
		fill_alias(b, node, event->alias.anchor);
	else
		node->flow = node->start < b->tree->len && strchr("[{", b->tree->text[node->start]) && node->end > node->start;
	if (b->failed)
		return;
	check_tag(b, node, tag);
	attach(b, node);
	if (b->failed)
		return;
	if (anchor && (name = fy_token_get_text(anchor, &len))) {
		node->anchored = true;
		slot_put(b->tree, NULL, keep_text(b, name, len), (uint32_t)len, node);
	}
	if (kind == TREE_SCALAR || kind == TREE_ALIAS)
		return account(b, node);
	if (b->depth == MARS_MAX_DEPTH)
		return give_up(b, node, "mappings and lists are too deep in each other; accepted: 32 levels");
	b->open[b->depth++] = node;
}

static void end_node(struct builder *b, struct fy_event *event)
{
	struct tree_node *node = b->open[--b->depth];
	const struct fy_mark *mark = fy_event_end_mark(event);

	if (node->flow && mark)
		node->end = (uint32_t)mark->input_pos;
	else if (node->last)
		node->end = node->last->end;
	account(b, node);
}

static void on_document(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (++b->documents < 2)
		return;
	complain(b, mark ? (uint32_t)mark->line + 1 : 1, 1, "a second document begins; accepted: one");
	b->failed = true;
}

static void on_event(struct builder *b, struct fy_event *event)
{
	switch (event->type) {
	case FYET_DOCUMENT_START:
		return on_document(b, event);
	case FYET_MAPPING_START:
		return begin_node(b, event, TREE_MAP, event->mapping_start.anchor, event->mapping_start.tag);
	case FYET_SEQUENCE_START:
		return begin_node(b, event, TREE_LIST, event->sequence_start.anchor, event->sequence_start.tag);
	case FYET_SCALAR:
		return begin_node(b, event, TREE_SCALAR, event->scalar.anchor, event->scalar.tag);
	case FYET_ALIAS:
		return begin_node(b, event, TREE_ALIAS, NULL, NULL);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return end_node(b, event);
	default:
		return;
	}
}

static void report_syntax(struct builder *b, struct fy_diag *diag)
{
	void *prev = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &prev);
	char shown[200];

	if (!e || !e->msg)
		complain(b, 1, 1, "this is not valid YAML");
	else
		complain(b, e->line > 0 ? (uint32_t)e->line : 1, e->column > 0 ? (uint32_t)e->column : 1, "this is not valid YAML: %s",
			 tree_show(e->msg, strlen(e->msg), shown, sizeof(shown)));
}

static void parse_events(struct builder *b)
{
	/* libfyaml prints some errors whatever its flags say: its diagnostics are given nowhere to print to, and collected. */
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DISABLE_MMAP_OPT |
					    FYPCF_SLOPPY_FLOW_INDENTATION};
	struct fy_parser *parser;
	struct fy_event *event;
	FILE *nowhere = fopen("/dev/null", "we");

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = nowhere;
	diag_cfg.colorize = false;
	cfg.diag = fy_diag_create(&diag_cfg);
	gw_assert(cfg.diag);
	fy_diag_set_collect_errors(cfg.diag, true);
	parser = fy_parser_create(&cfg);
	gw_assert(parser && fy_parser_set_string(parser, b->tree->text, b->tree->len) == 0);
	while (!b->failed && (event = fy_parser_parse(parser))) {
		on_event(b, event);
		fy_parser_event_free(parser, event);
	}
	if (!b->failed && fy_parser_get_stream_error(parser))
		report_syntax(b, cfg.diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	if (nowhere)
		fclose(nowhere);
}

static bool check_bytes(struct builder *b)
{
	const char *text = b->tree->text;
	size_t bad;
	uint32_t line = 1, column = 1;

	if (b->tree->len > MARS_MAX_SIZE) {
		gw_errors_add(b->errs, GW_BAD_INPUT, "%s: %zu bytes are too many; accepted: up to %u", b->name, b->tree->len,
			      MARS_MAX_SIZE);
		return false;
	}
	bad = text_first_invalid(text, b->tree->len);
	if (bad == b->tree->len)
		return true;
	for (size_t i = 0; i < bad; i++) {
		column = text[i] == '\n' ? 1 : column + (((unsigned char)text[i] & 0xc0) != 0x80);
		line += text[i] == '\n';
	}
	complain(b, line, column, "byte 0x%02x is not valid here; accepted: UTF-8 without control characters", (unsigned char)text[bad]);
	return false;
}

struct tree *tree_parse(const char *text, size_t len, const char *name, struct gw_errors *errs)
{
	struct builder b = {.name = name, .errs = errs};
	size_t before = errs->n + errs->left_out;

	b.tree = gw_calloc(1, sizeof(*b.tree));
	b.tree->text = text;
	b.tree->len = len;
	if (check_bytes(&b) && len) {
		reserve_slots(b.tree);
		parse_events(&b);
	}
	if (errs->n + errs->left_out == before)
		return b.tree;
	tree_destroy(b.tree);
	return NULL;
}

void tree_destroy(struct tree *tree)
{
	if (!tree)
		return;
	for (struct chunk *next, *chunk = tree->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(tree->slots);
	free(tree);
}

struct tree_node *tree_root(const struct tree *tree)
{
	return tree->root;
}

const char *tree_text(const struct tree *tree, size_t *len)
{
	*len = tree->len;
	return tree->text;
}

const struct tree_node *tree_resolve(const struct tree_node *node)
{
	return node && node->kind == TREE_ALIAS ? node->target : node;
}

struct tree_node *tree_get(const struct tree *tree, const struct tree_node *map, const char *key, size_t len)
{
	struct slot *slot;

	map = tree_resolve(map);
	slot = map && map->kind == TREE_MAP ? slot_find(tree, map, key, len) : NULL;
	return slot ? slot->node : NULL;
}

bool tree_text_is_null(const char *text, size_t len)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strlen(nulls[i]) == len && memcmp(text, nulls[i], len) == 0)
			return true;
	return false;
}

bool tree_is_null(const struct tree_node *node)
{
	node = tree_resolve(node);
	return !node || (node->kind == TREE_SCALAR && node->style == TREE_PLAIN && tree_text_is_null(node->text, node->len));
}

bool tree_is(const struct tree_node *node, const char *text)
{
	return node && node->kind == TREE_SCALAR && strlen(text) == node->len && memcmp(node->text, text, node->len) == 0;
}

static bool scalars_equal(const struct tree_node *x, const struct tree_node *y)
{
	if (tree_is_null(x) || tree_is_null(y))
		return tree_is_null(x) && tree_is_null(y);
	return (x->style == TREE_PLAIN) == (y->style == TREE_PLAIN) && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

/* Recursion is bounded by MARS_MAX_DEPTH, also through aliases. */
bool tree_equal(const struct tree *a, const struct tree_node *x, const struct tree *b, const struct tree_node *y)
{
	const struct tree_node *u, *v;

	x = tree_resolve(x);
	y = tree_resolve(y);
	if (!x || !y || x->kind == TREE_SCALAR || y->kind == TREE_SCALAR)
		return tree_is_null(x) || tree_is_null(y) ? tree_is_null(x) && tree_is_null(y) : x->kind == y->kind && scalars_equal(x, y);
	if (x->kind != y->kind || x->n != y->n)
		return false;
	for (u = x->first, v = y->first; u; u = u->next, v = v->next)
		if (!tree_equal(a, u, b, x->kind == TREE_MAP ? tree_get(b, y, u->key->text, u->key->len) : v))
			return false;
		else if (x->kind == TREE_MAP && !tree_get(b, y, u->key->text, u->key->len))
			return false;
	return true;
}

const char *tree_show(const char *text, size_t len, char *out, size_t size)
{
	size_t used = 0, i;

	for (i = 0; i < len && used + 8 < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			used += (size_t)snprintf(out + used, size - used, c == '\n' ? "\\n" : "\\x%02x", c);
		else
			out[used++] = (char)c;
	}
	while (i < len && i && ((unsigned char)text[i] & 0xc0) == 0x80 && used && ((unsigned char)out[used - 1] & 0x80)) {
		used--; /* not half a character */
		i--;
	}
	snprintf(out + used, size - used, "%s", i < len ? "..." : "");
	return out;
}

static size_t put_path(const struct tree_path *path, char *out, size_t size)
{
	char shown[80];
	size_t used = path->up ? put_path(path->up, out, size) : 0;
	bool bare = path->text && path->len;

	if (used >= size)
		return used;
	if (!path->text)
		return used + (size_t)snprintf(out + used, size - used, "[%zu]", path->index);
	for (size_t i = 0; i < path->len; i++)
		bare &= text_is_word(path->text[i]);
	return used + (size_t)snprintf(out + used, size - used, bare ? "%s%s" : "%s'%s'", used ? "." : "",
				       tree_show(path->text, path->len, shown, sizeof(shown)));
}

const char *tree_path_text(const struct tree_path *path, char *out, size_t size)
{
	out[0] = '\0';
	if (path)
		put_path(path, out, size);
	return out;
}
