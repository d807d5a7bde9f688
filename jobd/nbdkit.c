#include "jobd/nbdkit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libgateway/activation.h"

#define PROGRAM "nbdkit"
#define PLACES  "/usr/local/bin:/usr/bin:/bin" /* where there is no PATH */
#define BACKLOG 16
#define ALIVE_S 10 /* a silent connection is asked whether its machine is there, */
#define AGAIN_S 5  /* and again, */
#define TRIES   3  /* so often */

/* ---- the program ---- */

/* A folder of that name may be in the PATH as well: /usr/lib/x86_64-linux-gnu has one. */
static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Yours; NULL: there is none. */
static char *find_program(void)
{
	const char *places = getenv("PATH");
	char *all = gw_strdup(places && *places ? places : PLACES), *rest = all, *place, *path = NULL;

	while (!path && (place = strsep(&rest, ":"))) {
		path = gw_sprintf("%s/%s", *place ? place : ".", PROGRAM);
		if (!is_program(path)) {
			free(path);
			path = NULL;
		}
	}
	free(all);
	return path;
}

bool nbdkit_is_installed(struct gw_error *err)
{
	char *path = find_program();

	free(path);
	return path || gw_fail(err, GW_REFUSED, "this gateway serves no network block devices: the package nbdkit is not installed");
}

/* ---- the new process: nothing but system calls ---- */

struct ends {                       /* of a new nbdkit */
	int connection, said, life; /* life: of a pipe whose other end we alone have */
	pid_t parent;
};

/* The kernel kills it when we are gone. Not by PR_SET_PDEATHSIG: nbdkit makes a SIGTERM of that, and then waits for its client. */
static bool die_with_parent(int life, pid_t parent)
{
	return fcntl(life, F_SETOWN, getpid()) == 0 && fcntl(life, F_SETSIG, SIGKILL) == 0 && fcntl(life, F_SETFL, O_ASYNC) == 0 &&
	       getppid() == parent;
}

/* The connection is its standard input and output; beside that only `life` is open. */
static void become(const char *path, char *const *argv, const struct ends *ends)
{
	static const char no[] = "it cannot be executed\n";
	char locale[] = "LC_ALL=C", *env[] = {locale, NULL};
	int connection = fcntl(ends->connection, F_DUPFD, 10), said = fcntl(ends->said, F_DUPFD, 10), life = fcntl(ends->life, F_DUPFD, 10);
	sigset_t none;

	dup2(connection, STDIN_FILENO);
	dup2(connection, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	dup2(life, 3);
	close_range(4, ~0U, 0);
	if (!die_with_parent(3, ends->parent))
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(path, argv, env);
	if (write(STDERR_FILENO, no, sizeof(no) - 1) < 0)
		_exit(126);
	_exit(127);
}

/* ---- a connection ---- */

struct nbdkit_connection {
	struct nbdkit_connection *next; /* in nbdkit.first */
	struct nbdkit *of;
	pid_t pid;
	int pidfd, said; /* said: its standard error */
	int life;        /* while it is open, nbdkit lives */
	struct loop_fd end, says;
	char last[200]; /* line that it said */
	bool cut;
};

/* Its last line is kept: all of them could fill a log at the machine's wish. */
static void keep_line(struct nbdkit_connection *c, char *text)
{
	char *line;

	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\n')
			*at = ' ';
	while ((line = strsep(&text, "\n")))
		if (*line)
			snprintf(c->last, sizeof(c->last), "%s", line);
}

static bool read_said(struct nbdkit_connection *c)
{
	char text[4096];
	ssize_t n = read(c->said, text, sizeof(text) - 1);

	if (n > 0) {
		text[n] = '\0';
		keep_line(c, text);
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void on_said(void *data, int events)
{
	struct nbdkit_connection *c = data;

	if (!read_said(c))
		loop_fd_finish(&c->says);
}

static void connection_free(struct nbdkit_connection *c)
{
	struct nbdkit_connection **at = &c->of->first;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	loop_fd_finish(&c->end);
	loop_fd_finish(&c->says);
	if (c->pidfd >= 0)
		close(c->pidfd);
	close(c->said);
	close(c->life);
	free(c);
}

/* It ends with code 0 when its client has gone, however that went. */
static void on_end(void *data, int events)
{
	struct nbdkit_connection *c = data;
	struct nbdkit *k = c->of;
	bool cut = c->cut;
	char how[300];
	int status = 0;

	waitpid(c->pid, &status, WNOHANG);
	read_said(c);
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "exit code %d%s%s", WEXITSTATUS(status), *c->last ? ": " : "", c->last);
	connection_free(c);
	if (status && !cut)
		k->failed(k->data, how);
}

static void kill_it(struct nbdkit_connection *c)
{
	kill(c->pid, SIGKILL); /* what it has answered is in the image */
	c->cut = true;
}

static bool watch(struct nbdkit_connection *c, struct gw_error *err)
{
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "it cannot be watched");
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	return loop_fd_start(c->of->loop, &c->end, c->pidfd, UV_READABLE, on_end, c, err) &&
	       loop_fd_start(c->of->loop, &c->says, c->said, UV_READABLE, on_said, c, err);
}

/* Two pipes: what it says, and its life. */
static bool open_pipes(int said[2], int life[2], struct gw_error *err)
{
	if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "it cannot be started");
	fcntl(said[1], F_SETFL, 0); /* it may wait until it is heard */
	if (pipe2(life, O_CLOEXEC) == 0)
		return true;
	gw_fail_errno(err, GW_INTERNAL, errno, "it cannot be started");
	close(said[0]);
	close(said[1]);
	return false;
}

static bool start(struct nbdkit *k, const char *path, char *const *argv, int connection, struct gw_error *err)
{
	struct nbdkit_connection *c;
	int said[2], life[2];
	struct ends ends;
	pid_t pid;

	if (!open_pipes(said, life, err))
		return false;
	ends = (struct ends){connection, said[1], life[0], getpid()};
	pid = fork();
	if (pid == 0)
		become(path, argv, &ends);
	close(said[1]);
	close(life[0]);
	if (pid < 0) {
		close(said[0]);
		close(life[1]);
		return gw_fail_errno(err, GW_INTERNAL, errno, "it cannot be started");
	}
	c = gw_calloc(1, sizeof(*c));
	*c = (struct nbdkit_connection){.next = k->first, .of = k, .pid = pid, .pidfd = -1, .said = said[0], .life = life[1]};
	k->first = c;
	if (watch(c, err))
		return true;
	kill_it(c);
	connection_free(c);
	return false;
}

static bool serve_one(struct nbdkit *k, int connection, struct gw_error *err)
{
	char *file = gw_sprintf("file=%s", k->device.path), *path = find_program();
	static char name[] = PROGRAM, single[] = "--single", log[] = "--log=stderr", plugin[] = "file", readonly[] = "--readonly";
	char *argv[] = {name, single, log, plugin, file, k->device.readonly ? readonly : NULL, NULL};
	bool ok = path ? start(k, path, argv, connection, err) : nbdkit_is_installed(err);

	free(path);
	free(file);
	return ok;
}

/* ---- the device ---- */

static bool has_room(const struct nbdkit *k)
{
	int n = 0;

	for (const struct nbdkit_connection *c = k->first; c; c = c->next)
		n += !c->cut;
	return n < k->device.max_connections;
}

/* A machine that was reset without a word is asked now and then whether it still knows the connection. */
static void notice_the_dead(int fd)
{
	static const struct {
		int level, name, value;
	} rows[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
		    {IPPROTO_TCP, TCP_NODELAY, 1},
		    {IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_S},
		    {IPPROTO_TCP, TCP_KEEPINTVL, AGAIN_S},
		    {IPPROTO_TCP, TCP_KEEPCNT, TRIES}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(rows[i].value));
}

static void on_connection(void *data, int events)
{
	struct nbdkit *k = data;
	struct sockaddr_in from = {0};
	socklen_t len = sizeof(from);
	struct gw_error err = {0};
	int fd = accept4(k->listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	notice_the_dead(fd);
	if (from.sin_family == AF_INET && from.sin_addr.s_addr == k->device.client.s_addr && has_room(k))
		serve_one(k, fd, &err);
	close(fd);
	if (err.kind != GW_OK)
		k->failed(k->data, err.text);
}

/* In the job's own words before the machine meets it: a folder that is not there, or not open to us. */
static bool can_open(const struct nbdkit_device *device, struct gw_error *err)
{
	return faccessat(AT_FDCWD, device->path, device->readonly ? R_OK : R_OK | W_OK, AT_EACCESS) == 0 ||
	       gw_fail_errno(err, GW_UNREACHABLE, errno, "its image cannot be opened");
}

bool nbdkit_serve(struct nbdkit *k, struct loop *loop, const char *address, const struct nbdkit_device *device, nbdkit_failed *failed,
		  void *data, struct gw_error *err)
{
	int fd = can_open(device, err) ? activation_tcp_listen(address, 0, BACKLOG, err) : -1;

	if (fd < 0)
		return false;
	*k = (struct nbdkit){.loop = loop, .device = *device, .listener = fd, .failed = failed, .data = data};
	if (loop_fd_start(loop, &k->accepts, fd, UV_READABLE, on_connection, k, err))
		return true;
	nbdkit_stop(k);
	return false;
}

uint16_t nbdkit_port(const struct nbdkit *k)
{
	return activation_port_of(k->listener);
}

void nbdkit_cut(struct nbdkit *k)
{
	for (struct nbdkit_connection *c = k->first; c; c = c->next)
		kill_it(c);
}

/* Nobody waits for their ends, as a disk may hold them up: they are init's once we are gone. */
void nbdkit_stop(struct nbdkit *k)
{
	nbdkit_cut(k);
	while (k->first)
		connection_free(k->first);
	loop_fd_finish(&k->accepts);
	if (k->listener)
		close(k->listener);
	*k = (struct nbdkit){0};
}
