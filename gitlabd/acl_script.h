/* The ACL of a runner as a POSIX sh script for gitlab-runner's pre_build_script: it ends with an error that says who is refused, or lets
 * the job begin. The same answers as mars_acl_allows (libmars/marsdb.h), from GITLAB_USER_LOGIN and CI_PROJECT_PATH, whatever bytes these
 * and the rules have. Pure. */
#ifndef GITLABD_ACL_SCRIPT_H
#define GITLABD_ACL_SCRIPT_H

#include "libbus/messages.h"

/* Malloc'ed; "" if there is no rule at either level. Either may be NULL. */
char *acl_script(const struct msg_gitlab_acl *own, const struct msg_gitlab_acl *instance);

#endif
