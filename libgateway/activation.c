#include "libgateway/activation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

bool activation_take(struct activation *fds, struct gw_error *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	if (n < 0)
		return gw_fail_errno(err, GW_BAD_INPUT, -n, "LISTEN_FDS: what was handed over cannot be taken");
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (fds->n == ACTIVATION_MAX) {
			close(fd);
		} else {
			fds->v[fds->n].fd = fd;
			fds->v[fds->n++].name = gw_strdup(names && names[i] ? names[i] : "unknown");
		}
		if (names)
			free(names[i]);
	}
	free(names);
	return true;
}

int activation_find(struct activation *fds, const char *name)
{
	for (int i = 0; i < fds->n; i++) {
		if (fds->v[i].fd >= 0 && strcmp(fds->v[i].name, name) == 0) {
			int fd = fds->v[i].fd;
			fds->v[i].fd = -1;
			return fd;
		}
	}
	return -1;
}

void activation_finish(struct activation *fds)
{
	for (int i = 0; i < fds->n; i++) {
		if (fds->v[i].fd >= 0)
			close(fds->v[i].fd);
		free(fds->v[i].name);
	}
	*fds = (struct activation){0};
}

static bool address_parse(const char *address, uint16_t port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address && *address ? address : "0.0.0.0", &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*len = sizeof(*in);
		return true;
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*len = sizeof(*in6);
		return true;
	}
	return false;
}

int activation_tcp_listen(const char *address, uint16_t port, int backlog, struct gw_error *err)
{
	struct sockaddr_storage where;
	socklen_t len;
	int fd, one = 1;

	if (!address_parse(address, port, &where, &len)) {
		gw_fail(err, GW_BAD_INPUT, "'%s' is not an IP address to listen on", address);
		return -1;
	}
	fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, backlog) < 0) {
		gw_fail_errno(err, errno == EADDRINUSE ? GW_BUSY : GW_UNREACHABLE, errno, "cannot listen on %s port %u",
			      address && *address ? address : "0.0.0.0", port);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

uint16_t activation_port_of(int fd)
{
	struct sockaddr_storage where = {0};
	socklen_t len = sizeof(where);

	if (getsockname(fd, (struct sockaddr *)&where, &len) < 0)
		return 0;
	if (where.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&where)->sin_port);
	return where.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&where)->sin6_port) : 0;
}
