#include "gitlabd/probe.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"

uint64_t probe_key(const struct msg_gitlab_instance *instance)
{
	uint64_t hash = HASH_BEGIN;

	hash = hash_text(hash, instance->url);
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

static struct probe *get(struct probes *probes, const struct msg_gitlab_instance *instance)
{
	struct probe *probe = find(probes, instance->name);
	uint64_t key = probe_key(instance);

	if (!probe) {
		probes->v = gw_realloc(probes->v, (probes->n + 1) * sizeof(*probes->v));
		probe = &probes->v[probes->n++];
		*probe = (struct probe){.instance = gw_strdup(instance->name), .key = key};
	}
	if (probe->key != key)
		set(probe, PROBE_UNTRIED, NULL);
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

static enum probe_state state_after(enum probe_state before, const struct api_answer *answer)
{
	if (answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB)
		return before == PROBE_UNDER_WAY ? PROBE_UNTRIED : before;
	return answer->is_about_secret ? PROBE_REFUSED : PROBE_TAKEN;
}

bool probe_heard(struct probes *probes, const char *instance, uint64_t key, const struct api_answer *answer)
{
	struct probe *probe = find(probes, instance);
	enum probe_state before = probe ? probe->state : PROBE_UNTRIED;

	if (!probe || probe->key != key)
		return false;
	set(probe, state_after(before, answer), answer->is_about_secret ? answer->text : NULL);
	return probe->state != before;
}

void probes_try_again(struct probes *probes)
{
	for (size_t i = 0; i < probes->n; i++)
		if (probes->v[i].state == PROBE_REFUSED)
			set(&probes->v[i], PROBE_UNTRIED, NULL);
}

void probes_finish(struct probes *probes)
{
	for (size_t i = 0; i < probes->n; i++) {
		free(probes->v[i].instance);
		free(probes->v[i].why);
	}
	free(probes->v);
	*probes = (struct probes){0};
}
