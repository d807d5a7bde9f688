#include "jobd/console.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/json.h"
#include "libgateway/log.h"
#include "libgateway/percent.h"
#include "libgateway/url.h"

#define SALAD_PORT          8005
#define AGAIN_FIRST_MS      50
#define AGAIN_LAST_MS       1000
#define CONNECT_PATIENCE_MS 5000
#define RESET_PATIENCE_MS   10000 /* of a console that is not there */
#define RESET_ANSWER_MS     90000 /* it stays off for at most a minute, and may take 10 s to come back */
#define INPUT_MAX           (64 * 1024)
#define READ_SIZE           (64 * 1024)

static const char taken[] = "A client is already connected, re-try later!";

static void ask_port(void *data);
static void on_console(void *data, int events);

/* ---- SALAD's place ---- */

/* A name that does not resolve here counts as this host, where saladd then is. */
static bool find_salad(struct console *c, const struct url_host *at, struct gw_error *err)
{
	static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	c->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (url_host_is_here(at->host))
		return true;
	if (getaddrinfo(at->host, NULL, &hints, &found) != 0 || !found)
		return gw_fail(err, GW_BAD_INPUT, "SALAD_URL: '%s' has no IPv4 address", at->host);
	c->address.sin_addr = ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
	freeaddrinfo(found);
	return true;
}

bool console_init(struct jobd *j, struct gw_error *err)
{
	struct console *c = &j->console;
	const char *url = env_text(&j->env, OPT_SALAD_URL);
	char address[INET_ADDRSTRLEN];
	struct url_host at;

	c->input.max = INPUT_MAX;
	if (!url_host_of(url, &at, err) || !find_salad(c, &at, err))
		return false;
	if (at.tls) /* its certificate names the host */
		c->base = gw_strdup(url);
	else
		c->base = gw_sprintf("http://%s:%u", inet_ntop(AF_INET, &c->address.sin_addr, address, sizeof(address)),
				     at.has_port ? at.port : SALAD_PORT);
	return true;
}

static char *url_of_machine(const char *base, const char *id)
{
	struct buffer url = {0};

	buffer_printf(&url, "%s/api/v1/machine/", base);
	url_escape(&url, id, "");
	return buffer_take(&url);
}

/* ---- a loss, and the next try ---- */

static void disconnect(struct console *c)
{
	loop_fd_finish(&c->watch);
	loop_timer_stop(&c->again);
	if (c->fd)
		close(c->fd);
	c->fd = 0;
}

static void try_again(struct jobd *j)
{
	struct console *c = &j->console;
	uint64_t in_ms = AGAIN_FIRST_MS << (c->tries < 5 ? c->tries : 5);

	c->state = CONSOLE_WAITING;
	c->tries++;
	loop_timer_start(&j->loop, &c->again, in_ms < AGAIN_LAST_MS ? in_ms : AGAIN_LAST_MS, ask_port, j);
}

static void lost(struct jobd *j, const char *why)
{
	struct console *c = &j->console;

	disconnect(c);
	try_again(j);
	if (!c->told) {
		c->told = true;
		drive_happened(j, RUN_CONSOLE_LOST, why);
	}
}

/* ---- its reset ---- */

static void tell_ready(struct jobd *j)
{
	struct console *c = &j->console;

	c->reset_wanted = false;
	loop_timer_stop(&c->reset_patience);
	drive_happened(j, RUN_CONSOLE_READY, c->reset_text[0] ? c->reset_text : NULL);
}

static void reset_go_on(struct jobd *j)
{
	if (j->console.reset_wanted && j->console.reset_answered && j->console.state == CONSOLE_CONNECTED)
		tell_ready(j);
}

static void on_reset_impatience(void *data)
{
	struct jobd *j = data;
	struct console *c = &j->console;

	if (!c->reset_wanted)
		return;
	if (c->state != CONSOLE_CONNECTED)
		snprintf(c->reset_text, sizeof(c->reset_text), "SALAD gives no connection to it");
	tell_ready(j);
}

/* 501: it has no reset, as most. */
static void on_reset_answer(void *data, const struct http_answer *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	struct console *c = &j->console;

	c->resetting = NULL;
	c->reset_answered = true;
	if (err->kind != GW_OK)
		snprintf(c->reset_text, sizeof(c->reset_text), "%.255s", err->text);
	else if (answer->status != 200 && answer->status != 501)
		snprintf(c->reset_text, sizeof(c->reset_text), "SALAD answered %d", answer->status);
	if (c->state != CONSOLE_CONNECTED)
		loop_timer_start(&j->loop, &c->reset_patience, RESET_PATIENCE_MS, on_reset_impatience, j);
	reset_go_on(j);
}

void console_reset(struct jobd *j)
{
	struct console *c = &j->console;
	char *url = gw_sprintf("%s/reset", c->machine_url);
	struct http_ask ask = {.method = "POST", .url = url, .total_ms = RESET_ANSWER_MS, .done = on_reset_answer, .data = j};
	struct gw_error err = {0};

	if (c->resetting)
		http_client_cancel(c->resetting);
	c->reset_wanted = true;
	c->reset_answered = false;
	c->reset_text[0] = '\0';
	c->resetting = http_client_ask(j->http, &ask, &err);
	free(url);
	if (c->resetting)
		return;
	snprintf(c->reset_text, sizeof(c->reset_text), "%.255s", err.text);
	tell_ready(j);
}

/* ---- bytes ---- */

static void send_input(struct jobd *j)
{
	struct console *c = &j->console;
	ssize_t n = c->input.len ? send(c->fd, c->input.data, c->input.len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (n > 0)
		buffer_drop(&c->input, (size_t)n);
	if (!c->input.len)
		c->input_told = false;
	loop_fd_events(&c->watch, UV_READABLE | (c->input.len ? UV_WRITABLE : 0)); /* an error shows as readable */
}

void console_input(struct jobd *j, const void *bytes, size_t n)
{
	struct console *c = &j->console;

	if (!buffer_add(&c->input, bytes, n) && !c->input_told) {
		log_warning("job=%s input is left out: the console does not take it", j->go->job);
		c->input_told = true;
	}
	if (c->state == CONSOLE_CONNECTED)
		send_input(j);
}

static bool is_refusal(const struct console *c, const char *bytes, size_t n)
{
	return c->fresh && n >= sizeof(taken) - 1 && memcmp(bytes, taken, sizeof(taken) - 1) == 0;
}

static void read_console(struct jobd *j)
{
	static char bytes[READ_SIZE]; /* not on the stack; one console a process */
	struct console *c = &j->console;
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(j, n == 0 ? "SALAD closed the connection" : strerror(errno));
	} else if (is_refusal(c, bytes, (size_t)n)) {
		lost(j, "another client is connected to it");
	} else {
		c->fresh = c->told = false;
		drive_console(j, bytes, (size_t)n);
	}
}

static void on_console(void *data, int events)
{
	struct jobd *j = data;

	if (events < 0)
		lost(j, uv_strerror(events));
	else if (events & UV_READABLE)
		read_console(j);
	if (j->console.state == CONSOLE_CONNECTED && events > 0 && events & UV_WRITABLE)
		send_input(j);
}

/* ---- connecting ---- */

static void on_connecting(void *data, int events)
{
	struct jobd *j = data;
	struct console *c = &j->console;
	struct gw_error err = {0};
	int error = 0, one = 1;
	socklen_t size = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	loop_fd_finish(&c->watch);
	if (events < 0 || error || !loop_fd_start(&j->loop, &c->watch, c->fd, UV_READABLE, on_console, j, &err)) {
		lost(j, error ? strerror(error) : events < 0 ? uv_strerror(events) : err.text);
		return;
	}
	loop_timer_stop(&c->again);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->state = CONSOLE_CONNECTED;
	c->fresh = true;
	c->tries = 0;
	send_input(j);
	reset_go_on(j);
}

static void on_impatience(void *data)
{
	lost(data, "SALAD does not answer");
}

static void connect_to(struct jobd *j, uint16_t port)
{
	struct console *c = &j->console;
	struct gw_error err = {0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->fd = fd < 0 ? 0 : fd;
	c->address.sin_port = htons(port);
	c->state = CONSOLE_CONNECTING;
	if (fd < 0 || (connect(fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0 && errno != EINPROGRESS))
		lost(j, strerror(errno));
	else if (!loop_fd_start(&j->loop, &c->watch, fd, UV_WRITABLE, on_connecting, j, &err))
		lost(j, err.text);
	else
		loop_timer_start(&j->loop, &c->again, CONNECT_PATIENCE_MS, on_impatience, j);
}

static uint16_t port_of(const struct http_answer *answer, struct gw_error *err)
{
	cJSON *json = NULL;
	double port = 0;

	if (answer->status != 200)
		gw_fail(err, GW_UNREACHABLE, "SALAD answered %d", answer->status);
	else if ((json = json_decode(answer->body, answer->len, err)))
		port = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "tcp_port"));
	cJSON_Delete(json);
	if (err->kind == GW_OK && !(port >= 1 && port <= 65535))
		gw_fail(err, GW_UNREACHABLE, "SALAD names no tcp_port");
	return err->kind == GW_OK ? (uint16_t)port : 0;
}

static void on_port(void *data, const struct http_answer *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	struct gw_error why = *err;
	uint16_t port = 0;

	j->console.asking = NULL;
	if (why.kind == GW_OK)
		port = port_of(answer, &why);
	if (port)
		connect_to(j, port);
	else
		lost(j, why.text);
}

static void ask_port(void *data)
{
	struct jobd *j = data;
	struct console *c = &j->console;
	struct http_ask ask = {.url = c->machine_url, .total_ms = CONNECT_PATIENCE_MS, .done = on_port, .data = j};
	struct gw_error err = {0};

	c->state = CONSOLE_ASKING;
	c->asking = http_client_ask(j->http, &ask, &err);
	if (!c->asking)
		lost(j, err.text);
}

void console_start(struct jobd *j)
{
	free(j->console.machine_url);
	j->console.machine_url = url_of_machine(j->console.base, j->go->dut.v[0].id);
	ask_port(j);
}

void console_stop(struct jobd *j)
{
	struct console *c = &j->console;

	disconnect(c);
	if (c->asking)
		http_client_cancel(c->asking);
	if (c->resetting)
		http_client_cancel(c->resetting);
	c->asking = c->resetting = NULL;
	c->reset_wanted = false;
	c->state = CONSOLE_OFF;
	buffer_finish(&c->input);
}

void console_finish(struct jobd *j)
{
	console_stop(j);
	loop_timer_finish(&j->console.again);
	loop_timer_finish(&j->console.reset_patience);
	free(j->console.base);
	free(j->console.machine_url);
}
