#include "libmars/file.h"

#include "libmars/marsdb.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WRITER_WAIT_MS 2000 /* how long somebody may keep a file open for writing */

/* Until the end of file, not until st_size: an editor may be at it. */
static char *read_all(int fd, size_t expected, const char *path, size_t *len, struct gw_error *err)
{
	size_t room = expected + 1, used = 0;
	char *text = gw_realloc(NULL, room + 1);
	ssize_t n;

	while ((n = pread(fd, text + used, room - used, (off_t)used)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (used += (size_t)n) > MARS_MAX_SIZE)
			break;
		if (used == room)
			text = gw_realloc(text, (room *= 2) + 1);
	}
	if (n == 0) {
		text[used] = '\0';
		*len = used;
		return text;
	}
	if (n < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot read %s", path);
	else
		gw_fail(err, GW_BAD_INPUT, "%s is too large; accepted: up to %u bytes", path, MARS_MAX_SIZE);
	free(text);
	return NULL;
}

char *mars_file_read_fd(int fd, const char *path, size_t *len, struct gw_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot look at %s", path);
	else if (!S_ISREG(st.st_mode))
		gw_fail(err, GW_BAD_INPUT, "%s is not a file", path);
	else if (st.st_size > MARS_MAX_SIZE)
		gw_fail(err, GW_BAD_INPUT, "%s: %lld bytes are too many; accepted: up to %u", path, (long long)st.st_size, MARS_MAX_SIZE);
	else
		return read_all(fd, (size_t)st.st_size, path, len, err);
	return NULL;
}

/* A lease is broken by SIGIO, whose default is to end the process: SIGURG instead, which is ignored by default. */
int mars_file_lease(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -1;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		return 1;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int mars_file_await_writers(int fd)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), lease;
	int64_t until = now_ms() + WRITER_WAIT_MS, left;
	char events[4096], path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* whatever its name is by now */
	if (watch >= 0)
		inotify_add_watch(watch, path, IN_CLOSE_WRITE);
	while ((lease = mars_file_lease(fd)) == 0 && (left = until - now_ms()) > 0) {
		struct pollfd p = {.fd = watch, .events = POLLIN};

		poll(&p, 1, left < 100 ? (int)left : 100); /* two writers: only the second's close matters, so look again */
		while (watch >= 0 && read(watch, events, sizeof(events)) > 0)
			;
	}
	if (watch >= 0)
		close(watch);
	return lease;
}

/* It may be that of a save of ours that is under way, and whose lease it is. */
static int open_to_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* not to wait at a FIFO */

	return fd < 0 && errno == EWOULDBLOCK ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : fd;
}

/* `lease`: how to take one before it is read; NULL: without. */
static char *read_path(const char *path, int (*lease)(int fd), bool anyway, size_t *len, struct gw_error *err)
{
	int fd = open_to_read(path);
	char *text = NULL;

	if (fd < 0) {
		gw_fail_errno(err, errno == ENOENT ? GW_NOT_FOUND : GW_UNREACHABLE, errno, "cannot open %s", path);
		return NULL;
	}
	if (!lease || lease(fd) != 0 || anyway)
		text = mars_file_read_fd(fd, path, len, err);
	close(fd);
	return text;
}

char *mars_file_read(const char *path, size_t *len, struct gw_error *err)
{
	return read_path(path, NULL, true, len, err);
}

char *mars_file_read_settled(const char *path, size_t *len, struct gw_error *err)
{
	return read_path(path, mars_file_lease, false, len, err);
}

char *mars_file_read_awaited(const char *path, size_t *len, struct gw_error *err)
{
	return read_path(path, mars_file_await_writers, true, len, err);
}
