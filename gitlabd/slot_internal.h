/* What the files of a slot share. Theirs alone. */
#ifndef GITLABD_SLOT_INTERNAL_H
#define GITLABD_SLOT_INTERNAL_H

#include "gitlabd/slots.h"

void slot_set_token(struct slot *slot, const char *token, const char *made_at); /* token NULL: none */
void slot_set_url(struct slot *slot, const char *url);
void slot_set_runner(struct slot *slot, int64_t runner_id);
void slot_touch(struct slot *slot);                                      /* what it holds is held otherwise: removals look again */
void slot_set_registering(struct slot *slot, struct api_details wanted); /* takes it */
struct api_details slot_take_registering(struct slot *slot);
void slot_forget_details(struct slot *slot);
void slot_clear_untold(struct slot *slot);

/* slot_tell.c */
void slot_set_untold(struct slot *slot, const char *token, int64_t runner_id);
void slot_tell(struct slot *slot); /* it is busy, and has a place at its server until executord has answered */
/* Ends what the slot was busy with, gives the place back, and goes on. The slot may be gone afterwards. */
void slot_settle(struct slot *slot, struct server *server);

/* slot_answers.c: of GitLab; `data` is the slot. */
api_done slot_verified, slot_has_details, slot_registered;

#endif
