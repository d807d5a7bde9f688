/* Which blocks of a TFTP transfer are to be sent: RFC 1350 and its windows (RFC 7440) as a pure machine. Blocks count from 1 in 64 bits; on
 * the wire there are the low 16, which go round. With options agreed on, block 0 is the OACK. */
#ifndef BOOTSD_TFTP_WINDOW_H
#define BOOTSD_TFTP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct tftp_window {
	uint64_t acked;  /* all up to this one have arrived */
	uint64_t sent;   /* the last one that was sent since; >= acked */
	uint64_t last;   /* the transfer's last block, which is short or empty */
	unsigned window; /* blocks */
	bool oack;       /* the OACK is sent but not acknowledged: nothing else is sent yet */
	bool again;      /* the client asked for the window's rest again; a second such answer means nothing */
};

void tftp_window_start(struct tftp_window *w, uint64_t size, unsigned block, unsigned window, bool oack);
/* An ACK of the low 16 bits. True: there is something new to send from `acked` + 1 on, or it is all done. */
bool tftp_window_ack(struct tftp_window *w, unsigned number);
void tftp_window_timeout(struct tftp_window *w); /* all that is not acknowledged is to be sent again */
bool tftp_window_done(const struct tftp_window *w);
unsigned tftp_window_to_send(const struct tftp_window *w); /* how many blocks, from `sent` + 1 on; 0: wait (or send the OACK) */

#endif
