/* How many bytes went over a TCP connection. Private to libgateway; a file of its own since linux/tcp.h and uv.h do not go together. */
#ifndef LIBGATEWAY_TCP_BYTES_H
#define LIBGATEWAY_TCP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_bytes {
	uint64_t received;     /* read by us or not */
	uint64_t acknowledged; /* of what we sent */
};
bool tcp_bytes(int fd, struct tcp_bytes *bytes); /* false: it cannot be told */

#endif
