/* Files that a storage path's regex stands for: found, fetched and given when the DUT asks bootsd for them. */
#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

#define WANTED_MAX 64 /* as many as bootsd lets a DUT wait for */

struct wanted {
	struct wanted *next; /* in boot.wanted */
	struct jobd *j;
	char *path; /* owned */
	bool tftp;
	struct ask *give;
};

static void wanted_free(struct wanted *w)
{
	ask_cancel(&w->give);
	free(w->path);
	free(w);
}

static void wanted_end(struct wanted *w)
{
	struct wanted **at = &w->j->boot.wanted;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	wanted_free(w);
}

static void on_given(void *data, const void *answer, const struct gw_error *err)
{
	struct wanted *w = data;

	w->give = NULL;
	if (!answer)
		log_warning("job=%s what the machine asks for cannot be given to bootsd: %s", w->j->go->job, err->text);
	wanted_end(w);
}

static void give(struct jobd *j, void *data, const char *name, const struct gw_error *err)
{
	struct wanted *w = data;
	char how[8];
	struct msg_boot_give body = {.capability = j->go->capability, .path = w->path, .how = how, .artifact = (char *)(uintptr_t)name};

	snprintf(how, sizeof(how), "%s", w->tftp ? "tftp" : "http");
	if (!name)
		log_warning("job=%s the machine asks for %s by %s: %s", j->go->job, w->path, how, err->text);
	w->give = ask_start(&j->asks, "bootsd", MSG_BOOT_GIVE, &body, on_given, w);
}

static void look_for(struct wanted *w)
{
	struct jobd *j = w->j;
	const struct job_deployment *d = job_deployment(&j->job, j->boot.boot);
	struct gw_error err = {0};
	char *url = NULL;
	const struct job_artifact *artifact = job_storage_match(w->tftp ? &d->tftp : &d->http, w->path, &url, &err);

	if (artifact)
		artifacts_get(j, artifact, artifact->is_regex ? url : NULL, give, w);
	else
		give(j, w, NULL, &err);
	free(url);
}

static bool is_wanted_already(const struct jobd *j, const char *path, bool tftp, size_t *n)
{
	*n = 0;
	for (const struct wanted *w = j->boot.wanted; w; w = w->next) {
		(*n)++;
		if (w->tftp == tftp && strcmp(w->path, path) == 0)
			return true;
	}
	return false;
}

void boot_on_wanted(struct jobd *j, const struct msg_boot_wanted *wanted)
{
	bool tftp = strcmp(wanted->how, "tftp") == 0;
	struct wanted *w;
	size_t n;

	if (!j->boot.deployed || strcmp(wanted->job, j->go->job) != 0 || is_wanted_already(j, wanted->path, tftp, &n) || n >= WANTED_MAX)
		return;
	w = gw_calloc(1, sizeof(*w));
	*w = (struct wanted){.next = j->boot.wanted, .j = j, .path = gw_strdup(wanted->path), .tftp = tftp};
	j->boot.wanted = w;
	look_for(w);
}

void boot_forget_wanted(struct jobd *j)
{
	struct wanted *w;

	artifacts_forget_later(j);
	while ((w = j->boot.wanted)) {
		j->boot.wanted = w->next;
		wanted_free(w);
	}
}
