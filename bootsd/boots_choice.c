#include "bootsd/boots_choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libjob/dhcp_options.h"

/* ---- libjob's entries as the rules that jobs' are ---- */

/* Borrows all but the options. */
static void take_match(struct msg_boot_dhcp *to, const struct job_dhcp *from)
{
	*to = (struct msg_boot_dhcp){
		.architecture = from->match[JOB_DHCP_ARCHITECTURE],
		.firmware = from->match[JOB_DHCP_FIRMWARE],
		.protocol = from->match[JOB_DHCP_PROTOCOL],
		.mac_address = from->match[JOB_DHCP_MAC],
		.vendor_class = from->match[JOB_DHCP_VENDOR],
		.user_class = from->match[JOB_DHCP_USER],
		.uuid = from->match[JOB_DHCP_UUID],
	};
}

static bool take_options(struct msg_boot_dhcp *to, const struct job_dhcp *from, struct gw_error *err)
{
	char hex[DHCP_OPTION_HEX_MAX + 1];

	to->options.v = gw_calloc(from->n_options + 1, sizeof(*to->options.v));
	for (size_t i = 0; i < from->n_options; i++) {
		if (!dhcp_option_encode(from->options[i].code, from->options[i].value, hex, "defaults.dhcp", err))
			return false;
		to->options.v[to->options.n++] = (struct msg_boot_option){.code = from->options[i].code, .hex = gw_strdup(hex)};
	}
	return true;
}

static void free_entries(struct msg_boot_dhcp *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < entries[i].options.n; k++)
			free(entries[i].options.v[k].hex);
		free(entries[i].options.v);
	}
	free(entries);
}

static bool take_dhcp(struct boots_choice *choice, const struct job_deployment *defaults, const struct categories *taken,
		      struct gw_error *err)
{
	struct msg_boot_dhcp *entries = gw_calloc(defaults->n_dhcp + 1, sizeof(*entries));
	size_t n = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < defaults->n_dhcp; i++) {
		if (categories_have(taken, defaults->dhcp[i].category))
			continue;
		take_match(&entries[n], &defaults->dhcp[i]);
		ok = take_options(&entries[n++], &defaults->dhcp[i], err);
	}
	ok = ok && dhcp_rules_init(&choice->dhcp, entries, n, err);
	free_entries(entries, n);
	return ok;
}

/* ---- files ---- */

/* Files are served from descriptors, so that transfers under way keep what they began with. */
static struct boot_file *file_of(const struct job_artifact *artifact, struct gw_error *err)
{
	int fd = memfd_create("boots-db", MFD_CLOEXEC);
	struct boot_file *file;

	if (fd < 0 || !file_write_all(fd, artifact->data, artifact->data_len)) {
		gw_fail_errno(err, GW_INTERNAL, errno, "%s cannot be kept", artifact->path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	file = boot_file_of(fd, artifact->data_len, artifact->path);
	boot_file_set_etag(file, artifact->data, artifact->data_len);
	return file;
}

static bool take_files(struct boots_choice *choice, const struct job_artifacts *files, const struct categories *taken, bool tftp,
		       struct gw_error *err)
{
	choice->files = gw_realloc(choice->files, (choice->n_files + files->n + 1) * sizeof(struct boot_file *));
	for (size_t i = 0; i < files->n; i++) {
		struct boot_file *file;

		if (categories_have(taken, files->v[i].category))
			continue;
		file = file_of(&files->v[i], err);
		if (!file)
			return false;
		file->tftp = tftp;
		file->http = !tftp;
		choice->files[choice->n_files++] = file;
	}
	return true;
}

/* ---- the whole ---- */

bool boots_entry_matches(const struct boots_db_entry *entry, const struct dhcp_class *class, struct mac mac, struct gw_error *err)
{
	struct dhcp_rules rules = {0};
	struct msg_boot_dhcp match;
	bool matches;

	take_match(&match, &entry->match);
	matches = dhcp_rules_init(&rules, &match, 1, err) && dhcp_rules_find(&rules, class, mac);
	dhcp_rules_finish(&rules);
	return matches;
}

struct boots_choice *boots_choice_create(const struct boots_db_entry *entry, const struct deployment *deployment, struct gw_error *err)
{
	static const struct deployment of_nobody;
	const struct deployment *d = deployment ? deployment : &of_nobody;
	struct boots_choice *choice = gw_calloc(1, sizeof(*choice));

	choice->entry = gw_strdup(entry->name);
	if (take_dhcp(choice, &entry->defaults, &d->of_dhcp, err) && take_files(choice, &entry->defaults.http, &d->of_http, false, err) &&
	    take_files(choice, &entry->defaults.tftp, &d->of_tftp, true, err))
		return choice;
	gw_context(err, "dhcp.%s", entry->name);
	boots_choice_destroy(choice);
	return NULL;
}

void boots_choice_destroy(struct boots_choice *choice)
{
	if (!choice)
		return;
	for (size_t i = 0; i < choice->n_files; i++)
		boot_file_release(choice->files[i]);
	dhcp_rules_finish(&choice->dhcp);
	free(choice->files);
	free(choice->entry);
	free(choice->key);
	free(choice);
}

struct boot_file *boots_choice_file(const struct boots_choice *choice, const char *path, bool tftp)
{
	for (size_t i = 0; choice && i < choice->n_files; i++)
		if ((tftp ? choice->files[i]->tftp : choice->files[i]->http) && strcmp(choice->files[i]->path, path) == 0)
			return choice->files[i];
	return NULL;
}
