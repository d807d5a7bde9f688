/* The administrator's keys: made once where none are given, and told to his `mcli`. */
#ifndef BUCKETD_ROOT_KEYS_H
#define BUCKETD_ROOT_KEYS_H

#include "libgateway/error.h"

/* `given`, or what is kept in FOLDER/root-password (0600), made now if there is none. Owned: gw_free_secret. NULL on failure. */
char *root_password(const char *folder, const char *given, struct gw_error *err);
/* FOLDER/mc/config.json (0600) has the alias `alias` for `url`; other aliases in it stay. */
bool root_alias_save(const char *folder, const char *alias, const char *url, const char *user, const char *password, struct gw_error *err);

#endif
