/* pdud: switches the machines' power and says what it reads. Whoever holds a port's lease says when; pdud never asks why. */
#include "pdud/pdud.h"
#include "libgateway/log.h"

static const struct env_program program = {"pdud", "Switches the power of the machines, and watches over who may.", ENV_PDUD, NULL};

static const struct bus_handler handlers[] = {
	{MSG_PDU_CHANGE, on_pdu_change},
	{MSG_PDU_CONFIGURE, on_pdu_configure},
	{MSG_PDU_SNAPSHOT, on_pdu_snapshot},
	{MSG_PORT_SET, on_port_set},
	{MSG_LEASE_TAKE, on_lease_take},
	{MSG_LEASE_RENEW, on_lease_renew},
	{MSG_LEASE_POWER, on_lease_power},
	{MSG_LEASE_RELEASE, on_lease_release},
	{MSG_LEASE_REVOKE, on_lease_revoke},
	{MSG_LEASE_LEAVE, on_lease_leave},
	{0, NULL},
};

static bool run(struct pdud *d, struct gw_error *err)
{
	if (d->env.check_only)
		return remember_check(d, err);
	if (!loop_init(&d->loop, err) ||
	    !bus_join(&d->bus, &d->loop, env_text(&d->env, OPT_EXECUTOR_RUNTIME_DIR), BUS_PDUD, NULL, handlers, d, err) ||
	    !remember_start(d, err)) /* once no other pdud can be running */
		return false;
	loop_on_stop(&d->loop, on_stop, d);
	return loop_run_until_stopped(&d->loop, err);
}

int main(int argc, char **argv)
{
	struct pdud d = {0};
	struct gw_error err = {0};
	int code;

	if (!env_load(&d.env, &program, argc, argv, &err) || !run(&d, &err))
		log_failure("pdud", &err);
	remember_finish(&d); /* before what it remembers goes */
	pdus_finish(&d);
	expiry_finish(&d);
	bus_finish(&d.bus);
	loop_finish(&d.loop);
	code = env_exit_code(&d.env, &err);
	env_finish(&d.env);
	return code;
}
