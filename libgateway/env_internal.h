/* Between env.c and env_values.c. */
#ifndef LIBGATEWAY_ENV_INTERNAL_H
#define LIBGATEWAY_ENV_INTERNAL_H

#include "libgateway/env.h"

struct env_row { /* of options.def */
	const char *name;
	unsigned readers;
	enum env_type type;
	const char *dflt;
	double min, max;
	const char *meaning;
};

struct env_value {
	int64_t integer;
	double number;
};

/* False, with the option's name, what was found and what is accepted, if the type does not take the text. */
bool env_value_read(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err);
const char *env_type_name(enum env_type type); /* for --help */

#endif
