/* Whether an instance's token is any good, its registration_token or its access_token: the first request with it goes alone, and one that
 * GitLab does not take is tried once, not for each machine, until it is another one or all are checked. A refusal that may be about what
 * was asked counts when it is the third in a row. Loop thread only. */
#ifndef GITLABD_PROBE_H
#define GITLABD_PROBE_H

#include "gitlabd/api_answer.h"
#include "libbus/messages.h"

enum probe_state { PROBE_UNTRIED, PROBE_UNDER_WAY, PROBE_TAKEN, PROBE_REFUSED };

struct probe { /* of one instance */
	char *instance;
	uint64_t key; /* of all that a refusal may be about: with another one it is untried */
	enum probe_state state;
	unsigned refusals; /* in a row, that may be about what was asked */
	char *why;         /* PROBE_REFUSED */
};

struct probes {         /* zeroed memory is an empty one, of registration_tokens */
	bool of_access; /* of access_tokens */
	struct probe *v;
	size_t n;
};

uint64_t probe_key(const struct probes *probes, const struct msg_gitlab_instance *instance);
/* Borrowed until the next call. */
const struct probe *probe_of(struct probes *probes, const struct msg_gitlab_instance *instance);
void probe_begin(struct probes *probes, const struct msg_gitlab_instance *instance); /* a request: allowed in UNTRIED and TAKEN */
/* What came of one that began with that key. True: those that wait may go on, or have to be told why not. */
bool probe_heard(struct probes *probes, const char *instance, uint64_t key, const struct api_answer *answer);
void probe_try_again(struct probes *probes, const char *instance); /* if it was refused */
void probes_try_again(struct probes *probes);                      /* all that were */
void probes_finish(struct probes *probes);

#endif
