#include "jobd/boot.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"
#include "libjob/dhcp_options.h"

/* ---- the message ---- */

static void add_text(struct bus_texts *texts, const char *text)
{
	texts->v = gw_realloc(texts->v, (texts->n + 1) * sizeof(*texts->v));
	texts->v[texts->n++] = gw_strdup(text);
}

static struct msg_boot_file *add_file(struct msg_boot_deploy *d, const char *path, bool http, bool tftp)
{
	struct msg_boot_file *file;

	d->files.v = gw_realloc(d->files.v, (d->files.n + 1) * sizeof(*d->files.v));
	file = &d->files.v[d->files.n++];
	*file = (struct msg_boot_file){.path = gw_strdup(path), .http = http, .tftp = tftp};
	return file;
}

static void add_kernel(struct jobd *j, struct msg_boot_deploy *d, const struct job_artifact *kernel)
{
	if (kernel)
		add_text(&add_file(d, "/_/job/kernel", true, true)->artifacts, artifacts_name(j, kernel));
}

/* All of them in one file, and each under its number. */
static void add_list(struct jobd *j, struct msg_boot_deploy *d, const char *name, const struct job_artifacts *list)
{
	char path[64];

	if (list->n == 0)
		return;
	snprintf(path, sizeof(path), "/_/job/%s", name);
	add_file(d, path, true, true);
	for (size_t i = 0; i < list->n; i++)
		add_text(&d->files.v[d->files.n - 1].artifacts, artifacts_name(j, &list->v[i]));
	for (size_t i = 0; i < list->n; i++) {
		snprintf(path, sizeof(path), "/_/job/%s/%zu", name, i);
		add_text(&add_file(d, path, true, true)->artifacts, artifacts_name(j, &list->v[i]));
	}
}

static bool has_path(const struct msg_boot_deploy *d, size_t from, const char *path)
{
	for (size_t i = from; i < d->files.n; i++)
		if (strcmp(d->files.v[i].path, path) == 0)
			return true;
	return false;
}

/* Whether a regex before it answers its path. */
static bool is_shadowed(const struct job_artifacts *storage, size_t i)
{
	struct job_artifacts before = {storage->v, i};
	struct gw_error ignored = {0};
	char *url;
	bool found = job_storage_match(&before, storage->v[i].path, &url, &ignored) != NULL;

	free(url);
	return found;
}

static void add_stored(struct jobd *j, struct msg_boot_deploy *d, const struct job_artifact *stored, bool tftp)
{
	struct msg_boot_file *file = add_file(d, stored->path, !tftp, tftp);

	file->category = gw_strdup(stored->category);
	add_text(&file->artifacts, artifacts_name(j, stored));
}

/* Of two entries with one path the first is served. Those of a regex are given when they are asked for. */
static bool add_storage(struct jobd *j, struct msg_boot_deploy *d, const struct job_artifacts *storage, bool tftp)
{
	size_t from = d->files.n;
	bool regexes = false;

	for (size_t i = 0; i < storage->n; i++) {
		regexes |= storage->v[i].is_regex;
		if (!storage->v[i].is_regex && !has_path(d, from, storage->v[i].path) && !is_shadowed(storage, i))
			add_stored(j, d, &storage->v[i], tftp);
	}
	return regexes;
}

static bool add_options(struct msg_boot_dhcp *to, const struct job_dhcp *from, struct gw_error *err)
{
	char hex[DHCP_OPTION_HEX_MAX + 1];

	to->options.v = gw_calloc(from->n_options + 1, sizeof(*to->options.v));
	for (size_t i = 0; i < from->n_options; i++) {
		if (!dhcp_option_encode(from->options[i].code, from->options[i].value, hex, "job: deployment.dhcp", err))
			return false;
		to->options.v[to->options.n++] = (struct msg_boot_option){.code = from->options[i].code, .hex = gw_strdup(hex)};
	}
	return true;
}

static bool add_dhcp(struct msg_boot_deploy *d, const struct job_deployment *from, struct gw_error *err)
{
	d->dhcp.v = gw_calloc(from->n_dhcp + 1, sizeof(*d->dhcp.v));
	for (size_t i = 0; i < from->n_dhcp; i++) {
		const struct job_dhcp *rule = &from->dhcp[i];
		struct msg_boot_dhcp *to = &d->dhcp.v[d->dhcp.n++];

		to->category = gw_strdup(rule->category);
		to->architecture = gw_strdup(rule->match[JOB_DHCP_ARCHITECTURE]);
		to->firmware = gw_strdup(rule->match[JOB_DHCP_FIRMWARE]);
		to->protocol = gw_strdup(rule->match[JOB_DHCP_PROTOCOL]);
		to->mac_address = gw_strdup(rule->match[JOB_DHCP_MAC]);
		to->vendor_class = gw_strdup(rule->match[JOB_DHCP_VENDOR]);
		to->user_class = gw_strdup(rule->match[JOB_DHCP_USER]);
		to->uuid = gw_strdup(rule->match[JOB_DHCP_UUID]);
		if (!add_options(to, rule, err))
			return false;
	}
	return true;
}

static void free_deploy(struct msg_boot_deploy *d)
{
	bus_body_free(&bus_body_boot_deploy, d);
}

static struct msg_boot_deploy *make_deploy(struct jobd *j, unsigned boot, struct gw_error *err)
{
	const struct job_deployment *from = job_deployment(&j->job, boot);
	struct msg_boot_deploy *d = gw_calloc(1, sizeof(*d));
	char *cmdline = NULL;

	d->capability = gw_strdup(j->go->capability);
	add_kernel(j, d, from->kernel);
	add_list(j, d, "initramfs", &from->initramfs);
	add_list(j, d, "dtb", &from->dtb);
	d->asks_http = add_storage(j, d, &from->http, false);
	d->asks_tftp = add_storage(j, d, &from->tftp, true);
	d->initramfs = from->initramfs.n > 0;
	d->names = names_for_boots_db(&j->names);
	names_set_images(j, from);
	names_set_nbds(j, from);
	if (!add_dhcp(d, from, err) || !job_cmdline(&j->job, boot, j->names.all, &cmdline, err)) {
		free_deploy(d);
		return NULL;
	}
	if (from->kernel)
		d->cmdline = cmdline;
	else
		free(cmdline);
	return d;
}

static bool check_dhcp(const struct job_deployment *from, struct gw_error *err)
{
	struct msg_boot_deploy *d = gw_calloc(1, sizeof(*d));
	bool ok = add_dhcp(d, from, err);

	free_deploy(d);
	return ok;
}

bool boot_check(const struct job *job, struct gw_error *err)
{
	return check_dhcp(&job->start, err) && check_dhcp(&job->next, err);
}

/* ---- bootsd ---- */

static void count(struct jobd *j, int64_t requests)
{
	if (requests > j->boot.requests)
		drive_happened(j, RUN_DUT_REQUEST, "netboot");
	j->boot.requests = requests;
}

static void on_deployed(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	const struct msg_boot_status *status = answer;
	struct boot *b = &j->boot;

	b->deploy = NULL;
	if (!status) {
		drive_happened(j, RUN_DEPLOY_FAILED, err->text);
		return;
	}
	b->requests = status->requests;
	if (!b->confirmed) {
		b->confirmed = true;
		drive_happened(j, RUN_DEPLOYED, NULL);
	}
}

static void ask_deploy(struct jobd *j)
{
	ask_cancel(&j->boot.deploy);
	j->boot.deploy = ask_start(&j->asks, "bootsd", MSG_BOOT_DEPLOY, j->boot.deployed, on_deployed, j);
}

static void forget_deployment(struct jobd *j)
{
	boot_forget_wanted(j);
	ask_cancel(&j->boot.deploy);
	ask_cancel(&j->boot.status);
	free_deploy(j->boot.deployed);
	j->boot.deployed = NULL;
}

void boot_deploy(struct jobd *j, unsigned boot)
{
	struct gw_error err = {0};

	forget_deployment(j);
	j->boot.confirmed = false;
	j->boot.boot = boot;
	j->boot.deployed = make_deploy(j, boot, &err);
	if (j->boot.deployed) {
		ask_deploy(j);
	} else {
		names_mask_error(&j->names, &err);
		drive_happened(j, RUN_DEPLOY_FAILED, err.text);
	}
}

/* bootsd keeps no deployments over its restart: one that is not there serves nothing, so nobody waits for it. */
static void on_withdrawn(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	if (!answer)
		log_warning("job=%s what bootsd serves could not be withdrawn: %s", j->go->job, err->text);
	drive_happened(j, RUN_WITHDRAWN, NULL);
}

void boot_withdraw(struct jobd *j)
{
	struct msg_capability body = {.capability = j->go->capability};

	forget_deployment(j);
	bus_ask(&j->bus, "bootsd", MSG_BOOT_WITHDRAW, &body, 0, on_withdrawn, j);
}

void boot_bootsd_up(struct jobd *j)
{
	if (j->boot.deployed && j->boot.confirmed && !j->boot.deploy)
		ask_deploy(j);
}

static void on_status(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_boot_status *status = answer;
	struct jobd *j = data;

	j->boot.status = NULL;
	if (!status)
		return;
	count(j, status->requests);
	for (size_t i = 0; i < status->wanted.n; i++)
		boot_on_wanted(j, &status->wanted.v[i]);
}

void boot_bootsd_gap(struct jobd *j)
{
	struct msg_capability body = {.capability = j->go->capability};

	if (j->boot.deployed && j->boot.confirmed && !j->boot.status)
		j->boot.status = ask_start(&j->asks, "bootsd", MSG_BOOT_STATUS, &body, on_status, j);
}

void boot_on_seen(struct jobd *j, const struct msg_boot_seen *seen)
{
	if (seen->netboot && seen->dut && strcmp(seen->dut, j->go->dut.v[0].id) == 0)
		drive_happened(j, RUN_DUT_REQUEST, seen->how);
}

void boot_finish(struct jobd *j)
{
	boot_forget_wanted(j);
	free_deploy(j->boot.deployed);
	j->boot.deployed = NULL;
}
