/* What is to be done next about one runner, a machine's or the gateway's on one instance: from what is wanted and what is known. Pure. */
#ifndef GITLABD_RUNNER_H
#define GITLABD_RUNNER_H

#include "gitlabd/api_answer.h"

enum runner_valid { RUNNER_UNKNOWN, RUNNER_VALID, RUNNER_INVALID };

struct runner_want {
	bool exposed;          /* it is to be on GitLab */
	const char *not_now;   /* why none is registered, nor replaced by another; NULL: it may be. One that there is goes on */
	bool details_readable; /* with an access_token */
	const char *description;
	char *const *tags; /* a set: tags_make's */
	size_t n_tags;
	int64_t maximum_timeout;
};

struct runner_known {
	bool has_token;          /* in MarsDB */
	bool untold;             /* MarsDB is to have another: executord is to be told so first */
	bool refused;            /* GitLab, or MarsDB, did not take it as it is wanted */
	enum runner_valid valid; /* what GitLab last said of the token */
	bool verify_due, details_due;
	const struct api_details *details; /* as GitLab has it; NULL: not known */
};

enum runner_action {
	RUNNER_NOTHING,
	RUNNER_TELL, /* executord, of the token that there is now */
	RUNNER_VERIFY,
	RUNNER_DETAILS,
	RUNNER_REGISTER,   /* if there is one, it is removed once the new one is in MarsDB: no gap */
	RUNNER_REMOVE,     /* from GitLab, and the token from MarsDB */
	RUNNER_DROP_TOKEN, /* GitLab does not know it any more */
	RUNNER_ACTIONS
};
enum runner_action runner_next(const struct runner_want *want, const struct runner_known *known);

/* Whether GitLab has it otherwise than it is wanted: description, set of tags, maximum_timeout. */
bool runner_differs(const struct runner_want *want, const struct api_details *details);

/* Tags as GitLab keeps them: split at commas, trimmed, without empty ones, each once; sorted. Texts and array are the caller's. */
struct tags {
	char **v;
	size_t n;
};
void tags_make(struct tags *tags, char *const *given, size_t n);
void tags_finish(struct tags *tags);
char *tags_joined(const struct tags *tags); /* with commas between; the caller frees */
/* Why GitLab would not take them, or NULL. */
const char *tags_refused(const struct tags *tags);

#endif
