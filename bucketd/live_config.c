#include "bucketd/live_config.h"

#include "libgateway/log.h"

static bool decode(void *owner, const char *text, size_t n, const char *name, size_t *things, struct gw_errors *errs)
{
	struct live_config *live = owner;
	struct bucketd_config config;
	struct gw_error err = {0};

	if (!bucketd_config_decode(&config, name, text, n, live->root_user, &err)) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	*things = config.n_users + config.n_groups + config.n_buckets;
	bucketd_config_finish(&live->config);
	live->config = config;
	if (live->on_change)
		live->on_change(live->data);
	return true;
}

static struct live_file file_at(const char *path, struct live_config *live)
{
	return (struct live_file){
		.option = "BUCKETD_CONFIG", .noun = "users, groups and buckets", .path = path, .decode = decode, .owner = live};
}

bool live_config_start(struct live_config *live, struct loop *loop, const char *path, const char *root_user, void (*on_change)(void *data),
		       void *data, struct gw_error *err)
{
	struct gw_error why = {0};

	*live = (struct live_config){
		.file = file_at(path, NULL), .loop = loop, .root_user = root_user, .on_change = on_change, .data = data};
	live->file.owner = live;
	if (!bucketd_config_decode(&live->config, path, "", 0, root_user, err))
		return false;
	on_change(data);
	if (!live_file_start(&live->file, loop, &why))
		log_info("%s: there is none; once its folder is there, send SIGHUP", why.text);
	return true;
}

bool live_config_check(const char *path, const char *root_user, struct gw_error *err)
{
	struct live_config live = {.root_user = root_user};
	struct live_file file = file_at(path, &live);
	bool ok = live_file_check(&file, err);

	bucketd_config_finish(&live.config);
	return ok;
}

void live_config_read_again(struct live_config *live)
{
	struct gw_error err = {0};

	if (live->file.watch)
		live_file_read_again(&live->file);
	else if (!live_file_start(&live->file, live->loop, &err))
		log_warning("%s", err.text);
}

void live_config_finish(struct live_config *live)
{
	live_file_finish(&live->file);
	bucketd_config_finish(&live->config);
}
