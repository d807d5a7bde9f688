/* What gitlabd is told of instances and DUTs: all at its hello, then what edits change. */
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"
#include "libmars/fields.h"

#define DUT_FIELDS                                                                                                                         \
	(1U << MARS_DUT_BASE_NAME | 1U << MARS_DUT_TAGS | 1U << MARS_DUT_MANUAL_TAGS | 1U << MARS_DUT_GITLAB |                             \
	 1U << MARS_DUT_READY_FOR_SERVICE | 1U << MARS_DUT_IS_RETIRED)

/* ---- one DUT, one instance: the bodies borrow the database's texts, and own the arrays that free_... frees ---- */

static struct bus_texts borrow_texts(const struct mars_strings *strings)
{
	return (struct bus_texts){strings->v, strings->n};
}

static bool has_rules(const struct mars_acl_rules *rules)
{
	return rules->users.n || rules->projects.n || rules->projects_in_groups.n;
}

static struct msg_gitlab_rules *make_rules(const struct mars_acl_rules *rules)
{
	struct msg_gitlab_rules *made = gw_calloc(1, sizeof(*made));

	*made = (struct msg_gitlab_rules){.users = borrow_texts(&rules->users),
					  .projects = borrow_texts(&rules->projects),
					  .projects_in_groups = borrow_texts(&rules->projects_in_groups)};
	return made;
}

/* NULL: no rules. */
static struct msg_gitlab_acl *make_acl(const struct mars_acl *acl)
{
	struct msg_gitlab_acl *made;

	if (!acl || (!has_rules(&acl->deny) && !has_rules(&acl->allow)))
		return NULL;
	made = gw_calloc(1, sizeof(*made));
	if (has_rules(&acl->deny))
		*made = (struct msg_gitlab_acl){.deny = {make_rules(&acl->deny), 1}};
	if (has_rules(&acl->allow)) {
		made->allow.v = make_rules(&acl->allow);
		made->allow.n = 1;
	}
	return made;
}

static void free_acl(struct msg_gitlab_acl *acl)
{
	if (acl) {
		free(acl->deny.v);
		free(acl->allow.v);
	}
	free(acl);
}

/* Of a DUT that has no entry for the instance: exposed, without a token. */
static struct msg_gitlab_entry make_entry(const struct mars_gitlab *instance, const struct mars_dut_gitlab *own)
{
	struct msg_gitlab_entry entry = {
		.instance = instance->name, .exposed = !own || own->exposed, .runner_id = own ? own->runner_id : -1};

	entry.token = own ? own->token : NULL;
	entry.acl.v = make_acl(own ? &own->acl : NULL);
	entry.acl.n = entry.acl.v != NULL;
	return entry;
}

static struct msg_gitlab_dut make_dut(struct executord *ex, const struct dut *dut, const struct mars_dut *mars)
{
	size_t n = mars_db_gitlab_count(ex->database.db);
	struct msg_gitlab_dut made = {.id = dut->id, .full_name = dut->full_name, .tags = registry_tags(ex, mars)};

	made.available = mars->ready_for_service && !mars->is_retired;
	made.gitlab.v = gw_calloc(n + 1, sizeof(*made.gitlab.v));
	for (; made.gitlab.n < n; made.gitlab.n++) {
		const struct mars_gitlab *instance = mars_db_gitlab(ex->database.db, made.gitlab.n);

		made.gitlab.v[made.gitlab.n] = make_entry(instance, mars_dut_gitlab_find(mars, instance->name));
	}
	return made;
}

static void free_duts(struct msg_gitlab_dut *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].gitlab.n; k++)
			free_acl(v[i].gitlab.v[k].acl.v);
		free(v[i].gitlab.v);
		free(v[i].tags.v);
	}
	free(v);
}

static struct msg_gitlab_entry *make_gateway(const struct mars_gitlab *instance)
{
	const struct mars_gateway_runner *runner = &instance->gateway_runner;
	struct msg_gitlab_entry *made;

	if (!runner->given)
		return NULL;
	made = gw_calloc(1, sizeof(*made));
	*made = (struct msg_gitlab_entry){
		.instance = instance->name, .token = runner->token, .exposed = runner->exposed, .runner_id = runner->runner_id};
	made->acl.v = make_acl(&runner->acl);
	made->acl.n = made->acl.v != NULL;
	return made;
}

static struct msg_gitlab_instance make_instance(const struct mars_gitlab *mars)
{
	struct msg_gitlab_instance made = {.name = mars->name,
					   .url = mars->url,
					   .registration_token = mars->registration_token,
					   .access_token = mars->access_token,
					   .runner_type = mars->runner_type,
					   .group_id = mars->group_id,
					   .project_id = mars->project_id,
					   .expose_runners = mars->expose_runners,
					   .maximum_timeout = mars->maximum_timeout};

	made.acl.v = make_acl(&mars->acl);
	made.acl.n = made.acl.v != NULL;
	made.gateway_runner.v = make_gateway(mars);
	made.gateway_runner.n = made.gateway_runner.v != NULL;
	return made;
}

static void free_instances(struct msg_gitlab_instance *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_acl(v[i].acl.v);
		if (v[i].gateway_runner.n)
			free_acl(v[i].gateway_runner.v->acl.v);
		free(v[i].gateway_runner.v);
	}
	free(v);
}

/* ---- telling ---- */

static void on_configured(void *data, const void *answer, const struct gw_error *err)
{
	if (!answer && err->kind != GW_UNREACHABLE)
		log_failure("gitlabd does not take its configuration", err);
}

/* Those with an entry in the database, or just those that are marked. */
static size_t list_duts(struct executord *ex, bool marked, struct msg_gitlab_dut *v)
{
	size_t n = 0;

	for (size_t i = 0; i < ex->registry.n_duts; i++) {
		struct dut *dut = ex->registry.duts[i];
		const struct mars_dut *mars = !marked || dut->gitlab_due ? registry_mars(ex, dut) : NULL;

		dut->gitlab_due = false;
		if (mars)
			v[n++] = make_dut(ex, dut, mars);
	}
	return n;
}

static void push_all(struct executord *ex)
{
	size_t n = mars_db_gitlab_count(ex->database.db), len;
	struct msg_gitlab_configure all = {0};

	/* A file that is not there or empty at our start (a disk not mounted, a copy not put back yet) is no farm without runners: then all
	 * would be unregistered. What comes into it is an edit; `{}` says nothing. */
	mars_db_text(ex->database.db, &len);
	if (!bus_peer_up(&ex->bus, "gitlabd") || !len)
		return;
	all.instances.v = gw_calloc(n + 1, sizeof(*all.instances.v));
	for (; all.instances.n < n; all.instances.n++)
		all.instances.v[all.instances.n] = make_instance(mars_db_gitlab(ex->database.db, all.instances.n));
	all.duts.v = gw_calloc(ex->registry.n_duts + 1, sizeof(*all.duts.v));
	all.duts.n = n ? list_duts(ex, false, all.duts.v) : 0;
	bus_ask(&ex->bus, "gitlabd", MSG_GITLAB_CONFIGURE, &all, 0, on_configured, ex);
	free_instances(all.instances.v, all.instances.n);
	free_duts(all.duts.v, all.duts.n);
}

/* gitlabd has another past than was thought: it is told all. */
static void on_changed(void *data, const void *answer, const struct gw_error *err)
{
	if (!answer && err->kind != GW_UNREACHABLE)
		push_all(data);
}

/* An instance that comes or goes changes each DUT's entries. */
static bool changes_instances(const struct mars_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		if (changes->v[i].what == MARS_GITLAB && changes->v[i].kind != MARS_CHANGED)
			return true;
	return false;
}

static void take(struct executord *ex, const struct mars_change *edit, struct msg_gitlab_change *change)
{
	struct dut *dut = edit->what == MARS_DUT ? registry_dut(ex, edit->name) : NULL;

	if (edit->what == MARS_GITLAB)
		change->instances.v[change->instances.n++] = make_instance(mars_db_find_gitlab(ex->database.db, edit->name));
	else if (edit->what == MARS_DUT && edit->kind == MARS_REMOVED)
		change->gone_duts.v[change->gone_duts.n++] = edit->name;
	else if (dut && (edit->kind == MARS_ADDED || (edit->fields & DUT_FIELDS)))
		dut->gitlab_due = true;
}

static void push_change(struct executord *ex, const struct mars_changes *changes)
{
	struct msg_gitlab_change change = {0};

	change.instances.v = gw_calloc(changes->n + 1, sizeof(*change.instances.v));
	change.gone_duts.v = gw_calloc(changes->n + 1, sizeof(char *));
	for (size_t i = 0; i < changes->n; i++)
		take(ex, &changes->v[i], &change);
	change.duts.v = gw_calloc(ex->registry.n_duts + 1, sizeof(*change.duts.v));
	change.duts.n = list_duts(ex, true, change.duts.v);
	if (change.instances.n || change.duts.n || change.gone_duts.n)
		bus_ask(&ex->bus, "gitlabd", MSG_GITLAB_CHANGE, &change, 0, on_changed, ex);
	free_instances(change.instances.v, change.instances.n);
	free_duts(change.duts.v, change.duts.n);
	free(change.gone_duts.v);
}

void gitlab_push_edit(struct executord *ex, const struct mars_changes *changes)
{
	if (!bus_peer_up(&ex->bus, "gitlabd"))
		return;
	if (changes_instances(changes))
		push_all(ex);
	else if (mars_db_gitlab_count(ex->database.db))
		push_change(ex, changes);
}

static void on_gitlabd(void *owner, const char *peer, enum bus_peer_event what)
{
	daemons_on_peer(owner, peer, what);
	if (what == BUS_PEER_UP)
		push_all(owner);
}

void gitlab_start(struct executord *ex)
{
	bus_watch(&ex->bus, "gitlabd", on_gitlabd, ex);
}
