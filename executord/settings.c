#include "executord/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/farm_name.h"
#include "libgateway/files.h"
#include "libgateway/shared_bounds.h"
#include "libgateway/url.h"
#include "libjob/pattern.h"

static bool load_farm(struct settings *s, const struct env *env, struct gw_error *err)
{
	if (!farm_name(env, s->farm, err))
		return false;
	snprintf(s->farm_tag, sizeof(s->farm_tag), "farm:%s", s->farm);
	return true;
}

/* It is read anew for each job; that it is there shows now. */
static bool take_job(char **out, const struct env *env, enum env_option option, const char *name, const char *file, struct gw_error *err)
{
	const char *given = env_text(env, option);
	char *in_source = gw_sprintf("libjob/templates/%s", file), *installed = gw_sprintf("job_templates/%s", file), *text;
	size_t len;

	*out = given ? gw_strdup(given) : env_data_path(in_source, installed);
	free(in_source);
	free(installed);
	text = file_read(*out, JOB_TEXT_MAX, &len, err);
	free(text);
	if (!text)
		err->kind = GW_BAD_INPUT;
	return text || gw_context(err, "%s", name);
}

static bool take_regex(struct settings *s, const struct env *env, struct gw_error *err)
{
	struct pattern *compiled = NULL;
	bool ok;

	s->unfit_regex = env_text(env, OPT_CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX);
	ok = !s->unfit_regex ||
	     pattern_compile(&compiled, "CONSOLE_PATTERN_DEFAULT_MACHINE_UNFIT_FOR_SERVICE_REGEX", s->unfit_regex, false, err);
	pattern_destroy(compiled);
	return ok;
}

bool settings_load(struct settings *s, const struct env *env, struct gw_error *err)
{
	struct url_host salad;

	if (!load_farm(s, env, err) || !http_names_load(&s->names, env, err))
		return false;
	if (!url_host_of(env_text(env, OPT_SALAD_URL), &salad, err))
		return gw_context(err, "SALAD_URL");
	snprintf(s->console_host, sizeof(s->console_host), "%s", salad.host);
	s->boot_count = (int)env_integer(env, OPT_SERGENT_HARTMAN_BOOT_COUNT);
	s->qualifying = (int)env_integer(env, OPT_SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT);
	s->retrial_delay = env_number(env, OPT_SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY);
	s->quick_checks = env_boolean(env, OPT_SERGENT_HARTMAN_QUICK_CHECK);
	s->vpdu = env_text(env, OPT_EXECUTOR_VPDU_ENDPOINT);
	s->boot_power = env_number(env, OPT_DUT_DEFAULT_BOOT_SEQUENCE_POWER);
	return take_regex(s, env, err) &&
	       take_job(&s->registration_job, env, OPT_EXECUTOR_REGISTRATION_JOB, "EXECUTOR_REGISTRATION_JOB", "register.yml.j2", err) &&
	       take_job(&s->bootloop_job, env, OPT_EXECUTOR_BOOTLOOP_JOB, "EXECUTOR_BOOTLOOP_JOB", "bootloop.yml.j2", err);
}

static bool key_is_usable(const char *text, size_t len)
{
	return len == CAPABILITY_KEY_HEX && strspn(text, "0123456789abcdef") == len;
}

bool settings_key(struct settings *s, const struct env *env, struct gw_error *err)
{
	char *path = env_state_path(env, "capability.key"), *text;
	struct gw_error missing = {0};
	size_t len = 0;
	bool ok;

	text = file_read(path, 4096, &len, &missing);
	if (!text && missing.kind != GW_NOT_FOUND) {
		*err = missing;
		ok = false;
	} else if (text && key_is_usable(text, len)) {
		memcpy(s->key, text, len + 1);
		ok = true;
	} else { /* none yet, or a torn one: no job can hold a capability of it */
		ok = capability_key_make(s->key, err) && file_save(path, s->key, strlen(s->key), 0600, err);
	}
	if (text)
		explicit_bzero(text, len);
	free(text);
	free(path);
	return ok;
}

void settings_finish(struct settings *s)
{
	free(s->registration_job);
	free(s->bootloop_job);
	http_names_finish(&s->names);
	explicit_bzero(s->key, sizeof(s->key));
}
