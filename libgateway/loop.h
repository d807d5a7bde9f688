/* A daemon's event loop: libuv, the signals, readiness and the watchdog of systemd. One a process; everything of it on one thread. */
#ifndef LIBGATEWAY_LOOP_H
#define LIBGATEWAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "libgateway/error.h"

struct loop {
	uv_loop_t uv;
	uv_signal_t sigterm, sigint, sighup;
	uv_timer_t watchdog, tidy;
	bool ready;                  /* uv is initialised */
	bool stopping;               /* a stop was asked for */
	void (*on_stop)(void *data); /* see loop_on_stop */
	void (*on_reload)(void *data);
	void *stop_data, *reload_data;
};

bool loop_init(struct loop *loop, struct gw_error *err); /* also ignores SIGPIPE */
/* Runs until loop_stop. Tells systemd READY=1 first. SIGTERM and SIGINT call `on_stop` if it was set (which must lead to loop_stop), else
 * stop; a second SIGTERM or SIGINT stops at once. */
bool loop_run_until_stopped(struct loop *loop, struct gw_error *err);
void loop_stop(struct loop *loop);
void loop_on_stop(struct loop *loop, void (*on_stop)(void *data), void *data);
void loop_on_reload(struct loop *loop, void (*on_reload)(void *data), void *data); /* SIGHUP */
/* Runs the last close callbacks; asserts that no handle is left open. Accepts zeroed memory. */
void loop_finish(struct loop *loop);

/* Much memory was used for a moment (by a message or a file of a large farm): what is free goes back to the system once a second has gone
 * by without more of that. */
void loop_tidy_later(struct loop *loop);

double loop_wall_now(void); /* seconds since the epoch; read anew */
uint64_t
loop_now_ms(const struct loop *loop); /* monotonic (CLOCK_BOOTTIME is not used: a suspended gateway is off); the loop's cached time */

/* One-shot timer on the heap of its owner. Zeroed memory is an idle timer; start again to re-arm. The callback runs from the loop. A timer
 * must be finished before its memory goes: loop_timer_finish frees the libuv handle asynchronously, the struct may go at once. */
typedef void loop_timer_fn(void *data);
struct loop_timer {
	uv_timer_t *uv; /* owned */
	loop_timer_fn *fn;
	void *data;
};
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t in_ms, loop_timer_fn *fn, void *data);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_active(const struct loop_timer *timer);
void loop_timer_finish(struct loop_timer *timer);

/* Watches a descriptor (uv_poll). `events` UV_READABLE | UV_WRITABLE. The descriptor stays the caller's; finish before closing it. */
typedef void loop_fd_fn(void *data, int events); /* events: UV_READABLE | UV_WRITABLE | UV_DISCONNECT; negative: a libuv error */
struct loop_fd {
	uv_poll_t *uv; /* owned */
	loop_fd_fn *fn;
	void *data;
};
bool loop_fd_start(struct loop *loop, struct loop_fd *watch, int fd, int events, loop_fd_fn *fn, void *data, struct gw_error *err);
void loop_fd_events(struct loop_fd *watch, int events); /* changes what is watched for; 0: pauses */
void loop_fd_finish(struct loop_fd *watch);

#endif
