/* The iPXE scripts that DUTs boot by. Pure. */
#ifndef BOOTSD_IPXE_SCRIPT_H
#define BOOTSD_IPXE_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

struct ipxe_boot {
	const char *host; /* that the URLs lead to */
	uint16_t port;
	const char *mac;      /* of the DUT, for trying again */
	const char *cmdline;  /* NULL: no job, the DUT is to switch itself off */
	const char *platform; /* iPXE's ${platform}; NULL: not told */
	bool initramfs;
};

char *ipxe_script(const struct ipxe_boot *boot); /* the caller frees */

#endif
