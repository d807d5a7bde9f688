/* gitlab-runner's config.toml: rendered from GITLAB_CONF_TEMPLATE_FILE, written only when its bytes differ. The file holds tokens: it is
 * 0600 from its first byte. Any thread, one at a time; blocks it for as long as a template renders (some 30 us a runner) and a file is
 * synced. */
#ifndef GITLABD_CONFIG_TOML_H
#define GITLABD_CONFIG_TOML_H

#include "gitlabd/model.h"
#include "libgateway/env.h"
#include "libgateway/error.h"

struct config_host {
	const char *farm;
	int64_t cpus, ram_mb; /* MB of 1,000,000 bytes */
};
struct config_host config_host_of_this_machine(const char *farm);

/* The text for `model`, malloc'ed in *out, or false and why: "TEMPLATE:LINE: what", or
 * "TEMPLATE: what it makes is not TOML: line N: what". `template` of n bytes is called `where` in errors. */
bool config_toml_render(const char *where, const char *template, size_t n, const struct env *env, const struct config_host *host,
			const struct model *model, char **out, struct gw_error *err);

/* The template that the options name, for a farm without machines: what --check can find of its errors. */
bool config_toml_check(const struct env *env, const struct config_host *host, struct gw_error *err);

/* Renders and, if the bytes differ, replaces the file. The first time, a file that is there is kept as FILE.before-gitlabd; and as long as
 * there was never an instance, nothing is touched. On false the old file is untouched. *written: whether it was replaced. */
bool config_toml_update(const struct env *env, const struct config_host *host, const struct model *model, bool *written,
			struct gw_error *err);

#endif
