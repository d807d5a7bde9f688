/* Nodes from libfyaml's events. Internal to libmars. */
#ifndef LIBMARS_TREE_BUILD_H
#define LIBMARS_TREE_BUILD_H

#include "libmars/tree_internal.h"
#include "libmars/tree_stream.h"

#include "libmars/marsdb.h"

#include <libfyaml.h>

struct tree_builder {
	struct tree *tree;
	const char *name;
	struct gw_errors *errs;
	struct tree_node *open[MARS_MAX_DEPTH + 1];
	int depth;
	struct tree_node *key; /* the key whose value comes next */
	bool ignored_key;      /* that key is a duplicate: its value goes nowhere */
	int documents;
	bool failed; /* so that going on makes no sense */
	/* tree_stream.h: values at depth `level` are handed over and forgotten; 0: all stay */
	int level, above; /* above: levels that there are around the text */
	tree_entry_fn *entry;
	void *data;
	struct tree_mark mark; /* what stays */
};

void tree_build_event(struct tree_builder *b, struct fy_event *event);
void tree_build_complain(struct tree_builder *b, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
