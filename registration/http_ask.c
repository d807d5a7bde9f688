#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registration/http.h"
#include "registration/resolve.h"

#define CONNECT_MS 5000

static bool split_port(char *name, uint16_t *port)
{
	char *colon = strrchr(name, ':'), *end;
	unsigned long value;

	*port = 80;
	if (!colon)
		return true;
	*colon = '\0';
	value = strtoul(colon + 1, &end, 10);
	*port = (uint16_t)value;
	return colon[1] >= '0' && colon[1] <= '9' && !*end && value >= 1 && value <= 65535;
}

bool http_server_find(struct http_server *server, const char *root, const char *host, struct failure *why)
{
	struct in_addr parsed;

	if (snprintf(server->name, sizeof(server->name), "%s", host) >= (int)sizeof(server->name) ||
	    !split_port(server->name, &server->port) || !server->name[0])
		return failed(why, "-m: '%.100s' is not a gateway; accepted: HOST or HOST:PORT", host);
	if (inet_pton(AF_INET, server->name, &parsed) == 1) {
		inet_ntop(AF_INET, &parsed, server->address, sizeof(server->address));
		return true;
	}
	return resolve(server->address, root, server->name, why);
}

static bool await(int fd, short events, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = until - now_ms();

	return left > 0 && poll(&p, 1, (int)left) == 1;
}

static bool connected(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	errno = error;
	return !error;
}

static int connect_to(const struct http_server *server, struct failure *why)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, server->address, &to.sin_addr);
	errno = 0;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (errno == EINPROGRESS) {
		errno = ETIMEDOUT;
		if (await(fd, POLLOUT, now_ms() + CONNECT_MS) && connected(fd))
			return fd;
	}
	failed(why, "cannot connect to %s (%s) port %u: %s", server->name, server->address, server->port, strerror(errno));
	close(fd);
	return -1;
}

static bool send_all(int fd, const char *bytes, size_t n, int64_t until)
{
	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			sent = await(fd, POLLOUT, until) ? 0 : -1;
		if (sent < 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool send_request(int fd, const struct http_server *server, const char *method, const char *path, const char *body, int64_t until)
{
	char head[1024];
	struct text h = TEXT_ON(head);

	text_add(&h, "%s %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: registration\r\nAccept: application/json\r\nConnection: close\r\n",
		 method, path, server->name, server->port);
	if (body)
		text_add(&h, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	text_add(&h, "\r\n");
	return !h.cut && send_all(fd, head, h.len, until) && (!body || send_all(fd, body, strlen(body), until));
}

static enum http_progress read_answer(int fd, char *bytes, int64_t until, struct http_answer *answer)
{
	enum http_progress progress = HTTP_MORE;
	size_t n = 0;

	while (progress == HTTP_MORE && n < HTTP_ANSWER_MAX && await(fd, POLLIN, until)) {
		ssize_t got = recv(fd, bytes + n, HTTP_ANSWER_MAX - n, 0);
		if (got < 0 && errno == EAGAIN)
			continue;
		n += got > 0 ? (size_t)got : 0;
		progress = http_answer_decode(bytes, n, got <= 0, answer);
	}
	return progress;
}

bool http_ask(const struct http_server *server, const char *method, const char *path, const char *body, char *bytes,
	      struct http_answer *answer, struct failure *why)
{
	static const char *const wrong[] = {
		[HTTP_MORE] = "no whole answer within 30 s and 4 MiB", [HTTP_BAD] = "the answer is not valid HTTP"};
	int64_t until = now_ms() + HTTP_TIMEOUT_MS;
	enum http_progress progress;
	int fd = connect_to(server, why);

	if (fd < 0)
		return false;
	/* a server may answer and close before it has read all: what it says counts */
	send_request(fd, server, method, path, body, until);
	progress = read_answer(fd, bytes, until, answer);
	close(fd);
	return progress == HTTP_DONE || failed(why, "%s http://%s:%u%s: %s", method, server->name, server->port, path, wrong[progress]);
}
