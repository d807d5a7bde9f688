/* Every JSON body that REST takes: of a DUT's registration and edit, a port's, a discovery's. */
#include <stdint.h>
#include <stdlib.h>

#include "executord/discovery.h"
#include "executord/rest_fields.h"
#include "executord/rest_pdu.h"
#include "libgateway/json.h"
#include "libmars/fields.h"

static void take_fields(const cJSON *json, unsigned who)
{
	struct rest_fields fields;
	struct gw_error err = {0};

	gw_assert(rest_fields_decode(&fields, json, who, &err) == (err.kind == GW_OK));
	rest_fields_finish(&fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct gw_error err = {0}, port_err = {0}, ask_err = {0};
	struct port_change change;
	struct discovery_ask ask;
	char *text = port_change_text((const char *)bytes, n);
	cJSON *json = json_decode(text, n, &err);

	free(text);
	if (!json)
		return 0;
	take_fields(json, MARS_BY_CREATE);
	take_fields(json, MARS_BY_PATCH);
	gw_assert(port_change_decode(json, &change, &port_err) == (port_err.kind == GW_OK));
	gw_assert(discovery_ask_decode(json, &ask, &ask_err) == (ask_err.kind == GW_OK));
	cJSON_Delete(json);
	return 0;
}
