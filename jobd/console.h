/* The DUT's serial console, through SALAD: its REST names the machine's TCP port, where the bytes are. Connected for the whole job, and
 * again whenever the connection is lost. */
#ifndef JOBD_CONSOLE_H
#define JOBD_CONSOLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "libgateway/buffer.h"
#include "libgateway/http_client.h"
#include "libgateway/loop.h"

struct jobd;

enum console_state { CONSOLE_OFF, CONSOLE_ASKING, CONSOLE_CONNECTING, CONSOLE_CONNECTED, CONSOLE_WAITING };

struct console {
	enum console_state state;
	struct sockaddr_in address; /* of SALAD; the port changes */
	char *base;                 /* its URL, owned */
	char *machine_url;          /* of this DUT's machine, owned */
	struct http_transfer *asking, *resetting;
	int fd; /* 0: none */
	struct loop_fd watch;
	struct loop_timer again; /* the next try; while connecting: patience */
	unsigned tries;          /* since it was last connected */
	bool told;               /* of this loss */
	bool fresh;              /* nothing was read of this connection yet */
	struct buffer input;     /* what the console has not taken yet */
	bool input_told;         /* that some of it was left out */
	bool reset_wanted;       /* CONSOLE_READY is owed */
	bool reset_answered;
	char reset_text[256]; /* what went wrong with it; "": nothing */
	struct loop_timer reset_patience;
};

bool console_init(struct jobd *j, struct gw_error *err); /* finds SALAD; blocks on the resolver, so at start */
void console_start(struct jobd *j);
void console_reset(struct jobd *j); /* CONSOLE_READY follows, once it is reset and connected, or was given up */
void console_input(struct jobd *j, const void *bytes, size_t n);
void console_stop(struct jobd *j);
void console_finish(struct jobd *j);

#endif
