#include "bootsd/seen.h"

#include <string.h>

#include "libgateway/log.h"

/* A boot makes some ten requests; a machine that asks more than that all the time is counted on, but told of no more. */
#define MACHINE_BURST     50
#define MACHINE_EVERY_MS  100
#define STRANGER_BURST    20
#define STRANGER_EVERY_MS 200
#define WANTS_BURST       200 /* a boot from a tree of files asks for many */
#define WANTS_EVERY_MS    50

static bool may_tell(struct seen *seen, struct machine *machine)
{
	if (machine)
		return bucket_take(&machine->events, loop_now_ms(seen->loop), MACHINE_BURST, MACHINE_EVERY_MS);
	return bucket_take(&seen->strangers, loop_now_ms(seen->loop), STRANGER_BURST, STRANGER_EVERY_MS);
}

void seen_tell(struct seen *seen, const struct seen_request *rq)
{
	char mac[MAC_TEXT], ip[IP4_TEXT], file[256];
	struct machine *machine = rq->machine;
	struct msg_boot_seen event = {
		.mac = mac_print(mac, rq->mac),
		.dut = machine && machine->known ? machine->id : NULL,
		.job = (char *)machine_job(machine),
		.ip = rq->ip ? ip4_print(ip, rq->ip) : NULL,
		.how = (char *)rq->how,
		.netboot = rq->netboot,
		.architecture = rq->class ? (char *)rq->class->architecture : NULL,
		.firmware = rq->class ? (char *)rq->class->firmware : NULL,
		.protocol = rq->class ? (char *)rq->class->protocol : NULL,
		.detail = rq->file ? log_escape(file, sizeof(file), rq->file, strlen(rq->file)) : NULL,
	};

	if (machine && machine->deployment && rq->netboot)
		machine->requests++;
	if (may_tell(seen, machine))
		bus_publish(seen->bus, MSG_BOOT_SEEN, &event);
}

bool seen_want(struct seen *seen, struct machine *machine, const char *path, bool tftp)
{
	struct msg_boot_wanted event = {
		.job = machine->deployment->job, .path = (char *)path, .how = tftp ? (char[]){"tftp"} : (char[]){"http"}};

	if (!bucket_take(&machine->wants, loop_now_ms(seen->loop), WANTS_BURST, WANTS_EVERY_MS))
		return false;
	bus_publish(seen->bus, MSG_BOOT_WANTED, &event);
	return true;
}
