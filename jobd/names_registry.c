/* What templates know of the registries of container images: how the gateway's proxies of them are called. */
#include <stdlib.h>
#include <string.h>

#include "jobd/names.h"
#include "libjob/pattern.h"

/* What a rule makes of a name; yours. NULL: `err`. */
static char *applied(const struct msg_registry_rule *rule, const char *name, struct gw_error *err)
{
	struct pattern *pattern;
	char *made;

	if (!pattern_compile(&pattern, "registry.to_local_proxy", rule->match, false, err))
		return NULL;
	made = pattern_replace(pattern, name, rule->replace, err);
	pattern_destroy(pattern);
	return made;
}

/* The first rule that changes the name wins. The transport in front of it is none of the rules' business. */
static const struct value *to_local_proxy(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					  struct gw_error *err)
{
	static const char transport[] = "docker://";
	const struct msg_job_prepare *prepared = ((const struct names *)data)->prepared;
	const char *given = n_args == 1 ? value_text(args[0], NULL) : NULL, *name = given;
	const struct value *result = given ? args[0] : NULL;
	bool changed = false;

	if (!given)
		gw_fail(err, GW_BAD_INPUT, "registry.to_local_proxy takes one string");
	if (given && strncmp(given, transport, strlen(transport)) == 0)
		name += strlen(transport);
	for (size_t i = 0; given && prepared && i < prepared->registry_rules.n && !changed; i++) {
		char *made = applied(&prepared->registry_rules.v[i], name, err), *whole;

		if (!made)
			return NULL;
		changed = strcmp(made, name) != 0;
		whole = gw_sprintf("%.*s%s", (int)(name - given), given, made);
		if (changed)
			result = value_string(pool, whole);
		free(whole);
		free(made);
	}
	return result;
}

const struct value *names_registry(struct names *names)
{
	struct value *d = value_dict(&names->pool);

	value_set(&names->pool, d, "to_local_proxy", value_callable(&names->pool, to_local_proxy, names));
	return d;
}
