#include "bootsd/deployment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LONGEST 1024 /* of the bus's */

static int by_path(const void *a, const void *b)
{
	const struct boot_file *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static bool check_path(const struct msg_boot_file *file, struct gw_error *err)
{
	return file->path[0] == '/' || gw_fail(err, GW_BAD_INPUT, "'%s' is not an absolute path", file->path);
}

static bool take_files(struct deployment *d, int root, const struct msg_boot_deploy *from, struct gw_error *err)
{
	d->files = gw_calloc(from->files.n + 1, sizeof(struct boot_file *));
	for (size_t i = 0; i < from->files.n; i++) {
		struct boot_file *file = check_path(&from->files.v[i], err) ? boot_file_create(root, &from->files.v[i], err) : NULL;

		if (!file)
			return false;
		d->files[d->n_files++] = file;
	}
	qsort(d->files, d->n_files, sizeof(struct boot_file *), by_path);
	for (size_t i = 1; i < d->n_files; i++)
		if (strcmp(d->files[i - 1]->path, d->files[i]->path) == 0)
			return gw_fail(err, GW_BAD_INPUT, "'%s' is there twice", d->files[i]->path);
	return true;
}

static void add_category(struct categories *categories, const char *name)
{
	if (!name || categories_have(categories, name))
		return;
	categories->v = gw_realloc(categories->v, (categories->n + 1) * sizeof(*categories->v));
	categories->v[categories->n++] = gw_strdup(name);
}

static void take_categories(struct deployment *d, const struct msg_boot_deploy *from)
{
	for (size_t i = 0; i < from->dhcp.n; i++)
		add_category(&d->of_dhcp, from->dhcp.v[i].category);
	for (size_t i = 0; i < from->files.n; i++) {
		if (from->files.v[i].http)
			add_category(&d->of_http, from->files.v[i].category);
		if (from->files.v[i].tftp)
			add_category(&d->of_tftp, from->files.v[i].category);
	}
}

static void categories_finish(struct categories *categories)
{
	for (size_t i = 0; i < categories->n; i++)
		free(categories->v[i]);
	free(categories->v);
}

bool categories_have(const struct categories *categories, const char *name)
{
	for (size_t i = 0; i < categories->n; i++)
		if (strcmp(categories->v[i], name) == 0)
			return true;
	return false;
}

struct deployment *deployment_create(const char *artifacts, const char *job, const struct msg_boot_deploy *from, struct gw_error *err)
{
	struct deployment *d = gw_calloc(1, sizeof(*d));
	int root = open(artifacts, O_PATH | O_DIRECTORY | O_CLOEXEC); /* each time: an admin may have made the cache anew */
	bool ok;

	d->job = gw_strdup(job);
	d->cmdline = gw_strdup(from->cmdline);
	d->initramfs = from->initramfs;
	d->asks_http = from->asks_http;
	d->asks_tftp = from->asks_tftp;
	d->names = gw_strdup(from->names);
	take_categories(d, from);
	ok = (root >= 0 || gw_fail_errno(err, GW_NOT_FOUND, errno, "%s", artifacts)) && take_files(d, root, from, err) &&
	     dhcp_rules_init(&d->dhcp, from->dhcp.v, from->dhcp.n, err);
	if (root >= 0)
		close(root);
	if (ok)
		return d;
	deployment_destroy(d);
	return NULL;
}

void deployment_destroy(struct deployment *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_files; i++)
		boot_file_release(d->files[i]);
	wanted_finish(&d->wanted);
	dhcp_rules_finish(&d->dhcp);
	free(d->files);
	categories_finish(&d->of_dhcp);
	categories_finish(&d->of_http);
	categories_finish(&d->of_tftp);
	free(d->names);
	free(d->cmdline);
	free(d->job);
	free(d);
}

struct boot_file *deployment_file(const struct deployment *d, const char *path)
{
	struct boot_file wanted = {.path = (char *)path}, *key = &wanted, **found;

	found = bsearch(&key, d->files, d->n_files, sizeof(struct boot_file *), by_path);
	return found ? *found : NULL;
}

struct boot_file *deployment_served(const struct deployment *d, const char *path, bool tftp)
{
	struct boot_file *file = deployment_file(d, path);

	if (file && (tftp ? file->tftp : file->http))
		return file;
	return wanted_given(&d->wanted, path, tftp);
}

bool deployment_may_have(const struct deployment *d, const char *path, bool tftp)
{
	return (tftp ? d->asks_tftp : d->asks_http) && path[0] == '/' && strncmp(path, "/_/", 3) != 0 && strlen(path) <= PATH_LONGEST;
}

struct boot_file *deployment_open(const char *artifacts, const char *path, bool tftp, const char *artifact, struct gw_error *err)
{
	char *names[] = {(char *)(uintptr_t)artifact};
	struct msg_boot_file from = {.path = (char *)(uintptr_t)path, .http = !tftp, .tftp = tftp, .artifacts = {names, 1}};
	int root = open(artifacts, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct boot_file *file = root < 0 ? NULL : boot_file_create(root, &from, err);

	if (root < 0)
		gw_fail_errno(err, GW_NOT_FOUND, errno, "%s", artifacts);
	else
		close(root);
	return file;
}
