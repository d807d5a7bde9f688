/* vpdud's command line. It is a tool for demos and tests and reads no environment. */
#ifndef PDUD_VPDUD_OPTIONS_H
#define PDUD_VPDUD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "libgateway/error.h"

#define VPDUD_QEMU_ARGS_MAX 32

enum vpdud_firmware { VPDUD_BIOS, VPDUD_UEFI };
enum vpdud_net { VPDUD_NET_AUTO, VPDUD_NET_TAP, VPDUD_NET_VETH };
enum vpdud_accel { VPDUD_ACCEL_AUTO, VPDUD_ACCEL_KVM, VPDUD_ACCEL_TCG };

struct vpdud_options {
	bool help;                      /* --help was given and answered: there is nothing else to do */
	struct sockaddr_storage listen; /* where the PDU's clients connect to */
	struct sockaddr_storage salad;  /* where the consoles go; ss_family 0: nowhere */
	const char *bridge;             /* borrowed from argv; NULL: machines without a network */
	enum vpdud_net net;             /* how machines join it. AUTO: by taps, where /dev/net/tun can be opened */
	unsigned memory_mib;
	enum vpdud_firmware firmware;
	enum vpdud_accel accel;
	const char *qemu;                           /* borrowed; a path, or a name looked up in PATH */
	bool skip_ipxe_prompt;                      /* press Enter at iPXE's "Press Ctrl-B": saves 2 s a boot */
	const char *qemu_args[VPDUD_QEMU_ARGS_MAX]; /* borrowed; more arguments for each qemu */
	size_t n_qemu_args;
};

/* Names are resolved here, before the loop runs. `argv` must outlive `out`. */
bool vpdud_options_load(struct vpdud_options *out, int argc, char **argv, struct gw_error *err);

/* "ADDRESS:PORT", "[v6]:PORT" or "NAME:PORT"; `what` begins the error. */
bool vpdud_address_parse(const char *what, const char *text, struct sockaddr_storage *out, struct gw_error *err);
void vpdud_address_print(const struct sockaddr_storage *address, char *out, size_t size); /* the same form */

#endif
