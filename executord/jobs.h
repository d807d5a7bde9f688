/* The jobs: users', registrations, training loops and quick checks, from admission to the moment their port is off.
 *
 * A job waits for a jobd, is prepared (rendered and checked there), told to go on its DUT, and then carried by its jobd alone: executord
 * may come and go. Its jobd's death, or a port that is not confirmed off, leads through JOB_SETTLING: the lease is revoked first, whatever
 * it takes, and only then is the machine free. Loop thread only. */
#ifndef EXECUTORD_JOBS_H
#define EXECUTORD_JOBS_H

#include <stdbool.h>
#include <sys/types.h>

#include "executord/job_bucket.h"
#include "executord/job_request.h"
#include "libbus/capability.h"
#include "libbus/messages.h"
#include "libgateway/error.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"
#include "libmars/dut_state.h"

struct executord;
struct dut;
struct jobd;
struct kept_job;

enum job_phase {
	JOB_CHECKING,  /* whether its submitter may reach the groups' buckets that it names */
	JOB_FETCHING,  /* its description is fetched */
	JOB_WAITING,   /* for a jobd */
	JOB_PREPARING, /* rendered and checked */
	JOB_FILLING,   /* its DUT is chosen, and its bucket is made */
	JOB_READY,     /* its DUT is chosen: until the DUT's last job and the port's are over for good */
	JOB_GOING,     /* told to go; the jobd has not said yes yet */
	JOB_GIVEN,     /* the jobd carries it */
	JOB_SETTLING,  /* over, but its port is not known to be off */
};

struct job_outcome {
	char status[16];  /* "PASS", ... */
	char reason[256]; /* "" if none was given */
	bool unfit, quick_check;
	bool watched; /* the machine was powered and watched to the end: the next two tell something */
	bool firmware_booted, console_received, has_log;
	bool cut_short;            /* cancelled, or stopped with the gateway: no verdict on the machine */
	double firmware_boot_time; /* seconds; negative: not seen */
	double seconds;
};

struct job {
	struct executord *ex;
	char id[64]; /* KIND-START-N: the kind survives a restart with it */
	enum dut_job_kind kind;
	enum job_phase phase;
	bool running;                /* job.running was said */
	struct dut *dut;             /* borrowed; NULL: a user's job that has none yet */
	struct jobd *jobd;           /* borrowed; NULL: none yet, or dead */
	char jobd_name[65];          /* as kept over restarts */
	char *text;                  /* owned; the description, until it is prepared */
	unsigned tries;              /* jobds that did not prepare it */
	char pdu[129], port[129];    /* its DUT's, since JOB_READY */
	bool went;                   /* its jobd was told to go: its capability is in the world */
	struct job_request request;  /* of a user's job */
	struct job_bucket *bucket;   /* owned; NULL: it wants none */
	bool has_bucket;             /* bucketd may have one of it */
	struct http_request *answer; /* the submission, not answered yet; NULL: answered */
	char capability[CAPABILITY_TEXT_MAX + 1];
	bool cancelled, cancel_sent;
	bool unconfirmed; /* JOB_SETTLING: pdud has not confirmed once, so it is an alarm until it does */
	char cancel_reason[256];
	struct job_outcome outcome;
	struct loop_timer timer; /* a submission's patience for a jobd; an adoption's for its hello; a revocation's next try */
	struct job *next;        /* in jobs.first */
};

struct jobs {
	struct job *first; /* owned, in the order of their coming */
	unsigned counter;
	long long started_at;        /* milliseconds since the epoch: makes ids unique over restarts, two in a second as well */
	bool begun;                  /* all jobds that live were heard, so who has none is known to have none */
	struct loop_timer hearing;   /* the patience for that */
	struct capability_end *ends; /* owned; see job_end_capability */
	void (*settled)(void *data); /* see jobs_settle */
	void *settled_data;
};

const char *job_kind_name(enum dut_job_kind kind); /* "user", "registration", "boot_loop", "quick_check" */
bool job_kind_of_id(const char *id, enum dut_job_kind *kind);

void jobs_start(struct executord *ex);
/* Behind jobs_restore: once each jobd that lives has said what it carries, the DUTs go on (dut_resume) and jobs are served. */
void jobs_begin(struct executord *ex);
void jobs_finish(struct executord *ex); /* forgets them all; their jobds carry on */
/* `settled` runs once, maybe inside the call: when no port waits to be known off after a job whose jobd is dead. */
void jobs_settle(struct executord *ex, void (*settled)(void *data), void *data);
struct job *jobs_find(struct executord *ex, const char *id);
struct bus_texts jobs_ids(struct executord *ex); /* the caller frees v; the texts are borrowed */

/* A user's job: takes `request`, `text` (NULL: it is at request->desc_url) and `bucket` (NULL: it wants none) over; answers `rq` once it is
 * decided. */
void jobs_submit(struct executord *ex, struct job_request *request, char *text, struct job_bucket *bucket, struct http_request *rq);
/* One of the gateway's own. Fails later, never inside the call. */
void jobs_start_own(struct executord *ex, struct dut *dut, enum dut_job_kind kind);
void jobs_go(struct executord *ex, struct job *job); /* prepared, and its DUT is chosen */
void jobs_cancel(struct executord *ex, struct job *job, const char *reason);
void jobs_revoke(struct executord *ex, struct job *job); /* until its port is known to be off; then it is over */
/* From what was kept over a restart: awaits its jobd's hello. Its DUT's `job` is set. */
void jobs_restore(struct executord *ex, struct dut *dut, const struct kept_job *kept);
/* A jobd says that it carries one that is not known: it is, if its capability is ours and its DUT has no other. */
struct job *jobs_adopt(struct executord *ex, const char *id, const char *capability, struct gw_error *err);

/* What jobd_pool and the bus tell. */
void jobs_serve(struct executord *ex);                       /* waiting jobs get the jobds that are there */
void jobs_on_jobd_up(struct executord *ex, struct job *job); /* NULL: a spare */
void jobs_on_jobd_gone(struct executord *ex, struct job *job, const char *why);
void jobs_on_jobd_heard(struct executord *ex);
void jobs_on_no_jobd(struct executord *ex, const char *why);
void jobs_on_pdud_up(struct executord *ex);
void jobs_on_running(struct executord *ex, struct job *job);
void jobs_on_ended(struct executord *ex, struct job *job, const struct msg_job_ended *ended);
void jobs_lost(struct executord *ex, struct job *job, const char *why);

/* Between the files of this part. */
struct job *job_add(struct executord *ex, enum dut_job_kind kind); /* at the list's end, without an id */
struct job *job_add_new(struct executord *ex, enum dut_job_kind kind);
void job_begin(struct job *job);                                               /* its submitter may: it is fetched, or waits for a jobd */
void job_check_groups(struct job *job);                                        /* then job_begin, or it is refused */
void job_fetch(struct job *job);                                               /* its description, then it waits for a jobd */
void job_set_outcome(struct job *job, const char *status, const char *reason); /* all else: nothing was seen */
void job_raise_firmware_boot_time(struct job *job, double seconds);            /* written back, if it is more than is known */
void job_over(struct job *job);                                                /* its port is off: the machine is free, the job is gone */
void job_failed_early(struct job *job, const char *status, const char *why);   /* it never went; it is gone */
void job_send_cancel(struct job *job);                                         /* as soon as its jobd can be asked; once */
void job_try_to_go(struct job *job);                                           /* JOB_READY: if nothing keeps it */
void job_try_next_jobd(struct job *job, const char *why); /* the one it had could not even prepare it; it may be gone afterwards */
/* What the job's capability opened is closed to it: at pdud (once it is there), bootsd, artifactd. */
void job_end_capability(const struct job *job);
void job_capabilities_on_pdud_up(struct executord *ex);
void job_capabilities_finish(struct executord *ex);
/* Of job_submit.c: answers the submission, if it waits; `status` 200 says "success". */
void job_answer(struct job *job, int status, const char *text);
#define JOB_ARCHIVE   "job_bucket_initial_state_tarball_file"
#define JOB_NOT_A_TAR 420 /* in plain text */
/* Chooses the DUT of a prepared user's job. False: it was answered with the reason. */
bool job_choose_dut(struct job *job, const struct msg_job_prepared *prepared);
void job_destroy(struct job *job); /* out of the list, answered or not */

/* Bus handlers. */
struct bus_call;
void jobs_on_hello_message(void *owner, const void *body, struct bus_call *call);
void jobs_on_running_message(void *owner, const void *body, struct bus_call *call);
void jobs_on_learnt_message(void *owner, const void *body, struct bus_call *call);
void jobs_on_ended_message(void *owner, const void *body, struct bus_call *call);

#endif
