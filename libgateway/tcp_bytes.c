#include "libgateway/tcp_bytes.h"

#include <linux/tcp.h> /* not netinet/tcp.h: its tcp_info ends before tcpi_bytes_received */
#include <netinet/in.h>
#include <sys/socket.h>

bool tcp_bytes(int fd, struct tcp_bytes *bytes)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	*bytes = (struct tcp_bytes){info.tcpi_bytes_received, info.tcpi_bytes_acked};
	return true;
}
