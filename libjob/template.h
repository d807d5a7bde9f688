/* Templates: the part of Jinja2 that job descriptions use, without any I/O.
 *
 * Text and a tree of names give text. There: variables, attributes, subscripts and slices, calls, filters, tests, operators, `if`, `for`
 * (with `else`, `loop`, unpacking, `if`), `set`, `with`, comments, `raw`, whitespace control. Not there, and an error that says so:
 * include, import, extends, block, macro, call. Undefined names render empty and chain. Whatever the template says, the work is bounded, so
 * it ends. Thread-safe: no globals.
 */
#ifndef LIBJOB_TEMPLATE_H
#define LIBJOB_TEMPLATE_H

#include "libjob/value.h"

#define TEMPLATE_STEPS_MAX  1000000            /* evaluated nodes, loop rounds, and 64 bytes of any result each */
#define TEMPLATE_OUTPUT_MAX (1024 * 1024)      /* bytes rendered; also of the template itself */
#define TEMPLATE_DEPTH_MAX  64                 /* nesting of expressions, statements, lists */
#define TEMPLATE_MEMORY_MAX (64 * 1024 * 1024) /* bytes of values and of the parsed template */

/* Renders `text` (n bytes; UTF-8 without NUL is for the caller to check) with the entries of the dict `names`. `where` names the template
 * in errors, which read "where:LINE: what". A first line `#!jinja2` counts as a line but is removed. On true `*out` is 0-terminated and
 * yours to free; on false `err` is set and `*out` is NULL. */
bool template_render(const char *where, const char *text, size_t n, const struct value *names, char **out, struct gw_error *err);

/* The same within other bounds than TEMPLATE_STEPS_MAX, TEMPLATE_OUTPUT_MAX and TEMPLATE_MEMORY_MAX. */
struct template_bounds {
	long steps;
	size_t output, memory; /* bytes */
};
bool template_render_within(const struct template_bounds *bounds, const char *where, const char *text, size_t n, const struct value *names,
			    char **out, struct gw_error *err);

#endif
