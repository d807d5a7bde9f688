/* Last words to a connection that is refused. Closing at once, with bytes of the peer's unread, would reset the connection and could take
 * the words with it: so they are sent, and the peer closes (or is closed after a second). Loop thread only. */
#ifndef SALADD_FAREWELL_H
#define SALADD_FAREWELL_H

#include "libgateway/loop.h"

#define FAREWELLS_MAX 64 /* at once; one more is closed at once */

struct farewell;
/* Zeroed memory with `loop` set is empty. */
struct farewells {
	struct loop *loop;
	struct farewell *first; /* owned */
	unsigned n;
};

void farewell_say(struct farewells *all, int fd, const char *text); /* owns `fd` */
void farewells_finish(struct farewells *all);

#endif
