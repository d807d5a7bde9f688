/* What a job may do on the bus: a text that executord makes and any daemon with the key can check by itself, so that nobody has to be asked
 * and a restart forgets nothing. HMAC-SHA256 (RFC 2104) over a JSON object, "BASE64URL(json).HEX(mac)". jobd carries it, and cannot make
 * one. */
#ifndef LIBBUS_CAPABILITY_H
#define LIBBUS_CAPABILITY_H

#include <stdbool.h>

#include "libgateway/error.h"

#define CAPABILITY_KEY_HEX  64 /* hexadecimal digits of a key */
#define CAPABILITY_TEXT_MAX 1024

struct capability {
	char job[128]; /* the gateway's id of the job, or "discovery-N" */
	char dut[129]; /* "" in a discovery */
	char mac[18];
	char ip[16]; /* "" if it has none */
	char pdu[129], port[129];
};

bool capability_key_make(char key[CAPABILITY_KEY_HEX + 1], struct gw_error *err); /* random */
bool capability_make(const char *key, const struct capability *cap, char text[CAPABILITY_TEXT_MAX + 1], struct gw_error *err);
/* GW_REFUSED if it was not made with this key. `key` NULL or "": GW_UNREACHABLE, not configured yet: a later try may work. */
bool capability_check(const char *key, const char *text, struct capability *cap, struct gw_error *err);

#endif
