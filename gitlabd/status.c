/* What is known of each runner, from memory. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/gitlabd.h"

/* The text is borrowed, as the decoded answer is encoded at once. */
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static const char *valid_of(const struct slot *slot)
{
	if (!slot->token || slot->elsewhere)
		return "no";
	return slot->valid == RUNNER_VALID ? "yes" : slot->valid == RUNNER_INVALID ? "no" : "unknown";
}

static const char *error_of(const struct slot *slot, const struct slot_wanted *w)
{
	if (slot->last_error)
		return slot->last_error;
	return !slot->token && w->want.exposed ? w->want.not_now : NULL;
}

static bool add_runner(const struct slot *slot, struct msg_gitlab_runner_status *out)
{
	const struct model *model = slot->all->model;
	struct slot_wanted w;
	bool is_shown;

	if (slot->gone || !slot_wanted(slot, &w))
		return false;
	is_shown = slot->token || w.want.exposed;
	*out = (struct msg_gitlab_runner_status){
		.instance = slot->instance,
		.dut = slot->dut,
		.description = slot->description,
		.runner_id = slot->token ? slot->runner_id : -1,
		.exposed = model_in_config(model, w.instance, slot->dut ? model_dut(model, slot->dut) : NULL, w.entry),
		.valid = borrow(valid_of(slot)),
		.last_check = slot->last_check,
		.last_error = borrow(error_of(slot, &w))};
	tags_finish(&w.tags);
	return is_shown;
}

static struct msg_gitlab_instance_status instance_of(struct gitlabd *d, const struct msg_gitlab_instance *instance)
{
	const struct server *server = servers_get(&d->servers, instance->url);
	const char *error = server->last_error ? server->last_error : removals_error(&d->removals, instance->url);

	return (struct msg_gitlab_instance_status){.name = instance->name,
						   .url = instance->url,
						   .last_check = server->last_check,
						   .next_try = server->next_try,
						   .last_error = borrow(error),
						   .removals = (int64_t)removals_count(&d->removals, instance->url)};
}

static void add_orphans(const struct sweep *sweep, struct msg_gitlab_status *out)
{
	out->orphans.v = gw_realloc(out->orphans.v, (out->orphans.n + sweep->last.n + 1) * sizeof(*out->orphans.v));
	for (size_t i = 0; i < sweep->last.n; i++)
		if (!sweep->last.v[i].removed)
			out->orphans.v[out->orphans.n++] = (struct msg_gitlab_orphan){.instance = sweep->instance,
										      .runner_id = sweep->last.v[i].runner_id,
										      .description = sweep->last.v[i].description,
										      .error = sweep->last.v[i].error};
}

void on_status(void *owner, const void *body, struct bus_call *call)
{
	struct gitlabd *d = owner;
	struct msg_gitlab_status status = {.config_file = borrow(env_text(&d->env, OPT_GITLAB_CONF_FILE)),
					   .config_error = d->config.error ? d->config.error : d->removals.save_error};

	status.instances.v = gw_calloc(d->model.n_instances + 1, sizeof(*status.instances.v));
	status.runners.v = gw_calloc(d->slots.n + 1, sizeof(*status.runners.v));
	for (; status.instances.n < d->model.n_instances; status.instances.n++)
		status.instances.v[status.instances.n] = instance_of(d, d->model.instances[status.instances.n]);
	for (size_t i = 0; i < d->slots.n; i++)
		status.runners.n += add_runner(d->slots.v[i], &status.runners.v[status.runners.n]);
	for (const struct sweep *sweep = d->orphans.first; sweep; sweep = sweep->next)
		if (model_instance(&d->model, sweep->instance) && status.orphans.n < 9000)
			add_orphans(sweep, &status);
	bus_answer(call, &status);
	free(status.orphans.v);
	free(status.instances.v);
	free(status.runners.v);
}
