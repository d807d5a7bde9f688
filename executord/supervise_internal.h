/* Between the parts of the supervisor (supervise.h): its members, and how they come, are watched and go. */
#ifndef EXECUTORD_SUPERVISE_INTERNAL_H
#define EXECUTORD_SUPERVISE_INTERNAL_H

#include "executord/child.h"
#include "executord/notify.h"
#include "libgateway/env.h"
#include "libgateway/files.h"
#include "libgateway/loop.h"

#define SUPERVISED         7     /* daemons; supervise.c has their names */
#define START_PATIENCE_MS  60000 /* until it is first heard of */
#define JOBD_PATIENCE_MS   60000 /* for a job's teardown, before its jobd is killed */
#define DAEMON_PATIENCE_MS 10000

/* Ends come in this order, each waited for: jobd needs all the others to end its job, executord needs pdud. */
enum stage { RUNNING, STOP_JOBDS, STOP_EXECUTORD, STOP_DAEMONS, STOPPED };

struct member {             /* a daemon, or a jobd */
	struct child child; /* first: what child_ended is given */
	struct supervisor *supervisor;
	const char *name;          /* of a daemon; NULL: a jobd */
	uint64_t started_at;       /* loop_now_ms */
	uint64_t ready_at;         /* likewise; 0: it has not said so */
	uint64_t heard_at;         /* likewise */
	unsigned back_off_ms;      /* 0: start again at once */
	struct loop_timer again;   /* starts it after its back-off */
	struct loop_timer silence; /* kills it unless it is heard of before */
	bool was_silent;           /* it was killed for that */
	struct member *next_jobd;  /* in supervisor.jobds */
};

struct supervisor {
	const struct env *env;
	struct loop loop;
	struct file_lock lock;
	struct notify notify; /* where they say that they are alive */
	struct member members[SUPERVISED];
	struct member *jobds; /* owned */
	int listen_fd;        /* RUNTIME/jobd.sock; 0: not open */
	struct loop_fd listener;
	enum stage stage;
	struct loop_timer patience; /* of the stage */
	struct gw_error *err;       /* why it all ends, if a child refused its configuration */
};

/* supervise_watchdog.c: a member that is silent is killed */
uint64_t watchdog_ms(const struct supervisor *s);
void watchdog_expect(struct member *m, uint64_t ms); /* it is to be heard of within that time */
void watchdog_on_said(void *supervisor, pid_t pid, const char *text);
void watchdogs_stop(struct supervisor *s); /* a stage's patience counts from now on */

/* supervise_member.c: a daemon's starts and ends */
bool member_spawn(struct member *m, const char *name, int passed, struct gw_error *err); /* a jobd, too; `passed`: its fd 3, -1: none */
bool member_adopt(struct member *m, const char *lock_name); /* the lock's holder is it, whoever started it; false: there is none */
void member_start(struct member *m);                        /* adopts or spawns it, now or later */
void member_ended(struct child *child, const char *how, int exit_code);

/* supervise_jobds.c: who connects to RUNTIME/jobd.sock gets a jobd */
bool jobds_listen(struct supervisor *s, struct gw_error *err);
void jobds_stop_listening(struct supervisor *s);
void jobds_adopt(struct supervisor *s); /* those of a supervisor that was killed carry their jobs on */
void jobds_sweep(struct supervisor *s); /* what killed ones have left */
void jobd_forget(struct supervisor *s, struct member *m);

/* supervise_stages.c: the end of it all */
void stages_begin(struct supervisor *s);
void stage_next(struct supervisor *s); /* something has ended */

#endif
