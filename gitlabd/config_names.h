/* What config.toml's template sees: `config`, `mars_db`, `cpu_count`, `ram_total_MB`. Of tokens only those of runners. */
#ifndef GITLABD_CONFIG_NAMES_H
#define GITLABD_CONFIG_NAMES_H

#include "gitlabd/config_toml.h"
#include "libjob/value.h"

/* In `pool`; NULL and why if a variable for jobs is not UTF-8. A full pool is the caller's to notice. */
const struct value *config_names(struct value_pool *pool, const struct env *env, const struct config_host *host, const struct model *model,
				 struct gw_error *err);

#endif
