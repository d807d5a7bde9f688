/* Values as YAML text. Internal to libmars. */
#ifndef LIBMARS_RENDER_H
#define LIBMARS_RENDER_H

#include "libmars/edit.h"
#include "libmars/text.h"
#include "libmars/tree.h"

struct render_style {
	const char *line_end;   /* "\n" or "\r\n" */
	unsigned step;          /* blanks that a nested mapping is indented by */
	unsigned dash;          /* blanks that a list's dashes are indented by, from their key */
	enum tree_style quotes; /* of the member's own key; TREE_PLAIN: only where it needs them */
};

struct render_style render_style_of(const struct tree *tree); /* as the text has them */
/* As the members of `map` have them, where they show it. */
struct render_style render_style_near(const struct render_style *style, const struct tree_node *map);
/* How far the dashes of the first block list in `node` are indented from its key; -1: there is none. */
int render_dash_of(const struct tree_node *node);
#define RENDER_MAX_STEP 16 /* more is somebody's art, not a style */

/* In one line, at home in flow and block context. `quotes`: the style that a replaced scalar had, kept where it can be. */
void render_inline(struct text *out, const struct mars_value *value, enum tree_style quotes);
void render_key(struct text *out, const char *key, enum tree_style quotes);
/* "KEY: VALUE", with line ends between its lines and none at its end; every line but the first is indented, by `indent` and more. */
void render_member(struct text *out, const struct render_style *style, unsigned indent, const struct mars_member *member);
void render_indent(struct text *out, unsigned indent);
/* Whether a node reads back as this value. */
bool render_reads_as(const struct tree *tree, const struct tree_node *node, const struct mars_value *value);

#endif
