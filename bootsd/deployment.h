/* What a job's DUT is served: files, DHCP options and the kernel's command line. */
#ifndef BOOTSD_DEPLOYMENT_H
#define BOOTSD_DEPLOYMENT_H

#include "bootsd/boot_file.h"
#include "bootsd/dhcp_rules.h"
#include "bootsd/wanted.h"

struct categories {
	char **v; /* owned */
	size_t n;
};

struct deployment {
	char *job;     /* the gateway's id of the job */
	char *cmdline; /* NULL: no kernel, nothing to boot */
	bool initramfs;
	bool asks_http, asks_tftp; /* what is not in files may be asked of the job */
	struct wanted_files wanted;
	struct boot_file **files; /* sorted by path; one reference each */
	size_t n_files;
	struct dhcp_rules dhcp;
	char *names;                                 /* JSON, of the boots DB's templates; NULL: none */
	struct categories of_dhcp, of_http, of_tftp; /* those that the job has, which the boots DB's defaults do not fill */
};

/* Opens each artifact beneath the folder `artifacts`, a path. NULL, with what is wrong with which file. */
struct deployment *deployment_create(const char *artifacts, const char *job, const struct msg_boot_deploy *from, struct gw_error *err);
void deployment_destroy(struct deployment *deployment); /* NULL is fine; transfers under way keep their files */
struct boot_file *deployment_file(const struct deployment *deployment, const char *path); /* exact; borrowed; NULL: none */
/* What is served by this protocol, deployed or given later; borrowed; NULL: none. */
struct boot_file *deployment_served(const struct deployment *deployment, const char *path, bool tftp);
/* Whether a file that is not there may be the job's: a path of its own, not one of the gateway's. */
bool deployment_may_have(const struct deployment *deployment, const char *path, bool tftp);
/* Opens the artifact as a file of this path and protocol. NULL: `err`. */
struct boot_file *deployment_open(const char *artifacts, const char *path, bool tftp, const char *artifact, struct gw_error *err);
bool categories_have(const struct categories *categories, const char *name);

#endif
