/* A port's serial line to SALAD, as a serial adapter that is always plugged in: connected at the port's first ON and from then on, again
 * and again if need be. On connecting it says `SALAD.machine_id=52:54:00:11:22:NN`. What a machine writes meanwhile is kept, the
 * newest 64 KiB. Loop thread only.
 */
#ifndef PDUD_VPDUD_CONSOLE_H
#define PDUD_VPDUD_CONSOLE_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "libgateway/buffer.h"

#define CONSOLE_KEPT_BYTES (64 * 1024)

struct console_events {
	void (*input)(void *data, const char *bytes, size_t n); /* typed by SALAD's client */
	void (*tried)(void *data);                              /* the first attempt to connect after console_open has ended */
};

struct console {
	uv_loop_t *loop;
	const struct sockaddr_storage *salad; /* borrowed; ss_family 0: there is none */
	unsigned port;
	const struct console_events *events;
	void *data;
	uv_tcp_t *tcp;     /* owned; NULL between attempts */
	uv_timer_t *retry; /* owned; NULL before console_open */
	bool connected, tried, paused, writing;
	unsigned failures;     /* in a row; only the first is logged */
	struct buffer waiting; /* from the machine, to SALAD */
};

void console_init(struct console *c, uv_loop_t *loop, const struct sockaddr_storage *salad, unsigned port,
		  const struct console_events *events, void *data);
/* Starts connecting. `tried` follows, once, from the loop; never if there is no SALAD. Later calls do nothing. */
void console_open(struct console *c);
void console_send(struct console *c, const char *bytes, size_t n);
void console_pause(struct console *c, bool paused); /* stops taking input, so that TCP holds SALAD's client back */
void console_finish(struct console *c);             /* the handles free themselves in the loop; `c` may go at once */

#endif
