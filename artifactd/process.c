#include "artifactd/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (16 << 20) /* bytes, of each */
#define TERM_MS    5000       /* between SIGTERM and SIGKILL */

enum { OUT, ERR, OUTPUTS };

struct output {
	struct process *process;
	uv_pipe_t pipe;
	char kept[PROCESS_KEPT + 1];
	size_t n;
	uint64_t seen; /* bytes in all */
	char chunk[4096];
};

struct process {
	struct loop *loop;
	uv_process_t uv;
	struct output outputs[OUTPUTS];
	unsigned open; /* handles */
	struct loop_timer timer;
	char program[128];
	bool ended;
	int64_t code;
	int signal;
	struct gw_error why; /* it was stopped */
	process_done *done;
	void *data;
};

static char *last_line(char *text)
{
	char *end = text + strlen(text), *line;

	while (end > text && strchr(" \r\n", end[-1]))
		*--end = '\0';
	line = strrchr(text, '\n');
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' && *c != '\n')
			*c = ' ';
	return line ? line + 1 : text;
}

static void judge(const struct process *p, struct process_end *end)
{
	if (p->why.kind != GW_OK)
		end->err = p->why;
	else if (p->signal)
		gw_fail(&end->err, GW_UNREACHABLE, "%s was ended by signal %d", p->program, p->signal);
	else if (p->code)
		gw_fail(&end->err, GW_REFUSED, "%s: exit code %d: %.300s", p->program, (int)p->code,
			*end->last ? end->last : "it printed no reason");
}

static void on_closed(uv_handle_t *handle)
{
	struct process *p = handle->data;
	struct process_end end = {0};

	if (--p->open)
		return;
	end.out = p->outputs[OUT].kept;
	end.last = last_line(p->outputs[ERR].kept);
	end.code = p->signal || p->why.kind != GW_OK ? -1 : (int)p->code;
	judge(p, &end);
	loop_timer_finish(&p->timer);
	p->done(p->data, &end);
	free(p);
}

static void close_handle(void *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void on_exit_(uv_process_t *uv, int64_t code, int signal)
{
	struct process *p = uv->data;

	p->ended = true;
	p->code = code;
	p->signal = signal;
	kill(-p->uv.pid, SIGKILL); /* what it left behind would keep the outputs open */
	close_handle(&p->uv);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct output *o = (struct output *)(void *)((char *)handle - offsetof(struct output, pipe));

	*buf = uv_buf_init(o->chunk, sizeof(o->chunk));
}

static void keep(struct output *o, const char *bytes, size_t n)
{
	size_t drop;

	if (n > PROCESS_KEPT) {
		bytes += n - PROCESS_KEPT;
		n = PROCESS_KEPT;
	}
	drop = o->n + n > PROCESS_KEPT ? o->n + n - PROCESS_KEPT : 0;
	memmove(o->kept, o->kept + drop, o->n - drop);
	o->n -= drop;
	for (size_t i = 0; i < n; i++)
		o->kept[o->n++] = bytes[i] ? bytes[i] : ' ';
	o->kept[o->n] = '\0';
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct output *o = (struct output *)(void *)((char *)stream - offsetof(struct output, pipe));

	if (n < 0) {
		close_handle(stream);
		return;
	}
	keep(o, buf->base, (size_t)n);
	o->seen += (uint64_t)n;
	if (o->seen > OUTPUT_MAX)
		process_stop(o->process, "it printed more than 16 MiB");
}

static void on_deadline(void *data)
{
	process_stop(data, "it took too long");
}

static void on_term_was_in_vain(void *data)
{
	struct process *p = data;

	kill(-p->uv.pid, SIGKILL);
}

void process_stop(struct process *p, const char *why)
{
	if (p->ended || p->why.kind != GW_OK)
		return;
	gw_fail(&p->why, GW_REFUSED, "%s was stopped: %s", p->program, why);
	kill(-p->uv.pid, SIGTERM);
	loop_timer_start(p->loop, &p->timer, TERM_MS, on_term_was_in_vain, p);
}

static void nobody_is_told(void *data, const struct process_end *end)
{
}

static void open_outputs(struct process *p, uv_stdio_container_t *stdio)
{
	stdio[0].flags = UV_IGNORE;
	for (int i = 0; i < OUTPUTS; i++) {
		p->outputs[i].process = p;
		uv_pipe_init(&p->loop->uv, &p->outputs[i].pipe, 0);
		p->outputs[i].pipe.data = p;
		p->open++;
		stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
		stdio[i + 1].data.stream = (uv_stream_t *)&p->outputs[i].pipe;
	}
}

struct process *process_start(struct loop *loop, char *const *argv, uint64_t deadline_ms, process_done *done, void *data,
			      struct gw_error *err)
{
	struct process *p = gw_calloc(1, sizeof(*p));
	uv_stdio_container_t stdio[1 + OUTPUTS] = {0};
	uv_process_options_t options = {.exit_cb = on_exit_,
					.file = argv[0],
					.args = (char **)argv,
					.flags = UV_PROCESS_DETACHED,
					.stdio = stdio,
					.stdio_count = 1 + OUTPUTS};
	int failed;

	*p = (struct process){.loop = loop, .done = done, .data = data};
	snprintf(p->program, sizeof(p->program), "%s", argv[0]);
	open_outputs(p, stdio);
	failed = uv_spawn(&loop->uv, &p->uv, &options);
	p->uv.data = p;
	p->open++;
	if (failed) {
		p->done = nobody_is_told;
		close_handle(&p->uv);
		for (int i = 0; i < OUTPUTS; i++)
			close_handle(&p->outputs[i].pipe);
		gw_fail(err, GW_REFUSED, "%s cannot be run: %s", argv[0], uv_strerror(failed));
		return NULL;
	}
	for (int i = 0; i < OUTPUTS; i++)
		uv_read_start((uv_stream_t *)&p->outputs[i].pipe, on_room, on_bytes);
	loop_timer_start(loop, &p->timer, deadline_ms, on_deadline, p);
	return p;
}
