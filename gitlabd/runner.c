#include "gitlabd/runner.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"

enum { TAG_CHARACTERS_MAX = 255 };

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_tag(struct tags *tags, const char *text, size_t len)
{
	while (len && strchr(" \t\r\n", *text))
		text++, len--;
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (!len)
		return;
	tags->v = gw_realloc(tags->v, (tags->n + 1) * sizeof(*tags->v));
	tags->v[tags->n++] = gw_strndup(text, len);
}

static void drop_doubles(struct tags *tags)
{
	size_t kept = 0;

	for (size_t i = 0; i < tags->n; i++) {
		if (kept && strcmp(tags->v[kept - 1], tags->v[i]) == 0)
			free(tags->v[i]);
		else
			tags->v[kept++] = tags->v[i];
	}
	tags->n = kept;
}

void tags_make(struct tags *tags, char *const *given, size_t n)
{
	*tags = (struct tags){0};
	for (size_t i = 0; i < n; i++) {
		const char *at = given[i], *comma;

		for (; (comma = strchr(at, ',')); at = comma + 1)
			add_tag(tags, at, (size_t)(comma - at));
		add_tag(tags, at, strlen(at));
	}
	if (tags->n)
		qsort(tags->v, tags->n, sizeof(*tags->v), by_text);
	drop_doubles(tags);
}

void tags_finish(struct tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		free(tags->v[i]);
	free(tags->v);
	*tags = (struct tags){0};
}

char *tags_joined(const struct tags *tags)
{
	struct buffer out = {0};

	for (size_t i = 0; i < tags->n; i++)
		buffer_printf(&out, "%s%s", i ? "," : "", tags->v[i]);
	return buffer_take(&out);
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

const char *tags_refused(const struct tags *tags)
{
	if (!tags->n)
		return "it has no tags, and a runner that takes no untagged jobs needs some";
	if (tags->n > API_TAGS_MAX)
		return "it has more than 50 tags; GitLab accepts: 1 to 50";
	for (size_t i = 0; i < tags->n; i++)
		if (characters(tags->v[i]) > TAG_CHARACTERS_MAX)
			return "it has a tag of more than 255 characters, which GitLab does not accept";
	return NULL;
}

bool runner_differs(const struct runner_want *want, const struct api_details *details)
{
	struct tags theirs;
	bool differ;

	tags_make(&theirs, details->tags, details->n_tags);
	differ = strcmp(want->description, details->description) != 0 || want->maximum_timeout != details->maximum_timeout ||
		 want->n_tags != theirs.n;
	for (size_t i = 0; !differ && i < theirs.n; i++)
		differ = strcmp(want->tags[i], theirs.v[i]) != 0;
	tags_finish(&theirs);
	return differ;
}

enum runner_action runner_next(const struct runner_want *want, const struct runner_known *known)
{
	bool may_register = !want->not_now && !known->refused;

	if (known->untold)
		return RUNNER_TELL;
	if (!known->has_token)
		return want->exposed && may_register ? RUNNER_REGISTER : RUNNER_NOTHING;
	if (!want->exposed)
		return known->refused ? RUNNER_NOTHING : RUNNER_REMOVE;
	if (known->valid == RUNNER_INVALID)
		return known->refused ? RUNNER_NOTHING : RUNNER_DROP_TOKEN;
	if (known->verify_due)
		return RUNNER_VERIFY;
	if (known->details_due && want->details_readable)
		return RUNNER_DETAILS;
	if (known->details && may_register && runner_differs(want, known->details))
		return RUNNER_REGISTER;
	return RUNNER_NOTHING;
}
