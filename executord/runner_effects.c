#include "executord/runner_effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void say(cJSON *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* ---- DUTs ---- */

static bool is_tagged(const struct mars_dut *dut, const char *tag)
{
	return mars_strings_have(&dut->tags, tag) || mars_strings_have(&dut->manual_tags, tag);
}

static bool has_all_tags(const struct mars_dut *of, const struct mars_strings *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!is_tagged(of, tags->v[i]))
			return false;
	return true;
}

/* The order does not matter, nor which of the two lists has it. */
static bool same_tags(const struct mars_dut *a, const struct mars_dut *b)
{
	return has_all_tags(a, &b->tags) && has_all_tags(a, &b->manual_tags) && has_all_tags(b, &a->tags) &&
	       has_all_tags(b, &a->manual_tags);
}

static bool is_exposed(const struct mars_dut *dut, const char *instance)
{
	const struct mars_dut_gitlab *own = dut ? mars_dut_gitlab_find(dut, instance) : NULL;

	return dut && (!own || own->exposed);
}

static bool has_runner(const struct mars_dut *dut, const char *instance)
{
	const struct mars_dut_gitlab *own = dut ? mars_dut_gitlab_find(dut, instance) : NULL;

	return own && own->token;
}

static void compare(cJSON *list, const char *instance, const struct mars_dut *old, const struct mars_dut *new)
{
	if (is_exposed(old, instance) && !is_exposed(new, instance)) {
		if (has_runner(old, instance))
			say(list, "its runner on %s is unregistered", instance);
	} else if (!is_exposed(old, instance) && is_exposed(new, instance) && !has_runner(new, instance)) {
		say(list, "a runner is registered for it on %s, once it is ready for service", instance);
	} else if (old && new &&has_runner(old, instance) && is_exposed(new, instance)) {
		if (!has_runner(new, instance))
			say(list, "its runner on %s is registered anew: its token is gone", instance);
		else if (!gw_same_text(old->base_name, new->base_name))
			say(list, "its runner on %s is registered anew: its name differs", instance);
		else if (!same_tags(old, new))
			say(list, "its runner on %s is registered anew: its tags differ", instance);
	}
}

void runner_effects_of_dut(cJSON *list, const struct mars_db *before, const struct mars_db *after, const struct mars_dut *old,
			   const struct mars_dut *new)
{
	for (size_t i = 0; i < mars_db_gitlab_count(after); i++) {
		const struct mars_gitlab *instance = mars_db_gitlab(after, i);

		if (instance->expose_runners && mars_db_find_gitlab(before, instance->name))
			compare(list, instance->name, old, new);
	}
}

/* ---- instances ---- */

static size_t count_exposed(const struct mars_db *db, const char *instance, bool registered)
{
	size_t n = 0;

	for (size_t i = 0; i < mars_db_dut_count(db); i++)
		n += is_exposed(mars_db_dut(db, i), instance) && (!registered || has_runner(mars_db_dut(db, i), instance));
	return n;
}

static const char *why_anew(const struct mars_gitlab *old, const struct mars_gitlab *new)
{
	return !gw_same_text(old->url, new->url)                   ? "its url differs"
	       : !gw_same_text(old->runner_type, new->runner_type) ? "runner_type differs"
	       : old->group_id != new->group_id                    ? "group_id differs"
	       : old->project_id != new->project_id                ? "project_id differs"
	       : old->maximum_timeout != new->maximum_timeout      ? "maximum_timeout differs"
								   : NULL;
}

void runner_effects_of_instance(cJSON *list, const struct mars_db *before, const struct mars_db *after, const char *name)
{
	const struct mars_gitlab *old = mars_db_find_gitlab(before, name), *new = mars_db_find_gitlab(after, name);
	bool was = old && old->expose_runners, is = new &&new->expose_runners;

	if (!old && is)
		say(list, "runners are registered for the machines exposed on it: %zu", count_exposed(after, name, false));
	else if (old && !new)
		say(list, "runners on it are unregistered: %zu", count_exposed(before, name, true));
	else if (was && !is)
		say(list, "its runners take no more jobs: %zu", count_exposed(before, name, true));
	else if (!was && is)
		say(list, "its runners take jobs again: %zu", count_exposed(after, name, true));
	if (old && new &&why_anew(old, new))
		say(list, "runners registered anew, because %s: %zu", why_anew(old, new), count_exposed(before, name, true));
}
