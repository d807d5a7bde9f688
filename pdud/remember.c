/* What outlives pdud: STATE/pdud/ports.json says whose the ports are, configuration.json what executord said last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* "" where there is none: then no earlier time is believed. */
static void read_boot_id(char id[64])
{
	FILE *file = fopen(BOOT_ID_FILE, "re");

	id[0] = '\0';
	if (!file)
		return;
	if (!fgets(id, 64, file))
		id[0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	fclose(file);
}

/* ---- to the disk ---- */

/* Since when it is OFF is written only of a port that is nobody's: one that may be switched ON any time has, to a next life, been ON. */
static struct port_record record_of(const struct pdu *pdu, struct port *port)
{
	bool known = port->off_known && !port->job && !port->pinned && port->wish != WISH_ON;

	return (struct port_record){.pdu = pdu->name,
				    .port = port->id,
				    .job = port->job,
				    .owed = port->owed || port->left_until, /* nobody's: a next life has it OFF rather than ON */
				    .pinned = port->pinned,
				    .off_since_ms = known ? port->off_since : OFF_UNKNOWN,
				    .last_shutdown = port->last_shutdown};
}

static bool worth_keeping(const struct port_record *r)
{
	return r->job || r->owed || r->pinned || r->off_since_ms != OFF_UNKNOWN || r->last_shutdown > 0;
}

static void add_record(struct records *records, const struct port_record *r)
{
	if (!worth_keeping(r))
		return;
	records->ports.v = gw_realloc(records->ports.v, (records->ports.n + 1) * sizeof(*r));
	records->ports.v[records->ports.n++] = *r;
}

static char *collect_records(void *owner)
{
	struct pdud *d = owner;
	char boot_id[64], *text;
	struct records records = {.version = RECORDS_VERSION, .boot_id = boot_id, .revoked = d->revoked};
	struct gw_error err = {0};

	read_boot_id(boot_id);
	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next) {
		for (size_t i = 0; i < pdu->n_ports; i++) {
			struct port_record r = record_of(pdu, pdu->ports[i]);
			add_record(&records, &r);
			if (pdu->ports[i]->saved == PORT_UNSAVED)
				pdu->ports[i]->saved = PORT_BEING_SAVED;
		}
	}
	for (size_t i = 0; d->before && i < d->before->ports.n; i++)
		add_record(&records, &d->before->ports.v[i]);
	records_collected(d);
	text = records_encode(&records, &err);
	log_failure("pdud", &err);
	free(records.ports.v);
	return text;
}

/* On the disk, or not to be had there: a full disk must not keep machines from being switched. */
static void on_records_saved(void *owner)
{
	struct pdud *d = owner;

	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next) {
		bool any = false;
		for (size_t i = 0; i < pdu->n_ports; i++) {
			if (pdu->ports[i]->saved == PORT_BEING_SAVED) {
				pdu->ports[i]->saved = PORT_SAVED;
				any = true;
			}
		}
		if (any)
			pdu_kick(pdu);
	}
	records_saved(d);
	stop_if_done(d);
}

static char *collect_configuration(void *owner)
{
	struct pdud *d = owner;
	struct gw_error err = {0};
	char *text = d->configuration ? configuration_encode(d->configuration, &err) : NULL;

	log_failure("pdud", &err);
	return text;
}

static void on_configuration_saved(void *owner)
{
	stop_if_done(owner);
}

/* ---- from the disk ---- */

/* Takes port's record out of what was kept; false: there is none. The texts are the caller's then. */
static bool take_record(struct pdud *d, const struct pdu *pdu, const struct port *port, struct port_record *r)
{
	for (size_t i = 0; d->before && i < d->before->ports.n; i++) {
		struct port_record *at = &d->before->ports.v[i];
		if (strcmp(at->pdu, pdu->name) == 0 && strcmp(at->port, port->id) == 0) {
			*r = *at;
			memmove(at, at + 1, (--d->before->ports.n - i) * sizeof(*at));
			return true;
		}
	}
	return false;
}

void remember_port(struct pdud *d, const struct pdu *pdu, struct port *port)
{
	struct port_record r;

	if (!take_record(d, pdu, port, &r))
		return;
	port->job = r.job;
	port->pinned = r.pinned;
	port->last_shutdown = r.last_shutdown;
	port->off_known = r.off_since_ms != OFF_UNKNOWN;
	port->off_since = r.off_since_ms;
	if (r.owed)
		lease_end(port);
	if (lease_is_live(port)) { /* its holder has the whole grace to be heard again */
		port->lease_until = pdu_now(&d->loop).mono_ms + pdud_grace_ms(d);
		expiry_expect(d, port->lease_until);
	}
	free(r.pdu);
	free(r.port);
}

/* Times of another boot of this machine mean nothing now. */
static void distrust_times(struct records *records)
{
	char boot_id[64];
	bool same;

	read_boot_id(boot_id);
	same = boot_id[0] && strcmp(boot_id, records->boot_id) == 0;
	for (size_t i = 0; !same && i < records->ports.n; i++)
		records->ports.v[i].off_since_ms = OFF_UNKNOWN;
}

typedef void *decode_fn(const char *bytes, size_t len, struct gw_error *err);

/* NULL with GW_OK: there is no such file. */
static void *load(const char *path, decode_fn *decode, struct gw_error *err)
{
	size_t len;
	char *bytes = file_read(path, RECORDS_BYTES_MAX, &len, err);
	void *value = bytes ? decode(bytes, len, err) : NULL;

	if (!bytes && err->kind == GW_NOT_FOUND)
		*err = (struct gw_error){0};
	else if (bytes && !value)
		gw_context(err, "%s", path);
	free(bytes);
	return value;
}

static void *decode_records(const char *bytes, size_t len, struct gw_error *err)
{
	return records_decode(bytes, len, err);
}

static void *decode_configuration(const char *bytes, size_t len, struct gw_error *err)
{
	return configuration_decode(bytes, len, err);
}

/* A file that cannot be read must not keep machines ON: it is put aside, and what it would have said is unknown. */
static void *load_or_put_aside(const char *path, decode_fn *decode)
{
	struct gw_error err = {0};
	void *value = load(path, decode, &err);
	char *aside = gw_sprintf("%s.damaged", path);

	if (!value && err.kind != GW_OK) {
		log_error("%s; it is kept as %s, and pdud starts without it", err.text, aside);
		if (rename(path, aside) < 0)
			log_error("%s: cannot be put aside: %m", path);
	}
	free(aside);
	return value;
}

static void take_revoked(struct pdud *d)
{
	d->revoked = d->before->revoked;
	d->before->revoked = (struct bus_texts){0};
}

bool remember_start(struct pdud *d, struct gw_error *err)
{
	char *folder = env_state_path(&d->env, "pdud"), *records = env_state_path(&d->env, "pdud/ports.json");
	char *configuration = env_state_path(&d->env, "pdud/configuration.json");
	struct msg_pdu_configure *want;
	bool ok = dir_make(folder, 0700, err);

	free(folder);
	keeper_init(&d->records_file, &d->loop, records, collect_records, on_records_saved, d);
	keeper_init(&d->configuration_file, &d->loop, configuration, collect_configuration, on_configuration_saved, d);
	if (!ok)
		return false;
	d->before = load_or_put_aside(records, decode_records);
	want = load_or_put_aside(configuration, decode_configuration);
	if (d->before) {
		take_revoked(d);
		distrust_times(d->before);
	}
	if (want)
		ok = configure(d, want, err);
	bus_body_free(&bus_body_pdu_configure, want);
	sweep_arm(d);
	return ok;
}

void remember_forget_rest(struct pdud *d)
{
	for (size_t i = 0; d->before && i < d->before->ports.n; i++)
		if (d->before->ports.v[i].job)
			log_warning("%sport %s of PDU '%s' was held by the job; that PDU is no longer in the database",
				    log_job(d->before->ports.v[i].job), d->before->ports.v[i].port, d->before->ports.v[i].pdu);
	bus_body_free(&records_body, d->before);
	d->before = NULL;
}

bool remember_check(struct pdud *d, struct gw_error *err)
{
	char *records = env_state_path(&d->env, "pdud/ports.json");
	char *configuration = env_state_path(&d->env, "pdud/configuration.json");
	void *had_records = load(records, decode_records, err);
	void *had_configuration = err->kind == GW_OK ? load(configuration, decode_configuration, err) : NULL;

	bus_body_free(&records_body, had_records);
	bus_body_free(&bus_body_pdu_configure, had_configuration);
	free(records);
	free(configuration);
	return err->kind == GW_OK;
}

void remember_finish(struct pdud *d)
{
	keeper_finish(&d->records_file);
	keeper_finish(&d->configuration_file);
	bus_body_free(&records_body, d->before);
	bus_body_free(&bus_body_pdu_configure, d->configuration);
	for (size_t i = 0; i < d->revoked.n; i++)
		free(d->revoked.v[i]);
	free(d->revoked.v);
}

/* ---- revoked jobs ---- */

bool job_is_revoked(const struct pdud *d, const char *job)
{
	for (size_t i = 0; i < d->revoked.n; i++)
		if (strcmp(d->revoked.v[i], job) == 0)
			return true;
	return false;
}

void job_revoke(struct pdud *d, const char *job)
{
	if (job_is_revoked(d, job))
		return;
	if (d->revoked.n == RECORDS_REVOKED_MAX) { /* long ago: that job's process is gone */
		free(d->revoked.v[0]);
		memmove(d->revoked.v, d->revoked.v + 1, --d->revoked.n * sizeof(*d->revoked.v));
	}
	d->revoked.v = gw_realloc(d->revoked.v, (d->revoked.n + 1) * sizeof(*d->revoked.v));
	d->revoked.v[d->revoked.n++] = gw_strdup(job);
	keeper_touch(&d->records_file);
}
