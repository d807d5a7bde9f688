#include "registration/serial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORTS_MAX     64
#define WRITE_TRIES   10
#define WRITE_WAIT_MS 100

bool serial_is_pong(size_t *at, const char *bytes, size_t n)
{
	static const char pong[] = "SALAD.pong\n"; /* its first letter occurs once: a mismatch goes back to the start */

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == pong[*at])
			++*at;
		else
			*at = bytes[i] == pong[0];
		if (!pong[*at]) {
			*at = 0;
			return true;
		}
	}
	return false;
}

/* Raw: no echo (a pong that came back to SALAD would be none), no signals, no CR before our LF. */
static void make_raw(struct serial_port *p)
{
	struct termios raw;

	p->was_tty = tcgetattr(p->in, &p->before) == 0;
	if (!p->was_tty)
		return;
	raw = p->before;
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL | CREAD;
	raw.c_cflag &= ~(tcflag_t)CRTSCTS;
	cfsetspeed(&raw, B115200);
	tcsetattr(p->in, TCSADRAIN, &raw);
}

void serial_close(struct serial_port *p)
{
	if (p->was_tty)
		tcsetattr(p->in, TCSADRAIN, &p->before);
	if (p->in > STDERR_FILENO)
		close(p->in);
}

/* A port without a driver behind it (type 0) is none. */
static bool is_serial_port(const char *root, const char *name)
{
	char type[16], path[512];

	snprintf(path, sizeof(path), "%s/sys/class/tty/%s/device", root, name);
	if (access(path, F_OK) < 0)
		return false; /* virtual consoles, pseudo terminals */
	return !file_text(type, sizeof(type), root, "/sys/class/tty/%s/type", name) || atoi(type) != 0;
}

static bool port_open(struct serial_port *p, const char *root, const char *name)
{
	char path[512];

	if (strlen(name) >= sizeof(p->name) || !is_serial_port(root, name))
		return false;
	snprintf(path, sizeof(path), "%s/dev/%s", root, name);
	memset(p, 0, sizeof(*p));
	strcpy(p->name, name);
	p->in = p->out = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->in < 0)
		return false;
	make_raw(p);
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static size_t open_all(struct serial_port *ports, const char *root)
{
	struct dirent **entries = NULL;
	char path[512];
	size_t opened = 0;
	int n;

	snprintf(path, sizeof(path), "%s/sys/class/tty", root);
	n = scandir(path, &entries, NULL, by_name);
	for (int i = 0; i < n; i++) {
		if (opened < PORTS_MAX)
			opened += port_open(&ports[opened], root, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return opened;
}

void serial_say(const struct serial_port *p, const char *fmt, ...)
{
	struct pollfd writable = {.fd = p->out, .events = POLLOUT};
	char said[256];
	size_t n, at = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	n = strlen(said);
	for (int tries = 0; at < n && tries < WRITE_TRIES; tries++) {
		ssize_t written = write(p->out, said + at, n - at);
		at += written > 0 ? (size_t)written : 0;
		if (at < n)
			poll(&writable, 1, WRITE_WAIT_MS);
	}
}

/* Reads what has come. *ended: nothing will come any more. */
static bool answers(struct serial_port *p, bool *ended)
{
	char bytes[1024];
	ssize_t n = read(p->in, bytes, sizeof(bytes));

	*ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	return n > 0 && serial_is_pong(&p->pong_at, bytes, (size_t)n);
}

/* The first that answers within a second; NULL: none. */
static struct serial_port *await_pong(struct serial_port *ports, size_t n)
{
	struct pollfd fds[PORTS_MAX];
	int64_t until = now_ms() + SERIAL_PONG_MS, left;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = ports[i].in, .events = POLLIN};
	while ((left = until - now_ms()) > 0 && poll(fds, n, (int)left) > 0) {
		for (size_t i = 0; i < n; i++) {
			bool ended = false;
			if (fds[i].revents && answers(&ports[i], &ended))
				return &ports[i];
			if (ended)
				fds[i].fd = -1; /* unplugged: poll() would return at once for ever */
		}
	}
	return NULL;
}

bool serial_find(struct serial_port *port, const char *root)
{
	struct serial_port ports[PORTS_MAX], *found;
	size_t n = open_all(ports, root);

	for (size_t i = 0; i < n; i++)
		serial_say(&ports[i], "\nSALAD.ping\n");
	found = await_pong(ports, n);
	if (found)
		*port = *found;
	for (size_t i = 0; i < n; i++)
		if (&ports[i] != found)
			serial_close(&ports[i]);
	return found != NULL;
}

bool serial_ping_stdio(struct serial_port *port)
{
	memset(port, 0, sizeof(*port));
	port->in = STDIN_FILENO;
	port->out = STDOUT_FILENO;
	make_raw(port);
	serial_say(port, "\nSALAD.ping\n");
	return await_pong(port, 1) != NULL;
}
