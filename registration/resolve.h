/* Names to IPv4 addresses, as a static program must do it by itself: ROOT/etc/hosts, then the servers of ROOT/etc/resolv.conf by DNS. */
#ifndef REGISTRATION_RESOLVE_H
#define REGISTRATION_RESOLVE_H

#include "registration/text.h"

#define DNS_MESSAGE_MAX 512 /* RFC 1035, 4.2.1 */

bool resolve(char address[16], const char *root, const char *name, struct failure *why);

/* The pure parts: a question for the A record of `name` (0: it is no host name); and what the answer to it says. */
size_t dns_question(unsigned char message[DNS_MESSAGE_MAX], uint16_t id, const char *name);
enum dns_answer { DNS_ADDRESS, DNS_NONE, DNS_NOT_OURS }; /* NOT_OURS: of another question, or no DNS at all */
enum dns_answer dns_answer_decode(const unsigned char *message, size_t n, uint16_t id, unsigned char address[4]);

#endif
