/* The content of REGISTRIES_CFG: rules for image names. Pure. */
#ifndef EXECUTORD_REGISTRY_RULES_H
#define EXECUTORD_REGISTRY_RULES_H

#include "libbus/messages.h"
#include "libgateway/error.h"

struct registry_rules {              /* zeroed: none */
	struct msg_registry_rule *v; /* owned, as their texts */
	size_t n;
};

/* Every error in one pass, with its place: "NAME:3:12: images[0].match: ...". False: `rules` is empty. */
bool registry_rules_decode(struct registry_rules *rules, const char *text, size_t n, const char *name, struct gw_errors *errs);
void registry_rules_finish(struct registry_rules *rules);

#endif
