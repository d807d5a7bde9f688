#include "executord/imagestore_config.h"

#include <stdlib.h>
#include <string.h>

#include "libmars/tree.h"

#define MOUNTS_MAX 64
#define OPTS_MAX   64

struct reading {
	const struct tree *tree;
	const char *name;
	struct gw_errors *errs;
	struct imagestore_config *config;
};

static void complain(const struct reading *r, const struct tree_node *at, const struct tree_path *path, const char *what)
{
	char place[200];

	gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: %s: %s", r->name, at->line, at->column, tree_path_text(path, place, sizeof(place)),
		      what);
}

/* They become a word of a kernel's command line, fields of it divided by `,` and `|`. */
static bool is_word(const struct tree_node *scalar, size_t max, const char *divides)
{
	if (scalar->kind != TREE_SCALAR || tree_is_null(scalar) || !scalar->len || scalar->len > max)
		return false;
	for (size_t i = 0; i < scalar->len; i++)
		if ((unsigned char)scalar->text[i] <= ' ' || scalar->text[i] == 0x7f || strchr(divides, scalar->text[i]))
			return false;
	return true;
}

/* Yours. */
static char *word_of(const struct reading *r, const struct tree_node *mount, const char *key, size_t max, const struct tree_path *path,
		     const char *accepted)
{
	const struct tree_node *value = tree_get(r->tree, mount, key, strlen(key)), *scalar = tree_resolve(value);
	struct tree_path here = {.up = path, .text = key, .len = strlen(key)};

	if (tree_is_null(value))
		complain(r, value ? value : mount, &here, "it is missing; a mount needs type and src");
	else if (!is_word(scalar, max, ","))
		complain(r, value, &here, accepted);
	else
		return gw_strndup(scalar->text, scalar->len);
	return NULL;
}

static void read_opts(const struct reading *r, const struct tree_node *mount, const struct tree_path *path, struct bus_texts *opts)
{
	const struct tree_node *value = tree_get(r->tree, mount, "opts", 4), *list = tree_resolve(value);
	struct tree_path here = {.up = path, .text = "opts", .len = 4}, at = {.up = &here};

	if (tree_is_null(value))
		return;
	if (list->kind != TREE_LIST || list->n > OPTS_MAX) {
		complain(r, value, &here, "this is not a list of options; accepted: at most 64, as vers=4.2");
		return;
	}
	opts->v = gw_calloc(list->n + 1, sizeof(*opts->v));
	for (const struct tree_node *opt = list->first; opt; opt = opt->next, at.index++) {
		const struct tree_node *scalar = tree_resolve(opt);

		if (is_word(scalar, 256, ",|"))
			opts->v[opts->n++] = gw_strndup(scalar->text, scalar->len);
		else
			complain(r, opt, &at, "this is not an option; accepted: a text of at most 256 bytes without blanks, ',' and '|'");
	}
}

static void check_keys(const struct reading *r, const struct tree_node *map, const struct tree_path *path)
{
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = {.up = path, .text = value->key->text, .len = value->key->len};

		if (!tree_is(value->key, "type") && !tree_is(value->key, "src") && !tree_is(value->key, "opts"))
			complain(r, value->key, &here, "it is not a field of a mount; accepted: type, src, opts");
	}
}

static bool had_before(const struct imagestore_config *config, const char *type)
{
	for (size_t i = 0; i < config->n; i++)
		if (config->v[i].type && strcmp(config->v[i].type, type) == 0)
			return true;
	return false;
}

static void read_mount(const struct reading *r, const struct tree_node *node, const struct tree_path *path)
{
	struct msg_imagestore_mount *to = &r->config->v[r->config->n];
	const struct tree_node *map = tree_resolve(node);

	if (map->kind != TREE_MAP) {
		complain(r, node, path, "this is not a mount; accepted: a mapping with type, src and opts");
		return;
	}
	check_keys(r, map, path);
	to->type = word_of(r, map, "type", 64, path, "this is not the name of a file system; accepted: one as nfs");
	to->src = word_of(
		r, map, "src", 1024, path,
		"this is not a source; accepted: a text of at most 1024 bytes without blanks and ',', as ci-gateway:/imagestores");
	read_opts(r, map, path, &to->opts);
	if (to->type && had_before(r->config, to->type))
		complain(r, node, path, "there is a mount of this type already; accepted: one of each");
	r->config->n++;
}

static void read_mounts(const struct reading *r, const struct tree_node *node, const struct tree_path *path)
{
	const struct tree_node *list = tree_resolve(node);
	struct tree_path here = {.up = path};

	if (tree_is_null(node))
		return;
	if (list->kind != TREE_LIST || list->n > MOUNTS_MAX) {
		complain(r, node, path, "this is not a list of mounts; accepted: at most 64, each with type, src and opts");
		return;
	}
	r->config->v = gw_calloc(list->n + 1, sizeof(*r->config->v));
	for (const struct tree_node *mount = list->first; mount; mount = mount->next, here.index++)
		read_mount(r, mount, &here);
}

static void read_root(const struct reading *r)
{
	const struct tree_node *root = tree_root(r->tree), *map = tree_resolve(root);

	if (!root || tree_is_null(root))
		return;
	if (map->kind != TREE_MAP) {
		gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: this is not a mapping; accepted: mount, a list", r->name, root->line,
			      root->column);
		return;
	}
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = {.text = value->key->text, .len = value->key->len};

		if (tree_is(value->key, "mount"))
			read_mounts(r, value, &here);
		else
			complain(r, value->key, &here, "it is not a field here; accepted: mount");
	}
}

bool imagestore_config_decode(struct imagestore_config *config, const char *text, size_t n, const char *name, struct gw_errors *errs)
{
	struct reading r = {.name = name, .errs = errs, .config = config};
	size_t before = errs->n;
	struct tree *tree = tree_parse(text, n, name, errs);

	*config = (struct imagestore_config){0};
	if (tree) {
		r.tree = tree;
		read_root(&r);
		tree_destroy(tree);
	}
	if (errs->n == before)
		return true;
	imagestore_config_finish(config);
	return false;
}

void imagestore_config_finish(struct imagestore_config *config)
{
	for (size_t i = 0; i < config->n; i++) {
		free(config->v[i].type);
		free(config->v[i].src);
		for (size_t o = 0; o < config->v[i].opts.n; o++)
			free(config->v[i].opts.v[o]);
		free(config->v[i].opts.v);
	}
	free(config->v);
	*config = (struct imagestore_config){0};
}
