#include "jobd/nbd.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"
#include "jobd/nbdkit.h"
#include "libgateway/log.h"

#define CONNECTIONS_MAX 256 /* of all devices of a job */

struct nbd_want {
	struct jobd *j;
	const struct job_nbd *of; /* borrowed from the job */
	struct ask *ask;          /* under way */
	char *path;               /* owned; of its image; NULL: not there */
	struct nbdkit server;
};

/* ---- which there are ---- */

static bool same_nbd(const struct job_nbd *a, const struct job_nbd *b)
{
	return strcmp(a->name, b->name) == 0 && a->size == b->size && a->readonly == b->readonly &&
	       a->max_connections == b->max_connections && artifacts_same(&a->artifact, &b->artifact);
}

static struct nbd_want *find(const struct nbd *all, const struct job_nbd *nbd)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_nbd(all->v[i].of, nbd))
			return &all->v[i];
	return NULL;
}

static void want_all(struct jobd *j, const struct job_nbds *nbds)
{
	for (size_t i = 0; i < nbds->n; i++)
		if (!find(&j->nbd, &nbds->v[i]))
			j->nbd.v[j->nbd.n++] = (struct nbd_want){.j = j, .of = &nbds->v[i]};
}

/* Each costs descriptors. */
static bool connections_fit(const struct jobd *j, struct gw_error *err)
{
	int all = 0;

	for (size_t i = 0; i < j->nbd.n; i++)
		all += j->nbd.v[i].of->max_connections;
	return all <= CONNECTIONS_MAX ||
	       gw_fail(err, GW_REFUSED, "the job's network block devices have %d max_connections together; accepted: up to %d", all,
		       CONNECTIONS_MAX);
}

bool nbd_prepare(struct jobd *j, struct gw_error *err)
{
	nbd_finish(j);
	j->nbd.v = gw_calloc(j->job.start.nbds.n + j->job.next.nbds.n + 1, sizeof(*j->nbd.v));
	want_all(j, &j->job.start.nbds);
	want_all(j, &j->job.next.nbds);
	if (j->nbd.n && !j->go->dut.v[0].ip_address)
		return gw_fail(err, GW_REFUSED, "%s: the machine has no ip_address, from which alone it could be opened",
			       j->nbd.v[0].of->where);
	return !j->nbd.n || (connections_fit(j, err) && (nbdkit_is_installed(err) || gw_context(err, "%s", j->nbd.v[0].of->where)));
}

/* ---- serving ---- */

static void on_failed(void *data, const char *how)
{
	struct nbd_want *w = data;
	char *text = gw_sprintf("%s: nbdkit, which served it, has ended: %s", w->of->where, how);

	log_warning("job=%s %s", w->j->go->job, text);
	drive_happened(w->j, RUN_INFRA_FAILED, text);
	free(text);
}

static bool serve(struct nbd_want *w, struct gw_error *err)
{
	struct jobd *j = w->j;
	const char *client = j->go->dut.v[0].ip_address;
	struct nbdkit_device device = {.path = w->path, .readonly = w->of->readonly, .max_connections = w->of->max_connections};

	if (inet_pton(AF_INET, client, &device.client) != 1)
		return gw_fail(err, GW_REFUSED, "%s: the machine's ip_address '%s' is no IPv4 address", w->of->where, client);
	if (!nbdkit_serve(&w->server, &j->loop, j->names.address, &device, on_failed, w, err))
		return gw_context(err, "%s", w->of->where);
	log_info("job=%s block device %s is at %s port %d", j->go->job, w->of->name, j->names.address, nbdkit_port(&w->server));
	return true;
}

static void on_made(void *data, const void *answer, const struct gw_error *why)
{
	struct nbd_want *w = data;
	const struct msg_artifact_nbd *image = answer;
	struct gw_error err = {0};

	w->ask = NULL;
	if (image) {
		w->path = gw_strdup(image->path);
		w->j->nbd.had += serve(w, &err);
	} else {
		gw_fail(&err, why->kind, "%s: %s", w->of->where, why->text);
	}
	artifacts_changed(w->j, &err);
}

void nbd_make(struct jobd *j)
{
	if (j->nbd.asked)
		return;
	j->nbd.asked = true;
	for (size_t i = 0; i < j->nbd.n; i++) {
		struct nbd_want *w = &j->nbd.v[i];
		const struct job_artifact *from = w->of->artifact.url ? &w->of->artifact : NULL;
		char *device = gw_sprintf("%zu-%s", i, w->of->name); /* `continue` may have another one of that name */
		struct msg_artifact_nbd_make make = {.capability = j->go->capability,
						     .device = device,
						     .input = from ? (char *)(uintptr_t)artifacts_name(j, from) : NULL, /* copied */
						     .size = w->of->size,
						     .readonly = w->of->readonly};

		w->ask = ask_start(&j->asks, "artifactd", MSG_ARTIFACT_NBD, &make, on_made, w);
		free(device);
	}
}

void nbd_name_awaited(const struct jobd *j, struct progress_names *names)
{
	for (size_t i = 0; j->nbd.asked && i < j->nbd.n; i++)
		if (!j->nbd.v[i].path)
			progress_name(names, j->nbd.v[i].of->where);
}

/* A machine that is switched off says no goodbye: its connections would count against max_connections in its next boot. */
void nbd_begin_boot(struct jobd *j)
{
	for (size_t i = 0; i < j->nbd.n; i++)
		nbdkit_cut(&j->nbd.v[i].server);
}

uint16_t nbd_port(const struct jobd *j, const struct job_nbd *nbd)
{
	const struct nbd_want *w = find(&j->nbd, nbd);

	gw_assert(w && w->server.listener);
	return nbdkit_port(&w->server);
}

/* ---- ends ---- */

void nbd_give_up(struct jobd *j)
{
	for (size_t i = 0; i < j->nbd.n; i++)
		ask_cancel(&j->nbd.v[i].ask);
}

void nbd_finish(struct jobd *j)
{
	nbd_give_up(j);
	for (size_t i = 0; i < j->nbd.n; i++) {
		nbdkit_stop(&j->nbd.v[i].server);
		free(j->nbd.v[i].path);
	}
	free(j->nbd.v);
	j->nbd = (struct nbd){0};
}
