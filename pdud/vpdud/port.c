#include "pdud/vpdud/port.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"
#include "libgateway/log.h"

#define START_DEADLINE_MS 20000 /* qemu is there in 40 ms; on a loaded machine in some seconds */
#define SALAD_WAIT_MS     500   /* a SALAD that does not answer must not keep the power off */

static const char ipxe_prompt[] = "Press Ctrl-B";

static void next_switch(struct port *p);

static void end_switch(struct port *p, bool ok)
{
	struct port_switch *sw = p->first;

	uv_timer_stop(p->deadline);
	uv_timer_stop(p->salad_wait);
	p->first = sw->next;
	if (!p->first)
		p->last = NULL;
	sw->done(sw, ok);
}

/* The first cycle runs once both ends listen, so that no byte of the boot is lost. */
static void maybe_run(struct port *p)
{
	if (p->state == PORT_STARTING && p->qemu_ready && p->console_ready) {
		p->qemu_ready = false;
		machine_run(p->machine);
	}
}

static void on_ready(void *data)
{
	struct port *p = data;

	p->qemu_ready = true;
	maybe_run(p);
}

static void on_running(void *data)
{
	struct port *p = data;

	if (p->state != PORT_STARTING)
		return;
	log_info("port %u: ON, qemu is process %d", p->number, machine_pid(p->machine));
	p->state = PORT_ON;
	end_switch(p, true);
	next_switch(p);
}

static void on_ended(void *data, const char *how)
{
	struct port *p = data;
	enum port_state was = p->state;

	p->machine = NULL;
	console_pause(&p->console, false);
	if (was == PORT_ON) {
		log_warning("port %u: qemu %s; the port stays ON", p->number, how);
		return;
	}
	p->state = PORT_OFF;
	if (was == PORT_STARTING)
		log_error("port %u: not ON: qemu %s before it ran", p->number, how);
	else
		log_info("port %u: OFF", p->number);
	end_switch(p, was == PORT_STOPPING);
	next_switch(p);
}

/* iPXE waits 2 s at its prompt for Ctrl-B; any other key ends that. */
static void answer_prompt(struct port *p, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != ipxe_prompt[p->prompt_seen])
			p->prompt_seen = bytes[i] == ipxe_prompt[0];
		else if (!ipxe_prompt[++p->prompt_seen]) {
			p->prompt_seen = 0;
			machine_type(p->machine, "\n", 1);
		}
	}
}

static void on_console(void *data, const char *bytes, size_t n)
{
	struct port *p = data;

	console_send(&p->console, bytes, n);
	if (p->opt->skip_ipxe_prompt)
		answer_prompt(p, bytes, n);
}

static void on_drained(void *data)
{
	struct port *p = data;

	console_pause(&p->console, false);
}

static const struct machine_events machine_events = {on_ready, on_running, on_console, on_drained, on_ended};

/* Keys pressed at a machine without power go nowhere. */
static void on_input(void *data, const char *bytes, size_t n)
{
	struct port *p = data;

	if (p->machine && machine_type(p->machine, bytes, n))
		console_pause(&p->console, true);
}

static void on_tried(void *data)
{
	struct port *p = data;

	p->console_ready = true;
	maybe_run(p);
}

static const struct console_events console_events = {on_input, on_tried};

static void on_salad_wait(uv_timer_t *timer)
{
	on_tried(timer->data);
}

static void on_deadline(uv_timer_t *timer)
{
	struct port *p = timer->data;

	log_error("port %u: qemu was not ready within %d ms", p->number, START_DEADLINE_MS);
	machine_kill(p->machine);
}

static void start(struct port *p)
{
	struct gw_error err = {0};

	p->qemu_ready = false;
	p->prompt_seen = 0;
	p->machine = machine_start(p->deadline->loop, p->opt, p->number, &machine_events, p, &err);
	if (!p->machine) {
		log_error("port %u: not ON: %s", p->number, err.text);
		end_switch(p, false);
		return;
	}
	p->state = PORT_STARTING;
	uv_timer_start(p->deadline, on_deadline, START_DEADLINE_MS, 0);
	console_open(&p->console);
	if (!p->opt->salad.ss_family)
		p->console_ready = true;
	if (!p->console_ready)
		uv_timer_start(p->salad_wait, on_salad_wait, SALAD_WAIT_MS, 0);
}

static void stop(struct port *p)
{
	if (p->machine) {
		p->state = PORT_STOPPING;
		machine_kill(p->machine);
		return;
	}
	log_info("port %u: OFF", p->number);
	p->state = PORT_OFF;
	end_switch(p, true);
}

/* Does what waits, as far as it can be done at once. Said twice is fine. */
static void next_switch(struct port *p)
{
	while (p->first && (p->state == PORT_OFF || p->state == PORT_ON)) {
		if (p->first->on == (p->state == PORT_ON))
			end_switch(p, true);
		else if (p->first->on)
			start(p);
		else
			stop(p);
	}
}

void port_switch(struct port *p, struct port_switch *sw)
{
	bool idle = !p->first;

	sw->next = NULL;
	if (p->last)
		p->last->next = sw;
	else
		p->first = sw;
	p->last = sw;
	if (idle)
		next_switch(p);
}

bool port_is_on(const struct port *p)
{
	return p->state != PORT_OFF;
}

static uv_timer_t *make_timer(uv_loop_t *loop, struct port *p)
{
	uv_timer_t *timer = gw_calloc(1, sizeof(*timer));

	uv_timer_init(loop, timer);
	timer->data = p;
	return timer;
}

void port_init(struct port *p, uv_loop_t *loop, const struct vpdud_options *opt, unsigned number)
{
	*p = (struct port){.number = number, .opt = opt};
	p->deadline = make_timer(loop, p);
	p->salad_wait = make_timer(loop, p);
	console_init(&p->console, loop, &opt->salad, number, &console_events, p);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void port_finish(struct port *p)
{
	gw_assert(!p->machine && !p->first);
	uv_close((uv_handle_t *)p->deadline, free_handle);
	uv_close((uv_handle_t *)p->salad_wait, free_handle);
	console_finish(&p->console);
}
