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

/* The iPXE that a firmware without one is to load: a file's name, or NULL if none is packaged for it. */
const char *dhcp_ipxe_binary(const struct dhcp_class *class);
bool dhcp_is_ipxe_binary(const char *name);

#endif
