#include "executord/imagestore.h"

#include <stdlib.h>

#include "executord/executord.h"

static bool decode(void *owner, const char *text, size_t n, const char *name, size_t *things, struct gw_errors *errs)
{
	struct imagestore *store = owner;
	struct imagestore_config config;

	if (!imagestore_config_decode(&config, text, n, name, errs))
		return false;
	imagestore_config_finish(&store->config);
	store->config = config;
	*things = config.n;
	return true;
}

static struct live_file *file_of(struct executord *ex)
{
	struct imagestore *store = &ex->imagestore;
	const char *folder = env_text(&ex->env, OPT_IMAGESTORE_PATH);

	store->path = folder ? gw_sprintf("%s/config.yml", folder) : NULL;
	store->file.option = "IMAGESTORE_PATH";
	store->file.noun = "mounts";
	store->file.path = store->path;
	store->file.decode = decode;
	store->file.owner = store;
	return &store->file;
}

bool imagestore_start(struct executord *ex, struct gw_error *err)
{
	return live_file_start(file_of(ex), &ex->loop, err);
}

bool imagestore_check(struct executord *ex, struct gw_error *err)
{
	bool ok = live_file_check(file_of(ex), err);

	imagestore_finish(ex);
	return ok;
}

void imagestore_read_again(struct executord *ex)
{
	live_file_read_again(&ex->imagestore.file);
}

void imagestore_finish(struct executord *ex)
{
	live_file_finish(&ex->imagestore.file);
	imagestore_config_finish(&ex->imagestore.config);
	free(ex->imagestore.path);
	ex->imagestore.path = NULL;
}
