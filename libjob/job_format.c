/* What is made of an artifact before it is served: `archive`, where it begins with nothing, and `format`, a step or a list of them. */
#include "libjob/job_deployment.h"

#include "libgateway/shared_bounds.h"
#include "libjob/pattern.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STEPS_MAX_OF_ARTIFACT 8
#define ENTRIES_MAX           1000 /* of `add` and of `keep` */

static const char *const architectures[] = {"arm",  "arm64", "x86",   "x86_64",  "riscv",  "mips",    "mips64", "powerpc",
					    "or1k", "sh",    "sparc", "sparc64", "xtensa", "sandbox", NULL};
static const char *const uboot_compressions[] = {"none", "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd", NULL};
static const char *const systems[] = {"linux", "u-boot", "efi", "openbsd", "netbsd", "freebsd", "vxworks", "qnx", "tee", NULL};
static const char *const types[] = {"script",   "kernel",     "kernel_noload", "ramdisk", "standalone",
				    "firmware", "filesystem", "flat_dt",       NULL};
static const char *const extensions[] = {"cpio", "tar", "zip", NULL};
static const char *const compressions[] = {"none", "gz", "gzip", "bz2", "bzip2", "xz", "lzma", "zst", "zstd", "lz4", NULL};

/* ---- uboot ---- */

static void read_choice(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *wanted,
			const char *const *choices, char **out)
{
	int i = reader_choice(r, node, path, wanted, choices);

	free(*out);
	*out = i < 0 ? NULL : gw_strdup(choices[i]);
}

static void read_architecture(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "an architecture of U-Boot's", architectures, &((struct job_step *)out)->architecture);
}

static void read_uboot_compression(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "a compression of U-Boot's", uboot_compressions, &((struct job_step *)out)->compression);
}

static void read_os(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "an operating system of U-Boot's", systems, &((struct job_step *)out)->os);
}

static void read_type(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "an image type of U-Boot's", types, &((struct job_step *)out)->type);
}

static const struct reader_field uboot_fields[] = {
	{"architecture", read_architecture}, {"compression", read_uboot_compression}, {"os", read_os}, {"type", read_type}, {NULL}};

static void read_uboot(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_step *step = out;

	*step = (struct job_step){.kind = JOB_STEP_UBOOT,
				  .architecture = gw_strdup("arm64"),
				  .compression = gw_strdup("none"),
				  .os = gw_strdup("linux"),
				  .type = gw_strdup("script")};
	if (!tree_is_null(node))
		reader_map(r, node, path, "a uboot format", uboot_fields, step);
}

/* ---- archive ---- */

static void read_extension(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "an archive that can be made", extensions, &((struct job_step *)out)->extension);
}

static void read_compression(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_choice(r, node, path, "a compression", compressions, &((struct job_step *)out)->compression);
}

static bool has_dots(const char *path)
{
	for (const char *at = path; *at; at += strcspn(at, "/"), at += strspn(at, "/"))
		if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

static void read_add_path(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_add *add = out;

	reader_string(r, node, path, &add->path);
	reader_within(r, node, path, add->path, JOB_ADD_PATH_MAX);
	if (add->path && (has_dots(add->path) || !add->path[strspn(add->path, "/.")] || add->path[strlen(add->path) - 1] == '/'))
		reader_refuse(r, node, path, "a path in an archive", "the name of a file, with folders in front of it but no ..");
}

static void read_add_artifact(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_add *add = out;

	add->artifact = gw_calloc(1, sizeof(*add->artifact));
	kind_artifact.read(r, node, path, add->artifact);
	add->artifact->category = gw_strdup(UNCATEGORISED);
}

/* Octal as in C and YAML 1.1 (0100644) or YAML 1.2 (0o100644), or the same number as a YAML reader may have written it again: 33188. */
static bool mode_of(const struct tree_node *scalar, unsigned *mode)
{
	char text[16], *end;
	bool octal;
	unsigned long n;

	if (scalar->kind != TREE_SCALAR || !scalar->len || scalar->len >= sizeof(text))
		return false;
	memcpy(text, scalar->text, scalar->len);
	text[scalar->len] = '\0';
	octal = text[0] == '0';
	if (text[strspn(text, octal ? "01234567o" : "0123456789")])
		return false;
	n = strtoul(text + (octal && text[1] == 'o' ? 2 : 0), &end, octal ? 8 : 10);
	*mode = (unsigned)n;
	return !*end && end > text && n <= (S_IFREG | 07777) && ((n & S_IFMT) == S_IFREG || (octal && n <= 07777));
}

static void read_mode(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_add *add = out;

	if (!mode_of(tree_resolve(node), &add->mode))
		reader_refuse(r, node, path, "a regular file's mode", "octal, as 0100644 or 0755");
	add->mode = S_IFREG | (add->mode & 07777);
}

static const struct reader_field add_fields[] = {
	{"path", read_add_path, 0, true}, {"artifact", read_add_artifact, 0, true}, {"mode", read_mode}, {NULL}};

/* The items of a list, or the one that is no list. False: too many. */
static bool each_item(struct reader *r, const struct tree_node *node, const struct tree_path *path, size_t max, reader_fn *each, void *out)
{
	const struct tree_node *list = tree_resolve(node);
	size_t i = 0;

	if (list->kind != TREE_LIST) {
		each(r, node, path, out);
		return true;
	}
	if (list->n > max) {
		reader_complain(r, node, path, "too many items; accepted: up to %zu", max);
		return false;
	}
	for (const struct tree_node *item = list->first; item; item = item->next) {
		struct tree_path here = {.up = path, .index = i++};

		each(r, item, &here, out);
	}
	return true;
}

static void read_one_add(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_step *step = out;
	struct job_add add = {.mode = S_IFREG | 0644};

	reader_map(r, node, path, "an entry of an archive", add_fields, &add);
	step->add = gw_realloc(step->add, (step->n_add + 1) * sizeof(*step->add));
	step->add[step->n_add++] = add;
}

static void read_add(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	each_item(r, node, path, ENTRIES_MAX, read_one_add, out);
}

static void read_whole_regex(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct pattern *pattern = NULL;
	struct gw_error err = {0};
	char **text = out, place[200];

	reader_string(r, node, path, out);
	if (*text && !pattern_compile(&pattern, tree_path_text(path, place, sizeof(place)), *text, true, &err))
		reader_complain(r, node, NULL, "%s", err.text);
	pattern_destroy(pattern);
}

static void read_rewrite(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_keep *keep = out;

	reader_string(r, node, path, &keep->rewrite);
	reader_within(r, node, path, keep->rewrite, JOB_REWRITE_MAX);
}

static const struct reader_field keep_fields[] = {
	{"path", read_whole_regex, offsetof(struct job_keep, path), true}, {"rewrite", read_rewrite}, {NULL}};

static void read_one_keep(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_step *step = out;
	struct job_keep keep = {NULL};

	reader_map(r, node, path, "a rule of what is kept", keep_fields, &keep);
	step->keep = gw_realloc(step->keep, (step->n_keep + 1) * sizeof(*step->keep));
	step->keep[step->n_keep++] = keep;
}

static void read_keep(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	each_item(r, node, path, ENTRIES_MAX, read_one_keep, out);
}

static void read_match(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_whole_regex(r, node, path, &((struct job_step *)out)->match);
}

static const struct reader_field made_fields[] = {
	{"extension", read_extension, 0, true}, {"compression", read_compression}, {"add", read_add, 0, true}, {NULL}};
static const struct reader_field archive_fields[] = {{"extension", read_extension},
						     {"compression", read_compression},
						     {"add", read_add},
						     {"keep", read_keep},
						     {"match", read_match},
						     {NULL}};

static void check_compression(struct reader *r, const struct tree_node *node, const struct tree_path *path, struct job_step *step)
{
	if (!step->compression)
		step->compression = gw_strdup("none");
	if (step->extension && strcmp(step->extension, "zip") == 0 && strcmp(step->compression, "none") != 0)
		reader_complain(r, node, path, "compression: a zip archive is compressed in itself; accepted: none");
}

static void read_archive(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_step *step = out;
	const struct tree_node *map = tree_resolve(node);

	*step = (struct job_step){.kind = JOB_STEP_ARCHIVE};
	if (!reader_map(r, node, path, "an archive format", archive_fields, step))
		return;
	if (reader_has(r, map, "match") && (reader_has(r, map, "keep") || reader_has(r, map, "add")))
		reader_complain(r, node, path, "'match' takes one file out; accepted: it, or 'keep' and 'add'");
	if (!reader_has(r, map, "match") && !reader_has(r, map, "extension"))
		reader_complain(r, node, path, "'extension' is missing; accepted: cpio, tar, zip, or 'match', which takes one file out");
	check_compression(r, node, path, step);
}

/* ---- steps ---- */

static struct job_step *add_step(struct job_artifact *artifact)
{
	artifact->steps = gw_realloc(artifact->steps, (artifact->n_steps + 1) * sizeof(*artifact->steps));
	artifact->steps[artifact->n_steps] = (struct job_step){0};
	return &artifact->steps[artifact->n_steps++];
}

static const char *const formats[] = {"uboot", "archive", NULL};

static void read_one_format(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	static reader_fn *const readers[] = {read_uboot, read_archive};
	const struct tree_node *map = tree_resolve(node);
	struct tree_path here;
	int which;

	if (map->kind != TREE_MAP || map->n != 1)
		return reader_complain(r, node, path, "this is not a format; accepted: one mapping, {uboot: {...}} or {archive: {...}}");
	here = reader_step(path, map->first);
	which = reader_choice(r, map->first->key, path, "a format", formats);
	if (which == 1 && tree_is_null(map->first))
		reader_complain(r, node, &here, "'extension' is missing; accepted: cpio, tar, zip, or 'match', which takes one file out");
	else if (which >= 0)
		readers[which](r, map->first, &here, add_step(out));
}

void artifact_read_format(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	each_item(r, node, path, STEPS_MAX_OF_ARTIFACT, read_one_format, out);
}

/* Its step is the first one, whichever of the two keys comes first. */
void artifact_read_archive(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_artifact *artifact = out;
	struct job_step *step;

	artifact->made = true;
	add_step(artifact);
	memmove(artifact->steps + 1, artifact->steps, (artifact->n_steps - 1) * sizeof(*artifact->steps));
	step = &artifact->steps[0];
	*step = (struct job_step){.kind = JOB_STEP_ARCHIVE};
	if (reader_map(r, node, path, "an archive", made_fields, step))
		check_compression(r, node, path, step);
}

static void step_copy(struct job_step *to, const struct job_step *from)
{
	*to = (struct job_step){
		.kind = from->kind,
		.architecture = gw_strdup(from->architecture),
		.compression = gw_strdup(from->compression),
		.os = gw_strdup(from->os),
		.type = gw_strdup(from->type),
		.extension = gw_strdup(from->extension),
		.match = gw_strdup(from->match),
		.add = gw_calloc(from->n_add + 1, sizeof(*to->add)),
		.n_add = from->n_add,
		.keep = gw_calloc(from->n_keep + 1, sizeof(*to->keep)),
		.n_keep = from->n_keep,
	};
	for (size_t i = 0; i < from->n_add; i++) {
		to->add[i] = (struct job_add){.path = gw_strdup(from->add[i].path), .mode = from->add[i].mode};
		if (!from->add[i].artifact) /* it was refused: the job is, too, once all its errors are told */
			continue;
		to->add[i].artifact = gw_calloc(1, sizeof(*to->add[i].artifact));
		kind_artifact.copy(to->add[i].artifact, from->add[i].artifact);
	}
	for (size_t i = 0; i < from->n_keep; i++)
		to->keep[i] = (struct job_keep){gw_strdup(from->keep[i].path), gw_strdup(from->keep[i].rewrite)};
}

void steps_copy(struct job_artifact *to, const struct job_artifact *from)
{
	to->steps = gw_calloc(from->n_steps + 1, sizeof(*to->steps));
	for (size_t i = 0; i < from->n_steps; i++)
		step_copy(&to->steps[i], &from->steps[i]);
}

static void step_finish(struct job_step *step)
{
	for (size_t i = 0; i < step->n_add; i++) {
		free(step->add[i].path);
		if (step->add[i].artifact)
			kind_artifact.finish(step->add[i].artifact);
		free(step->add[i].artifact);
	}
	for (size_t i = 0; i < step->n_keep; i++) {
		free(step->keep[i].path);
		free(step->keep[i].rewrite);
	}
	free(step->add);
	free(step->keep);
	free(step->architecture);
	free(step->compression);
	free(step->os);
	free(step->type);
	free(step->extension);
	free(step->match);
}

void steps_finish(struct job_artifact *artifact)
{
	for (size_t i = 0; i < artifact->n_steps; i++)
		step_finish(&artifact->steps[i]);
	free(artifact->steps);
}
