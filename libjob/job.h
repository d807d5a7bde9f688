/* Job descriptions, version 1: rendered, parsed, checked as a whole (every error is found in one pass), and merged into deployments.
 *
 * protocols.md "Job description, version 1" is the source. No I/O, no clock. A job is read-only once loaded, so several threads may read
 * it.
 */
#ifndef LIBJOB_JOB_H
#define LIBJOB_JOB_H

#include "libjob/value.h"

enum job_timeout_id { /* the fixed ones; watchdogs' are in job->watchdogs */
		      JOB_OVERALL,
		      JOB_INFRA_SETUP,
		      JOB_INFRA_TEARDOWN,
		      JOB_BOOT_CYCLE,
		      JOB_CONSOLE_ACTIVITY,
		      JOB_FIRST_CONSOLE_ACTIVITY,
		      JOB_FIRMWARE_BOOT,
		      JOB_TIMEOUTS
};
extern const char *const job_timeout_names[JOB_TIMEOUTS]; /* "overall", ... as in the description */

struct job_timeout {
	int64_t ms; /* < 0: never fires */
	int retries;
	bool given; /* by the description */
};

struct job_watchdog { /* one that has a timeout: others are not evaluated */
	char *name;
	struct job_timeout timeout;
	char *start, *reset, *stop; /* regexes */
};

enum job_pattern_id { JOB_SESSION_END, JOB_SESSION_REBOOT, JOB_SUCCESS, JOB_WARN, JOB_UNFIT, JOB_PATTERNS };
extern const char *const job_pattern_names[JOB_PATTERNS]; /* "session_end", "session_reboot", "job_success", ... */

struct job_add { /* a file that is put into an archive */
	char *path;
	struct job_artifact *artifact; /* owned; without a path of its own */
	unsigned mode;                 /* S_IFREG and permissions */
};

struct job_keep {      /* of an archive's entries */
	char *path;    /* a regex that must match the whole of the entry's path */
	char *rewrite; /* the path that it gets, with the groups put in; NULL: its own */
};

enum job_step_kind { JOB_STEP_UBOOT, JOB_STEP_ARCHIVE };

struct job_step { /* what is made of an artifact */
	enum job_step_kind kind;
	char *compression;              /* of both kinds; set */
	char *architecture, *os, *type; /* of a uboot image; set */
	char *extension;                /* of an archive: cpio, tar, zip; NULL only with match */
	struct job_add *add;
	size_t n_add;
	struct job_keep *keep; /* none: all is kept */
	size_t n_keep;
	char *match; /* a regex: the one file that is taken out; NULL: none */
};

/* Something that is to be fetched or made, and served. Exactly one of url, data and made is set. */
struct job_artifact {
	char *category; /* ":uncategorised" where the description names none */
	char *url;      /* of a regex path: may hold \1 or \g<name>, see job_storage_match */
	char *data;     /* the content itself, data_len bytes (0-terminated as well) */
	size_t data_len;
	bool made;              /* of nothing, by the first of the steps: an archive of what that adds */
	struct job_step *steps; /* one after the other */
	size_t n_steps;
	char *path;    /* of storage entries: what the DUT asks for, absolute; else NULL */
	bool is_regex; /* path is a regex that must match the whole of what is asked; such an artifact is fetched when asked for */
	char *where;   /* "deployment.start.initramfs[0]", for messages */
};

struct job_artifacts {
	struct job_artifact *v;
	size_t n;
};

enum {
	JOB_DHCP_ARCHITECTURE,
	JOB_DHCP_FIRMWARE,
	JOB_DHCP_PROTOCOL,
	JOB_DHCP_MAC,
	JOB_DHCP_VENDOR,
	JOB_DHCP_USER,
	JOB_DHCP_UUID,
	JOB_DHCP_MATCHES
};
extern const char *const job_dhcp_match_names[JOB_DHCP_MATCHES]; /* "architecture", "firmware", ... */

struct job_dhcp_option {
	int code;    /* 1 to 254 */
	char *value; /* as written; a list's items joined by ',' */
};

struct job_dhcp {
	char *category;
	char *match[JOB_DHCP_MATCHES]; /* NULL: not given. The first three are words, the others regexes that match whole */
	struct job_dhcp_option *options;
	size_t n_options;
};

/* A container image that is pulled into a store which the machine mounts. */
struct job_image {
	const char *store; /* "public" */
	char *name;        /* by which templates speak of it */
	char *image;       /* "docker://registry.org/group/image:tag" */
	bool tls_verify;   /* of its registry */
	char *platform;    /* "linux/amd64" */
	const char *pull;  /* "relaxed_always", "always" or "missing" */
	char *where;       /* "deployment.start.storage.imagestore.public.images.NAME", for messages */
};

struct job_images {
	struct job_image *v;
	size_t n;
};

/* A block device that the machine mounts over the network. */
struct job_nbd {
	char *name;                   /* by which templates speak of it: letters, digits, _ and - */
	struct job_artifact artifact; /* what it holds at first; without a url: zeros */
	int64_t size;                 /* of zeros, in bytes; 0: it is the artifact's */
	bool readonly;
	int max_connections;
	char *where; /* "deployment.start.storage.nbd.NAME", for messages */
};

struct job_nbds {
	struct job_nbd *v;
	size_t n;
};

/* What one boot is served. Lists are merged and in their order. */
struct job_deployment {
	struct job_artifact *kernel; /* NULL: none */
	char *cmdline;               /* as the description has it, still a template: see job_cmdline; NULL: none */
	struct job_artifacts initramfs, dtb, http, tftp;
	struct job_dhcp *dhcp;
	size_t n_dhcp;
	struct job_images images;
	struct job_nbds nbds;
};

struct job {
	char *target_id; /* NULL: any */
	char **target_tags;
	size_t n_target_tags;
	bool has_target; /* `tags: []` is a target: any machine */
	char *deadline;  /* ISO 8601 as written, or NULL */
	bool deadline_passed;
	struct job_timeout timeouts[JOB_TIMEOUTS];
	struct job_watchdog *watchdogs;
	size_t n_watchdogs;
	char *patterns[JOB_PATTERNS]; /* regexes; NULL: not given and no default */
	struct job_deployment start;
	struct job_deployment next; /* `continue`: start updated by it; the same as start if there is none */
	char *rendered;             /* the text after rendering; to be shown only through job_masked() */
};

struct job_options {
	const char *where;               /* how errors name the text; NULL: "job" */
	const char *default_unfit_regex; /* of machine_unfit_for_service; NULL: none */
	double firmware_boot_time;       /* the DUT's learnt T in seconds; 0: none. Gives firmware_boot its default */
	int64_t wall_now;                /* seconds since the epoch, for `deadline`; 0: not compared */
	bool target_in_metadata;         /* the description may leave `target` out */
};

/* Renders, parses and checks. False: `errs` has every error ("job:LINE:COLUMN: path: what; accepted: ..."), nothing needs freeing. */
bool job_load(struct job *job, const char *text, size_t n, const struct value *names, const struct job_options *options,
	      struct gw_errors *errs);
/* The same from text that is rendered already. */
bool job_decode(struct job *job, const char *rendered, size_t n, const struct job_options *options, struct gw_errors *errs);
void job_finish(struct job *job); /* takes a zeroed job */

/* The names a template may use while its DUT is not known yet (ready_for_service true, machine_id "machine_id", the rest empty). */
const struct value *job_names_for_target(struct value_pool *pool, const struct value *environ_dict /* or NULL */);

/* Of boot 1, 2, ...; borrowed. */
const struct job_deployment *job_deployment(const struct job *job, unsigned boot);
/* The command line of a deployment, rendered with `names` plus `job.deployment`. `*out` is yours; "" where there is none. */
bool job_cmdline(const struct job *job, unsigned boot, const struct value *names, char **out, struct gw_error *err);
/* The first storage entry that answers `path` (absolute), or NULL. `*url` is yours: the url with the path's groups put in (NULL for data).
 */
const struct job_artifact *job_storage_match(const struct job_artifacts *storage, const char *path, char **url, struct gw_error *err);
/* `text` with each of the `secrets` (those of 4 or more characters) as [MASKED]. Yours to free. */
char *job_masked(const char *text, const char *const *secrets, size_t n);

#endif
