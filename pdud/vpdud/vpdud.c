/* vpdud: a virtual PDU. Each port powers a qemu machine that boots from the network, and whose serial line goes to SALAD. For demos and
 * tests; the gateway's daemons see no difference from real hardware.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "libgateway/error.h"
#include "libgateway/log.h"
#include "pdud/vpdud/options.h"
#include "pdud/vpdud/port.h"
#include "pdud/vpdud/server.h"

struct vpdud;
struct last_off {
	struct port_switch sw; /* first: what `done` is given */
	struct vpdud *vpdud;
};

struct vpdud {
	struct vpdud_options opt;
	uv_loop_t loop;
	uv_signal_t sigterm, sigint;
	struct port ports[VPDU_PORTS];
	struct last_off last_off[VPDU_PORTS];
	unsigned still_on; /* ports whose last OFF is not confirmed yet */
	bool stopping;
	struct server server;
};

/* The last port is OFF: nothing holds the loop any longer. */
static void all_off(struct vpdud *v)
{
	sigset_t stops;

	/* libuv gives closed signals their default back: a second SIGTERM would end us with its number now that all is done */
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	for (unsigned i = 0; i < VPDU_PORTS; i++)
		port_finish(&v->ports[i]);
	uv_close((uv_handle_t *)&v->sigterm, NULL);
	uv_close((uv_handle_t *)&v->sigint, NULL);
}

static void on_last_off(struct port_switch *sw, bool ok)
{
	struct vpdud *v = ((struct last_off *)sw)->vpdud;

	if (--v->still_on == 0)
		all_off(v);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct vpdud *v = handle->data;

	if (v->stopping)
		return;
	v->stopping = true;
	v->still_on = VPDU_PORTS;
	server_stop(&v->server);
	for (unsigned i = 0; i < VPDU_PORTS; i++) {
		v->last_off[i] = (struct last_off){.sw = {.on = false, .done = on_last_off}, .vpdud = v};
		port_switch(&v->ports[i], &v->last_off[i].sw);
	}
}

static void watch_signal(struct vpdud *v, uv_signal_t *handle, int number)
{
	uv_signal_init(&v->loop, handle);
	handle->data = v;
	uv_signal_start(handle, on_signal, number);
}

/* One line on standard output, for whoever waits for us. */
static void announce(const struct sockaddr_storage *bound)
{
	char text[128];

	vpdud_address_print(bound, text, sizeof(text));
	printf("vpdud: listening on %s\n", text);
	fflush(stdout);
}

static void serve(struct vpdud *v, struct gw_error *err)
{
	struct sockaddr_storage bound;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&v->loop);
	watch_signal(v, &v->sigterm, SIGTERM);
	watch_signal(v, &v->sigint, SIGINT);
	for (unsigned i = 0; i < VPDU_PORTS; i++)
		port_init(&v->ports[i], &v->loop, &v->opt, i);
	if (server_start(&v->server, &v->loop, &v->opt.listen, v->ports, &bound, err))
		announce(&bound);
	else
		on_signal(&v->sigterm, SIGTERM);
	uv_run(&v->loop, UV_RUN_DEFAULT);
	gw_assert(uv_loop_close(&v->loop) == 0);
}

int main(int argc, char **argv)
{
	struct vpdud *v = gw_calloc(1, sizeof(*v));
	struct gw_error err = {0};

	log_init("vpdud", NULL);
	if (vpdud_options_load(&v->opt, argc, argv, &err) && !v->opt.help)
		serve(v, &err);
	log_failure("vpdud", &err);
	free(v);
	return gw_exit_code(&err);
}
