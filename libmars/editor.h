/* One edit on its way: what stands in the text, and the splices that make the edit. Internal to libmars. */
#ifndef LIBMARS_EDITOR_H
#define LIBMARS_EDITOR_H

#include "libmars/edit.h"
#include "libmars/render.h"
#include "libmars/text.h"
#include "libmars/tree.h"

#define MAX_SPLICES 8

struct splice { /* the bytes from start to end become `text` */
	uint32_t start, end;
	struct text text;
};

struct editor {
	const struct tree *tree;
	const char *text;
	uint32_t len;
	const struct mars_edit *edit;
	struct render_style style; /* of the text */
	struct splice splices[MAX_SPLICES];
	int n;
	struct gw_error *err;
};

size_t edit_path_length(const struct mars_edit *edit);
/* "PATH: ...; nothing was changed". Always false. */
bool editor_refuse(const struct editor *e, enum gw_error_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Where to put what is to stand there. Splices do not overlap. */
struct text *editor_splice(struct editor *e, uint32_t start, uint32_t end);
void editor_apply(struct editor *e, struct text *out);

uint32_t editor_line_start(const struct editor *e, uint32_t at);
uint32_t editor_line_stop(const struct editor *e, uint32_t at); /* before the line's end, CR or LF */
uint32_t editor_next_line(const struct editor *e, uint32_t at);
bool editor_only_blanks(const struct editor *e, uint32_t from, uint32_t to);

/* The next comment in the bytes of `node` and the lines around it; its start, or `to`. */
uint32_t editor_next_comment(const struct editor *e, const struct tree_node *node, uint32_t at, uint32_t to);
/* The lines from that of `from` to that of `to` (the end of what is there), which hold `node`, go. Their comments stay, in lines of their
 * own. */
bool editor_cut_lines(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to);
/* The comments inside of what is replaced or removed, behind what comes in its place. */
void editor_keep_comments(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to, unsigned indent, struct text *text);

/* edit_value.c, edit_key.c: false, with the reason: refused */
bool editor_replace_value(struct editor *e, const struct tree_node *old, const struct mars_value *value);
bool editor_insert_in_flow(struct editor *e, const struct tree_node *map, const struct mars_member *member);
bool editor_insert_in_block(struct editor *e, const struct tree_node *map, const struct mars_member *member);
bool editor_insert_in_empty(struct editor *e, const struct mars_member *member); /* the document is null or {} */
bool editor_remove_from_flow(struct editor *e, const struct tree_node *map, const struct tree_node *value);
bool editor_remove_lines(struct editor *e, const struct tree_node *value); /* its comments with it; those in front of it stay */

#endif
