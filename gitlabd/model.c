#include "gitlabd/model.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"
#include "libgateway/sorted.h"

static int instance_order(const void *instance, const void *name)
{
	return strcmp(((const struct msg_gitlab_instance *)instance)->name, name);
}

static int dut_order(const void *dut, const void *id)
{
	return strcmp(((const struct msg_gitlab_dut *)dut)->id, id);
}

struct msg_gitlab_instance *model_instance(const struct model *model, const char *name)
{
	return sorted_find(model->instances, model->n_instances, instance_order, name);
}

struct msg_gitlab_dut *model_dut(const struct model *model, const char *id)
{
	return sorted_find(model->duts, model->n_duts, dut_order, id);
}

struct msg_gitlab_entry *model_entry(const struct msg_gitlab_dut *dut, const char *instance)
{
	for (size_t i = 0; i < dut->gitlab.n; i++)
		if (strcmp(dut->gitlab.v[i].instance, instance) == 0)
			return &dut->gitlab.v[i];
	return NULL;
}

/* ---- tokens of another GitLab ---- */

static const struct lookup_node *find_elsewhere(const struct model *model, const char *token)
{
	const struct lookup_node *node = lookup_first(&model->elsewhere, key_of_token(token));

	while (node && strcmp(node->item, token) != 0)
		node = lookup_next(node);
	return node;
}

void model_add_elsewhere(struct model *model, const char *token)
{
	lookup_add(&model->elsewhere, key_of_token(token), gw_strdup(token));
}

void model_drop_elsewhere(struct model *model, const char *token)
{
	const struct lookup_node *node = find_elsewhere(model, token);
	char *ours;

	gw_assert(node);
	ours = node->item;
	lookup_drop(&model->elsewhere, node->key, ours);
	gw_free_secret(ours);
}

bool model_is_elsewhere(const struct model *model, const char *token)
{
	return find_elsewhere(model, token) != NULL;
}

static void copy_elsewhere(struct model *to, const struct model *from)
{
	for (size_t i = 0; i < from->elsewhere.size; i++)
		for (const struct lookup_node *node = from->elsewhere.v[i]; node; node = node->next)
			model_add_elsewhere(to, node->item);
}

static void forget_elsewhere(struct model *model)
{
	for (size_t i = 0; i < model->elsewhere.size; i++)
		for (const struct lookup_node *node = model->elsewhere.v[i]; node; node = node->next)
			gw_free_secret(node->item);
	lookup_finish(&model->elsewhere);
}

/* ---- what is exposed ---- */

bool model_exposes_gateway(const struct msg_gitlab_instance *instance)
{
	const struct msg_gitlab_entry *runner = instance->gateway_runner.n ? instance->gateway_runner.v : NULL;
	const struct msg_gitlab_acl *acl = runner && runner->acl.n ? runner->acl.v : NULL;
	const struct msg_gitlab_rules *allow = acl && acl->allow.n ? acl->allow.v : NULL;

	return runner && runner->exposed && allow && (allow->users.n || allow->projects.n || allow->projects_in_groups.n);
}

bool model_exposes(const struct model *model, const struct msg_gitlab_instance *instance, const struct msg_gitlab_dut *dut,
		   const struct msg_gitlab_entry *entry)
{
	return entry->token && !model_is_elsewhere(model, entry->token) && instance->expose_runners &&
	       (dut ? entry->exposed : model_exposes_gateway(instance));
}

bool model_in_config(const struct model *model, const struct msg_gitlab_instance *instance, const struct msg_gitlab_dut *dut,
		     const struct msg_gitlab_entry *entry)
{
	return model_exposes(model, instance, dut, entry) && (!dut || dut->available);
}

/* ---- what changes ---- */

/* An item that the model has no more. */
static void bury(struct model *model, const struct bus_body *body, void *item)
{
	if (!model->shared) {
		bus_body_free(body, item);
		return;
	}
	model->graves = gw_realloc(model->graves, (model->n_graves + 1) * sizeof(*model->graves));
	model->graves[model->n_graves++] = (struct model_grave){body, item};
}

/* A copy of `item`, in the place of the one that there is. The list, maybe another array. */
static void *put(struct model *model, void *list, size_t *n, const struct bus_body *body, sorted_order *order, const char *name,
		 const void *item)
{
	bool found;
	size_t at = sorted_place(list, *n, order, name, &found);
	void *copy = bus_body_dup(body, item), **v = list;

	if (!found)
		return sorted_insert(list, n, at, copy);
	bury(model, body, v[at]);
	v[at] = copy;
	return v;
}

static void drop(struct model *model, void *list, size_t *n, const struct bus_body *body, sorted_order *order, const char *name)
{
	bool found;
	size_t at = sorted_place(list, *n, order, name, &found);
	void **v = list;

	if (!found)
		return;
	bury(model, body, v[at]);
	sorted_remove(list, n, at);
}

static void put_all(struct model *model, const struct msg_gitlab_instance *instances, size_t n_instances, const struct msg_gitlab_dut *duts,
		    size_t n_duts)
{
	for (size_t i = 0; i < n_instances; i++)
		model->instances = put(model, model->instances, &model->n_instances, &bus_body_gitlab_instance, instance_order,
				       instances[i].name, &instances[i]);
	for (size_t i = 0; i < n_duts; i++)
		model->duts = put(model, model->duts, &model->n_duts, &bus_body_gitlab_dut, dut_order, duts[i].id, &duts[i]);
}

static void forget_all(struct model *model)
{
	for (size_t i = 0; i < model->n_instances; i++)
		bury(model, &bus_body_gitlab_instance, model->instances[i]);
	for (size_t i = 0; i < model->n_duts; i++)
		bury(model, &bus_body_gitlab_dut, model->duts[i]);
	free(model->instances);
	free(model->duts);
	model->instances = NULL;
	model->duts = NULL;
	model->n_instances = model->n_duts = 0;
}

void model_finish(struct model *model)
{
	gw_assert(!model->shared);
	forget_all(model);
	forget_elsewhere(model);
	*model = (struct model){0};
}

void model_configure(struct model *model, const struct msg_gitlab_configure *all)
{
	forget_all(model);
	put_all(model, all->instances.v, all->instances.n, all->duts.v, all->duts.n);
}

void model_change(struct model *model, const struct msg_gitlab_change *change)
{
	for (size_t i = 0; i < change->gone_instances.n; i++)
		drop(model, model->instances, &model->n_instances, &bus_body_gitlab_instance, instance_order, change->gone_instances.v[i]);
	for (size_t i = 0; i < change->gone_duts.n; i++)
		drop(model, model->duts, &model->n_duts, &bus_body_gitlab_dut, dut_order, change->gone_duts.v[i]);
	put_all(model, change->instances.v, change->instances.n, change->duts.v, change->duts.n);
}

/* The item that has the token, which no snapshot shares. */
static struct msg_gitlab_entry *own_entry(struct model *model, const char *dut, const char *instance)
{
	struct msg_gitlab_dut *of = dut ? model_dut(model, dut) : NULL;
	struct msg_gitlab_instance *in = model_instance(model, instance);

	if (dut && of && model_entry(of, instance)) {
		put_all(model, NULL, 0, of, model->shared);
		return model_entry(model_dut(model, dut), instance);
	}
	if (dut || !in || !in->gateway_runner.n)
		return NULL;
	put_all(model, in, model->shared, NULL, 0);
	return model_instance(model, instance)->gateway_runner.v;
}

void model_set_token(struct model *model, const char *dut, const char *instance, const char *token, int64_t runner_id)
{
	struct msg_gitlab_entry *entry = own_entry(model, dut, instance);

	if (!entry)
		return;
	gw_free_secret(entry->token);
	entry->token = gw_strdup(token);
	entry->runner_id = runner_id;
}

/* ---- snapshots ---- */

static void *copy_list(const void *list, size_t n)
{
	void *copy = gw_calloc(n + 1, sizeof(void *));

	if (n)
		memcpy(copy, list, n * sizeof(void *));
	return copy;
}

struct model model_snapshot(struct model *model)
{
	struct model snapshot = {.n_instances = model->n_instances, .n_duts = model->n_duts};

	gw_assert(!model->shared);
	model->shared = true;
	snapshot.instances = copy_list(model->instances, model->n_instances);
	snapshot.duts = copy_list(model->duts, model->n_duts);
	copy_elsewhere(&snapshot, model);
	return snapshot;
}

void model_snapshot_end(struct model *model, struct model *snapshot)
{
	model->shared = false;
	while (model->n_graves) {
		struct model_grave *grave = &model->graves[--model->n_graves];

		bury(model, grave->body, grave->item);
	}
	free(model->graves);
	model->graves = NULL;
	free(snapshot->instances);
	free(snapshot->duts);
	snapshot->instances = NULL;
	snapshot->duts = NULL;
	snapshot->n_instances = snapshot->n_duts = 0;
	model_finish(snapshot);
}
