/* A whole farm for a test: the real daemons under `executord --standalone`, a virtual PDU with real qemu machines, and an HTTP server that
 * has tinydut, all in the namespace that tests/in-namespace made. What fails ends the test with the daemons' logs. */
#ifndef TESTS_HARNESS_FARM_H
#define TESTS_HARNESS_FARM_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tests/harness/proc.h"

#define FARM_MAC "52:54:00:11:22:00" /* of the virtual PDU's port 0 */
#define FARM_URL "http://10.42.0.1/api/v1"

struct farm_options {
	const char *db;         /* mars_db.yaml; NULL: the PDU VPDU alone */
	const char *const *env; /* added to the farm's own; NULL-terminated, or NULL */
	bool no_vpdu;           /* no virtual machines */
	bool no_files;          /* no HTTP server for tinydut */
	bool no_daemons;        /* somebody else starts them, with farm_settings(); farm.supervisor is his log */
	const char *memory;     /* MiB of each machine; NULL: 64 */
};

struct farm {
	struct proc supervisor, vpdud, files;
	char db_path[512], state_dir[512], runtime_dir[512];
	const char *env[64];
	char *owned[64]; /* what of env is ours */
	size_t n_env, n_owned;
};

struct farm *farm_start(const struct farm_options *options); /* NULL: the defaults. Returns when REST answers */
char *farm_settings(const struct farm *farm);                /* its options as a file for a unit's EnvironmentFile=; the caller frees */
void farm_stop(struct farm *farm);                           /* SIGTERM; asserts exit code 0, no process and no socket left */
void farm_start_supervisor(struct farm *farm);               /* again, after it was killed */
pid_t farm_pid(const struct farm *farm, const char *daemon); /* by its lock; 0: it does not run */
/* The jobd that takes the next job. Waits until it is the only one: those of earlier jobs have ended. */
pid_t farm_spare_jobd(const struct farm *farm);
void farm_kill(const struct farm *farm, const char *daemon); /* kill -9; returns when its lock is free or another's */
/* kill -9 of every jobd, also of those that wait for a job: there may be two, since one that was given back is kept. Then one is started.
 */
void farm_kill_jobds(const struct farm *farm);

/* REST. `key` leads through objects: "pdus/VPDU/ports/0/state". Texts are borrowed until 16 calls later; a missing value is "(none)". */
int farm_request(const char *method, const char *path, const char *json, char **answer); /* the status; the caller frees the answer */
cJSON *farm_json(const char *path);                                                      /* the caller deletes it */
const char *farm_get(const char *path, const char *key);
/* Until the value has `pattern`. Looked at anew whenever a daemon logs something. */
void farm_await(struct farm *farm, const char *path, const char *key, const char *pattern);
void farm_await_value(struct farm *farm, const char *path, const char *key);                  /* until it is there and not null */
void farm_await_other(struct farm *farm, const char *path, const char *key, const char *old); /* such a value, but not `old` */
/* Asserts status 200. */
void farm_do(const char *method, const char *path, const char *json);

void farm_edit_db(struct farm *farm, const char *from, const char *to); /* replaces the one place; as an editor: by rename */

/* A job of executorctl: writes `yaml` to a file and starts `executorctl run` with the arguments (NULL-terminated). Its output is the proc's
 * log. `in`: its standard input, -1: none. */
void farm_run_job(struct proc *client, const char *name, const char *yaml, const char *const *arguments, int in);
/* A job for tinydut: `script` (lines) is its initramfs; `more` goes below the top level (timeouts, patterns), or NULL for a session_end and
 * job_success that any job has. Borrowed until the next call. */
const char *farm_job(const char *script, const char *more);
/* Until tinydut says `pattern`: the job, as it is shown before, has the script's text too. */
void farm_await_console(struct proc *client, const char *pattern);
/* Discovers the machine on port 0 of VPDU and waits until it is IDLE. */
void farm_enroll(struct farm *farm);

#endif
