/* bootsd as its tests run it: with the test as executord and as a jobd on the bus. DUTs `one` and `two` are boot_net.h's, with 10.42.0.11
 * and .12, `qemu` is the virtual PDU's port 0, with .20. */
#ifndef TESTS_HARNESS_BOOT_FARM_H
#define TESTS_HARNESS_BOOT_FARM_H

#include "libbus/bus.h"
#include "libbus/capability.h"
#include "tests/harness/boot_net.h"
#include "tests/harness/proc.h"

#define QEMU_MAC   "52:54:00:11:22:00"
#define EVENTS_MAX 512
#define T(text)    ((char[]){text}) /* a text as messages have them: not constant */

extern struct boot_farm {
	struct proc bootsd;
	struct loop loop;
	struct bus executord, jobd;
	char key[CAPABILITY_KEY_HEX + 1];
	struct {
		struct msg_boot_seen *v[EVENTS_MAX];
		size_t n, from;
	} seen;
	void *answer; /* of the last request; NULL: see error */
	struct gw_error error;
	bool answered;
	int up; /* how many of our two see bootsd */
} f;

int setup_farm(void **state); /* cmocka's, for the group */
int teardown_farm(void **state);
/* Ends bootsd by the signal and starts it again, with more in its environment and, if they are not -1, with DHCP and TFTP sockets as
 * systemd hands them over; then it knows the DUTs again. */
void restart(int signal, const char *const *more, int dhcp, int tftp);

void *ask(struct bus *bus, enum bus_type type, const void *body); /* the answer, for done_with; NULL: see f.error */
void done_with(enum bus_type type, void *answer);
void must(struct bus *bus, enum bus_type type, const void *body);         /* is answered well */
const struct msg_boot_seen *await_seen(const char *mac, const char *how); /* the next event of this machine and kind */

void configure(bool discovering);
const char *capability(const char *job, const char *id, const char *mac); /* borrowed until the next call */
void artifact(const char *name, const char *bytes);                       /* puts it into the cache */
/* A job of DUT `id` with this kernel and an initramfs of the artifacts `first` and `second`, and the kernel as `/only-http`. For done_with.
 */
void *deploy(const char *job, const char *id, const char *mac, const char *kernel, const char *cmdline);
void must_deploy(const char *job, const struct dut *dut, const char *cmdline); /* of `the kernel` and `first, second` */
int64_t requests_of(const char *job, const struct dut *dut);                   /* -1: see f.error */
void withdraw(const char *job, const struct dut *dut);

#endif
