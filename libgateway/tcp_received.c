#include "libgateway/tcp_received.h"

#include <linux/tcp.h> /* not netinet/tcp.h: its tcp_info ends before tcpi_bytes_received */
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t tcp_received(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? UINT64_MAX : info.tcpi_bytes_received;
}
