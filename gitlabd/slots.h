/* A slot is a place for a runner: each machine, and the gateway, on each instance. slots.c keeps them as MarsDB has them, slot_step.c does
 * for one what runner_next says. Loop thread only. */
#ifndef GITLABD_SLOTS_H
#define GITLABD_SLOTS_H

#include "gitlabd/gateway_tags.h"
#include "gitlabd/model.h"
#include "gitlabd/probe.h"
#include "gitlabd/removals.h"
#include "gitlabd/runner.h"
#include "libbus/bus.h"

#define SLOTS_CHECK_MS (30 * 60 * 1000)

struct slots;
struct slot {
	struct work work; /* first */
	struct slots *all;
	char *instance, *dut; /* as in MarsDB; dut NULL: the gateway's runner */
	char *url;            /* of the instance, as last seen */
	char *token;          /* as MarsDB was last seen to have it, or NULL; slot_set_token */
	char *made_at;        /* the url where it was registered; NULL without a token */
	bool elsewhere;       /* that is another one than `url` is by now: it is to be dropped, and never asked about at `url` */
	int64_t runner_id;
	char *description;
	struct {             /* what MarsDB is to have, and has not said that it has */
		bool is;     /* there is something */
		bool seen;   /* MarsDB was seen to have it before it said so: what it was seen to have since counts more */
		char *token; /* NULL: none */
		char *url;   /* where it was registered */
		int64_t runner_id;
	} untold;
	struct { /* the request or telling under way */
		bool is;
		char *url, *token;         /* as they were when it began */
		struct api_details wanted; /* API_REGISTER: what it is registered as */
		uint64_t probe;            /* API_REGISTER, API_DETAILS: the key of the instance's token */
	} busy;
	bool gone;     /* MarsDB has it no more; it goes when it is no longer busy */
	uint64_t want; /* hash of all that it depends on: another one means that it changed */
	bool exposed;  /* it is to be on GitLab */
	bool refused, verify_due, details_due;
	enum runner_valid valid;
	struct api_details *details; /* owned; NULL: not known */
	double last_check;           /* seconds since the epoch; 0: never */
	char *last_error;            /* NULL: none */
};

struct slots {
	struct loop *loop;
	struct bus *bus;
	struct servers *servers;
	struct removals *removals;
	struct model *model;
	const char *farm;
	char gateway_name[GATEWAY_NAME_SIZE];
	struct gateway_facts facts;
	void (*on_change)(void *data); /* the model has another token */
	void (*on_settle)(void *data); /* something was asked about a runner, or done for it */
	void (*on_check)(void *data);  /* all are checked now; not before executord was heard */
	void *data;
	struct probes registration, access;
	struct slot **v; /* by instance, then dut */
	size_t n;
	struct lookup by; /* token and runner, both those that it has and those untold; the description that is being registered */
	bool configured;  /* executord was heard */
	struct loop_timer check_timer, retry_timer;
	uint64_t retry_ms; /* until executord is told again; 0: the last time it was fine */
};

void slots_start(struct slots *slots);
void slots_finish(struct slots *slots); /* after servers_finish and bus_finish, before removals_finish */
/* The model is another one: what went is unregistered, what is new or changed is checked. */
void slots_sync_all(struct slots *slots);
void slots_sync_change(struct slots *slots, const struct msg_gitlab_change *change);
void slots_check_all(struct slots *slots);  /* each is verified */
void slots_sweep_gone(struct slots *slots); /* frees those that are */
void slots_step_all(struct slots *slots);   /* executord is there again */
/* What GitLab said to a request with the instance's access_token: those that wait for it go on. `key`: probe_key when it was made. */
void slots_heard_access(struct slots *slots, const char *instance, uint64_t key, const struct api_answer *answer);
void slots_step_instance(struct slots *slots, const char *instance);
enum held slots_hold(void *slots, const char *url, const char *token); /* struct removals' held */
/* Whether the runner of that id is one of ours on that GitLab, or might be: one of that description is being registered. */
bool slots_know(const struct slots *slots, const char *url, int64_t runner_id, const char *description);

/* Whether slots_know knows our runners on that GitLab by their ids. A token that an admin put in has none, or a wrong one, until its
 * verification says whose it is. */
enum identified {
	IDENTIFIED,
	IDENTIFIED_SOON, /* a verification is due */
	IDENTIFIED_NOT   /* GitLab did not say, or refused it: *who is its description; borrowed */
};
enum identified slots_identified(const struct slots *slots, const char *url, const char **who);

/* slot_step.c; slot_free is slot_tell.c's */
bool slot_begin(struct work *work, struct server *server);
void slot_queue(struct slot *slot);
void slot_free(struct slot *slot);
/* What is wanted of it; the tags are the caller's to finish. *entry NULL: nothing. */
struct slot_wanted {
	const struct msg_gitlab_instance *instance;
	const struct msg_gitlab_entry *entry;
	struct tags tags;
	struct runner_want want;
};
bool slot_wanted(const struct slot *slot, struct slot_wanted *wanted);
void slot_set_text(char **at, const char *text); /* replaces an owned text by a copy */

#endif
