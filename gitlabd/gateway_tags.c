#include "gitlabd/gateway_tags.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#define GIB (UINT64_C(1) << 30)

struct gateway_facts gateway_facts_of_here(void)
{
	struct gateway_facts facts = {.cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
				      .memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGE_SIZE)};
	struct utsname system;

	uname(&system);
	snprintf(facts.arch, sizeof(facts.arch), "%.31s", system.machine);
	return facts;
}

struct texts {
	char **v;
	size_t n;
};

static void add(struct texts *texts, char *text)
{
	texts->v = gw_realloc(texts->v, (texts->n + 1) * sizeof(*texts->v));
	texts->v[texts->n++] = text;
}

static void add_cores(struct texts *texts, unsigned cores)
{
	add(texts, gw_sprintf("cpu:cores:%u", cores));
	for (unsigned step = 8; step <= 32; step *= 2)
		if (cores >= step)
			add(texts, gw_sprintf("cpu:cores:%u+", step));
}

/* What the kernel keeps for itself is missing: the next power of two is what was plugged in. */
static void add_memory(struct texts *texts, uint64_t memory)
{
	uint64_t gib = 1;

	while (gib * GIB < memory)
		gib *= 2;
	add(texts, gw_sprintf("mem:size:%" PRIu64 "GiB", gib));
	if (gib >= 8)
		add(texts, gw_strdup("mem:size:8+GiB"));
	if (gib >= 32)
		add(texts, gw_strdup("mem:size:32+GiB"));
}

static void add_rules(struct texts *texts, const char *kind, const struct bus_texts *values)
{
	for (size_t i = 0; i < values->n; i++)
		add(texts, gw_sprintf("ci-tron:gateway:acl:%s:%s", kind, values->v[i]));
}

void gateway_name(const char *farm, char name[GATEWAY_NAME_SIZE])
{
	snprintf(name, GATEWAY_NAME_SIZE, "%.*s-gateway", FARM_NAME_SIZE - 1, farm);
}

void gateway_tags(struct tags *tags, const char *farm, const struct gateway_facts *facts, const struct msg_gitlab_rules *allow)
{
	struct texts texts = {0};
	char name[GATEWAY_NAME_SIZE];

	gateway_name(farm, name);
	add(&texts, gw_strdup(name));
	add(&texts, gw_strdup("CI-gateway"));
	add(&texts, gw_sprintf("cpu:arch:%s", facts->arch));
	add_cores(&texts, facts->cores);
	add_memory(&texts, facts->memory);
	if (allow) {
		add_rules(&texts, "users", &allow->users);
		add_rules(&texts, "projects", &allow->projects);
		add_rules(&texts, "projects_in_groups", &allow->projects_in_groups);
	}
	tags_make(tags, texts.v, texts.n);
	for (size_t i = 0; i < texts.n; i++)
		free(texts.v[i]);
	free(texts.v);
}
