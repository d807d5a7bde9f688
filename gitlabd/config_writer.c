#include "gitlabd/config_writer.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "libmars/watch.h"

enum { SOON_MS = 100, AGAIN_MS = 30000, PAUSE_MAX_MS = 60000 };

static void set_pause(struct config_writer *writer, uint64_t took_ms)
{
	writer->pause_ms = took_ms * 10 < SOON_MS ? SOON_MS : took_ms * 10 > PAUSE_MAX_MS ? PAUSE_MAX_MS : took_ms * 10;
}

/* On a thread of the pool. */
static void write_it(uv_work_t *work)
{
	struct config_writer *writer = work->data;
	uint64_t began = uv_hrtime(); /* ns */

	config_toml_update(writer->env, &writer->host, &writer->work.model, &writer->work.written, &writer->work.err);
	writer->work.took_ms = (uv_hrtime() - began) / 1000000;
}

static void write_now(void *data);

static void take_outcome(struct config_writer *writer)
{
	const struct gw_error *err = &writer->work.err;
	char *error = err->kind != GW_OK ? gw_strdup(err->text) : NULL;

	if (writer->work.written)
		log_info("%s is written", env_text(writer->env, OPT_GITLAB_CONF_FILE));
	if (error && (!writer->error || strcmp(writer->error, error) != 0))
		log_failure("gitlab-runner's configuration stays as it is", err);
	free(writer->error);
	writer->error = error;
	set_pause(writer, writer->work.took_ms);
}

static void on_written(uv_work_t *work, int status)
{
	struct config_writer *writer = work->data;

	model_snapshot_end(writer->model, &writer->work.model);
	writer->working = false;
	if (status == 0)
		take_outcome(writer);
	if (writer->finishing)
		return;
	if (writer->again)
		config_writer_soon(writer);
	else if (writer->error) /* the disk may have room again, or the folder be there */
		loop_timer_start(writer->loop, &writer->timer, AGAIN_MS, write_now, writer);
}

static void write_now(void *data)
{
	struct config_writer *writer = data;

	writer->working = true;
	writer->again = false;
	writer->work.model = model_snapshot(writer->model);
	writer->work.err = (struct gw_error){0};
	writer->work.written = false;
	writer->work.uv.data = writer;
	gw_assert(uv_queue_work(&writer->loop->uv, &writer->work.uv, write_it, on_written) == 0);
}

void config_writer_soon(void *data)
{
	struct config_writer *writer = data;

	writer->wanted = true;
	writer->again = writer->working;
	if (!writer->working && (!loop_timer_active(&writer->timer) || writer->error))
		loop_timer_start(writer->loop, &writer->timer, writer->pause_ms ? writer->pause_ms : SOON_MS, write_now, writer);
}

static void on_edited(void *data, int events)
{
	struct config_writer *writer = data;

	if (mars_watch_read(writer->watch) && writer->wanted)
		config_writer_soon(writer);
}

void config_writer_start(struct config_writer *writer)
{
	const char *template = env_text(writer->env, OPT_GITLAB_CONF_TEMPLATE_FILE);
	struct gw_error err = {0};

	if (!template)
		return;
	writer->watch = mars_watch_create(template, &err);
	if (!writer->watch ||
	    !loop_fd_start(writer->loop, &writer->edits, mars_watch_fd(writer->watch), UV_READABLE, on_edited, writer, &err))
		log_warning("GITLAB_CONF_TEMPLATE_FILE is not watched: %s", err.text);
}

void config_writer_finish(struct config_writer *writer)
{
	writer->finishing = true;
	if (writer->working)
		uv_cancel((uv_req_t *)&writer->work.uv); /* one that has not begun */
	while (writer->working)
		uv_run(&writer->loop->uv, UV_RUN_ONCE);
	loop_timer_finish(&writer->timer);
	loop_fd_finish(&writer->edits);
	mars_watch_destroy(writer->watch);
	writer->watch = NULL;
	free(writer->error);
	writer->error = NULL;
}
