/* libmicrohttpd's daemon on our loop: its epoll descriptor in uv_poll, its timeout in a timer, its connections counted. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"

enum {
	CONNECTIONS_DEFAULT = 4096,
	IDLE_SECONDS = 60,
	MEMORY_PER_CONNECTION = 32 * 1024, /* libmicrohttpd's headers, parsed, both ways; ours: HEADERS_MAX in http_request.c */
	CLOSING = 256,                     /* connections that were cut and that libmicrohttpd has not closed yet */
};

static void on_timeout(void *data);

/* What libmicrohttpd has to do; then sleeps until it wants to run again. */
static void server_run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG in_ms;

	uv_idle_stop(&server->kick);
	server->in_mhd = true;
	MHD_run(server->mhd);
	server->in_mhd = false;
	loop_timer_stop(&server->timeout);
	if (MHD_get_timeout(server->mhd, &in_ms) != MHD_YES)
		return;
	if (in_ms == 0)
		http_server_kick(server);
	else
		loop_timer_start(server->loop, &server->timeout, in_ms, on_timeout, server);
}

static void on_timeout(void *data)
{
	server_run(data);
}

static void on_epoll(void *data, int events)
{
	server_run(data);
}

static void on_kick(uv_idle_t *kick)
{
	server_run(kick->data);
}

void http_server_kick(struct http_server *server)
{
	uv_idle_start(&server->kick, on_kick); /* nothing if it is already on its way */
}

static void connection_add(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
	struct http_connection *connection = gw_calloc(1, sizeof(*connection));
	socklen_t len = sizeof(connection->local);

	connection->server = server;
	connection->mhd = mhd;
	connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	getsockname(connection->fd, (struct sockaddr *)&connection->local, &len);
	len = sizeof(connection->peer);
	getpeername(connection->fd, (struct sockaddr *)&connection->peer, &len);
	connection->next = server->connections;
	if (connection->next)
		connection->next->prev = connection;
	server->connections = connection;
	*context = connection;
	http_crowd_join(connection);
	http_crowd_waits(connection);
	http_deadline_start(server);
}

static void connection_remove(struct http_server *server, struct http_connection *connection)
{
	if (connection->next)
		connection->next->prev = connection->prev;
	if (connection->prev)
		connection->prev->next = connection->next;
	else
		server->connections = connection->next;
	http_crowd_leave(connection);
	free(connection);
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		connection_add(data, mhd, context);
	else if (*context)
		connection_remove(data, *context);
}

/* libmicrohttpd's own limit would leave the client waiting in the backlog instead. */
static enum MHD_Result connection_accepted(void *data, const struct sockaddr *address, socklen_t len)
{
	if (http_crowd_has_room(data, address))
		return MHD_YES;
	log_debug("http: a connection is refused: there are too many, and none that only waits");
	return MHD_NO;
}

static void on_mhd_log(void *data, const char *fmt, va_list ap)
{
	char text[256], shown[512];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	n = n < 0 ? 0 : n >= (int)sizeof(text) ? (int)sizeof(text) - 1 : n;
	while (n && text[n - 1] == '\n')
		n--;
	log_debug("http: %s", log_escape(shown, sizeof(shown), text, (size_t)n)); /* anybody on the network can cause these */
}

static bool mhd_start(struct http_server *server, int listen_fd, struct gw_error *err)
{
	const union MHD_DaemonInfo *info;

	server->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, connection_accepted, server,
				       http_request_read, server, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET,
				       listen_fd, MHD_OPTION_CONNECTION_LIMIT, server->connections_max + CLOSING,
				       MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, /* loop_init did; else files go out in pieces of 4 KiB */
				       MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				       (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, server,
				       MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
				       on_connection, server, MHD_OPTION_END);
	if (!server->mhd)
		return gw_fail_errno(err, GW_INTERNAL, errno, "cannot start the HTTP server");
	info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	return loop_fd_start(server->loop, &server->epoll, info->epoll_fd, UV_READABLE, on_epoll, server, err);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void take_limits(struct http_server *server, const struct http_limits *limits)
{
	unsigned wanted = limits && limits->connections ? limits->connections : CONNECTIONS_DEFAULT;

	server->connections_max = http_crowd_limit(wanted + CLOSING) - CLOSING;
	server->per_address_max = limits && limits->connections_per_address ? limits->connections_per_address
									    : server->connections_max / 4 * 3;
	server->names = limits ? limits->names : NULL;
	server->refuse = limits ? limits->refuse : NULL;
}

struct http_server *http_server_start(struct loop *loop, int listen_fd, const struct http_route *routes, const struct http_limits *limits,
				      void *owner, struct gw_error *err)
{
	struct http_server *server = gw_calloc(1, sizeof(*server));

	server->loop = loop;
	server->routes = routes;
	server->owner = owner;
	take_limits(server, limits);
	http_server_set_deadlines(server, 10000, 1024, 600000);
	uv_idle_init(&loop->uv, &server->kick);
	server->kick.data = server;
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	if (mhd_start(server, listen_fd, err))
		return server;
	if (!server->mhd)
		close(listen_fd);
	http_server_stop(server);
	return NULL;
}

void http_server_stop(struct http_server *server)
{
	if (!server)
		return;
	gw_assert(!server->in_mhd); /* not from within a handler: libmicrohttpd is still using what this frees */
	loop_fd_finish(&server->epoll);
	http_request_resume_all(server);
	if (server->mhd) {
		server->in_mhd = true;
		MHD_stop_daemon(server->mhd); /* ends each request and connection */
		server->in_mhd = false;
	}
	loop_timer_finish(&server->timeout);
	loop_timer_finish(&server->sweep);
	uv_close((uv_handle_t *)&server->kick, on_closed);
}
