#include "executord/registries.h"

#include "executord/executord.h"

static bool decode(void *owner, const char *text, size_t n, const char *name, size_t *things, struct gw_errors *errs)
{
	struct registries *r = owner;
	struct registry_rules rules;

	if (!registry_rules_decode(&rules, text, n, name, errs))
		return false;
	registry_rules_finish(&r->rules);
	r->rules = rules;
	*things = rules.n;
	return true;
}

static struct live_file *file_of(struct executord *ex)
{
	struct registries *r = &ex->registries;

	r->file.option = "REGISTRIES_CFG";
	r->file.noun = "rules";
	r->file.path = env_text(&ex->env, OPT_REGISTRIES_CFG);
	r->file.decode = decode;
	r->file.owner = r;
	return &r->file;
}

bool registries_start(struct executord *ex, struct gw_error *err)
{
	return live_file_start(file_of(ex), &ex->loop, err);
}

bool registries_check(struct executord *ex, struct gw_error *err)
{
	bool ok = live_file_check(file_of(ex), err);

	registry_rules_finish(&ex->registries.rules);
	return ok;
}

void registries_read_again(struct executord *ex)
{
	live_file_read_again(&ex->registries.file);
}

void registries_finish(struct executord *ex)
{
	live_file_finish(&ex->registries.file);
	registry_rules_finish(&ex->registries.rules);
}
