#include "bucketd/config_internal.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1 << 20)

/* What ships for booting is there whatever the file says. */
static void add_boot(struct bucketd_config *config)
{
	for (size_t i = 0; i < config->n_buckets; i++)
		if (strcmp(config->buckets[i].name, "boot") == 0)
			return;
	config->buckets = gw_realloc(config->buckets, (config->n_buckets + 1) * sizeof(*config->buckets));
	config->buckets[config->n_buckets++] = (struct farm_bucket){.name = gw_strdup("boot"), .is_public = true};
}

/* What YAML itself finds wrong is shown without the text that it quotes: a secret that begins with `*` or `!` is an alias or a tag. */
static void hide_quoted(struct gw_errors *errs, size_t place_len)
{
	for (size_t i = 0; i < errs->n; i++) {
		char *from = strnlen(errs->v[i].text, sizeof(errs->v[i].text)) > place_len ? strchr(errs->v[i].text + place_len, '\'')
											   : NULL;
		char *to = from ? strrchr(from, '\'') : NULL;

		if (from && to - from > 4) {
			memcpy(from + 1, "...", 3);
			memmove(from + 4, to, strlen(to) + 1);
		}
	}
}

static bool decode(struct reading *r, const char *text, size_t len, struct gw_error *err)
{
	struct tree *tree = tree_parse(text, len, r->name, r->errs);

	hide_quoted(r->errs, strlen(r->name));
	if (tree) {
		r->tree = tree;
		config_read(r);
		tree_destroy(tree);
	}
	return gw_errors_none(r->errs, err);
}

bool bucketd_config_decode(struct bucketd_config *config, const char *path, const char *text, size_t len, const char *root_user,
			   struct gw_error *err)
{
	struct gw_errors errs = {0};
	struct reading r = {.name = path, .root_user = root_user, .errs = &errs, .config = config};
	bool ok;

	*config = (struct bucketd_config){0};
	if (len > TEXT_MAX)
		return gw_fail(err, GW_BAD_INPUT, "%s: %zu bytes are too many; accepted: up to %d", path, len, TEXT_MAX);
	ok = decode(&r, text, len, err);
	gw_errors_finish(&errs);
	if (ok)
		add_boot(config);
	else
		bucketd_config_finish(config);
	return ok;
}

static void finish_group(struct bucket_group *group)
{
	free(group->name);
	for (size_t i = 0; i < group->n_users; i++)
		free(group->users[i]);
	for (size_t i = 0; i < group->n_grants; i++)
		free(group->grants[i].bucket);
	free(group->users);
	free(group->grants);
}

void bucketd_config_finish(struct bucketd_config *config)
{
	for (size_t i = 0; i < config->n_users; i++) {
		free(config->users[i].name);
		gw_free_secret(config->users[i].secret);
	}
	for (size_t i = 0; i < config->n_groups; i++)
		finish_group(&config->groups[i]);
	for (size_t i = 0; i < config->n_buckets; i++)
		free(config->buckets[i].name);
	free(config->users);
	free(config->groups);
	free(config->buckets);
	*config = (struct bucketd_config){0};
}
