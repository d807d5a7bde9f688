/* The value of a DHCP option as a job writes it, as the option's bytes in hexadecimal (RFC 2132, 4578, 4702). Pure. */
#ifndef LIBJOB_DHCP_OPTIONS_H
#define LIBJOB_DHCP_OPTIONS_H

#include <stdbool.h>

#include "libgateway/error.h"

#define DHCP_OPTION_MAX     255 /* bytes */
#define DHCP_OPTION_HEX_MAX (2 * DHCP_OPTION_MAX)

/* Addresses are dotted, several with commas between; lease_time is in seconds; uuid as usual; client_id a MAC or any text. Options without
 * a name of their own: "0x..." is hexadecimal, all else is text. `where` names the job's place in errors. */
bool dhcp_option_encode(int code, const char *value, char hex[DHCP_OPTION_HEX_MAX + 1], const char *where, struct gw_error *err);

#endif
