#include <stdio.h>
#include <string.h>

#include "pdud/driver.h"

static const struct driver *const drivers[] = {&driver_dummy, &driver_vpdu};

/* Accepted by the database, since the field has such devices. */
static const char *const not_built_yet[] = {"snmp",   "apc_masterswitch", "cyberpower_pdu41004", "cyberpower_pdu15swhviec12atnet",
					    "shelly", "tasmota",          "devantech",           "kernelchip",
					    "usbhub", "snmp_poe",         "snmp_poe_tplink"};

const struct driver *driver_find(const char *name, struct gw_error *err)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	for (size_t i = 0; i < sizeof(not_built_yet) / sizeof(not_built_yet[0]); i++) {
		if (strcmp(not_built_yet[i], name) == 0) {
			gw_fail(err, GW_BAD_INPUT, "the driver '%s' is not built yet; built: dummy, vpdu", name);
			return NULL;
		}
	}
	gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a PDU driver; built: dummy, vpdu", name);
	return NULL;
}

static void list_keys(const char *const *known, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; known[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", known[i]);
}

bool driver_knows_keys(const cJSON *config, const char *const *known, struct gw_error *err)
{
	const cJSON *item;
	char accepted[256];

	cJSON_ArrayForEach(item, config)
	{
		size_t i = 0;

		while (known[i] && strcmp(known[i], item->string) != 0)
			i++;
		if (known[i])
			continue;
		list_keys(known, accepted, sizeof(accepted));
		return gw_fail(err, GW_BAD_INPUT, "config.%.64s: not a key of this driver; accepted: %s", item->string, accepted);
	}
	return true;
}
