/* What the boots DB's templates know: the job's names, as jobd sent them, and the request. */
#ifndef BOOTSD_BOOTS_NAMES_H
#define BOOTSD_BOOTS_NAMES_H

#include "bootsd/deployment.h"
#include "bootsd/dhcp_classify.h"
#include "bootsd/interface.h"
#include "bootsd/static_files.h"
#include "libjob/value.h"

struct boots_place { /* of this gateway; all borrowed */
	const struct interface *net;
	const uint16_t *http_port;
	const struct static_files *statics;
};

struct boots_request {
	const struct dhcp_class *class;
	struct mac mac;
	const char *names;   /* JSON; NULL: of no machine */
	const char *cmdline; /* the job's; NULL: it has no kernel */
};

/* Of `pool`, and of `place`, which lives as long. What is wrong with the JSON leaves it out. */
const struct value *boots_names(struct value_pool *pool, const struct boots_place *place, const struct boots_request *request);

#endif
