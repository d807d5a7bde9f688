/* What kind of client a DHCP request comes from: the tables of protocols.md's "Netboot". Pure. */
#ifndef BOOTSD_DHCP_CLASSIFY_H
#define BOOTSD_DHCP_CLASSIFY_H

#include "bootsd/dhcp_packet.h"

/* What kinds there are of each, as jobs and the database name them; NULL: not told. */
struct dhcp_class {
	bool netboot;                               /* it asks for something to boot, not just for an address */
	bool ipxe;                                  /* it speaks iPXE's scripts */
	const char *architecture;                   /* "x86", "x86_64", "arm32", "arm64", "riscv32", "riscv64" */
	const char *firmware;                       /* "bios", "uefi", "uboot", "rpi" */
	const char *protocol;                       /* "tftp", "http" */
	struct dhcp_bytes vendor_class, user_class; /* borrowed from the packet */
	char uuid[37];                              /* "" if it has none */
};

void dhcp_classify(struct dhcp_class *class, const struct dhcp_packet *packet);

/* A netboot request of the i-th kind that there is; false: there are fewer. */
bool dhcp_class_sample(struct dhcp_class *class, size_t i);

/* The iPXE binaries that are packaged for firmwares without one. */
const char *dhcp_ipxe_binary_name(size_t i); /* NULL: there are fewer */
bool dhcp_is_ipxe_binary(const char *name);

#endif
