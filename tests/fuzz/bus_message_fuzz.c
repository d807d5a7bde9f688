#include <stdlib.h>

#include "libbus/wire.h"

/* A frame's split, its message, and its body: what decodes encodes again, and to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus_wire wire;
	size_t frame;
	uint32_t id;
	void *body = NULL;

	if (bus_frame_decode(data, size, &id, &frame) && frame > size)
		__builtin_trap();
	if (!bus_wire_decode((const char *)data, size, &wire, NULL))
		return 0;
	if (wire.form == BUS_ASK || wire.form == BUS_EVENT_OF)
		body = bus_body_decode(bus_types[wire.type].body, wire.body, NULL);
	if (body)
		bus_body_free(bus_types[wire.type].body, bus_body_dup(bus_types[wire.type].body, body));
	bus_body_free(body ? bus_types[wire.type].body : NULL, body);
	bus_wire_finish(&wire);
	return 0;
}
