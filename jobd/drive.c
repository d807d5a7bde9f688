#include "jobd/drive.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

struct happened {
	struct happened *next;
	enum run_event_kind kind;
	char *text; /* owned; may be NULL */
};

/* Monotonic: neither NTP nor an admin moves it. */
static int64_t now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

/* ---- actions ---- */

static void do_connect_client(struct jobd *j, const struct run_action *a)
{
	client_connect(j);
}

static void do_take_lease(struct jobd *j, const struct run_action *a)
{
	power_take_lease(j);
}

static void do_fetch(struct jobd *j, const struct run_action *a)
{
	artifacts_fetch(j);
}

static void do_power_off(struct jobd *j, const struct run_action *a)
{
	power_set(j, false);
}

static void do_power_on(struct jobd *j, const struct run_action *a)
{
	nbd_begin_boot(j);
	power_set(j, true);
}

static void do_deploy(struct jobd *j, const struct run_action *a)
{
	boot_deploy(j, a->boot);
}

static void do_reset_console(struct jobd *j, const struct run_action *a)
{
	console_reset(j);
}

/* In the log without its time and end of line; the job's text is the client's alone, and a console may match for ever. */
static void log_ctrl(struct jobd *j, const struct run_action *a)
{
	const char *text = strstr(a->text, "s: ");
	int n;

	text = text ? text + 3 : a->text;
	n = (int)strcspn(text, "\n");
	if (text[n] && text[n + 1])
		return;
	if (a->severity >= 2)
		log_warning("job=%s %.*s", j->go->job, n, text);
	else if (a->tag == 401)
		log_debug("job=%s %.*s", j->go->job, n, text);
	else
		log_info("job=%s %.*s", j->go->job, n, text);
}

static void do_ctrl(struct jobd *j, const struct run_action *a)
{
	log_ctrl(j, a);
	client_ctrl(j, a);
}

static void do_session_end(struct jobd *j, const struct run_action *a)
{
	client_session_end(j, run_status_names[a->status]);
}

static void do_close_client(struct jobd *j, const struct run_action *a)
{
	client_close(j);
}

static void do_withdraw(struct jobd *j, const struct run_action *a)
{
	artifacts_give_up(j);
	boot_withdraw(j);
}

static void do_learn(struct jobd *j, const struct run_action *a)
{
	struct msg_job_learnt learnt = {.job = j->go->job, .firmware_boot_time = a->seconds};

	bus_publish(&j->bus, MSG_JOB_LEARNT, &learnt);
	log_info("job=%s the firmware took %d s to boot", j->go->job, a->seconds);
}

static void do_alarm(struct jobd *j, const struct run_action *a)
{
	log_error("job=%s dut=%s ALARM: %s", j->go->job, j->go->dut.v[0].id, a->text);
}

static void do_release_lease(struct jobd *j, const struct run_action *a)
{
	power_release(j);
}

static void do_done(struct jobd *j, const struct run_action *a)
{
	loop_timer_stop(&j->drive.tick);
	artifacts_give_up(j);
	nbd_finish(j);
	console_stop(j);
	log_info("job=%s %s: %s", j->go->job, run_status_names[a->status], a->text);
	report_when_free(j);
}

static void (*const actions[RUN_ACTIONS])(struct jobd *j, const struct run_action *a) = {
	[RUN_DO_CONNECT_CLIENT] = do_connect_client,
	[RUN_DO_TAKE_LEASE] = do_take_lease,
	[RUN_DO_FETCH] = do_fetch,
	[RUN_DO_POWER_OFF] = do_power_off,
	[RUN_DO_POWER_ON] = do_power_on,
	[RUN_DO_DEPLOY] = do_deploy,
	[RUN_DO_RESET_CONSOLE] = do_reset_console,
	[RUN_DO_CTRL] = do_ctrl,
	[RUN_DO_SESSION_END] = do_session_end,
	[RUN_DO_CLOSE_CLIENT] = do_close_client,
	[RUN_DO_WITHDRAW] = do_withdraw,
	[RUN_DO_LEARN] = do_learn,
	[RUN_DO_ALARM] = do_alarm,
	[RUN_DO_RELEASE_LEASE] = do_release_lease,
	[RUN_DO_DONE] = do_done,
};

/* ---- events ---- */

static void on_tick(void *data);

static void next_tick(struct jobd *j)
{
	int64_t at = run_deadline(j->drive.run), now = now_ms();

	if (at == INT64_MAX)
		loop_timer_stop(&j->drive.tick);
	else
		loop_timer_start(&j->loop, &j->drive.tick, at > now ? (uint64_t)(at - now) : 0, on_tick, j);
}

static void feed(struct jobd *j, const struct run_event *event)
{
	enum run_phase before = run_phase(j->drive.run);
	struct run_action action;

	run_event(j->drive.run, event, now_ms());
	while (run_next_action(j->drive.run, &action))
		actions[action.kind](j, &action);
	if (run_phase(j->drive.run) != before)
		log_debug("job=%s %s -> %s event=%s", j->go->job, run_phase_names[before], run_phase_names[run_phase(j->drive.run)],
			  run_event_names[event->kind]);
}

static void feed_queued(struct jobd *j)
{
	struct happened *h;

	while ((h = j->drive.first)) {
		struct run_event event = {.kind = h->kind, .text = h->text};
		j->drive.first = h->next;
		if (!j->drive.first)
			j->drive.end = &j->drive.first;
		feed(j, &event);
		free(h->text);
		free(h);
	}
}

static void work(struct jobd *j, const struct run_event *event)
{
	j->drive.busy = true;
	feed(j, event);
	feed_queued(j);
	j->drive.busy = false;
	next_tick(j);
}

static void on_tick(void *data)
{
	static const struct run_event tick = {.kind = RUN_TICK};

	work(data, &tick);
}

/* A part may report at once what an action led to, while the others of that event are still to be done. */
static void queue(struct drive *d, enum run_event_kind kind, const char *text)
{
	struct happened *h = gw_calloc(1, sizeof(*h));

	h->kind = kind;
	h->text = gw_strdup(text);
	*d->end = h;
	d->end = &h->next;
}

void drive_happened(struct jobd *j, enum run_event_kind kind, const char *text)
{
	struct run_event event = {.kind = kind, .text = text};

	if (!j->drive.run || drive_is_over(j))
		return;
	if (j->drive.busy)
		queue(&j->drive, kind, text);
	else
		work(j, &event);
}

void drive_console(struct jobd *j, const void *bytes, size_t n)
{
	struct run_event event = {.kind = RUN_CONSOLE_BYTES, .bytes = bytes, .n = n};

	job_log_add(j, bytes, n);
	client_console(j, bytes, n);
	if (j->drive.run && !drive_is_over(j))
		work(j, &event);
}

bool drive_create(struct jobd *j, const char *shown_job, struct gw_error *err)
{
	const struct msg_dut *dut = &j->go->dut.v[0];
	struct run_options options = {
		.has_client = j->go->callback_host != NULL,
		.firmware_boot_time = dut->firmware_boot_time > 0 ? dut->firmware_boot_time : 0,
		.shown_job = shown_job,
	};

	j->drive.end = &j->drive.first;
	return run_create(&j->drive.run, &j->job, &options, err);
}

void drive_start(struct jobd *j)
{
	j->drive.started_ms = now_ms();
	job_log_start(j);
	console_start(j);
	if (!j->go->callback_host)
		report_running(j);
	drive_happened(j, RUN_START, NULL);
}

bool drive_is_over(const struct jobd *j)
{
	return j->drive.run && run_phase(j->drive.run) == RUN_DONE;
}

void drive_finish(struct jobd *j)
{
	struct happened *h;

	while ((h = j->drive.first)) {
		j->drive.first = h->next;
		free(h->text);
		free(h);
	}
	loop_timer_finish(&j->drive.tick);
	run_destroy(j->drive.run);
	j->drive.run = NULL;
}
