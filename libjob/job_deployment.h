/* What a boot is served, while it is read: items in categories, so that `continue` can replace a category of `start`. Internal to libjob.
 */
#ifndef LIBJOB_JOB_DEPLOYMENT_H
#define LIBJOB_JOB_DEPLOYMENT_H

#include "libjob/job_reader.h"

#define UNCATEGORISED ":uncategorised"

/* What a list is made of: artifacts, or entries for DHCP. An item's first member is its category, a char * that it owns. */
struct item_kind {
	const char *noun;                  /* "an artifact" */
	const struct reader_field *fields; /* tell an item from a mapping of categories */
	size_t size;
	reader_fn *read; /* into a zeroed item */
	void (*copy)(void *to, const void *from);
	void (*finish)(void *item);
	bool uncategorised_first; /* in the order of the whole; else last */
};
extern const struct item_kind kind_artifact, kind_stored, kind_dhcp; /* kind_stored: artifacts with a path */

struct category {
	char *name;
	void *items;
	size_t n;
};

struct item_list {
	struct category *v;
	size_t n;
	size_t n_items; /* of all */
};

/* One item, a list, or a mapping of categories. */
void item_list_read(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct item_kind *kind,
		    struct item_list *list);
/* Copies of the items of `list`, each category that `update` has being taken from there. `update` may be NULL. The array is yours. */
void *item_list_merged(const struct item_list *list, const struct item_list *update, const struct item_kind *kind, size_t *n);
void item_list_finish(struct item_list *list, const struct item_kind *kind);
void items_finish(void *items, size_t n, const struct item_kind *kind); /* of item_list_merged */

/* `url`, `data` and the rest of an artifact; `path` of the artifact as a whole. False: none of them is there. */
extern const struct reader_field artifact_fields[];
bool artifact_check(struct reader *r, const struct tree_node *node, const struct tree_path *path, struct job_artifact *artifact);
reader_fn artifact_read_url, artifact_read_data, artifact_read_archive, artifact_read_format; /* `out` is the artifact */
void steps_copy(struct job_artifact *to, const struct job_artifact *from);
void steps_finish(struct job_artifact *artifact);

/* job_image.c: `storage.imagestore`; `out` is the struct job_images. */
reader_fn read_imagestore;
/* Copies of both; those of `update` (or NULL) replace others of their names. */
void job_images_merge(struct job_images *to, const struct job_images *start, const struct job_images *update);
void job_images_finish(struct job_images *images);

/* job_nbd.c: `storage.nbd`; `out` is the struct job_nbds. */
reader_fn read_nbd;
/* Copies of both; those of `update` (or NULL) replace others of their names. */
void job_nbds_merge(struct job_nbds *to, const struct job_nbds *start, const struct job_nbds *update);
void job_nbds_finish(struct job_nbds *nbds);
/* "42", "42k" and "42kiB" (1024 each), "42kB" (1000), and so on: bytes; -1: it is none of these, or nothing, or more than 2^53. */
int64_t job_nbd_size(const char *text, size_t n);

reader_fn read_dhcp_match; /* `out` is the struct job_dhcp */
/* `defaults` of the boots DB: a deployment of DHCP options and of stored files that are given as data. `out` is a struct job_deployment. */
reader_fn read_defaults;

#endif
