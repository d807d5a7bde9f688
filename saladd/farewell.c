#include "saladd/farewell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 1000

struct farewell {
	struct farewell *next; /* in farewells.first */
	struct farewells *all;
	int fd;
	struct loop_fd watch;
	struct loop_timer patience;
};

static void end(void *data)
{
	struct farewell *f = data, **link = &f->all->first;

	while (*link != f)
		link = &(*link)->next;
	*link = f->next;
	f->all->n--;
	loop_timer_finish(&f->patience);
	loop_fd_finish(&f->watch);
	close(f->fd);
	free(f);
}

static void on_ready(void *data, int events)
{
	struct farewell *f = data;
	char nobody_cares[4096];
	ssize_t n = recv(f->fd, nobody_cares, sizeof(nobody_cares), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end(f);
}

void farewell_say(struct farewells *all, int fd, const char *text)
{
	struct farewell *f = gw_calloc(1, sizeof(*f));

	send(fd, text, strlen(text), MSG_NOSIGNAL); /* a new connection has room for it */
	shutdown(fd, SHUT_WR);
	if (all->n == FAREWELLS_MAX || !loop_fd_start(all->loop, &f->watch, fd, UV_READABLE, on_ready, f, NULL)) {
		close(fd);
		free(f);
		return;
	}
	f->all = all;
	f->fd = fd;
	loop_timer_start(all->loop, &f->patience, PATIENCE_MS, end, f);
	f->next = all->first;
	all->first = f;
	all->n++;
}

void farewells_finish(struct farewells *all)
{
	while (all->first)
		end(all->first);
}
