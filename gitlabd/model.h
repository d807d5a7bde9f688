/* What executord told gitlabd of MarsDB: instances and DUTs, as the messages' own structs, deep copies that the model owns. Loop thread
 * only. */
#ifndef GITLABD_MODEL_H
#define GITLABD_MODEL_H

#include "gitlabd/lookup.h"
#include "libbus/messages.h"

struct bus_body;
struct model_grave {
	const struct bus_body *body;
	void *item; /* owned */
};

struct model { /* zeroed memory is an empty one */
	struct msg_gitlab_instance **instances;
	size_t n_instances;
	struct msg_gitlab_dut **duts; /* by id */
	size_t n_duts;
	struct lookup elsewhere; /* tokens, owned: of runners at another url than their instance's, which it had before */
	bool shared;             /* a snapshot has its items: what the model drops lives until that ends */
	struct model_grave *graves;
	size_t n_graves;
};

void model_finish(struct model *model);
void model_configure(struct model *model, const struct msg_gitlab_configure *all);
void model_change(struct model *model, const struct msg_gitlab_change *change);

/* The token that MarsDB has by now; dut NULL: the gateway's runner. Nothing if there is no such runner. */
void model_set_token(struct model *model, const char *dut, const char *instance, const char *token, int64_t runner_id);

/* The model as it is, for another thread to read while this one goes on changing it. Takes no copies but of pointers. One at a time. */
struct model model_snapshot(struct model *model);
void model_snapshot_end(struct model *model, struct model *snapshot);

/* Borrowed until the next change; NULL: there is none. */
struct msg_gitlab_instance *model_instance(const struct model *model, const char *name);
struct msg_gitlab_dut *model_dut(const struct model *model, const char *id);
struct msg_gitlab_entry *model_entry(const struct msg_gitlab_dut *dut, const char *instance);

/* A token of another GitLab is not for config.toml, where it would go to the instance's url. Said once more than taken back, it counts. */
void model_add_elsewhere(struct model *model, const char *token);
void model_drop_elsewhere(struct model *model, const char *token);
bool model_is_elsewhere(const struct model *model, const char *token);

/* The gateway's runner is wanted only with an `allow` of its own: the instance's does not count. */
bool model_exposes_gateway(const struct msg_gitlab_instance *instance);
/* Whether the runner may take jobs; dut NULL: the gateway's. config.toml has those of machines that are available, too. */
bool model_exposes(const struct model *model, const struct msg_gitlab_instance *instance, const struct msg_gitlab_dut *dut,
		   const struct msg_gitlab_entry *entry);
bool model_in_config(const struct model *model, const struct msg_gitlab_instance *instance, const struct msg_gitlab_dut *dut,
		     const struct msg_gitlab_entry *entry);

#endif
