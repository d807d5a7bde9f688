/* What a job's DUT is served: files, DHCP options and the kernel's command line. */
#ifndef BOOTSD_DEPLOYMENT_H
#define BOOTSD_DEPLOYMENT_H

#include "bootsd/boot_file.h"
#include "bootsd/dhcp_rules.h"

struct deployment {
	char *job;     /* the gateway's id of the job */
	char *cmdline; /* NULL: no kernel, nothing to boot */
	bool initramfs;
	struct boot_file **files; /* sorted by path; one reference each */
	size_t n_files;
	struct dhcp_rules dhcp;
};

/* Opens each artifact beneath the folder `artifacts`, a path. NULL, with what is wrong with which file. */
struct deployment *deployment_create(const char *artifacts, const char *job, const struct msg_boot_deploy *from, struct gw_error *err);
void deployment_destroy(struct deployment *deployment); /* NULL is fine; transfers under way keep their files */
struct boot_file *deployment_file(const struct deployment *deployment, const char *path); /* exact; borrowed; NULL: none */

#endif
