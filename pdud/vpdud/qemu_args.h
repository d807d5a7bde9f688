/* The command line of a port's machine. */
#ifndef PDUD_VPDUD_QEMU_ARGS_H
#define PDUD_VPDUD_QEMU_ARGS_H

#include "pdud/vpdud/options.h"

/* Descriptors as the child will have them. */
#define QEMU_FD_QMP    3
#define QEMU_FD_SERIAL 4
#define QEMU_FD_NET    5

#define QEMU_MAC_FORMAT "52:54:00:11:22:%02x" /* of the port's number */

/* Allocates a NULL-terminated argv (free with qemu_args_destroy): a machine of port `port` that waits, stopped, for QMP's `cont`.
 * `kvm`: try it, with TCG behind it. `cable`: its network descriptor is a datagram socket, not a tap. */
char **qemu_args_create(const struct vpdud_options *opt, unsigned port, bool kvm, bool cable);
void qemu_args_destroy(char **argv);

/* What --accel auto means here: the processor has VMX or SVM and /dev/kvm can be opened. The device alone does not say enough: there are
 * hosts where it emulates, twenty times slower than TCG. */
bool qemu_kvm_usable(void);

#endif
