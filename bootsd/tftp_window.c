#include "bootsd/tftp_window.h"

void tftp_window_start(struct tftp_window *w, uint64_t size, unsigned block, unsigned window, bool oack)
{
	*w = (struct tftp_window){.last = size / block + 1, .window = window, .oack = oack};
}

/* The client has all up to `block`. */
static void advance(struct tftp_window *w, uint64_t block)
{
	w->acked = w->sent = block;
	w->again = false;
}

/* RFC 7440 section 4: a client that misses a block acknowledges the last one that it got in order, and the rest is sent again from there.
 * For a window of one that is RFC 1123's sorcerer's apprentice: a repeated ACK is ignored, and the block goes again at its timeout. */
bool tftp_window_ack(struct tftp_window *w, unsigned number)
{
	uint64_t block = w->acked + (uint16_t)(number - (unsigned)w->acked);

	if (w->oack) {
		w->oack = number != 0;
		return !w->oack;
	}
	if (block > w->sent)
		return false;
	if (block > w->acked) {
		advance(w, block);
		return true;
	}
	if (w->window == 1 || w->again || w->sent == w->acked)
		return false;
	advance(w, block);
	w->again = true;
	return true;
}

void tftp_window_timeout(struct tftp_window *w)
{
	w->sent = w->acked;
}

bool tftp_window_done(const struct tftp_window *w)
{
	return w->acked == w->last;
}

unsigned tftp_window_to_send(const struct tftp_window *w)
{
	uint64_t end = w->acked + w->window;

	if (w->oack)
		return 0;
	if (end > w->last)
		end = w->last;
	return (unsigned)(end - w->sent);
}
