/* Which fields differ between two objects of MarsDB, nested ones by their paths. Pure. */
#ifndef EXECUTORD_FIELD_CHANGES_H
#define EXECUTORD_FIELD_CHANGES_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "libmars/fields.h"

/* Adds a row {"name","loaded","file"} for each of `fields` (bits of indices) that differs from `old` to `new`:
 * "gitlab.fdo.acl.allow.users". A row without "loaded" and "file": its values are or may be secrets. Of what a PDU's driver is configured
 * with, `hostname` and `port` alone are shown. */
void field_changes_add(cJSON *list, const struct mars_object *object, uint32_t fields, const void *old, const void *new);

#endif
