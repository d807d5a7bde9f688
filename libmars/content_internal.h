/* The steps from a text to a content. Internal to libmars. */
#ifndef LIBMARS_CONTENT_INTERNAL_H
#define LIBMARS_CONTENT_INTERNAL_H

#include "libmars/content.h"

#define SECTIONS 3
struct content_section {
	const char *key;
	const struct mars_object *object;
};
extern const struct content_section content_sections[SECTIONS]; /* by enum mars_change_what */

struct maker { /* of one content */
	struct decoder decoder;
	struct content *content, *before; /* before: NULL: none */
};

struct content *content_alloc(char *text, size_t len);
const char *content_entry_name(const struct entry *entry);
/* A reference to the entry of `before` that says the same, or to a new one. */
struct entry *content_make_entry(struct maker *m, enum mars_change_what what, const struct tree_node *node);
void content_entry_release(struct entry *entry); /* accepts NULL */
/* The warnings of all its entries, with their places. */
void content_collect_warnings(struct content *content, const char *name);

/* content_check.c: what must agree between entries. Complaints have places where the content has a tree. */
void content_check(struct maker *m);
void content_check_count(struct maker *m); /* of GitLab instances */
void content_check_one(struct maker *m, enum mars_change_what what, const struct content_entry *at);
void content_check_references(struct maker *m);

/* content_plain.c: NULL, with `text` still the caller's: it is not plain, or not valid. */
struct content *content_read_plain(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before);
/* The same, reading the lines alone that differ from `before`. */
struct content *content_update(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before);

#endif
