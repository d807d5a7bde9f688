#include <string.h>

#include "bootsd/dhcp_classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_error err = {0};
	struct dhcp_packet packet;
	struct dhcp_class class;
	struct dhcp_writer w;

	if (!dhcp_decode(&packet, data, size, &err)) {
		if (err.kind != GW_BAD_INPUT || !err.text[0])
			__builtin_trap();
		return 0;
	}
	dhcp_classify(&class, &packet);
	if (strlen(class.uuid) > 36)
		__builtin_trap();
	for (int code = 0; code < 256; code++) /* every byte of every option is the packet's */
		for (size_t i = 0; i < packet.options[code].n; i++)
			if (packet.options[code].v + i < data || packet.options[code].v + i >= data + size)
				__builtin_trap();
	dhcp_begin(&w, &packet, DHCP_OFFER);
	while (dhcp_add(&w, DHCP_CLIENT_ID, packet.options[DHCP_CLIENT_ID].v, packet.options[DHCP_CLIENT_ID].n))
		;
	dhcp_end(&w);
	if (w.n > dhcp_answer_max(&packet))
		__builtin_trap();
	return 0;
}
