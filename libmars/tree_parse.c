/* A text through libfyaml's parser, as a whole or entry by entry. */
#include "libmars/text.h"
#include "libmars/tree_build.h"

#include <inttypes.h>
#include <string.h>

static void report_syntax(struct tree_builder *b, struct fy_diag *diag)
{
	void *prev = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &prev);
	char shown[200];

	if (!e || !e->msg)
		tree_build_complain(b, 1, 1, "this is not valid YAML");
	else
		tree_build_complain(b, e->line > 0 ? (uint32_t)e->line : 1, e->column > 0 ? (uint32_t)e->column : 1,
				    "this is not valid YAML: %s", tree_show(e->msg, strlen(e->msg), shown, sizeof(shown)));
}

static void parse_events(struct tree_builder *b)
{
	/* libfyaml prints some errors whatever its flags say: its diagnostics are given nowhere to print to, and collected. */
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DISABLE_MMAP_OPT |
					    FYPCF_SLOPPY_FLOW_INDENTATION};
	struct fy_parser *parser;
	struct fy_event *event;
	bool ended = false;
	FILE *nowhere = fopen("/dev/null", "we");

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = nowhere;
	diag_cfg.colorize = false;
	cfg.diag = gw_have(fy_diag_create(&diag_cfg));
	fy_diag_set_collect_errors(cfg.diag, true);
	parser = gw_have(fy_parser_create(&cfg));
	gw_have(fy_parser_set_string(parser, b->tree->text, b->tree->len) == 0 ? parser : NULL);
	while (!b->failed && (event = fy_parser_parse(parser))) {
		ended = event->type == FYET_STREAM_END;
		tree_build_event(b, event);
		fy_parser_event_free(parser, event);
	}
	if (!b->failed && (!ended || fy_parser_get_stream_error(parser))) /* without memory it just ends */
		report_syntax(b, cfg.diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	if (nowhere)
		fclose(nowhere);
}

static bool check_bytes(struct tree_builder *b)
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
	tree_build_complain(b, line, column, "byte 0x%02x is not valid here; accepted: UTF-8 without control characters",
			    (unsigned char)text[bad]);
	return false;
}

static struct tree *parse(struct tree_builder *b, const char *text, size_t len)
{
	size_t before = b->errs->n + b->errs->left_out;

	b->tree = gw_calloc(1, sizeof(*b->tree));
	b->tree->text = text;
	b->tree->len = len;
	if (check_bytes(b) && len)
		parse_events(b);
	if (!b->failed && b->errs->n + b->errs->left_out == before)
		return b->tree;
	tree_destroy(b->tree);
	return NULL;
}

struct tree *tree_parse(const char *text, size_t len, const char *name, struct gw_errors *errs)
{
	struct tree_builder b = {.name = name, .errs = errs};

	return parse(&b, text, len);
}

struct tree *tree_stream(const char *text, size_t len, int level, tree_entry_fn *entry, void *data)
{
	struct gw_errors errs = {0};
	struct tree_builder b = {.name = "", .errs = &errs, .level = level, .above = 2 - level, .entry = entry, .data = data};
	struct tree *tree = parse(&b, text, len);

	gw_errors_finish(&errs);
	return tree;
}
