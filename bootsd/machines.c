#include "bootsd/machines.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

#define SLOTS_LEAST 64

static struct machine **mac_slot(const struct machines *m, struct mac mac)
{
	return &m->by_mac[mac_hash(mac) & (m->slots - 1)];
}

static struct machine **ip_slot(const struct machines *m, uint32_t ip)
{
	return &m->by_ip[ip4_hash(ip) & (m->slots - 1)];
}

static void link_mac(struct machines *m, struct machine *machine)
{
	struct machine **slot = mac_slot(m, machine->mac);

	machine->next_by_mac = *slot;
	*slot = machine;
}

static void unlink_mac(struct machines *m, struct machine *machine)
{
	struct machine **at = mac_slot(m, machine->mac);

	while (*at != machine)
		at = &(*at)->next_by_mac;
	*at = machine->next_by_mac;
}

static void set_ip(struct machines *m, struct machine *machine, uint32_t ip)
{
	struct machine **slot;

	if (machine->ip) {
		for (slot = ip_slot(m, machine->ip); *slot != machine; slot = &(*slot)->next_by_ip)
			;
		*slot = machine->next_by_ip;
	}
	machine->ip = ip;
	if (!ip)
		return;
	slot = ip_slot(m, ip);
	machine->next_by_ip = *slot;
	*slot = machine;
}

void machines_init(struct machines *m)
{
	m->slots = SLOTS_LEAST;
	m->by_mac = gw_calloc(m->slots, sizeof(struct machine *));
	m->by_ip = gw_calloc(m->slots, sizeof(struct machine *));
}

/* All machines, linked by next_by_mac, out of the hash. */
static struct machine *take_all(struct machines *m)
{
	struct machine *all = NULL;

	for (size_t i = 0; i < m->slots; i++) {
		while (m->by_mac[i]) {
			struct machine *machine = m->by_mac[i];

			m->by_mac[i] = machine->next_by_mac;
			machine->next_by_mac = all;
			all = machine;
		}
	}
	return all;
}

static void grow(struct machines *m, size_t n)
{
	struct machine *all;
	size_t slots = m->slots;

	while (slots < n)
		slots *= 2;
	if (slots == m->slots)
		return;
	all = take_all(m);
	free(m->by_mac);
	free(m->by_ip);
	m->slots = slots;
	m->by_mac = gw_calloc(slots, sizeof(struct machine *));
	m->by_ip = gw_calloc(slots, sizeof(struct machine *));
	while (all) {
		struct machine *machine = all;
		uint32_t ip = machine->ip;

		all = machine->next_by_mac;
		link_mac(m, machine);
		machine->ip = 0; /* not linked any more */
		set_ip(m, machine, ip);
	}
}

static void free_machine(struct machine *machine)
{
	deployment_destroy(machine->deployment);
	boots_choice_destroy(machine->choice);
	machine->choice = NULL;
	free(machine->job);
	free(machine->id);
	free(machine->hostname);
	free(machine);
}

void machines_finish(struct machines *m)
{
	struct machine *all = m->by_mac ? take_all(m) : NULL;

	while (all) {
		struct machine *machine = all;

		all = machine->next_by_mac;
		free_machine(machine);
	}
	free(m->by_mac);
	free(m->by_ip);
	*m = (struct machines){0};
}

struct machine *machines_by_mac(const struct machines *m, struct mac mac)
{
	struct machine *machine = *mac_slot(m, mac);

	while (machine && !mac_equal(machine->mac, mac))
		machine = machine->next_by_mac;
	return machine;
}

struct machine *machines_by_ip(const struct machines *m, uint32_t ip)
{
	struct machine *machine = *ip_slot(m, ip);

	while (machine && machine->ip != ip)
		machine = machine->next_by_ip;
	return machine;
}

static struct machine *find_or_add(struct machines *m, struct mac mac)
{
	struct machine *machine = machines_by_mac(m, mac);

	if (machine)
		return machine;
	grow(m, m->n + 1);
	machine = gw_calloc(1, sizeof(*machine));
	machine->mac = mac;
	link_mac(m, machine);
	m->n++;
	return machine;
}

/* The address that the DUT says is its own, if it can be; else 0, with the reason in the log. */
static uint32_t own_ip(const struct machines *m, const struct interface *net, const struct msg_boot_dut *dut)
{
	struct machine *other;
	uint32_t ip;

	if (!dut->ip)
		return 0;
	if (!ip4_decode(&ip, dut->ip) || !interface_may_lend(net, ip)) {
		log_warning("dut=%s: ip_address %s cannot be a machine's on %s; it gets an address of the dynamic range", dut->id, dut->ip,
			    net->name);
		return 0;
	}
	other = machines_by_ip(m, ip);
	if (other && other->listed) {
		log_warning("dut=%s: ip_address %s is %s's too; it gets an address of the dynamic range", dut->id, dut->ip, other->id);
		return 0;
	}
	return ip;
}

static void replace_text(char **text, const char *with)
{
	free(*text);
	*text = gw_strdup(with);
}

static void configure_one(struct machines *m, const struct interface *net, const struct msg_boot_dut *dut)
{
	struct machine *machine, *other;
	struct mac mac;
	uint32_t ip;

	if (!mac_decode(&mac, dut->mac) || !mac_is_unicast(mac)) {
		log_warning("dut=%s: mac_address '%s' is not a machine's; it is not served", dut->id, dut->mac);
		return;
	}
	machine = find_or_add(m, mac);
	if (machine->listed) {
		log_warning("dut=%s: mac_address %s is %s's too; it is not served", dut->id, dut->mac, machine->id);
		return;
	}
	ip = own_ip(m, net, dut);
	other = ip ? machines_by_ip(m, ip) : NULL;
	if (other && other != machine)
		set_ip(m, other, 0); /* it has not been named yet: if it is, then with another */
	set_ip(m, machine, ip);
	machine->known = machine->listed = true;
	replace_text(&machine->id, dut->id);
	replace_text(&machine->hostname, dut->hostname);
}

/* It is no DUT any more: it goes, if no deployment keeps it. */
static void forget_dut(struct machines *m, struct machine *machine)
{
	machine->known = machine->listed = false;
	set_ip(m, machine, machine->deployment ? machine->ip : 0);
	if (machine->deployment)
		return;
	unlink_mac(m, machine);
	free_machine(machine);
	m->n--;
}

static void sweep(struct machines *m)
{
	struct machine *all = take_all(m);

	while (all) {
		struct machine *machine = all;

		all = machine->next_by_mac;
		link_mac(m, machine);
		if (!machine->listed)
			forget_dut(m, machine);
	}
}

static void unlist(struct machines *m)
{
	for (size_t i = 0; i < m->slots; i++)
		for (struct machine *machine = m->by_mac[i]; machine; machine = machine->next_by_mac)
			machine->listed = false;
}

void machines_configure(struct machines *m, const struct interface *net, const struct msg_boot_configure *from)
{
	grow(m, from->duts.n);
	unlist(m);
	for (size_t i = 0; i < from->duts.n; i++)
		configure_one(m, net, &from->duts.v[i]);
	sweep(m);
	m->configured = true;
	m->discovering = from->discovering;
}

static struct machine *find_dut(const struct machines *m, const char *id)
{
	for (size_t i = 0; i < m->slots; i++)
		for (struct machine *machine = m->by_mac[i]; machine; machine = machine->next_by_mac)
			if (machine->known && strcmp(machine->id, id) == 0)
				return machine;
	return NULL;
}

/* As if it had not been named yet; with another MAC it is another machine. */
static void unlist_one(struct machines *m, const struct msg_boot_dut *dut)
{
	struct machine *machine = find_dut(m, dut->id);
	struct mac mac;

	if (!machine)
		return;
	machine->listed = false;
	if (!mac_decode(&mac, dut->mac) || !mac_equal(machine->mac, mac))
		forget_dut(m, machine);
}

void machines_change(struct machines *m, const struct interface *net, const struct msg_boot_change *change)
{
	for (size_t i = 0; i < change->gone.n; i++) {
		struct machine *machine = find_dut(m, change->gone.v[i]);

		if (machine)
			forget_dut(m, machine);
	}
	for (size_t i = 0; i < change->duts.n; i++)
		unlist_one(m, &change->duts.v[i]);
	for (size_t i = 0; i < change->duts.n; i++)
		configure_one(m, net, &change->duts.v[i]);
}

struct machine *machines_deploy(struct machines *m, struct mac mac, struct deployment *deployment)
{
	struct machine *machine = find_or_add(m, mac);

	if (!machine->job || strcmp(machine->job, deployment->job) != 0) {
		machine->requests = 0;
		replace_text(&machine->job, deployment->job);
	}
	deployment_destroy(machine->deployment);
	boots_choice_destroy(machine->choice);
	machine->choice = NULL;
	machine->deployment = deployment;
	machine->last_xid = 0; /* of another boot: iPXE begins each one with the same number */
	return machine;
}

void machines_withdraw(struct machines *m, struct mac mac, const char *job)
{
	struct machine *machine = machines_by_mac(m, mac);

	if (!machine || !machine->deployment || strcmp(machine->deployment->job, job) != 0)
		return;
	deployment_destroy(machine->deployment);
	boots_choice_destroy(machine->choice);
	machine->choice = NULL;
	machine->deployment = NULL;
	if (!machine->known) {
		set_ip(m, machine, 0);
		unlink_mac(m, machine);
		free_machine(machine);
		m->n--;
	}
}

struct boot_file *machine_file(const struct machine *machine, const char *path, bool tftp)
{
	struct boot_file *file = machine && machine->deployment ? deployment_served(machine->deployment, path, tftp) : NULL;

	return file || !machine || !machine->deployment ? file : boots_choice_file(machine->choice, path, tftp);
}

const char *machine_job(const struct machine *machine)
{
	return machine && machine->deployment ? machine->deployment->job : NULL;
}
