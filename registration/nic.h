/* The network interface that this machine is known by. */
#ifndef REGISTRATION_NIC_H
#define REGISTRATION_NIC_H

#include "registration/text.h"

struct nic {
	char name[16];
	char mac[18]; /* lower case with colons */
	char ip[16];
};

/* The interface of the default route with the least metric in the text of /proc/net/route; "" if there is none. */
void nic_of_default_route(const char *route, char name[16]);
/* That one, or else the only one that has an IPv4 address. */
bool nic_find(struct nic *nic, const char *root, struct failure *why);

#endif
