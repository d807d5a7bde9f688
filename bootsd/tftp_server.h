/* The TFTP server: read-only. A DUT sees the files of its running job, every machine iPXE's binaries. What one machine can hold here is
 * bounded: TFTP_PER_ADDRESS transfers, one window of each in flight; and until it has answered once it is sent an OACK or one block only.
 */
#ifndef BOOTSD_TFTP_SERVER_H
#define BOOTSD_TFTP_SERVER_H

#include "bootsd/peer.h"
#include "bootsd/seen.h"
#include "bootsd/static_files.h"
#include "bootsd/tftp_packet.h"
#include "libgateway/loop.h"

#define TFTP_PER_ADDRESS 4
#define TFTP_TRANSFERS   512

struct tftp_transfer;
struct tftp_server {
	struct loop *loop; /* borrowed, as all of these */
	struct peers *peers;
	const struct static_files *statics;
	struct seen *seen;
	int fd; /* owned; 0: not open */
	struct loop_fd watch;
	struct tftp_transfer *oldest, *newest;
	unsigned n;
	struct bucket complaints;
	uint8_t *room; /* owned: a window's bytes */
};

/* `fd`: a bound socket from systemd (taken over), or -1: opens its own. */
bool tftp_server_start(struct tftp_server *server, struct loop *loop, int fd, struct peers *peers, const struct static_files *statics,
		       struct seen *seen, struct gw_error *err);
void tftp_server_stop(struct tftp_server *server); /* accepts zeroed memory */
/* `file` (taken; NULL: there is none) for all who wait for it by TFTP. */
void tftp_server_give(struct tftp_server *server, struct deployment *deployment, const char *path, struct boot_file *file);
/* Ends the transfers of the machine's job, which is withdrawn or replaced. */
void tftp_server_forget(struct tftp_server *server, const struct machine *machine);

#endif
