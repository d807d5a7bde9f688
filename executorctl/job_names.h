/* The names that a job's template may use, without a gateway: a machine made up, or one that a gateway describes, and what is set by hand.
 */
#ifndef EXECUTORCTL_JOB_NAMES_H
#define EXECUTORCTL_JOB_NAMES_H

#include "executorctl/ctl.h"
#include "libjob/value.h"

struct job_names {
	struct value_pool pool;
	struct value *all;         /* of the pool */
	struct value *job;         /* of `all` */
	double firmware_boot_time; /* seconds; 0: not known */
	bool asked_proxy;          /* the template called registry.to_local_proxy, of whose rules only the gateway knows */
};

/* By the options --set and --machine-id of `args` (which asks the gateway). Finish it in any case. */
bool job_names_init(struct job_names *names, const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
/* "dut.base_name=gfx9": the name's parts are found or made in `all`; the value is JSON where it parses as that, else a text. */
bool job_names_set(struct job_names *names, const char *assignment, struct gw_error *err);
void job_names_finish(struct job_names *names);

#endif
