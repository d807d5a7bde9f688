#include "gitlabd/config_names.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/acl_script.h"
#include "gitlabd/gateway_tags.h"
#include "libgateway/utf8.h"

struct names {
	struct value_pool *pool;
	const struct model *model;
	const struct config_host *host;
	struct gw_error *err; /* set: a variable is not UTF-8 */
	bool bad;
	const struct value **scripts; /* of each instance, for runners without rules of their own */
};

static void set_text(struct names *n, struct value *dict, const char *key, const char *text)
{
	value_set(n->pool, dict, key, value_string(n->pool, text));
}

static void set_bool(struct names *n, struct value *dict, const char *key, bool b)
{
	value_set(n->pool, dict, key, value_bool(b));
}

static void set_integer(struct names *n, struct value *dict, const char *key, int64_t i)
{
	value_set(n->pool, dict, key, value_int(n->pool, i));
}

/* ---- config ---- */

struct filling {
	struct names *n;
	struct value *dict;
};

static void add_option(void *data, const char *name, const char *text)
{
	struct filling *f = data;
	char *clean = gw_strdup(text);

	if (clean)
		utf8_clean(clean);
	set_text(f->n, f->dict, name, clean);
	free(clean);
}

static void add_variable(void *data, const char *name, const char *value)
{
	struct filling *f = data;

	if (f->n->bad)
		return;
	if (utf8_prefix(name, strlen(name)) == strlen(name) && utf8_prefix(value, strlen(value)) == strlen(value)) {
		set_text(f->n, f->dict, name, value);
		return;
	}
	f->n->bad = true;
	gw_fail(f->n->err, GW_BAD_INPUT, "EXECUTOR_JOB__%.100s: not UTF-8, which config.toml must be", name);
	utf8_clean(f->n->err->text);
}

static const struct value *on_job_environment_vars(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
						   struct gw_error *err)
{
	if (!n_args)
		return data;
	gw_fail(err, GW_BAD_INPUT, "config.job_environment_vars() takes no arguments");
	return NULL;
}

static const struct value *config_of(struct names *n, const struct env *env)
{
	struct filling options = {n, value_dict(n->pool)}, variables = {n, value_dict(n->pool)};

	env_each(add_option, &options);
	set_text(n, options.dict, "FARM_NAME", n->host->farm); /* it may come from the hostname */
	add_variable(&variables, "MINIO_URL", env_text(env, OPT_MINIO_URL));
	env_job_variables(add_variable, &variables);
	value_set(n->pool, options.dict, "job_environment_vars", value_callable(n->pool, on_job_environment_vars, variables.dict));
	return options.dict;
}

/* ---- mars_db ---- */

static const struct msg_gitlab_acl *rules_of(const struct msg_gitlab_entry *entry)
{
	return entry->acl.n ? entry->acl.v : NULL;
}

static const struct value *script_of(struct names *n, size_t instance, const struct msg_gitlab_acl *own)
{
	const struct msg_gitlab_instance *of = n->model->instances[instance];
	char *script;
	const struct value *v;

	if (!own && n->scripts[instance])
		return n->scripts[instance];
	script = acl_script(own, of->acl.n ? of->acl.v : NULL);
	v = value_string(n->pool, script);
	if (!own)
		n->scripts[instance] = v;
	free(script);
	return v;
}

static size_t place_of(const struct model *model, const char *instance)
{
	size_t i = 0;

	while (i < model->n_instances && strcmp(model->instances[i]->name, instance) != 0)
		i++;
	return i;
}

/* `exposed`: as config.toml should have it, so that a template need not look at the token and the instance too. */
static const struct value *runner_of(struct names *n, size_t instance, const struct msg_gitlab_dut *dut,
				     const struct msg_gitlab_entry *entry)
{
	struct value *dict = value_dict(n->pool);
	bool exposed = model_exposes(n->model, n->model->instances[instance], dut, entry);

	set_bool(n, dict, "exposed", exposed);
	set_text(n, dict, "token", entry->token && model_is_elsewhere(n->model, entry->token) ? NULL : entry->token);
	set_integer(n, dict, "runner_id", entry->runner_id);
	if (exposed)
		value_set(n->pool, dict, "acl_script", script_of(n, instance, rules_of(entry)));
	return dict;
}

static const struct value *instance_of(struct names *n, size_t i)
{
	const struct msg_gitlab_instance *instance = n->model->instances[i];
	static const struct msg_gitlab_entry nothing = {.runner_id = -1};
	const struct msg_gitlab_entry *gateway = instance->gateway_runner.n ? instance->gateway_runner.v : &nothing;
	struct value *dict = value_dict(n->pool), *runner;
	char name[GATEWAY_NAME_SIZE];

	set_text(n, dict, "name", instance->name);
	set_text(n, dict, "url", instance->url);
	set_text(n, dict, "runner_type", instance->runner_type);
	set_bool(n, dict, "expose_runners", instance->expose_runners);
	set_integer(n, dict, "maximum_timeout", instance->maximum_timeout);
	runner = (struct value *)(uintptr_t)runner_of(n, i, NULL, gateway);
	gateway_name(n->host->farm, name);
	set_text(n, runner, "full_name", name);
	value_set(n->pool, dict, "gateway_runner", runner);
	value_set(n->pool, dict, "should_expose_gateway_runner", value_get(runner, "exposed"));
	return dict;
}

static const struct value *dut_of(struct names *n, const struct msg_gitlab_dut *dut)
{
	struct value *dict = value_dict(n->pool), *entries = value_dict(n->pool), *tags = value_list(n->pool);

	for (size_t i = 0; i < dut->gitlab.n; i++) {
		const struct msg_gitlab_entry *entry = &dut->gitlab.v[i];
		size_t instance = place_of(n->model, entry->instance);

		if (instance < n->model->n_instances)
			value_set(n->pool, entries, entry->instance, runner_of(n, instance, dut, entry));
	}
	for (size_t i = 0; i < dut->tags.n; i++)
		value_append(n->pool, tags, value_string(n->pool, dut->tags.v[i]));
	set_text(n, dict, "id", dut->id);
	set_text(n, dict, "full_name", dut->full_name);
	set_bool(n, dict, "available", dut->available);
	value_set(n->pool, dict, "tags", tags);
	value_set(n->pool, dict, "gitlab", entries);
	return dict;
}

static const struct value *mars_db_of(struct names *n)
{
	struct value *dict = value_dict(n->pool), *instances = value_dict(n->pool), *duts = value_dict(n->pool);

	for (size_t i = 0; i < n->model->n_instances; i++)
		value_set(n->pool, instances, n->model->instances[i]->name, instance_of(n, i));
	for (size_t i = 0; i < n->model->n_duts; i++)
		value_set(n->pool, duts, n->model->duts[i]->id, dut_of(n, n->model->duts[i]));
	value_set(n->pool, dict, "gitlab", instances);
	value_set(n->pool, dict, "duts", duts);
	return dict;
}

const struct value *config_names(struct value_pool *pool, const struct env *env, const struct config_host *host, const struct model *model,
				 struct gw_error *err)
{
	struct names n = {.pool = pool, .model = model, .host = host, .err = err};
	struct value *names = value_dict(pool);

	n.scripts = gw_calloc(model->n_instances + 1, sizeof(*n.scripts));
	value_set(pool, names, "config", config_of(&n, env));
	value_set(pool, names, "mars_db", mars_db_of(&n));
	set_integer(&n, names, "cpu_count", host->cpus);
	set_integer(&n, names, "ram_total_MB", host->ram_mb);
	free(n.scripts);
	return n.bad ? NULL : names;
}
