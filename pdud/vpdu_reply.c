#include "pdud/vpdu_reply.h"

#include <stdlib.h>
#include <string.h>

#include "pdud/vpdud/wire.h"

#define DEFAULT_PORT 9191

static const char *const what_was_asked[] = {"its number of ports", "a port's state", "ON", "OFF"};

static bool nonsense(enum driver_op op, uint8_t byte, const char *accepted, struct gw_error *err)
{
	return gw_fail(err, GW_BAD_INPUT, "answered 0x%02x to %s; accepted: %s", byte, what_was_asked[op], accepted);
}

bool vpdu_reply_decode(enum driver_op op, uint8_t byte, struct vpdu_reply *reply, struct gw_error *err)
{
	*reply = (struct vpdu_reply){.count = byte, .state = byte == VPDU_IS_ON ? PORT_ON : PORT_OFF};
	if (op == DRIVER_LIST)
		return byte || nonsense(op, byte, "1 to 255", err);
	if (byte == VPDU_ERROR)
		return gw_fail(err, GW_REFUSED, "answered 'error' to %s", what_was_asked[op]);
	if (byte == VPDU_BAD_REQUEST)
		return gw_fail(err, GW_REFUSED, "answered 'no such port' to %s", what_was_asked[op]);
	if (op == DRIVER_READ)
		return byte == VPDU_IS_ON || byte == VPDU_IS_OFF || nonsense(op, byte, "3 (ON), 4 (OFF), 5 (error)", err);
	return byte == VPDU_DONE || nonsense(op, byte, "1 (done), 5 (error)", err);
}

static bool decode_port(const char *digits, uint16_t *port)
{
	char *end;
	unsigned long value = strtoul(digits, &end, 10);

	*port = (uint16_t)value;
	return digits[0] >= '0' && digits[0] <= '9' && !*end && value >= 1 && value <= 65535;
}

bool vpdu_hostname_decode(const char *text, char **host, uint16_t *port, struct gw_error *err)
{
	bool bracket = text[0] == '[';
	const char *begin = text + bracket, *end = strchr(begin, bracket ? ']' : ':'), *rest;

	if (!end && !bracket)
		end = begin + strlen(begin);
	rest = end ? end + bracket : "?";
	*port = DEFAULT_PORT;
	if (!end || end == begin || end - begin > 255 || (*rest && (*rest != ':' || !decode_port(rest + 1, port))))
		return gw_fail(err, GW_BAD_INPUT, "config.hostname: '%.100s' is not an address; accepted: HOST or HOST:PORT", text);
	*host = gw_strndup(begin, (size_t)(end - begin));
	return true;
}
