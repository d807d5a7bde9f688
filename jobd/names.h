/* The names that a job's template may use (protocols.md, "Template names"), and which of their values are secrets. */
#ifndef JOBD_NAMES_H
#define JOBD_NAMES_H

#include <netinet/in.h>

#include "libbus/messages.h"
#include "libgateway/env.h"
#include "libjob/job.h"

struct jobd;

struct names {
	struct value_pool pool;
	const struct value *all; /* a dict, of the pool */
	struct value *job;       /* of `all` */
	char **secrets; /* owned; values that are not to be shown: the submitter's environ, the bucket's secret, and what sounds secret */
	size_t n_secrets;
	const struct msg_job_prepare *prepared; /* borrowed: its registry_rules and mounts; NULL: none */
	char address[INET_ADDRSTRLEN];          /* of PRIVATE_INTERFACE */
	char *http_url;                         /* owned: "http://10.42.0.1:8090" */
	char *executor_host;                    /* owned: EXECUTOR_URL's HOST or HOST:PORT, which registration asks by HTTP and IPv4 */
	char *minio_url;                        /* owned; NULL before names_prepare */
};

/* The addresses that do not depend on the job. False: PRIVATE_INTERFACE has no address. */
bool names_init(struct names *names, const struct env *env, struct gw_error *err);
/* What the gateway says with the job, before any of its names are made: where buckets are. */
void names_prepare(struct names *names, const struct env *env, const struct msg_job_prepare *prepared);
void names_make(struct names *names, const struct msg_job_go *go); /* replaces those of before */
/* Those of a job whose machine is not known yet; borrowed until the names are made anew. */
const struct value *names_for_target(struct names *names);
char *names_masked(const struct names *names, const char *text); /* yours */
void names_mask_error(const struct names *names, struct gw_error *err);
/* What the boots DB may know of `all`, as JSON: the machine and where things are, no environment. Yours; NULL: it would be too long. */
char *names_for_boots_db(const struct names *names);
const struct value *names_registry(struct names *names); /* names_registry.c: `registry` */
/* names_imagestore.c: `imagestore`; and `job.imagestore` of a boot, whose images are all there. */
const struct value *names_imagestore(struct names *names);
void names_set_images(struct jobd *j, const struct job_deployment *deployment);
/* names_nbd.c: `job.nbd` of a boot, whose devices are all served. */
void names_set_nbds(struct jobd *j, const struct job_deployment *deployment);
void names_finish(struct names *names);

#endif
