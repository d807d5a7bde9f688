/* How many bytes a TCP peer has sent. Private to libgateway; a file of its own since linux/tcp.h and uv.h do not go together. */
#ifndef LIBGATEWAY_TCP_RECEIVED_H
#define LIBGATEWAY_TCP_RECEIVED_H

#include <stdint.h>

uint64_t tcp_received(int fd); /* read by us or not; UINT64_MAX: it cannot be told */

#endif
