/* gitlabd's side: what it is told of instances and DUTs, and the tokens that it has MarsDB keep. Loop thread only. */
#ifndef EXECUTORD_GITLAB_H
#define EXECUTORD_GITLAB_H

struct bus_call;

void gitlab_on_token(void *owner, const void *body, struct bus_call *call); /* MSG_GITLAB_TOKEN */

#endif
