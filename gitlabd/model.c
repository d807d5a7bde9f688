#include "gitlabd/model.h"

#include <stdlib.h>
#include <string.h>

/* Both lists are sorted by what names their items: the first member that is a text. */
static size_t instance_place(const struct model *model, const char *name)
{
	size_t low = 0, high = model->n_instances;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(model->instances[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t dut_place(const struct model *model, const char *id)
{
	size_t low = 0, high = model->n_duts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(model->duts[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct msg_gitlab_instance *model_instance(const struct model *model, const char *name)
{
	size_t at = instance_place(model, name);

	return at < model->n_instances && strcmp(model->instances[at]->name, name) == 0 ? model->instances[at] : NULL;
}

struct msg_gitlab_dut *model_dut(const struct model *model, const char *id)
{
	size_t at = dut_place(model, id);

	return at < model->n_duts && strcmp(model->duts[at]->id, id) == 0 ? model->duts[at] : NULL;
}

struct msg_gitlab_entry *model_entry(const struct msg_gitlab_dut *dut, const char *instance)
{
	for (size_t i = 0; i < dut->gitlab.n; i++)
		if (strcmp(dut->gitlab.v[i].instance, instance) == 0)
			return &dut->gitlab.v[i];
	return NULL;
}

bool model_exposes_gateway(const struct msg_gitlab_instance *instance)
{
	const struct msg_gitlab_entry *runner = instance->gateway_runner.n ? instance->gateway_runner.v : NULL;
	const struct msg_gitlab_acl *acl = runner && runner->acl.n ? runner->acl.v : NULL;
	const struct msg_gitlab_rules *allow = acl && acl->allow.n ? acl->allow.v : NULL;

	return runner && runner->exposed && allow && (allow->users.n || allow->projects.n || allow->projects_in_groups.n);
}

static void put_instance(struct model *model, const struct msg_gitlab_instance *instance)
{
	size_t at = instance_place(model, instance->name);
	void *copy = bus_body_dup(&bus_body_gitlab_instance, instance);

	if (model_instance(model, instance->name)) {
		bus_body_free(&bus_body_gitlab_instance, model->instances[at]);
		model->instances[at] = copy;
		return;
	}
	model->instances = gw_realloc(model->instances, (model->n_instances + 1) * sizeof(*model->instances));
	memmove(&model->instances[at + 1], &model->instances[at], (model->n_instances - at) * sizeof(*model->instances));
	model->instances[at] = copy;
	model->n_instances++;
}

static void put_dut(struct model *model, const struct msg_gitlab_dut *dut)
{
	size_t at = dut_place(model, dut->id);
	void *copy = bus_body_dup(&bus_body_gitlab_dut, dut);

	if (model_dut(model, dut->id)) {
		bus_body_free(&bus_body_gitlab_dut, model->duts[at]);
		model->duts[at] = copy;
		return;
	}
	model->duts = gw_realloc(model->duts, (model->n_duts + 1) * sizeof(*model->duts));
	memmove(&model->duts[at + 1], &model->duts[at], (model->n_duts - at) * sizeof(*model->duts));
	model->duts[at] = copy;
	model->n_duts++;
}

static void drop_instance(struct model *model, const char *name)
{
	size_t at = instance_place(model, name);

	if (!model_instance(model, name))
		return;
	bus_body_free(&bus_body_gitlab_instance, model->instances[at]);
	model->n_instances--;
	memmove(&model->instances[at], &model->instances[at + 1], (model->n_instances - at) * sizeof(*model->instances));
}

static void drop_dut(struct model *model, const char *id)
{
	size_t at = dut_place(model, id);

	if (!model_dut(model, id))
		return;
	bus_body_free(&bus_body_gitlab_dut, model->duts[at]);
	model->n_duts--;
	memmove(&model->duts[at], &model->duts[at + 1], (model->n_duts - at) * sizeof(*model->duts));
}

void model_finish(struct model *model)
{
	for (size_t i = 0; i < model->n_instances; i++)
		bus_body_free(&bus_body_gitlab_instance, model->instances[i]);
	for (size_t i = 0; i < model->n_duts; i++)
		bus_body_free(&bus_body_gitlab_dut, model->duts[i]);
	free(model->instances);
	free(model->duts);
	*model = (struct model){0};
}

void model_configure(struct model *model, const struct msg_gitlab_configure *all)
{
	model_finish(model);
	for (size_t i = 0; i < all->instances.n; i++)
		put_instance(model, &all->instances.v[i]);
	for (size_t i = 0; i < all->duts.n; i++)
		put_dut(model, &all->duts.v[i]);
}

void model_change(struct model *model, const struct msg_gitlab_change *change)
{
	for (size_t i = 0; i < change->gone_instances.n; i++)
		drop_instance(model, change->gone_instances.v[i]);
	for (size_t i = 0; i < change->gone_duts.n; i++)
		drop_dut(model, change->gone_duts.v[i]);
	for (size_t i = 0; i < change->instances.n; i++)
		put_instance(model, &change->instances.v[i]);
	for (size_t i = 0; i < change->duts.n; i++)
		put_dut(model, &change->duts.v[i]);
}
