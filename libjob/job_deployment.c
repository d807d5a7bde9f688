/* `deployment` of a job: what is served from the first boot, and what `continue` changes from the second. */
#include "libjob/job_deployment.h"

#include "libgateway/shared_bounds.h"

#include <stdlib.h>
#include <string.h>

enum { INITRAMFS, DTB, HTTP, TFTP, DHCP, LISTS };

static const struct item_kind *const kinds[LISTS] = {
	[INITRAMFS] = &kind_artifact, [DTB] = &kind_artifact, [HTTP] = &kind_stored, [TFTP] = &kind_stored, [DHCP] = &kind_dhcp};

struct part { /* `start` or `continue` as written */
	struct job_artifact kernel;
	bool has_kernel; /* its content, not only a command line */
	char *cmdline;
	struct item_list lists[LISTS];
	struct job_images images;
	struct job_nbds nbds;
};

static void read_cmdline(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct part *part = out;

	free(part->cmdline);
	part->cmdline = reader_joined(r, node, path, " ");
}

static const struct reader_field kernel_fields[] = {
	{"url", artifact_read_url, offsetof(struct part, kernel)},
	{"data", artifact_read_data, offsetof(struct part, kernel)},
	{"archive", artifact_read_archive, offsetof(struct part, kernel)},
	{"format", artifact_read_format, offsetof(struct part, kernel)},
	{"cmdline", read_cmdline},
	{NULL},
};

static void read_kernel(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct part *part = out;

	if (!reader_map(r, node, path, "a kernel", kernel_fields, part))
		return;
	part->has_kernel = artifact_check(r, node, path, &part->kernel);
	part->kernel.category = gw_strdup(UNCATEGORISED);
	if (!part->has_kernel && reader_has(r, tree_resolve(node), "format"))
		reader_complain(r, node, path, "'format' is given, but nothing to be formatted: none of 'url', 'data' and 'archive'");
}

static void read_initramfs(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	item_list_read(r, node, path, kinds[INITRAMFS], out);
}

static void read_dtb(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	item_list_read(r, node, path, kinds[DTB], out);
}

static void read_http(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	item_list_read(r, node, path, kinds[HTTP], out);
}

static void read_tftp(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	item_list_read(r, node, path, kinds[TFTP], out);
}

static void read_dhcp(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct item_list *list = out;

	item_list_read(r, node, path, kinds[DHCP], out);
	if (list->n_items > JOB_DHCP_MAX && list->n_items <= JOB_ITEMS_MAX)
		reader_complain(r, node, path, "too many items; accepted: up to %d", JOB_DHCP_MAX);
}

static const struct reader_field storage_fields[] = {
	{"http", read_http, offsetof(struct part, lists[HTTP])},
	{"tftp", read_tftp, offsetof(struct part, lists[TFTP])},
	{"imagestore", read_imagestore, offsetof(struct part, images)},
	{"nbd", read_nbd, offsetof(struct part, nbds)},
	{NULL},
};

static void read_storage(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a storage", storage_fields, out);
}

static const struct reader_field part_fields[] = {
	{"kernel", read_kernel},
	{"initramfs", read_initramfs, offsetof(struct part, lists[INITRAMFS])},
	{"dtb", read_dtb, offsetof(struct part, lists[DTB])},
	{"storage", read_storage},
	{"dhcp", read_dhcp, offsetof(struct part, lists[DHCP])},
	{"fastboot", reader_not_built},
	{NULL},
};

static void read_part(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "a deployment", part_fields, out);
}

static void part_finish(struct part *part)
{
	kind_artifact.finish(&part->kernel);
	free(part->cmdline);
	for (int i = 0; i < LISTS; i++)
		item_list_finish(&part->lists[i], kinds[i]);
	job_images_finish(&part->images);
	job_nbds_finish(&part->nbds);
}

static void merge(struct job_deployment *out, const struct part *start, const struct part *update)
{
	const struct part *kernel = update && update->has_kernel ? update : start;

	if (kernel->has_kernel) {
		out->kernel = gw_calloc(1, sizeof(*out->kernel));
		kind_artifact.copy(out->kernel, &kernel->kernel);
	}
	out->cmdline = gw_strdup(update && update->cmdline ? update->cmdline : start->cmdline);
	out->initramfs.v = item_list_merged(&start->lists[INITRAMFS], update ? &update->lists[INITRAMFS] : NULL, kinds[INITRAMFS],
					    &out->initramfs.n);
	out->dtb.v = item_list_merged(&start->lists[DTB], update ? &update->lists[DTB] : NULL, kinds[DTB], &out->dtb.n);
	out->http.v = item_list_merged(&start->lists[HTTP], update ? &update->lists[HTTP] : NULL, kinds[HTTP], &out->http.n);
	out->tftp.v = item_list_merged(&start->lists[TFTP], update ? &update->lists[TFTP] : NULL, kinds[TFTP], &out->tftp.n);
	out->dhcp = item_list_merged(&start->lists[DHCP], update ? &update->lists[DHCP] : NULL, kinds[DHCP], &out->n_dhcp);
	job_images_merge(&out->images, &start->images, update ? &update->images : NULL);
	job_nbds_merge(&out->nbds, &start->nbds, update ? &update->nbds : NULL);
}

struct parts {
	struct part start, next;
};

static const struct reader_field deployment_fields[] = {
	{"start", read_part, offsetof(struct parts, start), true},
	{"continue", read_part, offsetof(struct parts, next)},
	{NULL},
};

/* From the second boot on there is what `start` and `continue` give together. */
static void check_items(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct job_deployment *boot)
{
	const struct {
		const char *name;
		size_t n, max;
	} lists[] = {{"initramfs", boot->initramfs.n, JOB_ITEMS_MAX},
		     {"dtb", boot->dtb.n, JOB_ITEMS_MAX},
		     {"storage.http", boot->http.n, JOB_ITEMS_MAX},
		     {"storage.tftp", boot->tftp.n, JOB_ITEMS_MAX},
		     {"dhcp", boot->n_dhcp, JOB_DHCP_MAX}};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].n > lists[i].max)
			reader_complain(r, node, path, "%s: %zu items of a boot are too many; accepted: up to %zu", lists[i].name,
					lists[i].n, lists[i].max);
}

void read_deployment(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct parts parts = {0};
	struct job *job = out;

	reader_map(r, node, path, "a deployment", deployment_fields, &parts);
	merge(&job->start, &parts.start, NULL);
	merge(&job->next, &parts.start, &parts.next);
	check_items(r, node, path, &job->next);
	part_finish(&parts.start);
	part_finish(&parts.next);
}

static const struct reader_field defaults_fields[] = {
	{"dhcp", read_dhcp, offsetof(struct part, lists[DHCP])},
	{"storage", read_storage},
	{"kernel", reader_not_built},
	{"initramfs", reader_not_built},
	{"dtb", reader_not_built},
	{"fastboot", reader_not_built},
	{NULL},
};

/* Nobody fetches for the boots DB. */
static void check_is_data(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct job_artifacts *files)
{
	for (size_t i = 0; i < files->n; i++) {
		if (!files->v[i].data || files->v[i].n_steps)
			reader_complain(r, node, path, "%s: a url, an archive or a format is not built yet in the boots DB; accepted: data",
					files->v[i].where);
		else if (files->v[i].is_regex)
			reader_complain(r, node, path, "%s: a regex as the path is not built yet in the boots DB; accepted: one path",
					files->v[i].where);
	}
}

void read_defaults(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_deployment *defaults = out;
	struct part part = {0};

	reader_map(r, node, path, "defaults", defaults_fields, &part);
	merge(defaults, &part, NULL);
	part_finish(&part);
	if (defaults->images.n)
		reader_complain(r, node, path, "storage.imagestore: images are not built yet in the boots DB; leave it out");
	if (defaults->nbds.n)
		reader_complain(r, node, path, "storage.nbd: a block device is a job's, not the boots DB's; leave it out");
	check_is_data(r, node, path, &defaults->http);
	check_is_data(r, node, path, &defaults->tftp);
}

void deployment_finish(struct job_deployment *deployment)
{
	if (deployment->kernel)
		kind_artifact.finish(deployment->kernel);
	free(deployment->kernel);
	free(deployment->cmdline);
	items_finish(deployment->initramfs.v, deployment->initramfs.n, &kind_artifact);
	items_finish(deployment->dtb.v, deployment->dtb.n, &kind_artifact);
	items_finish(deployment->http.v, deployment->http.n, &kind_stored);
	items_finish(deployment->tftp.v, deployment->tftp.n, &kind_stored);
	items_finish(deployment->dhcp, deployment->n_dhcp, &kind_dhcp);
	job_images_finish(&deployment->images);
	job_nbds_finish(&deployment->nbds);
}
