#include "tests/harness/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "tests/harness/proc.h"

int net_connect(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail_msg("cannot connect to port %u: %s", port, strerror(errno));
	return fd;
}

int net_listen(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0)
		fail_msg("cannot listen on port %u: %s", port, strerror(errno));
	return fd;
}

uint16_t net_port(int fd)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin_port);
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, PROC_PATIENCE_MS) == 1;
}

int net_accept(int listener)
{
	if (!readable(listener))
		fail_msg("nobody connected to port %u", net_port(listener));
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

void net_send_bytes(int fd, const void *bytes, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t r = write(fd, (const char *)bytes + sent, n - sent);
		if (r < 0)
			fail_msg("cannot send: %s", strerror(errno));
		sent += (size_t)r;
	}
}

void net_send(int fd, const char *text)
{
	net_send_bytes(fd, text, strlen(text));
}

char *net_read(int fd, size_t n)
{
	char *bytes = gw_calloc(1, n + 1);
	ssize_t r = 1;

	for (size_t got = 0; got < n; got += (size_t)r)
		if (!readable(fd) || (r = read(fd, bytes + got, n - got)) <= 0)
			fail_msg("%zu of %zu bytes came: %.200s", got, n, bytes);
	return bytes;
}

void net_expect(int fd, const char *text)
{
	char *got = net_read(fd, strlen(text));

	assert_string_equal(got, text);
	free(got);
}

char *net_await(int fd, const char *text)
{
	struct buffer all = {0};
	char piece[4096];
	ssize_t r = 1;

	while (!all.len || !memmem(all.data, all.len, text, strlen(text))) {
		if (readable(fd))
			r = read(fd, piece, sizeof(piece));
		else
			r = 0;
		if (r <= 0)
			fail_msg("'%s' did not come; there came: %s", text, all.len ? all.data : "");
		buffer_add(&all, piece, (size_t)r);
	}
	return buffer_take(&all);
}

void net_expect_end(int fd)
{
	char byte;
	ssize_t r;

	if (!readable(fd))
		fail_msg("the connection was not closed");
	r = read(fd, &byte, 1);
	if (r > 0)
		fail_msg("'%c' came instead of the end", byte);
	close(fd);
}

static char *read_to_end(int fd)
{
	struct buffer all = {0};
	char piece[4096];
	ssize_t r;

	while (readable(fd) && (r = read(fd, piece, sizeof(piece))) > 0)
		buffer_add(&all, piece, (size_t)r);
	close(fd);
	return buffer_take(&all);
}

char *net_http(uint16_t port, const char *method, const char *path, const char *body, int *status)
{
	char *request = gw_sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
				   "Content-Length: %zu\r\n\r\n%s",
				   method, path, body ? strlen(body) : 0, body ? body : "");
	int fd = net_connect(port);
	char *answer, *end;

	net_send(fd, request);
	free(request);
	answer = read_to_end(fd);
	end = strstr(answer, "\r\n\r\n");
	if (!end || sscanf(answer, "HTTP/1.1 %d", status) != 1)
		fail_msg("%s %s: no HTTP answer: %s", method, path, answer);
	memmove(answer, end + 4, strlen(end + 4) + 1);
	return answer;
}
