#include "libgateway/loop.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "libgateway/log.h"

#define TIDY_MS 1000

/* To whoever started us, as sd_notify(3), but never waiting: a supervisor that is stuck reads nothing, and we are not to be stuck with it.
 */
static void tell_starter(const char *text)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(where.sun_path))
		return;
	memcpy(where.sun_path, path, len);
	if (path[0] == '@')
		where.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&where,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_debug("NOTIFY_SOCKET: '%s' was not taken: %s", text, strerror(errno));
	close(fd);
}

static void reload(struct loop *loop)
{
	if (!loop->on_reload)
		return;
	tell_starter("RELOADING=1");
	loop->on_reload(loop->reload_data);
	tell_starter("READY=1");
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *loop = handle->data;

	if (signum == SIGHUP) {
		reload(loop);
		return;
	}
	if (loop->on_stop && !loop->stopping) {
		loop->stopping = true;
		tell_starter("STOPPING=1");
		loop->on_stop(loop->stop_data);
	} else {
		loop_stop(loop);
	}
}

static void on_watchdog(uv_timer_t *timer)
{
	tell_starter("WATCHDOG=1");
}

static void signal_start(struct loop *loop, uv_signal_t *handle, int signum)
{
	uv_signal_init(&loop->uv, handle);
	handle->data = loop;
	uv_signal_start(handle, on_signal, signum);
	uv_unref((uv_handle_t *)handle);
}

static void watchdog_start(struct loop *loop)
{
	uint64_t usec = 0;

	uv_timer_init(&loop->uv, &loop->watchdog);
	if (sd_watchdog_enabled(0, &usec) > 0)
		uv_timer_start(&loop->watchdog, on_watchdog, 0, usec / 3000);
	uv_unref((uv_handle_t *)&loop->watchdog);
}

static void on_tidy(uv_timer_t *timer)
{
	malloc_trim(0);
}

void loop_tidy_later(struct loop *loop)
{
	uv_timer_start(&loop->tidy, on_tidy, TIDY_MS, 0);
}

/* libuv gives closed signals their default back: a second SIGTERM would cut off the end that is under way. */
static void stop_signals_mask(int how)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	pthread_sigmask(how, &stops, NULL);
}

/* A new page costs more than what is written to it, so what an edit of a large database needs (5 MiB with ten thousand DUTs) stays in the
 * heap. One heap for all threads: else each of the pool's keeps as much, and what one has left is new to the next. */
static void keep_memory_warm(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

bool loop_init(struct loop *loop, struct gw_error *err)
{
	int rc = uv_loop_init(&loop->uv);

	keep_memory_warm();
	stop_signals_mask(SIG_UNBLOCK);
	if (rc < 0)
		return gw_fail(err, GW_INTERNAL, "cannot make an event loop: %s", uv_strerror(rc));
	loop->ready = true;
	signal(SIGPIPE, SIG_IGN);
	signal_start(loop, &loop->sigterm, SIGTERM);
	signal_start(loop, &loop->sigint, SIGINT);
	signal_start(loop, &loop->sighup, SIGHUP);
	watchdog_start(loop);
	uv_timer_init(&loop->uv, &loop->tidy);
	uv_unref((uv_handle_t *)&loop->tidy);
	return true;
}

bool loop_run_until_stopped(struct loop *loop, struct gw_error *err)
{
	sd_notify(0, "READY=1");
	/* Even a daemon without a referenced handle waits for its signal. */
	uv_ref((uv_handle_t *)&loop->sigterm);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	return true;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
	uv_stop(&loop->uv);
}

void loop_on_stop(struct loop *loop, void (*on_stop)(void *data), void *data)
{
	loop->on_stop = on_stop;
	loop->stop_data = data;
}

void loop_on_reload(struct loop *loop, void (*on_reload)(void *data), void *data)
{
	loop->on_reload = on_reload;
	loop->reload_data = data;
}

static void name_handle(uv_handle_t *handle, void *data)
{
	if (!uv_is_closing(handle)) {
		log_error("a %s handle was left open", uv_handle_type_name(handle->type));
		*(bool *)data = true;
	}
}

void loop_finish(struct loop *loop)
{
	bool left = false;

	if (!loop->ready)
		return;
	stop_signals_mask(SIG_BLOCK);
	uv_close((uv_handle_t *)&loop->sigterm, NULL);
	uv_close((uv_handle_t *)&loop->sigint, NULL);
	uv_close((uv_handle_t *)&loop->sighup, NULL);
	uv_close((uv_handle_t *)&loop->watchdog, NULL);
	uv_close((uv_handle_t *)&loop->tidy, NULL);
	uv_walk(&loop->uv, name_handle, &left);
	gw_assert(!left);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	gw_assert(uv_loop_close(&loop->uv) == 0);
	loop->ready = false;
}

double loop_wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;

	timer->fn(timer->data);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t in_ms, loop_timer_fn *fn, void *data)
{
	if (!timer->uv) {
		timer->uv = gw_calloc(1, sizeof(*timer->uv));
		uv_timer_init(&loop->uv, timer->uv);
	}
	timer->uv->data = timer;
	timer->fn = fn;
	timer->data = data;
	uv_update_time(&loop->uv);
	uv_timer_start(timer->uv, on_timer, in_ms, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	if (timer->uv)
		uv_timer_stop(timer->uv);
}

bool loop_timer_active(const struct loop_timer *timer)
{
	return timer->uv && uv_is_active((uv_handle_t *)timer->uv);
}

void loop_timer_finish(struct loop_timer *timer)
{
	if (timer->uv)
		uv_close((uv_handle_t *)timer->uv, free_handle);
	*timer = (struct loop_timer){0};
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_fd *watch = uv->data;

	watch->fn(watch->data, status < 0 ? status : events);
}

bool loop_fd_start(struct loop *loop, struct loop_fd *watch, int fd, int events, loop_fd_fn *fn, void *data, struct gw_error *err)
{
	int rc;

	watch->uv = gw_calloc(1, sizeof(*watch->uv));
	rc = uv_poll_init(&loop->uv, watch->uv, fd);
	if (rc < 0) {
		free(watch->uv);
		watch->uv = NULL;
		return gw_fail(err, GW_INTERNAL, "cannot watch descriptor %d: %s", fd, uv_strerror(rc));
	}
	watch->uv->data = watch;
	watch->fn = fn;
	watch->data = data;
	uv_poll_start(watch->uv, events, on_poll);
	return true;
}

void loop_fd_events(struct loop_fd *watch, int events)
{
	if (events)
		uv_poll_start(watch->uv, events, on_poll);
	else
		uv_poll_stop(watch->uv);
}

void loop_fd_finish(struct loop_fd *watch)
{
	if (watch->uv)
		uv_close((uv_handle_t *)watch->uv, free_handle);
	*watch = (struct loop_fd){0};
}
