/* `storage.imagestore` of a deployment: container images that are pulled into a store which machines mount. */
#include "libjob/job_image.h"

#include <stdlib.h>
#include <string.h>

#include "libjob/job_deployment.h"

#define IMAGES_MAX   64
#define LONGEST_NAME 512

const char *const job_image_pulls[] = {"relaxed_always", "always", "missing", NULL};

/* ---- names ---- */

static const char letters_and_digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static bool is_alnum(char c)
{
	return c && strchr(letters_and_digits, c);
}

/* Of letters, digits and `more`, beginning with a letter or digit: its length; 0: there is none. */
static size_t word(const char *at, const char *more)
{
	size_t n = 0;

	if (!is_alnum(*at))
		return 0;
	while (is_alnum(at[n]) || (at[n] && strchr(more, at[n])))
		n++;
	return n;
}

/* To commands these are not registries but ways to read files: containers-transports(5). */
static bool is_transport(const char *text, size_t n)
{
	static const char *const names[] = {
		"docker", "dir", "oci",     "oci-archive", "docker-archive", "docker-daemon", "containers-storage",
		"ostree", "sif", "tarball", "atomic"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && strncmp(names[i], text, n) == 0)
			return true;
	return false;
}

/* After the first word: a port only if more of the name follows. */
static const char *skip_port(const char *at)
{
	size_t digits = *at == ':' ? strspn(at + 1, "0123456789") : 0;

	return digits && digits <= 5 && at[1 + digits] == '/' ? at + 1 + digits : at;
}

static bool is_tag_and_digest(const char *at)
{
	if (*at == ':')
		at += 1 + word(at + 1, "._-");
	if (*at == '@')
		at += 1 + word(at + 1, ":+._-");
	return !*at && at[-1] != ':' && at[-1] != '@';
}

bool job_image_name_fits(const char *name)
{
	const char *at = strncmp(name, "docker://", 9) == 0 ? name + 9 : name;
	size_t n = word(at, "._-");

	if (!n || strlen(name) > LONGEST_NAME || (at[n] == ':' && is_transport(at, n)))
		return false;
	at = skip_port(at + n);
	while (*at == '/') {
		n = word(at + 1, "._-");
		if (!n)
			return false;
		at += 1 + n;
	}
	return is_tag_and_digest(at);
}

bool job_image_platform_fits(const char *platform)
{
	size_t parts = 0, n;

	if (strlen(platform) > 64)
		return false;
	while ((n = word(platform, "._-")) && ++parts <= 3 && platform[n] == '/')
		platform += n + 1;
	return n && !platform[n] && (parts == 2 || parts == 3);
}

bool job_image_pull_fits(const char *pull)
{
	for (size_t i = 0; job_image_pulls[i]; i++)
		if (strcmp(job_image_pulls[i], pull) == 0)
			return true;
	return false;
}

/* ---- reading ---- */

static void read_name(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_image *image = out;

	reader_string(r, node, path, &image->image);
	if (image->image && !job_image_name_fits(image->image))
		reader_refuse(r, node, path, "the name of an image", JOB_IMAGE_NAME_ACCEPTED);
}

static void read_platform(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_image *image = out;

	reader_string(r, node, path, &image->platform);
	if (image->platform && !job_image_platform_fits(image->platform))
		reader_refuse(r, node, path, "a platform", JOB_IMAGE_PLATFORM_ACCEPTED);
}

static void read_pull(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	int choice = reader_choice(r, node, path, "a way to pull", job_image_pulls);

	((struct job_image *)out)->pull = job_image_pulls[choice < 0 ? 0 : choice];
}

static const struct reader_field image_fields[] = {{"name", read_name, 0, true},
						   {"tls_verify", reader_boolean, offsetof(struct job_image, tls_verify)},
						   {"platform", read_platform},
						   {"pull", read_pull},
						   {NULL}};

static void image_finish(struct job_image *image)
{
	free(image->name);
	free(image->image);
	free(image->platform);
	free(image->where);
}

static void read_image(struct reader *r, const struct tree_node *value, const struct tree_path *path, struct job_images *images)
{
	struct job_image image = {.store = "public", .tls_verify = true, .pull = job_image_pulls[0]};
	char where[200];

	reader_map(r, value, path, "an image", image_fields, &image);
	image.name = reader_key(r, value, path);
	image.where = gw_strdup(tree_path_text(path, where, sizeof(where)));
	if (!image.platform)
		image.platform = gw_strdup("linux/amd64");
	if (image.name && image.image)
		images->v[images->n++] = image;
	else
		image_finish(&image); /* complained about */
}

static void read_images(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct job_images *images = out;

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "a mapping of images", "NAME: {name, tls_verify, platform, pull}");
	if (map->n > IMAGES_MAX)
		return reader_complain(r, node, path, "too many images; accepted: up to %d", IMAGES_MAX);
	images->v = gw_calloc(map->n + 1, sizeof(*images->v));
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		read_image(r, value, &here, images);
	}
}

static const struct reader_field store_fields[] = {{"images", read_images, 0, true}, {NULL}};

static void read_store(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "an image store", store_fields, out);
}

static const struct reader_field imagestore_fields[] = {{"public", read_store}, {NULL}};

void read_imagestore(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	job_images_finish(out);
	reader_map(r, node, path, "the image stores", imagestore_fields, out);
}

/* ---- merging ---- */

static const struct job_image *find(const struct job_images *images, const char *name)
{
	for (size_t i = 0; i < images->n; i++)
		if (strcmp(images->v[i].name, name) == 0)
			return &images->v[i];
	return NULL;
}

static void append_copy(struct job_images *to, const struct job_image *from)
{
	struct job_image *image = &to->v[to->n++];

	*image = *from;
	image->name = gw_strdup(from->name);
	image->image = gw_strdup(from->image);
	image->platform = gw_strdup(from->platform);
	image->where = gw_strdup(from->where);
}

void job_images_merge(struct job_images *to, const struct job_images *start, const struct job_images *update)
{
	static const struct job_images none;
	const struct job_images *over = update ? update : &none;

	*to = (struct job_images){.v = gw_calloc(start->n + over->n + 1, sizeof(*to->v))};
	for (size_t i = 0; i < start->n; i++)
		if (!find(over, start->v[i].name))
			append_copy(to, &start->v[i]);
	for (size_t i = 0; i < over->n; i++)
		append_copy(to, &over->v[i]);
}

void job_images_finish(struct job_images *images)
{
	for (size_t i = 0; i < images->n; i++)
		image_finish(&images->v[i]);
	free(images->v);
	*images = (struct job_images){0};
}
