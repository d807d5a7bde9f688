#include "gitlabd/probe.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"

enum { REFUSALS_MAX = 3 };

uint64_t probe_key(const struct probes *probes, const struct msg_gitlab_instance *instance)
{
	uint64_t hash = hash_text(HASH_BEGIN, instance->url);

	if (probes->of_access)
		return hash_text(hash, instance->access_token);
	hash = hash_text(hash, instance->registration_token);
	hash = hash_text(hash, instance->runner_type);
	hash = hash_number(hash, instance->group_id);
	return hash_number(hash, instance->project_id);
}

static struct probe *find(const struct probes *probes, const char *instance)
{
	for (size_t i = 0; i < probes->n; i++)
		if (strcmp(probes->v[i].instance, instance) == 0)
			return &probes->v[i];
	return NULL;
}

static void set(struct probe *probe, enum probe_state state, const char *why)
{
	free(probe->why);
	probe->why = gw_strdup(why);
	probe->state = state;
}

static void try_again(struct probe *probe)
{
	set(probe, PROBE_UNTRIED, NULL);
	probe->refusals = 0;
}

static struct probe *get(struct probes *probes, const struct msg_gitlab_instance *instance)
{
	struct probe *probe = find(probes, instance->name);
	uint64_t key = probe_key(probes, instance);

	if (!probe) {
		probes->v = gw_realloc(probes->v, (probes->n + 1) * sizeof(*probes->v));
		probe = &probes->v[probes->n++];
		*probe = (struct probe){.instance = gw_strdup(instance->name), .key = key};
	}
	if (probe->key != key)
		try_again(probe);
	probe->key = key;
	return probe;
}

const struct probe *probe_of(struct probes *probes, const struct msg_gitlab_instance *instance)
{
	return get(probes, instance);
}

void probe_begin(struct probes *probes, const struct msg_gitlab_instance *instance)
{
	struct probe *probe = get(probes, instance);

	if (probe->state == PROBE_UNTRIED)
		probe->state = PROBE_UNDER_WAY;
}

static enum probe_state state_after(struct probe *probe, const struct api_answer *answer)
{
	enum probe_state undecided = probe->state == PROBE_UNDER_WAY ? PROBE_UNTRIED : probe->state;

	if (answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB)
		return undecided;
	probe->refusals = answer->may_be_about_asked ? probe->refusals + 1 : 0;
	if (!answer->is_about_secret)
		return PROBE_TAKEN;
	return answer->may_be_about_asked && probe->refusals < REFUSALS_MAX ? undecided : PROBE_REFUSED;
}

bool probe_heard(struct probes *probes, const char *instance, uint64_t key, const struct api_answer *answer)
{
	struct probe *probe = find(probes, instance);
	enum probe_state before = probe ? probe->state : PROBE_UNTRIED, after;

	if (!probe || probe->key != key)
		return false;
	after = state_after(probe, answer);
	if (after != PROBE_REFUSED)
		set(probe, after, NULL);
	else if (answer->is_about_secret)
		set(probe, after, answer->text);
	return after != before;
}

void probe_try_again(struct probes *probes, const char *instance)
{
	struct probe *probe = find(probes, instance);

	if (probe && probe->state == PROBE_REFUSED)
		try_again(probe);
}

void probes_try_again(struct probes *probes)
{
	for (size_t i = 0; i < probes->n; i++)
		if (probes->v[i].state == PROBE_REFUSED)
			try_again(&probes->v[i]);
}

void probes_finish(struct probes *probes)
{
	for (size_t i = 0; i < probes->n; i++) {
		free(probes->v[i].instance);
		free(probes->v[i].why);
	}
	free(probes->v);
	probes->v = NULL;
	probes->n = 0;
}
