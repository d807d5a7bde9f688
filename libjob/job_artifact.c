/* Artifacts of a job: what is fetched or given, and by which path a DUT asks for it. */
#include "libjob/job_deployment.h"

#include "libgateway/shared_bounds.h"
#include "libjob/pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A scheme that nobody fetches is refused here; artifactd checks the rest. An empty variable in front leaves no scheme at all. */
static bool has_odd_scheme(const char *url)
{
	size_t n = 0;

	while (isalnum((unsigned char)url[n]) || (url[n] && strchr("+-.", url[n])))
		n++;
	return url[n] == ':' && strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0;
}

void artifact_read_url(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_artifact *artifact = out;

	reader_string(r, node, path, &artifact->url);
	reader_within(r, node, path, artifact->url, JOB_URL_MAX);
	if (artifact->url && has_odd_scheme(artifact->url))
		reader_refuse(r, node, path, "a URL that can be fetched", "http:// and https://");
}

/* The content may hold a character 0, unlike other texts. */
void artifact_read_data(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *scalar = tree_resolve(node);
	struct job_artifact *artifact = out;

	if (scalar->kind != TREE_SCALAR)
		return reader_refuse(r, node, path, "a text", "one text");
	artifact->data = gw_calloc(scalar->len + 1, 1);
	artifact->data_len = scalar->len;
	memcpy(artifact->data, scalar->text, scalar->len);
}

static void read_path(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_artifact *artifact = out;
	struct pattern *pattern = NULL;
	struct gw_error err = {0};
	const char *plain;

	reader_string(r, node, path, &artifact->path);
	if (!artifact->path)
		return;
	plain = artifact->path + (artifact->path[0] == '^');
	if (plain[0] != '/')
		return reader_refuse(r, node, path, "an absolute path", "what begins with /");
	if (strncmp(plain, "/_/", 3) == 0)
		return reader_refuse(r, node, path, "a path of yours", "any but /_/..., which is the gateway's");
	artifact->is_regex = strpbrk(artifact->path, "\\^$*+?{}[]|()") != NULL;
	if (!artifact->is_regex) /* a regex has its own bound */
		reader_within(r, node, path, artifact->path, JOB_FILE_PATH_MAX);
	if (artifact->is_regex && !pattern_compile(&pattern, "path", artifact->path, true, &err))
		reader_complain(r, node, path, "%s", err.text);
	pattern_destroy(pattern);
}

#define ARTIFACT_FIELDS                                                                                                                    \
	{"url", artifact_read_url}, {"data", artifact_read_data}, {"archive", artifact_read_archive},                                      \
	{                                                                                                                                  \
		"format", artifact_read_format                                                                                             \
	}
const struct reader_field artifact_fields[] = {ARTIFACT_FIELDS, {NULL}};
static const struct reader_field stored_fields[] = {{"path", read_path, 0, true}, ARTIFACT_FIELDS, {NULL}};

bool artifact_check(struct reader *r, const struct tree_node *node, const struct tree_path *path, struct job_artifact *artifact)
{
	const struct tree_node *map = tree_resolve(node);
	static const char *const sources[] = {"url", "data", "archive"};
	const char *given = NULL;
	char where[200];

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (!reader_has(r, map, sources[i]))
			continue;
		if (given)
			reader_complain(r, node, path, "both '%s' and '%s' are given; accepted: exactly one", given, sources[i]);
		given = sources[i];
	}
	artifact->where = gw_strdup(tree_path_text(path, where, sizeof(where)));
	return given != NULL;
}

static void read_as(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct item_kind *kind, void *out)
{
	if (reader_map(r, node, path, kind->noun, kind->fields, out) && !artifact_check(r, node, path, out))
		reader_complain(r, node, path, "none of 'url', 'data' and 'archive' is given; accepted: exactly one");
}

static void read_artifact(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_as(r, node, path, &kind_artifact, out);
}

static void read_stored(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_as(r, node, path, &kind_stored, out);
}

static void artifact_copy(void *to, const void *from)
{
	const struct job_artifact *old = from;
	struct job_artifact *new = to;

	*new = *old;
	new->category = gw_strdup(old->category);
	new->url = gw_strdup(old->url);
	new->path = gw_strdup(old->path);
	new->where = gw_strdup(old->where);
	steps_copy(new, old);
	if (!old->data)
		return;
	new->data = gw_calloc(old->data_len + 1, 1);
	memcpy(new->data, old->data, old->data_len);
}

static void artifact_finish(void *item)
{
	struct job_artifact *artifact = item;

	free(artifact->category);
	free(artifact->url);
	free(artifact->data);
	free(artifact->path);
	free(artifact->where);
	steps_finish(artifact);
}

const struct item_kind kind_artifact = {
	"an artifact", artifact_fields, sizeof(struct job_artifact), read_artifact, artifact_copy, artifact_finish, false};
const struct item_kind kind_stored = {"a stored artifact", stored_fields, sizeof(struct job_artifact), read_stored, artifact_copy,
				      artifact_finish,     true};
