/* What templates know of the network block devices of a boot. */
#include <stdlib.h>

#include "jobd/jobd.h"

struct place { /* of a device; of a pool */
	const char *hostname;
	uint16_t port;
	int max_connections;
};

static const struct value *to_b2c_nbd(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
				      struct gw_error *err)
{
	const struct place *place = data;
	const char *device = n_args == 1 ? value_text(args[0], NULL) : NULL;
	const struct value *result;
	char *text;

	if (!device) {
		gw_fail(err, GW_BAD_INPUT, "to_b2c_nbd takes one string");
		return NULL;
	}
	text = gw_sprintf("b2c.nbd=%s,host=%s,port=%u,connections=%d", device, place->hostname, place->port, place->max_connections);
	result = value_string(pool, text);
	free(text);
	return result;
}

static const struct value *nbd_dict(struct jobd *j, const struct job_nbd *nbd)
{
	struct value_pool *pool = &j->names.pool;
	struct value *d = value_dict(pool);
	struct place *place = value_pool_alloc(pool, sizeof(*place));

	if (!place)
		return d; /* the pool is full: that is an error of its own */
	*place = (struct place){j->names.address, nbd_port(j, nbd), nbd->max_connections};
	value_set(pool, d, "hostname", value_string(pool, place->hostname));
	value_set(pool, d, "tcp_port", value_int(pool, place->port));
	value_set(pool, d, "max_connections", value_int(pool, place->max_connections));
	value_set(pool, d, "to_b2c_nbd", value_callable(pool, to_b2c_nbd, place));
	return d;
}

void names_set_nbds(struct jobd *j, const struct job_deployment *deployment)
{
	struct value_pool *pool = &j->names.pool;
	struct value *all = value_dict(pool);

	for (size_t i = 0; i < deployment->nbds.n; i++)
		value_set(pool, all, deployment->nbds.v[i].name, nbd_dict(j, &deployment->nbds.v[i]));
	value_set(pool, j->names.job, "nbd", all);
}
