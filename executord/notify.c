#include "executord/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_MAX 512

static pid_t sender_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(c), sizeof(who));
		return who.pid;
	}
	return 0;
}

static bool read_one(struct notify *notify)
{
	char text[TEXT_MAX + 1];
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec into = {text, TEXT_MAX};
	struct msghdr msg = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(notify->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	pid_t pid;

	if (n < 0)
		return errno == EINTR;
	text[n] = '\0';
	pid = sender_of(&msg);
	if (pid > 0)
		notify->said(notify->data, pid, text);
	return true;
}

void notify_read(struct notify *notify)
{
	while (notify->fd && read_one(notify))
		;
}

static void on_readable(void *data, int events)
{
	notify_read(data);
}

bool notify_start(struct notify *notify, struct loop *loop, const char *path, notify_fn *said, void *data, struct gw_error *err)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd, one = 1;

	if (strlen(path) >= sizeof(where.sun_path))
		return gw_fail(err, GW_BAD_INPUT, "EXECUTOR_RUNTIME_DIR: %s is too long for a socket's name", path);
	strcpy(where.sun_path, path);
	unlink(path); /* a killed supervisor's: its children say to us what they said to it */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 || chmod(path, 0660) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot listen", path);
		if (fd >= 0)
			close(fd);
		return false;
	}
	*notify = (struct notify){.fd = fd, .path = gw_strdup(path), .said = said, .data = data};
	return loop_fd_start(loop, &notify->watch, fd, UV_READABLE, on_readable, notify, err);
}

void notify_finish(struct notify *notify)
{
	loop_fd_finish(&notify->watch);
	if (notify->fd) {
		close(notify->fd);
		unlink(notify->path);
	}
	free(notify->path);
	*notify = (struct notify){0};
}

bool notify_has(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
			return true;
	return false;
}
