/* Random edits, most of them nasty, of a database that is read entry by entry: whenever reading around the edit alone has an outcome, it is
 * what reading the whole text has. CONTENT_PLAIN_SEED (of the first), CONTENT_PLAIN_COUNT (databases). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/text.h"
#include "tests/fuzz/libfyaml_leaks.h"
#include "tests/harness/same_content.h"

enum { EDITS = 24 };

static uint64_t state;

static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % n;
}

/* --- A database ---------------------------------------------------------------------------------------------------------------------- */

static const char *const fields[] = {
	"comment: fan",
	"comment: 'it''s'",
	"comment: \"a\\nb\"",
	"comment: |\n%s  two\n%s  lines\n",
	"comment: >-\n%s  folded\n\n%s  text",
	"comment: |+\n%s  kept\n\n",
	"comment: two\n%s  lines",
	"comment: \"two\n%s  lines\"",
	"tags: [a, b, 'c d']",
	"tags:\n%s- a\n%s- b",
	"tags:\n%s  - a # why\n%s  - b",
	"manual_tags: &t [x]\n%stags: *t",
	"pdu: P\n%spdu_port_id: $",
	"pdu: 'P'\n%spdu_port_id: p$",
	"gitlab: {fdo: {exposed: true, runner_id: 7}}",
	"gitlab:\n%s  fdo:\n%s    exposed: false # not yet",
	"ip_address: 10.42.1.$",
	"pdu_off_delay: 30",
	"ready_for_service: true",
	"is_retired: no",
	"first_seen: 2021-12-22 12:55:37.001000",
	"hidden: x",
	"base_name: g",
	"tags: [a,\n%s  b,\n%s  c]",
	"comment: null",
	"comment:",
	"local_tty_device: ttyUSB0 # serial",
};

/* Each %s is the indentation, each $ a number that no other has. */
static void put_field(struct text *text, const char *field, const char *indent, int number, const char *line_end)
{
	text_adds(text, indent);
	for (; *field; field++)
		if (*field == '%')
			text_adds(text, (field++, indent));
		else if (*field == '$')
			text_addf(text, "%d", number);
		else if (*field == '\n')
			text_adds(text, line_end);
		else
			text_add(text, field, 1);
	text_adds(text, line_end);
}

static void put_between(struct text *text, const char *line_end)
{
	static const char *const between[] = {"# all of it", "  # deeper", "", "   ", "      # it's \"deep\" [", "#"};

	while (pick(4) == 0) {
		text_adds(text, between[pick(6)]);
		text_adds(text, line_end);
	}
}

static bool same_key(const char *a, const char *b)
{
	return strcspn(a, ":") == strcspn(b, ":") && memcmp(a, b, strcspn(a, ":")) == 0;
}

static void put_fields(struct text *text, const char *indent, int number, const char *line_end)
{
	const char *put[5] = {0};
	unsigned n = 1 + pick(5);

	for (unsigned i = 0; i < n; i++) {
		const char *field = fields[pick(sizeof(fields) / sizeof(fields[0]))];
		bool there = false;

		for (unsigned f = 0; f < i; f++)
			there |= put[f] && same_key(put[f], field);
		if (there)
			continue;
		put[i] = field;
		put_field(text, field, indent, number, line_end);
	}
}

static void put_duts(struct text *text, const char *line_end, unsigned step)
{
	char indent[20];
	int n = 3 + (int)pick(6);

	text_addf(text, "duts:%s%s", pick(4) ? "" : " # the machines", line_end);
	snprintf(indent, sizeof(indent), "%*s", (int)(2 * step), "");
	for (int i = 0; i < n; i++) {
		put_between(text, line_end);
		text_addf(text, "%*s%s52:54:00:00:00:%02x%s:%s", (int)step, "", i & 1 ? "'" : "", i, i & 1 ? "'" : "", line_end);
		put_fields(text, indent, i + 1, line_end);
	}
	put_between(text, line_end);
}

static void put_pdus(struct text *text, const char *line_end, unsigned step)
{
	text_addf(text, "pdus:%s%*sP: {driver: dummy, config: {ports: [a]}}%s", line_end, (int)step, "", line_end);
	put_between(text, line_end);
	text_addf(text, "%*s'Q':%s%*sdriver: dummy%s", (int)step, "", line_end, (int)(step * 2), "", line_end);
}

static void make_database(struct text *text)
{
	const char *line_end = pick(5) ? "\n" : "\r\n";
	unsigned step = 1 + pick(4);

	put_between(text, line_end);
	if (pick(4) == 0)
		text_addf(text, "---%s", line_end);
	if (pick(2))
		put_pdus(text, line_end, step);
	put_duts(text, line_end, step);
	if (!strstr(text->bytes, "pdus:"))
		put_pdus(text, line_end, step);
	text_addf(text, "gitlab:%s%*sfdo: {url: 'https://gitlab.freedesktop.org'}", line_end, (int)step, "");
	text_adds(text, pick(3) ? line_end : "");
}

/* --- An edit ---------------------------------------------------------------------------------------------------------------------------
 */

static const char *const snippets[] = {
	"'",
	"\"",
	"[",
	"]",
	"{",
	"}",
	"|",
	">",
	"|+\n",
	"#",
	" # c",
	"\n",
	"\r",
	"\r\n",
	"\t",
	"---\n",
	"...\n",
	"--- ",
	"%YAML 1.1\n",
	"&a ",
	"*a",
	"!!str ",
	"!x ",
	"? ",
	"- ",
	": ",
	" ",
	"  ",
	"\n\n",
	"\n  X:\n",
	"\n    X: y\n",
	"\nX: y\n",
	"\xc3\xa9",
	"\xc2\x85",
	"\xe2\x80\xa8",
	"\xef\xbb\xbf",
	"\xff",
	"x",
	"1",
	",",
	"''",
	"\\",
	"\n# c\n",
	"\n      - z\n",
	"<<: ",
	"*t",
	"&t ",
	"'x': ",
	"\"",
	"\n   \n",
	"\n  # \"\n",
	"~",
	"null",
	"52:54:00:00:00:01:\n",
	"@",
	"`",
};

static void replace(struct text *text, size_t from, size_t to, const char *new, size_t len)
{
	struct text out = {0};

	text_add(&out, text->bytes, from);
	text_add(&out, new, len);
	text_add(&out, text->bytes + to, text->len - to);
	text_finish(text);
	*text = out;
}

static size_t line_before(const struct text *text, size_t at)
{
	while (at && text->bytes[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_behind(const struct text *text, size_t at)
{
	while (at < text->len && text->bytes[at] != '\n')
		at++;
	return at < text->len ? at + 1 : at;
}

static void edit(struct text *text)
{
	size_t at = pick((unsigned)text->len + 1), start = line_before(text, at), stop = line_behind(text, at);
	size_t other = line_before(text, pick((unsigned)text->len + 1));
	const char *snippet = snippets[pick(sizeof(snippets) / sizeof(snippets[0]))];
	char *line = gw_strndup(text->bytes + start, stop - start);

	switch (pick(8)) {
	case 0: /* a few bytes go */
		replace(text, at, at + pick(6) < text->len ? at + pick(6) % (unsigned)(text->len - at) : text->len, "", 0);
		break;
	case 1: /* a line goes */
		replace(text, start, stop, "", 0);
		break;
	case 2: /* a line again, elsewhere */
		replace(text, other, other, line, strlen(line));
		break;
	case 3: /* a line, deeper or not so deep */
		replace(text, start, start + (*line == ' ' && pick(2)), "  ", pick(3));
		break;
	case 4: /* some lines go */
		replace(text, start < other ? start : other, start < other ? other : start, "", 0);
		break;
	case 5: /* at a line's start */
		replace(text, start, start, snippet, strlen(snippet));
		break;
	default:
		replace(text, at, at + (pick(2) && at < text->len), snippet, strlen(snippet));
	}
	free(line);
}

/* --- The test ------------------------------------------------------------------------------------------------------------------------- */

static struct content *read_plain(const struct text *text)
{
	char *copy = gw_strndup(text->bytes, text->len);
	struct content *content = content_read_plain(copy, text->len, "db", NULL, NULL);

	if (!content)
		free(copy);
	return content;
}

static struct content *update(const struct text *text, struct content *before)
{
	char *copy = gw_strndup(text->bytes, text->len);
	struct content *content = content_update(copy, text->len, "db", NULL, before);

	if (!content)
		free(copy);
	return content;
}

static void assert_same(const struct content *content, const struct text *text, uint64_t seed, const char *how)
{
	const char *difference = plain_difference(content, text->bytes, text->len);

	if (difference)
		print_message("%s\n", text->bytes);
	if (difference)
		fail_msg("seed %llu, %s: %s", (unsigned long long)seed, how, difference);
}

struct counts {
	unsigned plain, edits, updated;
};

static void try_database(uint64_t seed, struct counts *counts)
{
	struct text text = {0}, edited = {0};
	struct content *before, *after;

	state = seed * 0x9e3779b97f4a7c15ULL;
	make_database(&text);
	before = read_plain(&text);
	assert_same(before, &text, seed, "as made");
	counts->plain += before != NULL;
	for (int i = 0; before && i < EDITS; i++) {
		text_finish(&edited);
		text_add(&edited, text.bytes, text.len);
		edit(&edited);
		after = update(&edited, before);
		assert_same(after, &edited, seed, "edited");
		counts->edits++;
		counts->updated += after != NULL;
		if (!after && (after = read_plain(&edited)))
			assert_same(after, &edited, seed, "read anew");
		if (!after) /* the admin would mend it: go on from what is valid */
			continue;
		content_release(before);
		before = after;
		text_finish(&text);
		text_add(&text, edited.bytes, edited.len);
	}
	content_release(before);
	text_finish(&text);
	text_finish(&edited);
}

static void an_edit_read_alone_is_the_edit_read_with_all(void **unused)
{
	uint64_t seed = getenv("CONTENT_PLAIN_SEED") ? strtoull(getenv("CONTENT_PLAIN_SEED"), NULL, 10) : 1;
	unsigned n = getenv("CONTENT_PLAIN_COUNT") ? (unsigned)atoi(getenv("CONTENT_PLAIN_COUNT")) : 150;
	struct counts counts = {0};

	for (unsigned i = 0; i < n; i++)
		try_database(seed + i, &counts);
	print_message("%u databases, %u plain; %u edits, %u read alone\n", n, counts.plain, counts.edits, counts.updated);
	assert_true(counts.plain > n / 2);
	assert_true(counts.updated > counts.edits / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_read_alone_is_the_edit_read_with_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
