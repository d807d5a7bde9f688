#include "executord/admission.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool answers_to(const struct candidate *c, const char *farm_tag, const char *tag)
{
	return mars_strings_have(c->tags, tag) || mars_strings_have(c->manual_tags, tag) || strcmp(farm_tag, tag) == 0;
}

static const char *missing_tag(const struct candidate *c, const char *farm_tag, const struct target *target)
{
	for (size_t i = 0; i < target->n_tags; i++)
		if (!answers_to(c, farm_tag, target->tags[i]))
			return target->tags[i];
	return NULL;
}

static bool is_named(const struct candidate *c, const char *id)
{
	return strcmp(c->id, id) == 0 || (c->full_name && strcmp(c->full_name, id) == 0);
}

static size_t refuse(int *status, int code, struct gw_error *err, enum gw_error_kind kind, const char *text)
{
	*status = code;
	gw_fail(err, kind, "%s", text);
	return SIZE_MAX;
}

static const char *tags_text(const struct target *target, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < target->n_tags && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", target->tags[i]);
	return out;
}

static const char *why_not(const struct candidate *c)
{
	struct dut_step step;

	if (!dut_step(c->state, DUT_EV_JOB_ACCEPTED, &step))
		return step.refused;
	return c->alarm ? "its power port could not be switched OFF yet" : NULL;
}

/* The one machine that the target names. */
static size_t choose_named(const struct candidate *v, size_t i, const char *farm_tag, const struct target *target, int *status,
			   struct gw_error *err)
{
	const char *missing = missing_tag(&v[i], farm_tag, target), *why = why_not(&v[i]);
	char text[400];

	if (missing) {
		snprintf(text, sizeof(text), "the machine '%.128s' does not have the tag '%.128s'", target->id, missing);
		return refuse(status, 406, err, GW_NOT_FOUND, text);
	}
	if (v[i].is_retired || v[i].state == DUT_RETIRED) {
		snprintf(text, sizeof(text), "the machine '%.128s' is retired", target->id);
		return refuse(status, 406, err, GW_NOT_FOUND, text);
	}
	if (!why)
		return i;
	snprintf(text, sizeof(text), "the machine '%.128s' cannot take a job now: %s", target->id, why);
	return refuse(status, 409, err, GW_BUSY, text);
}

#define TAKEN "busy, in training, waiting for configuration or not known to be OFF; try again later"

static size_t choose_by_tags(const struct candidate *v, size_t n, const char *farm_tag, const struct target *target, int *status,
			     struct gw_error *err)
{
	size_t have = 0;
	char tags[256], text[400];

	for (size_t i = 0; i < n; i++) {
		if (v[i].is_retired || v[i].state == DUT_RETIRED || missing_tag(&v[i], farm_tag, target))
			continue;
		if (!why_not(&v[i]))
			return i;
		have++;
	}
	tags_text(target, tags, sizeof(tags));
	if (!have && target->n_tags)
		snprintf(text, sizeof(text), "no machine has the tags %s", tags);
	else if (!have)
		snprintf(text, sizeof(text), "there is no machine");
	else if (have == 1)
		snprintf(text, sizeof(text), "the only machine%s%s is " TAKEN, target->n_tags ? " with the tags " : "", tags);
	else
		snprintf(text, sizeof(text), "all %zu machines%s%s are " TAKEN, have, target->n_tags ? " with the tags " : "", tags);
	return refuse(status, have ? 409 : 406, err, have ? GW_BUSY : GW_NOT_FOUND, text);
}

size_t admission_choose(const struct candidate *v, size_t n, const char *farm_tag, const struct target *target, int *status,
			struct gw_error *err)
{
	char text[200];

	if (!target->id)
		return choose_by_tags(v, n, farm_tag, target, status, err);
	for (size_t i = 0; i < n; i++)
		if (is_named(&v[i], target->id))
			return choose_named(v, i, farm_tag, target, status, err);
	snprintf(text, sizeof(text), "there is no machine '%.128s'", target->id);
	return refuse(status, 404, err, GW_NOT_FOUND, text);
}
