#include "libgateway/farm_name.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool farm_name_of(const char *hostname, char farm[FARM_NAME_SIZE], struct gw_error *err)
{
	static const char suffix[] = "-gateway";
	size_t len = strlen(hostname);

	if (len <= strlen(suffix) || strcmp(hostname + len - strlen(suffix), suffix) != 0 || len - strlen(suffix) >= FARM_NAME_SIZE)
		return gw_fail(err, GW_BAD_INPUT,
			       "FARM_NAME is not set, and the hostname '%.64s' does not give it: it is no NAME-gateway; accepted: 1 to 63 "
			       "characters",
			       hostname);
	snprintf(farm, FARM_NAME_SIZE, "%.*s", (int)(len - strlen(suffix)), hostname);
	return true;
}

bool farm_name(const struct env *env, char farm[FARM_NAME_SIZE], struct gw_error *err)
{
	const char *given = env_text(env, OPT_FARM_NAME);
	char hostname[256] = "";

	if (given && *given) {
		snprintf(farm, FARM_NAME_SIZE, "%s", given);
		return true;
	}
	gethostname(hostname, sizeof(hostname) - 1);
	return farm_name_of(hostname, farm, err);
}
