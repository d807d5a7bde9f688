/* saladd: the serial relay. Machines' consoles connect to it by TCP, or are at the gateway's serial ports, say whose they are, and each
 * gets a port for its one client and a port for those who only read. It knows nothing of jobs.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libgateway/activation.h"
#include "libgateway/env.h"
#include "libgateway/http_server.h"
#include "libgateway/log.h"
#include "libgateway/loop.h"
#include "libgateway/url.h"
#include "saladd/farm.h"
#include "saladd/machines.h"
#include "saladd/reset.h"
#include "saladd/rest.h"
#include "saladd/returning.h"
#include "saladd/stream.h"
#include "saladd/tty_ports.h"

#define REST_PORT    8005
#define REST_BACKLOG 64

struct saladd {
	struct env env;
	struct loop loop;
	struct activation fds;
	struct http_names names; /* by which clients may call REST */
	const char *address;     /* that everything listens on */
	struct machines machines;
	struct farm farm;
	struct streams streams;
	struct tty_ports ports;
	struct resets resets;
	struct rest rest;
	struct http_server *server;
};

static const struct env_program program = {
	.name = "saladd",
	.summary = "relays serial consoles: a TCP port a machine, and one to read along",
	.reader = ENV_SALADD,
};

/* What cannot be reached from elsewhere anyway is not offered there. */
static bool names_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
}

/* True if there is something to do here; false after --check and if SALAD runs on another host, which is no failure. Blocks on the
 * resolver: before the loop. */
static bool is_wanted(struct saladd *s, struct gw_error *err)
{
	struct url_host at;

	if (!url_host_of(env_text(&s->env, OPT_SALAD_URL), &at, err))
		return gw_context(err, "SALAD_URL");
	if (!http_names_load(&s->names, &s->env, err) || !tty_ports_check(env_text(&s->env, OPT_SALAD_SERIAL_PORTS), err))
		return false;
	if (s->env.check_only)
		return false;
	if (!url_host_is_here(at.host)) {
		log_info("SALAD_URL names another host, %s: not started here", at.host);
		return false;
	}
	s->address = names_loopback(at.host) ? "127.0.0.1" : "0.0.0.0";
	return true;
}

/* More than the limit for good is allowed to root only. */
static void allow_many_descriptors(void)
{
	struct rlimit limit, more = {MACHINES_DESCRIPTORS, MACHINES_DESCRIPTORS};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < more.rlim_max && setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The bus first: its lock keeps a second saladd from taking the machines' ports and the first one's records. */
static bool machines_start(struct saladd *s, struct gw_error *err)
{
	allow_many_descriptors();
	machines_init(&s->machines, &s->loop, s->address, env_runtime_path(&s->env, "saladd.clients"));
	s->machines.dut_interface = env_text(&s->env, OPT_PRIVATE_INTERFACE);
	if (!farm_join(&s->farm, &s->loop, &s->machines, env_text(&s->env, OPT_EXECUTOR_RUNTIME_DIR), err))
		return false;
	returning_load(&s->machines);
	return true;
}

static bool consoles_start(struct saladd *s, struct gw_error *err)
{
	return streams_start(&s->streams, &s->loop, &s->machines, activation_find(&s->fds, "salad_consoles"), s->address,
			     (uint16_t)env_integer(&s->env, OPT_SALAD_TCPCONSOLE_PORT), err);
}

static bool tty_ports_open(struct saladd *s, struct gw_error *err)
{
	if (!tty_ports_start(&s->ports, &s->loop, &s->streams, env_text(&s->env, OPT_SALAD_SERIAL_PORTS),
			     env_runtime_path(&s->env, "saladd.ports"), err))
		return false;
	resets_init(&s->resets, &s->ports, (uint64_t)(env_number(&s->env, OPT_SALAD_CONSOLE_USB_RESET_POWER_OFF_TIME) * 1000),
		    env_boolean(&s->env, OPT_SALAD_CONSOLE_USB_RESET_DISABLE), env_runtime_path(&s->env, "saladd.usb_off"));
	return true;
}

static uint16_t rest_port(const struct saladd *s)
{
	struct url_host at;

	if (env_text(&s->env, OPT_SALAD_PORT))
		return (uint16_t)env_integer(&s->env, OPT_SALAD_PORT);
	return url_host_of(env_text(&s->env, OPT_SALAD_URL), &at, NULL) && at.has_port ? at.port : REST_PORT;
}

static bool api_start(struct saladd *s, struct gw_error *err)
{
	int fd = activation_find(&s->fds, "salad_http");
	uint16_t port;

	if (fd < 0)
		fd = activation_tcp_listen(s->address, rest_port(s), REST_BACKLOG, err);
	if (fd < 0)
		return false;
	port = activation_port_of(fd);
	s->rest = (struct rest){&s->machines, &s->resets, &s->names};
	s->server = rest_start(&s->rest, &s->loop, fd, err);
	if (s->server)
		log_info("listening on %s: REST on port %u, TCP consoles on port %u", s->address, port,
			 listener_port(&s->streams.listener));
	return s->server != NULL;
}

int main(int argc, char **argv)
{
	struct saladd s = {0};
	struct gw_error err = {0};
	int code;

	if (!env_load(&s.env, &program, argc, argv, &err) || /* --help, --check and bad values end here */
	    !is_wanted(&s, &err) ||                          /* so does a SALAD_URL of another host */
	    !loop_init(&s.loop, &err) ||                     /* signals, watchdog */
	    !activation_take(&s.fds, &err) ||                /* systemd's sockets */
	    !machines_start(&s, &err) ||                     /* the bus, and whose clients are on their way back */
	    !consoles_start(&s, &err) ||                     /* the machines' streams */
	    !tty_ports_open(&s, &err) ||                     /* serial ports, and their resets */
	    !api_start(&s, &err) ||                          /* REST */
	    !loop_run_until_stopped(&s.loop, &err))          /* sends READY, returns at SIGTERM */
		log_failure("saladd", &err);                 /* silent where nothing failed */
	http_server_stop(s.server);
	resets_finish(&s.resets);
	tty_ports_finish(&s.ports);
	streams_finish(&s.streams);
	farm_finish(&s.farm);
	machines_finish(&s.machines);
	activation_finish(&s.fds);
	loop_finish(&s.loop);
	http_names_finish(&s.names);
	code = env_exit_code(&s.env, &err);
	env_finish(&s.env);
	return code;
}
