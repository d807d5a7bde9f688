#include "gitlabd/config_toml.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "gitlabd/config_names.h"
#include "gitlabd/toml_check.h"
#include "libgateway/files.h"
#include "libgateway/log.h"
#include "libgateway/utf8.h"
#include "libjob/template.h"

#define FILE_MAX ((size_t)1 << 30) /* bytes of a config.toml that is compared */

struct config_host config_host_of_this_machine(const char *farm)
{
	struct sysinfo info = {0};
	struct config_host host = {.farm = farm, .cpus = sysconf(_SC_NPROCESSORS_ONLN)};

	if (sysinfo(&info) == 0)
		host.ram_mb = (int64_t)((uint64_t)info.totalram * info.mem_unit / 1000000);
	if (host.cpus < 1)
		host.cpus = 1;
	return host;
}

static size_t rules_size(const struct msg_gitlab_acl *acl, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; n && i < acl->deny.n + acl->allow.n; i++) {
		const struct msg_gitlab_rules *r = i < acl->deny.n ? &acl->deny.v[i] : &acl->allow.v[i - acl->deny.n];
		const struct bus_texts *lists[] = {&r->users, &r->projects, &r->projects_in_groups};

		for (int kind = 0; kind < 3; kind++)
			for (size_t k = 0; k < lists[kind]->n; k++)
				bytes += 16 + strlen(lists[kind]->v[k]);
	}
	return bytes;
}

/* What a farm of this size may cost: enough for templates of any taste, and an end to those that have none. */
static struct template_bounds bounds_of(const struct model *model)
{
	size_t runners = 1, rules = 0, instances = 0;

	for (size_t i = 0; i < model->n_instances; i++) {
		const struct msg_gitlab_instance *in = model->instances[i];

		instances += rules_size(in->acl.v, in->acl.n);
		runners += in->gateway_runner.n;
		for (size_t k = 0; k < in->gateway_runner.n; k++)
			rules += rules_size(in->gateway_runner.v[k].acl.v, in->gateway_runner.v[k].acl.n);
	}
	for (size_t i = 0; i < model->n_duts; i++) {
		runners += model->duts[i]->gitlab.n;
		for (size_t k = 0; k < model->duts[i]->gitlab.n; k++)
			rules += rules_size(model->duts[i]->gitlab.v[k].acl.v, model->duts[i]->gitlab.v[k].acl.n);
	}
	rules += instances * runners;
	return (struct template_bounds){.steps = (long)(TEMPLATE_STEPS_MAX + 2000 * runners + rules),
					.output = TEMPLATE_OUTPUT_MAX + 4096 * runners + 8 * rules,
					.memory = TEMPLATE_MEMORY_MAX + 32768 * runners + 64 * rules};
}

static bool is_text(const char *where, const char *text, size_t n, struct gw_error *err)
{
	size_t good = utf8_prefix(text, n), nul = strnlen(text, n), at = good < nul ? good : nul;
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return at == n || gw_fail(err, GW_BAD_INPUT, "%s:%zu: %s", where, line, at == nul ? "a NUL byte" : "not UTF-8");
}

bool config_toml_render(const char *where, const char *template, size_t n, const struct env *env, const struct config_host *host,
			const struct model *model, char **out, struct gw_error *err)
{
	struct template_bounds bounds = bounds_of(model);
	struct value_pool pool;
	const struct value *names;
	char *text = NULL;
	bool ok;

	*out = NULL;
	value_pool_init(&pool, bounds.memory);
	names = config_names(&pool, env, host, model, err);
	ok = names && is_text(where, template, n, err) &&
	     (!pool.full || gw_fail(err, GW_BAD_INPUT, "%s: the farm needs more than %zu MiB", where, bounds.memory >> 20)) &&
	     template_render_within(&bounds, where, template, n, names, &text, err);
	value_pool_finish(&pool);
	if (ok && !toml_check(text, strlen(text), err)) {
		gw_context(err, "%s: what it makes is not TOML", where);
		ok = false;
	}
	if (ok)
		*out = gw_sprintf("%s\n", text); /* the engine takes a template's last newline off, as Jinja2 does */
	free(text);
	return ok;
}

/* Whether the file is as it should be; one that cannot be read, or that others can read, is not. */
static bool is_as_wanted(const char *path, const char *text)
{
	size_t len = strlen(text), n = 0;
	struct stat st;
	char *old = stat(path, &st) == 0 && !(st.st_mode & 077) ? file_read(path, FILE_MAX, &n, NULL) : NULL;
	bool same = old && n == len && memcmp(old, text, len) == 0;

	free(old);
	return same;
}

static bool render_file(const struct env *env, const struct config_host *host, const struct model *model, char **text, struct gw_error *err)
{
	const char *given = env_text(env, OPT_GITLAB_CONF_TEMPLATE_FILE);
	char *where = given ? gw_strdup(given)
			    : env_data_path("gitlabd/templates/gitlab_runner_config.toml.j2", "gitlab_runner_config.toml.j2");
	size_t n;
	char *template = file_read(where, TEMPLATE_OUTPUT_MAX, &n, err);
	bool ok = template && config_toml_render(where, template, n, env, host, model, text, err);

	free(template);
	free(where);
	return ok;
}

bool config_toml_check(const struct env *env, const struct config_host *host, struct gw_error *err)
{
	const struct model nothing = {0};
	char *text = NULL;
	bool ok = render_file(env, host, &nothing, &text, err);

	free(text);
	return ok;
}

/* ---- a file that was there before us ---- */

static char *record_path(const struct env *env)
{
	return env_state_path(env, "gitlabd/runner-config.ours");
}

/* Whether this gateway has written the file before: then what is there is ours, whoever edited it. */
static bool is_ours(const struct env *env)
{
	char *record = record_path(env);
	bool is = access(record, F_OK) == 0;

	free(record);
	return is;
}

/* From now on the file is ours. What somebody wrote there before is kept beside it. */
static bool take_over(const struct env *env, const char *path, struct gw_error *err)
{
	char *folder = env_state_path(env, "gitlabd"), *record = record_path(env), *kept = gw_sprintf("%s.before-gitlabd", path);
	struct gw_error none = {0};
	size_t n;
	char *theirs = file_read(path, FILE_MAX, &n, &none);
	bool ok = theirs || none.kind == GW_NOT_FOUND || gw_fail(err, none.kind, "%s", none.text);

	if (ok && theirs && n) {
		ok = file_save(kept, theirs, n, 0600, err);
		if (ok)
			log_warning("%s was there before: it is kept as %s; its runners are in no file of ours", path, kept);
	}
	ok = ok && dir_make(folder, 0700, err) && file_save(record, "", 0, 0600, err);
	free(theirs);
	free(kept);
	free(record);
	free(folder);
	return ok;
}

bool config_toml_update(const struct env *env, const struct config_host *host, const struct model *model, bool *written,
			struct gw_error *err)
{
	const char *path = env_text(env, OPT_GITLAB_CONF_FILE);
	char *text = NULL;
	bool ours = is_ours(env), ok;

	*written = false;
	if (!ours && !model->n_instances)
		return true; /* this gateway has nothing to do with GitLab */
	ok = render_file(env, host, model, &text, err);
	*written = ok && !is_as_wanted(path, text);
	if (*written && !ours)
		*written = ok = take_over(env, path, err);
	if (*written)
		*written = ok = file_save(path, text, strlen(text), 0600, err);
	free(text);
	return ok;
}
