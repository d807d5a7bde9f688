/* Which machine a job gets, or why none: as a function. */
#ifndef EXECUTORD_ADMISSION_H
#define EXECUTORD_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"
#include "libmars/dut_state.h"
#include "libmars/marsdb.h"

struct candidate { /* all borrowed */
	const char *id, *full_name;
	const struct mars_strings *tags, *manual_tags;
	enum dut_state state;
	bool is_retired;
	bool alarm; /* its port could not be switched OFF yet */
};

struct target {         /* all borrowed */
	const char *id; /* an id or a full name; NULL: any */
	char *const *tags;
	size_t n_tags;
};

/* The index of an idle machine that the target names and that has all its tags (each machine answers to tags, manual tags and `farm_tag`).
 * SIZE_MAX: none, with the HTTP status (404 unknown id, 406 no machine has the tags, 409 all that have are taken) and the reason. */
size_t admission_choose(const struct candidate *v, size_t n, const char *farm_tag, const struct target *target, int *status,
			struct gw_error *err);

#endif
