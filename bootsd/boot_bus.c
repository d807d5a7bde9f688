/* The bus's side: executord says what DUTs there are, jobds what theirs are served. */
#include <stdlib.h>
#include <string.h>

#include "bootsd/bootsd.h"
#include "bootsd/ipxe_script.h"
#include "libbus/capability.h"
#include "libgateway/log.h"

/* The machine that a job's capability is about. */
static bool check(struct bootsd *b, const char *text, struct capability *cap, struct mac *mac, struct gw_error *err)
{
	return capability_check(b->capability_key, text, cap, err) &&
	       (mac_decode(mac, cap->mac) || gw_fail(err, GW_BAD_INPUT, "the capability names no MAC: '%s'", cap->mac));
}

static void on_deploy(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_boot_deploy *from = body;
	struct bootsd *b = owner;
	struct deployment *deployment = NULL;
	struct gw_error err = {0};
	struct machine *machine;
	struct capability cap;
	struct mac mac;

	if (check(b, from->capability, &cap, &mac, &err) && ended_jobs_check(&b->ended, cap.job, &err))
		deployment = deployment_create(b->artifacts, cap.job, from, &err);
	if (!deployment) {
		bus_answer_error(call, &err);
		return;
	}
	machine = machines_deploy(&b->machines, mac, deployment);
	tftp_server_forget(&b->tftp, machine);
	log_info("job=%s dut=%s: %zu files deployed", cap.job, cap.dut, deployment->n_files);
	bus_answer(call, &(struct msg_boot_status){.requests = (int64_t)machine->requests});
}

/* Jobs whose deployments are in force: borrowed texts. */
static struct bus_texts deployed_jobs(const struct machines *machines)
{
	struct bus_texts jobs = {.v = gw_calloc(machines->n + 1, sizeof(char *))};

	for (size_t i = 0; i < machines->slots; i++)
		for (struct machine *m = machines->by_mac[i]; m; m = m->next_by_mac)
			if (m->deployment)
				jobs.v[jobs.n++] = m->deployment->job;
	return jobs;
}

static void on_configure(void *owner, const void *body, struct bus_call *call)
{
	struct bootsd *b = owner;
	const struct msg_boot_configure *from = body;
	struct msg_boot_configured answer = {0};

	free(b->capability_key);
	b->capability_key = gw_strdup(from->capability_key);
	machines_configure(&b->machines, &b->net, from);
	log_info("%zu DUTs%s", from->duts.n, from->discovering ? ", and a discovery goes on" : "");
	answer.jobs = deployed_jobs(&b->machines);
	bus_answer(call, &answer);
	free(answer.jobs.v);
}

static void on_change(void *owner, const void *body, struct bus_call *call)
{
	struct bootsd *b = owner;
	const struct msg_boot_change *change = body;
	struct gw_error err = {0};

	if (!b->machines.configured) {
		gw_fail(&err, GW_REFUSED, "no boot.configure was said yet");
		bus_answer_error(call, &err);
		return;
	}
	machines_change(&b->machines, &b->net, change);
	log_info("%zu DUTs are new or have changed, %zu are gone", change->duts.n, change->gone.n);
	bus_answer(call, NULL);
}

static void on_withdraw(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_capability *from = body;
	struct bootsd *b = owner;
	struct gw_error err = {0};
	struct machine *machine;
	struct capability cap;
	struct mac mac;

	if (!check(b, from->capability, &cap, &mac, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	ended_jobs_add(&b->ended, cap.job); /* a job withdraws once, when it is over */
	machine = machines_by_mac(&b->machines, mac);
	if (machine && machine->deployment && strcmp(machine->deployment->job, cap.job) == 0) {
		tftp_server_forget(&b->tftp, machine);
		machines_withdraw(&b->machines, mac, cap.job);
		log_info("job=%s dut=%s: withdrawn", cap.job, cap.dut);
	}
	bus_answer(call, NULL);
}

/* What the DUT waits for, or that there is no such file. Of a job that is over nobody waits any more. */
static void on_give(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_boot_give *from = body;
	struct bootsd *b = owner;
	bool tftp = strcmp(from->how, "tftp") == 0;
	struct boot_file *file = NULL;
	struct gw_error err = {0};
	struct machine *machine;
	struct capability cap;
	struct mac mac;

	if (!check(b, from->capability, &cap, &mac, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	machine = machines_by_mac(&b->machines, mac);
	if (machine && machine->deployment && strcmp(machine->deployment->job, cap.job) == 0) {
		if (from->artifact)
			file = deployment_open(b->artifacts, from->path, tftp, from->artifact, &err);
		if (tftp)
			tftp_server_give(&b->tftp, machine->deployment, from->path, file);
		else
			boot_http_give(machine->deployment, from->path, file);
	}
	if (err.kind == GW_OK)
		bus_answer(call, NULL);
	else
		bus_answer_error(call, &err);
}

struct listing {
	struct msg_boot_wanted v[WANTED_MAX];
	size_t n;
	char *job;
};

static void list_wanted(void *data, const char *path, bool tftp)
{
	static char how[2][8] = {"http", "tftp"};
	struct listing *l = data;

	l->v[l->n++] = (struct msg_boot_wanted){.job = l->job, .path = (char *)(uintptr_t)path, .how = how[tftp]};
}

static void answer_status(struct bus_call *call, const struct machine *machine)
{
	struct listing l = {.job = machine->deployment->job};
	struct msg_boot_status status = {.requests = (int64_t)machine->requests};

	wanted_each(&machine->deployment->wanted, list_wanted, &l);
	status.wanted.v = l.v;
	status.wanted.n = l.n;
	bus_answer(call, &status);
}

static void on_status(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_capability *from = body;
	struct bootsd *b = owner;
	struct gw_error err = {0};
	struct machine *machine;
	struct capability cap;
	struct mac mac;

	if (!check(b, from->capability, &cap, &mac, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	machine = machines_by_mac(&b->machines, mac);
	if (machine && machine->deployment && strcmp(machine->deployment->job, cap.job) == 0) {
		answer_status(call, machine);
	} else {
		gw_fail(&err, GW_NOT_FOUND, "job %s has nothing deployed", cap.job);
		bus_answer_error(call, &err);
	}
}

/* For REST's /duts/ID/boot.ipxe. */
static void on_script(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_boot_script *from = body;
	struct bootsd *b = owner;
	struct gw_error err = {0};
	char ip[IP4_TEXT], mac_text[MAC_TEXT];
	struct ipxe_boot boot = {.port = b->http_port, .platform = from->platform};
	struct machine *machine;
	struct mac mac;

	if (!mac_decode(&mac, from->mac)) {
		gw_fail(&err, GW_BAD_INPUT, "mac: '%s' is not a MAC address", from->mac);
		bus_answer_error(call, &err);
		return;
	}
	machine = machines_by_mac(&b->machines, mac);
	boot.host = from->gateway ? from->gateway : ip4_print(ip, b->net.ip);
	boot.mac = mac_print(mac_text, mac);
	boot.cmdline = machine && machine->deployment ? machine->deployment->cmdline : NULL;
	boot.initramfs = boot.cmdline && machine->deployment->initramfs;
	struct msg_boot_script_text answer = {.script = ipxe_script(&boot)};
	bus_answer(call, &answer);
	free(answer.script);
}

const struct bus_handler boot_bus_handlers[] = {
	{MSG_BOOT_CONFIGURE, on_configure}, {MSG_BOOT_CHANGE, on_change}, {MSG_BOOT_DEPLOY, on_deploy}, {MSG_BOOT_WITHDRAW, on_withdraw},
	{MSG_BOOT_GIVE, on_give},           {MSG_BOOT_STATUS, on_status}, {MSG_BOOT_SCRIPT, on_script}, {0, NULL},
};
