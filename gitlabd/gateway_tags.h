/* The tags of the gateway's own runner. Pure but for gateway_facts_of_here. */
#ifndef GITLABD_GATEWAY_TAGS_H
#define GITLABD_GATEWAY_TAGS_H

#include "gitlabd/runner.h"
#include "libbus/messages.h"
#include "libgateway/farm_name.h"

struct gateway_facts {
	char arch[32]; /* "x86_64" */
	unsigned cores;
	uint64_t memory; /* bytes */
};
struct gateway_facts gateway_facts_of_here(void);

#define GATEWAY_NAME_SIZE (FARM_NAME_SIZE + sizeof("-gateway"))
/* FARM-gateway: its runner's name on GitLab, in config.toml, and one of its tags. */
void gateway_name(const char *farm, char name[GATEWAY_NAME_SIZE]);

/* FARM-gateway, CI-gateway, cpu:arch:A, cpu:cores:N, 8+ 16+ 32+, mem:size:NGiB (the next power of two), 8+GiB, 32+GiB, and
 * ci-tron:gateway:acl:KIND:VALUE for each that `allow` names (or NULL). */
void gateway_tags(struct tags *tags, const char *farm, const struct gateway_facts *facts, const struct msg_gitlab_rules *allow);

#endif
