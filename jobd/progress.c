#include "jobd/progress.h"

#include <stdlib.h>

#include "jobd/jobd.h"

void progress_name(struct progress_names *names, const char *where)
{
	if (names->n < PROGRESS_NAMES)
		buffer_printf(&names->text, "%s%s", names->n ? ", " : "", where);
	names->n++;
}

static void on_again(void *data)
{
	struct jobd *j = data;
	struct progress_names names = {0};
	char *awaited, *text;

	artifacts_name_awaited(j, &names);
	images_name_awaited(j, &names);
	nbd_name_awaited(j, &names);
	if (names.n > PROGRESS_NAMES)
		buffer_printf(&names.text, " and %zu more", names.n - PROGRESS_NAMES);
	awaited = buffer_take(&names.text);
	text = gw_sprintf("Still fetching: %zu of %zu are there; awaited: %s", j->artifacts.had + j->images.had + j->nbd.had,
			  j->artifacts.first + j->images.n + j->nbd.n, awaited);
	progress_start(j);
	drive_happened(j, RUN_ARTIFACTS_AWAITED, text);
	free(awaited);
	free(text);
}

void progress_start(struct jobd *j)
{
	loop_timer_start(&j->loop, &j->progress.again, PROGRESS_MS, on_again, j);
}

void progress_stop(struct jobd *j)
{
	loop_timer_stop(&j->progress.again);
}

void progress_finish(struct jobd *j)
{
	loop_timer_finish(&j->progress.again);
}
