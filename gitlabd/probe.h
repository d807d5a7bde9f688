/* Whether an instance's registration_token is any good: the first registration with it goes alone, and one that GitLab does not take is
 * tried once, not for each machine, until it is another one or all are checked. Loop thread only. */
#ifndef GITLABD_PROBE_H
#define GITLABD_PROBE_H

#include "gitlabd/api_answer.h"
#include "libbus/messages.h"

enum probe_state { PROBE_UNTRIED, PROBE_UNDER_WAY, PROBE_TAKEN, PROBE_REFUSED };

struct probe { /* of one instance */
	char *instance;
	uint64_t key; /* of all that a refusal may be about: with another one it is untried */
	enum probe_state state;
	char *why; /* PROBE_REFUSED */
};

struct probes { /* zeroed memory is an empty one */
	struct probe *v;
	size_t n;
};

uint64_t probe_key(const struct msg_gitlab_instance *instance);
/* Borrowed until the next call. */
const struct probe *probe_of(struct probes *probes, const struct msg_gitlab_instance *instance);
void probe_begin(struct probes *probes, const struct msg_gitlab_instance *instance); /* a registration: allowed in UNTRIED and TAKEN */
/* What came of one that began with that key. True: those that wait may go on, or have to be told why not. */
bool probe_heard(struct probes *probes, const char *instance, uint64_t key, const struct api_answer *answer);
void probes_try_again(struct probes *probes); /* what was refused */
void probes_finish(struct probes *probes);

#endif
