/* What is typed for a machine's field, as the body of a PATCH. Pure. */
#ifndef EXECUTORCTL_DUT_H
#define EXECUTORCTL_DUT_H

#include <cjson/cJSON.h>

#include "libgateway/error.h"
#include "libmars/fields.h"

const struct mars_field *dut_field(const char *name, struct gw_error *err); /* one that PATCH may set; NULL: none, with those there are */
/* {"NAME": values by the field's type}; no values: as little as the field may have. The caller deletes it. NULL with GW_BAD_INPUT. */
cJSON *dut_change(const char *name, const char *const *values, size_t n, struct gw_error *err);

#endif
