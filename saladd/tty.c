#include "saladd/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Without HUPCL: a restart of saladd must not look like a hangup to the machine. */
static bool make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return false;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) == 0;
}

/* A lock is what careful programs ask for first; TIOCEXCL stops the others. */
static bool claim(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 && ioctl(fd, TIOCEXCL) == 0;
}

int tty_open(const char *path, struct gw_error *err)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), error;

	if (fd >= 0 && claim(fd) && make_raw(fd))
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	if (error == EBUSY || error == EWOULDBLOCK)
		gw_fail(err, GW_BUSY, "%s: another program has it", path);
	else
		gw_fail_errno(err, error == ENOENT || error == ENODEV ? GW_NOT_FOUND : GW_UNREACHABLE, error, "%s", path);
	return -1;
}
