/* Generated databases in every layout that an admin may choose, and generated edits of them: the text reads back as what was meant, no line
 * changes but those concerned, and every comment is still there. A slice runs here; tests/long/mars_property runs more, with other seeds:
 * MARS_PROPERTY_SEED (of the first), MARS_PROPERTY_COUNT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/edit.h"
#include "libmars/text.h"
#include "libmars/tree.h"

enum { DUTS_MAX = 6, FIELDS_MAX = 7, TAGS_MAX = 4, ANCHORS_MAX = 16 };

static const char *const names[FIELDS_MAX] = {"comment",     "pdu_off_delay", "ready_for_service", "tags",
					      "manual_tags", "gitlab",        "local_tty_device"};
static const char *const words[] = {"fan",        "new fan",  "it's",   "a: b", "# no comment", "null", "30",
				    "amdgpu:gen", "\xc3\xa9", "x, [y]", "",     "- z"};

struct field { /* the model: what the database means */
	bool there, is_list, is_map;
	const char *text; /* of a scalar; of a map its one member, `exposed` */
	bool plain;       /* a number or a boolean */
	const char *items[TAGS_MAX];
	size_t n;
};
struct dut {
	bool there;
	char id[18];
	struct field fields[FIELDS_MAX];
};
struct style {
	const char *line_end;
	unsigned step, dash;
	bool comments;
};
struct maker {
	uint64_t random;
	struct style style;
	struct text text;
	int comments, anchors;
	struct field anchored[ANCHORS_MAX]; /* what *a0, *a1, ... stand for */
	struct dut duts[DUTS_MAX];
};

static unsigned pick(struct maker *m, unsigned n)
{
	m->random = m->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(m->random >> 33) % n;
}

/* --- A database ---------------------------------------------------------------------------------------------------------------------- */

static void end_line(struct maker *m)
{
	if (m->style.comments && pick(m, 3) == 0)
		text_addf(&m->text, "%*s# c%d.", 1 + (int)pick(m, 4), "", m->comments++);
	else if (pick(m, 12) == 0)
		text_adds(&m->text, "  ");
	text_adds(&m->text, m->style.line_end);
}

static void lines_between(struct maker *m, unsigned indent)
{
	while (m->style.comments && pick(m, 5) == 0) {
		text_addf(&m->text, "%*s# c%d: it's \"kept\", [so] {there}.", (int)(pick(m, 2) ? indent : pick(m, 9)), "", m->comments++);
		text_adds(&m->text, m->style.line_end);
	}
	while (pick(m, 8) == 0)
		text_adds(&m->text, m->style.line_end);
}

static void put_anchor(struct maker *m, const struct field *value)
{
	if (m->anchors == ANCHORS_MAX)
		return;
	text_addf(&m->text, "&a%d ", m->anchors);
	m->anchored[m->anchors++] = *value;
}

/* Instead of the value, one that was anchored before and is of its kind: then the field means that. */
static bool put_alias(struct maker *m, struct field *f)
{
	const struct field *value;
	int which;

	if (!m->anchors || f->plain || pick(m, 4))
		return false;
	which = (int)pick(m, (unsigned)m->anchors);
	value = &m->anchored[which];
	if (value->plain || value->is_list != f->is_list || value->is_map != f->is_map)
		return false;
	*f = *value;
	text_addf(&m->text, "*a%d", which);
	return true;
}

static void put_quoted(struct maker *m, const char *text, bool plain, bool may_anchor)
{
	bool tricky = !*text || strpbrk(text, ":#',[- ") || strcmp(text, "null") == 0 || strspn(text, "0123456789") == strlen(text);
	unsigned how = plain ? 0 : tricky ? 1 + pick(m, 2) : pick(m, 3);

	if (may_anchor && !plain && pick(m, 10) == 0)
		put_anchor(m, &(struct field){.there = true, .text = text});
	if (how == 1) {
		text_adds(&m->text, "'");
		for (const char *c = text; *c; c++)
			text_addf(&m->text, *c == '\'' ? "''" : "%c", *c);
		text_adds(&m->text, "'");
	} else {
		text_addf(&m->text, how ? "\"%s\"" : "%s", text);
	}
}

static void put_key(struct maker *m, const char *key)
{
	static const char *const forms[] = {"%s", "%s", "'%s'", "\"%s\""};

	text_addf(&m->text, forms[pick(m, 4)], key);
	text_addf(&m->text, ":%*s", pick(m, 6) ? 0 : (int)pick(m, 3), "");
}

/* Between the things of a flow collection: a blank, or a new line with comments. */
static void flow_gap(struct maker *m, unsigned indent)
{
	if (pick(m, 6))
		return text_adds(&m->text, pick(m, 2) ? " " : "");
	if (m->style.comments && pick(m, 2))
		text_addf(&m->text, " # c%d.", m->comments++);
	text_addf(&m->text, "%s%*s", m->style.line_end, (int)(indent + 1 + pick(m, 4)), "");
}

static void put_item(struct maker *m, const char **text, bool may_anchor)
{
	struct field item = {.there = true, .text = *text};

	if (put_alias(m, &item))
		*text = item.text;
	else
		put_quoted(m, *text, false, may_anchor);
}

static void put_flow_items(struct maker *m, struct field *f, unsigned indent)
{
	text_adds(&m->text, "[");
	for (size_t i = 0; i < f->n; i++) {
		flow_gap(m, indent);
		put_item(m, &f->items[i], false);
		flow_gap(m, indent);
		text_adds(&m->text, i + 1 < f->n ? ", " : pick(m, 4) ? "" : ",");
	}
	flow_gap(m, indent);
	text_adds(&m->text, "]");
}

static void put_flow_value(struct maker *m, struct field *f, unsigned indent)
{
	if (f->is_list)
		return put_flow_items(m, f, indent);
	if (f->is_map)
		return text_addf(&m->text, "{ fdo: {exposed: %s} }", f->text);
	put_quoted(m, f->text, f->plain, false);
}

static void put_block_items(struct maker *m, struct field *f, unsigned indent)
{
	end_line(m);
	for (size_t i = 0; i < f->n; i++) {
		lines_between(m, indent);
		text_addf(&m->text, "%*s-%*s", (int)(indent + m->style.dash), "", 1 + (int)pick(m, 2), "");
		put_item(m, &f->items[i], true);
		end_line(m);
	}
}

static void put_block_map(struct maker *m, const struct field *f, unsigned indent)
{
	end_line(m);
	lines_between(m, indent + m->style.step);
	text_addf(&m->text, "%*sfdo:", (int)(indent + m->style.step), "");
	end_line(m);
	text_addf(&m->text, "%*sexposed: %s", (int)(indent + 2 * m->style.step), "", f->text);
	end_line(m);
}

/* The anchor of a whole list or mapping. Its members are the last to be known, so it is noted when they are written. */
static int begin_anchor(struct maker *m, const struct field *f)
{
	if ((!f->is_list && !f->is_map) || pick(m, 6) || m->anchors == ANCHORS_MAX)
		return -1;
	put_anchor(m, &(struct field){.plain = true}); /* of no kind until then: no alias in itself */
	return m->anchors - 1;
}

static void put_block_value(struct maker *m, struct field *f, unsigned indent)
{
	if (f->is_list && f->n && pick(m, 2))
		return put_block_items(m, f, indent);
	if (f->is_map && pick(m, 2))
		return put_block_map(m, f, indent);
	if (f->is_list || f->is_map)
		put_flow_value(m, f, indent);
	else
		put_quoted(m, f->text, f->plain, true);
	end_line(m);
}

static void put_block_field(struct maker *m, const char *name, struct field *f, unsigned indent)
{
	int anchor;

	lines_between(m, indent);
	text_addf(&m->text, "%*s", (int)indent, "");
	put_key(m, name);
	text_adds(&m->text, " ");
	if (put_alias(m, f))
		return end_line(m);
	anchor = begin_anchor(m, f);
	put_block_value(m, f, indent);
	if (anchor >= 0)
		m->anchored[anchor] = *f;
}

static void put_dut(struct maker *m, struct dut *dut)
{
	unsigned indent = 2 * m->style.step;
	bool flow = pick(m, 4) == 0, first = true;

	lines_between(m, m->style.step);
	text_addf(&m->text, "%*s", (int)m->style.step, "");
	put_key(m, dut->id);
	if (flow)
		text_adds(&m->text, " {");
	else
		end_line(m);
	for (int i = 0; i < FIELDS_MAX; i++) {
		if (!dut->fields[i].there)
			continue;
		if (flow) {
			text_adds(&m->text, first ? "" : ",");
			flow_gap(m, indent);
			text_addf(&m->text, "%s: ", names[i]);
			if (!put_alias(m, &dut->fields[i]))
				put_flow_value(m, &dut->fields[i], indent);
		} else {
			put_block_field(m, names[i], &dut->fields[i], indent);
		}
		first = false;
	}
	if (flow) {
		flow_gap(m, indent);
		text_adds(&m->text, "}");
		end_line(m);
	}
}

static void make_field(struct maker *m, struct field *f, int which)
{
	*f = (struct field){.there = true, .is_list = which == 3 || which == 4, .is_map = which == 5};
	if (f->is_list)
		for (f->n = pick(m, TAGS_MAX + 1), which = 0; which < (int)f->n; which++)
			f->items[which] = words[pick(m, 12)];
	else if (which == 1)
		f->text = pick(m, 2) ? "30" : "7.5";
	else if (which == 2 || which == 5)
		f->text = pick(m, 2) ? "true" : "false";
	else
		f->text = words[pick(m, 12)];
	f->plain = which == 1 || which == 2;
}

static void make_database(struct maker *m)
{
	m->style = (struct style){pick(m, 3) ? "\n" : "\r\n", 1 + pick(m, 6), 0, pick(m, 4) != 0};
	m->style.dash = pick(m, 2) ? 0 : m->style.step;
	lines_between(m, 0);
	if (pick(m, 4) == 0)
		text_addf(&m->text, "---%s", m->style.line_end);
	if (pick(m, 2))
		text_addf(&m->text, "pdus: {P: {driver: dummy, config: {ports: [a, b]}}}%s", m->style.line_end);
	text_adds(&m->text, "duts:");
	end_line(m);
	for (unsigned i = 0, n = 1 + pick(m, DUTS_MAX - 1); i < n; i++) {
		struct dut *dut = &m->duts[i];

		dut->there = true;
		snprintf(dut->id, sizeof(dut->id), "52:54:00:00:0a:%02x", i);
		make_field(m, &dut->fields[0], 0);
		for (int f = 1; f < FIELDS_MAX; f++)
			if (pick(m, 2))
				make_field(m, &dut->fields[f], f);
		put_dut(m, dut);
	}
	if (pick(m, 3) == 0)
		text_addf(&m->text, "gitlab:%s%*sfdo: {url: 'https://gitlab.freedesktop.org'} # c%d.%s", m->style.line_end,
			  (int)m->style.step, "", m->comments++, m->style.line_end);
	lines_between(m, 0);
	if (pick(m, 5) == 0) /* no line end at the end */
		while (m->text.len && strchr("\r\n", m->text.bytes[m->text.len - 1]))
			m->text.bytes[--m->text.len] = '\0';
}

/* --- An edit, of the text and of the model -------------------------------------------------------------------------------------------- */

static struct mars_value value_of(const struct field *f, int which, struct mars_member *member)
{
	if (which == 1)
		return MARS_V_NUMBER(atof(f->text));
	if (which == 2)
		return MARS_V_BOOL(*f->text == 't');
	if (f->is_list)
		return MARS_V_TEXTS(f->items, f->n);
	if (f->is_map) {
		member[1] = (struct mars_member){"exposed", MARS_V_BOOL(*f->text == 't')};
		member[0] = (struct mars_member){"fdo", MARS_V_MAPPING(&member[1], 1)};
		return MARS_V_MAPPING(member, 1);
	}
	return MARS_V_TEXT(f->text);
}

static struct mars_edit make_edit(struct maker *m, struct mars_member *member)
{
	struct mars_edit edit = {.op = MARS_SET, .path = {"duts"}};
	unsigned d = pick(m, DUTS_MAX), f = pick(m, FIELDS_MAX), there = 0, fields = 0;
	struct dut *dut = &m->duts[d];
	struct field new;

	if (!dut->there)
		snprintf(dut->id, sizeof(dut->id), "52:54:00:00:0a:%02x", d);
	for (int i = 0; i < DUTS_MAX; i++)
		there += m->duts[i].there;
	for (int i = 0; i < FIELDS_MAX; i++)
		fields += dut->fields[i].there;
	edit.path[1] = dut->id;
	if (dut->there && there > 1 && pick(m, 8) == 0) {
		edit.op = MARS_REMOVE;
		*dut = (struct dut){0};
		snprintf(dut->id, sizeof(dut->id), "52:54:00:00:0a:%02x", d);
		return edit;
	}
	edit.path[2] = names[f];
	if (dut->fields[f].there && fields > 1 && pick(m, 6) == 0) {
		edit.op = MARS_REMOVE;
		dut->fields[f] = (struct field){0};
		return edit;
	}
	make_field(m, &new, (int)f);
	if (new.is_map && dut->fields[f].there) { /* deep */
		edit.path[3] = "fdo";
		edit.path[4] = "exposed";
		edit.value = MARS_V_BOOL(*new.text == 't');
	} else {
		edit.value = value_of(&new, (int)f, member);
	}
	dut->there = true;
	dut->fields[f] = new;
	member[2].name = NULL;
	if (edit.value.type == MARS_VALUE_TEXTS)
		edit.value.texts = dut->fields[f].items;
	return edit;
}

/* --- What must hold ------------------------------------------------------------------------------------------------------------------- */

static bool scalar_is(const struct tree_node *node, const char *text, bool plain)
{
	node = tree_resolve(node);
	if (plain && node->kind == TREE_SCALAR && node->style == TREE_PLAIN && atof(text) != 0) {
		char copy[32] = "";

		memcpy(copy, node->text, node->len < 31 ? node->len : 31);
		return atof(copy) == atof(text);
	}
	return tree_is(node, text) && (plain ? node->style == TREE_PLAIN : !tree_is_null(node));
}

static bool field_is(const struct tree *tree, const struct tree_node *node, const struct field *f)
{
	const struct tree_node *item;

	node = tree_resolve(node);
	item = node ? node->first : NULL;
	if (!f->there || !node)
		return !node == !f->there;
	if (f->is_map)
		return scalar_is(tree_get(tree, tree_get(tree, node, "fdo", 3), "exposed", 7), f->text, true);
	if (!f->is_list)
		return scalar_is(node, f->text, f->plain);
	if (node->n != f->n || (node->kind != TREE_LIST && f->n))
		return false;
	for (size_t i = 0; i < f->n; i++, item = item->next)
		if (!scalar_is(item, f->items[i], false))
			return false;
	return true;
}

static bool reads_as_meant(const struct maker *m, const struct tree *tree)
{
	const struct tree_node *duts = tree_get(tree, tree_root(tree), "duts", 4), *node;
	size_t n = 0;

	for (int d = 0; d < DUTS_MAX; d++) {
		node = m->duts[d].there ? tree_get(tree, duts, m->duts[d].id, 17) : NULL;
		if (m->duts[d].there && !node)
			return false;
		n += m->duts[d].there;
		for (int f = 0; node && f < FIELDS_MAX; f++)
			if (!field_is(tree, tree_get(tree, node, names[f], strlen(names[f])), &m->duts[d].fields[f]))
				return false;
	}
	return duts->n == n;
}

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	while (at > 0)
		line += text[--at] == '\n';
	return line;
}

static size_t offset_of(const char *text, size_t len, unsigned line)
{
	size_t at = 0;

	while (line > 1 && at < len)
		line -= text[at++] == '\n';
	return at;
}

struct range { /* lines of the text before, both ends counted */
	unsigned from, to;
};

/* What the edit concerns: the lines of the value, or of the end of the mapping that it is put into. */
static struct range lines_concerned(const struct tree *tree, const char *text, const struct mars_edit *edit)
{
	const struct tree_node *node = tree_root(tree), *next;
	int i = 0;

	for (; i < MARS_PATH_MAX && edit->path[i]; i++, node = next)
		if (!(next = tree_get(tree, node, edit->path[i], strlen(edit->path[i]))))
			break;
	if (i < MARS_PATH_MAX && edit->path[i] && node->last && !(node->flow && edit->op == MARS_REMOVE))
		return (struct range){line_of(text, node->last->end), line_of(text, node->last->end)};
	if (edit->op == MARS_REMOVE && node->parent->flow) /* and the commas around it */
		return (struct range){line_of(text, node->parent->start), line_of(text, node->parent->end)};
	return (struct range){node->key->line, line_of(text, node->end)};
}

static bool other_lines_stay(const char *a, size_t alen, const char *b, size_t blen, struct range r)
{
	size_t head = offset_of(a, alen, r.from), tail = alen - offset_of(a, alen, r.to + 1);

	return head + tail <= blen && memcmp(a, b, head) == 0 && memcmp(a + alen - tail, b + blen - tail, tail) == 0;
}

/* A removed entry takes the comments in its own lines with it. */
static const char *lost_comment(const struct maker *m, const char *a, const char *b, const struct mars_edit *edit, struct range r,
				char *out)
{
	for (int i = 0; i < m->comments; i++) {
		const char *before, *after;
		unsigned line;

		snprintf(out, 16, "# c%d.", i);
		before = strstr(a, out);
		if (!before) {
			snprintf(out, 16, "# c%d:", i);
			before = strstr(a, out);
		}
		if (!before)
			continue;
		after = strstr(b, out);
		line = line_of(a, (size_t)(before - a));
		if (after ? strstr(after + 1, out) != NULL : !(edit->op == MARS_REMOVE && line >= r.from && line <= r.to))
			return out;
	}
	return NULL;
}

static bool may_be_refused(const char *why)
{
	return strstr(why, "anchor") || strstr(why, "alias");
}

__attribute__((format(printf, 4, 5), noreturn)) static void fail_showing(const struct maker *m, uint64_t seed, const char *after,
									 const char *fmt, ...)
{
	char why[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n===== becomes =====\n%s\n=====\n", m->text.bytes, after ? after : "");
	fail_msg("seed %llu: %s", (unsigned long long)seed, why);
	abort();
}

/* Returns false if it was refused. */
static bool check_edit(struct maker *m, uint64_t seed)
{
	struct mars_member member[3];
	struct dut before[DUTS_MAX];
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	struct tree *old = tree_parse(m->text.bytes, m->text.len, "db", &errs), *new;
	char *after, comment[16];
	struct mars_edit edit;
	struct range r;
	size_t len;

	if (!old)
		fail_showing(m, seed, NULL, "the generator is wrong: %s", errs.v[0].text);
	memcpy(before, m->duts, sizeof(before));
	if (!reads_as_meant(m, old))
		fail_showing(m, seed, NULL, "the generator wrote what it did not mean");
	edit = make_edit(m, member);
	r = lines_concerned(old, m->text.bytes, &edit);
	tree_destroy(old);
	if (!mars_edit_text(m->text.bytes, m->text.len, "db", &edit, 1, &after, &len, &err)) {
		if (!may_be_refused(err.text))
			fail_showing(m, seed, NULL, "%s", err.text);
		memcpy(m->duts, before, sizeof(before));
		return false;
	}
	new = tree_parse(after, len, "db", &errs);
	if (!new || !reads_as_meant(m, new))
		fail_showing(m, seed, after, "%s.%s reads otherwise", edit.path[1], edit.path[2] ? edit.path[2] : "");
	if (!other_lines_stay(m->text.bytes, m->text.len, after, len, r))
		fail_showing(m, seed, after, "%s.%s: a line other than %u to %u changed", edit.path[1], edit.path[2] ? edit.path[2] : "",
			     r.from, r.to);
	if (lost_comment(m, m->text.bytes, after, &edit, r, comment))
		fail_showing(m, seed, after, "%s.%s: the comment %s is lost or there twice", edit.path[1], edit.path[2] ? edit.path[2] : "",
			     comment);
	tree_destroy(new);
	text_finish(&m->text);
	m->text.bytes = after;
	m->text.len = len;
	return true;
}

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : fallback;
}

static void promise_5_a_generated_edit_changes_its_own_lines_alone(void **state)
{
	uint64_t seed = number("MARS_PROPERTY_SEED", 1), count = number("MARS_PROPERTY_COUNT", 1500), done = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct maker m = {.random = seed + i};

		pick(&m, 2);
		make_database(&m);
		for (int e = 0; e < 5; e++)
			done += check_edit(&m, seed + i);
		text_finish(&m.text);
	}
	assert_true(done > count * 4); /* few are refused */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_5_a_generated_edit_changes_its_own_lines_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
