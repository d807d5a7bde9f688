/* One file on its way to one client: a socket of its own, so that the kernel lets the client's packets through only. Private to the TFTP
 * server. */
#ifndef BOOTSD_TFTP_TRANSFER_H
#define BOOTSD_TFTP_TRANSFER_H

#include "bootsd/boot_file.h"
#include "bootsd/tftp_server.h"
#include "bootsd/tftp_window.h"

struct tftp_transfer {
	struct tftp_transfer *next, *prev; /* of the server, the oldest first */
	struct tftp_server *server;
	uint32_t ip;    /* of the client */
	struct mac mac; /* the machine whose job's file it is; zeros: a file for everyone */
	int fd;
	struct loop_fd watch;
	struct loop_timer timer;
	struct boot_file *file; /* one reference */
	struct tftp_terms terms;
	struct tftp_window window;
	uint8_t oack[TFTP_OACK_MAX];
	size_t oack_len;
	unsigned tries; /* since the last progress */
	bool answered;  /* the client has answered once: it is really there */
};

/* Begins at once. Takes a reference of the file. NULL on failure. Freed by itself at its end. */
struct tftp_transfer *tftp_transfer_start(struct tftp_server *server, uint32_t ip, uint16_t port, const struct tftp_request *rq,
					  struct boot_file *file, struct gw_error *err);
void tftp_transfer_end(struct tftp_transfer *transfer, const char *why); /* `why`: told to the client as an error; NULL: nothing is */

#endif
