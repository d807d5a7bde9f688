/* What the environment says, made ready for use. Read-only after start. */
#ifndef EXECUTORD_SETTINGS_H
#define EXECUTORD_SETTINGS_H

#include "libbus/capability.h"
#include "libgateway/env.h"
#include "libgateway/http_names.h"

struct settings {
	char farm[64];                    /* FARM_NAME */
	char farm_tag[80];                /* "farm:FARM": each DUT answers to it */
	int boot_count;                   /* SERGENT_HARTMAN_BOOT_COUNT */
	int qualifying;                   /* SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT */
	double retrial_delay;             /* seconds */
	bool quick_checks;                /* SERGENT_HARTMAN_QUICK_CHECK */
	const char *vpdu;                 /* EXECUTOR_VPDU_ENDPOINT, borrowed from the environment; NULL: none */
	double boot_power;                /* watts, DUT_DEFAULT_BOOT_SEQUENCE_POWER */
	const char *unfit_regex;          /* borrowed; NULL: none */
	char *registration_job;           /* path, owned */
	char *bootloop_job;               /* path, owned */
	char console_host[256];           /* SALAD_URL's */
	struct http_names names;          /* by which clients may call REST */
	char key[CAPABILITY_KEY_HEX + 1]; /* of the jobs' capabilities; "" before settings_key */
};

#define VPDU_NAME "VPDU"

bool settings_load(struct settings *s, const struct env *env, struct gw_error *err);
/* STATE/capability.key, made at the first start. */
bool settings_key(struct settings *s, const struct env *env, struct gw_error *err);
void settings_finish(struct settings *s);

#endif
