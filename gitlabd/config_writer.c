#include "gitlabd/config_writer.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

enum { SOON_MS = 100, AGAIN_MS = 30000 };

static void write_now(void *data)
{
	struct config_writer *writer = data;
	struct gw_error err = {0};
	bool written = false;
	char *error = NULL;

	if (!config_toml_update(writer->env, &writer->host, writer->model, &written, &err))
		error = gw_strdup(err.text);
	if (written)
		log_info("%s is written", env_text(writer->env, OPT_GITLAB_CONF_FILE));
	if (error && (!writer->error || strcmp(writer->error, error) != 0))
		log_failure("gitlab-runner's configuration stays as it is", &err);
	free(writer->error);
	writer->error = error;
	if (error) /* the disk may have room again, and a template is edited live */
		loop_timer_start(writer->loop, &writer->timer, AGAIN_MS, write_now, writer);
}

void config_writer_soon(void *data)
{
	struct config_writer *writer = data;

	if (!loop_timer_active(&writer->timer) || writer->error)
		loop_timer_start(writer->loop, &writer->timer, SOON_MS, write_now, writer);
}

void config_writer_finish(struct config_writer *writer)
{
	loop_timer_finish(&writer->timer);
	free(writer->error);
	writer->error = NULL;
}
