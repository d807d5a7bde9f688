#include "gitlabd/removals.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/removals_file.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

enum { SOON_MS = 50, SAVE_AGAIN_MS = 10000 };

static void removal_free(struct removal *removal)
{
	work_drop(&removal->work);
	gw_free_secret(removal->token);
	free(removal->url);
	free(removal->description);
	free(removal->last_error);
	free(removal);
}

static void take_off(struct removal *removal)
{
	struct removal **at = &removal->all->first;

	while (*at != removal)
		at = &(*at)->next;
	*at = removal->next;
	removal_free(removal);
}

static struct removal *find(const struct removals *removals, const char *url, const char *token)
{
	struct removal *removal = removals->first;

	while (removal && (strcmp(removal->token, token) != 0 || strcmp(removal->url, url) != 0))
		removal = removal->next;
	return removal;
}

/* ---- the file ---- */

static void on_save_time(void *data)
{
	removals_save(data);
}

static void save_soon(struct removals *removals)
{
	removals->unsaved = true;
	if (!loop_timer_active(&removals->save_timer))
		loop_timer_start(removals->servers->loop, &removals->save_timer, SOON_MS, on_save_time, removals);
}

bool removals_save(struct removals *removals)
{
	struct gw_error err = {0};
	char *text = removals_encode(removals->first);
	bool ok = file_save(removals->path, text, strlen(text), 0600, &err);

	gw_free_secret(text);
	free(removals->save_error);
	removals->save_error = ok ? NULL : gw_strdup(err.text);
	removals->unsaved = !ok;
	loop_timer_stop(&removals->save_timer);
	if (!ok) {
		log_failure("the list of runners to be removed is not saved, and is tried again", &err);
		loop_timer_start(removals->servers->loop, &removals->save_timer, SAVE_AGAIN_MS, on_save_time, removals);
	}
	return ok;
}

void removals_sync(struct removals *removals)
{
	if (removals->unsaved && !removals->save_error)
		removals_save(removals);
}

/* ---- a removal ---- */

static void on_removed(void *data, struct api_answer *answer)
{
	struct removal *removal = data;
	struct removals *removals = removal->all;
	struct server *server = servers_get(removals->servers, removal->url);

	removal->busy = false;
	server_heard(server, answer);
	free(removal->last_error);
	removal->last_error = NULL;
	if (answer->class == API_OK || answer->class == API_GONE) {
		log_info("gitlab=%s runner %lld ('%s') is removed", server->shown, (long long)removal->runner_id, removal->description);
		take_off(removal);
		save_soon(removals);
	} else {
		removal->last_error = gw_strdup(answer->text);
		if (answer->class != API_REFUSED && !removals->servers->stopping)
			work_queue(&removal->work, server);
	}
	server_release(server);
}

static bool begin(struct work *work, struct server *server)
{
	struct removal *removal = (struct removal *)work;
	struct removals *removals = removal->all;
	struct api_ask ask = {.what = API_REMOVE, .secret = removal->token};

	if (removals->held(removals->data, removal->url, removal->token) != HELD_NOT)
		return false;
	removal->busy = true;
	server_ask(server, &ask, on_removed, removal);
	return true;
}

static void review(void *data)
{
	struct removals *removals = data;
	struct removal *next;

	for (struct removal *removal = removals->first; removal; removal = next) {
		enum held held = removals->held(removals->data, removal->url, removal->token);

		next = removal->next;
		if (removal->busy)
			continue;
		if (held == HELD_NOT) {
			work_queue(&removal->work, servers_get(removals->servers, removal->url));
		} else if (held == HELD_FOR_GOOD) {
			take_off(removal);
			save_soon(removals);
		}
	}
}

void removals_review(struct removals *removals)
{
	if (!loop_timer_active(&removals->review_timer))
		loop_timer_start(removals->servers->loop, &removals->review_timer, SOON_MS, review, removals);
}

/* ---- the list ---- */

void removals_put(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description)
{
	struct removal *removal = gw_calloc(1, sizeof(*removal));

	*removal = (struct removal){.work.begin = begin,
				    .next = removals->first,
				    .all = removals,
				    .url = gw_strdup(url),
				    .token = gw_strdup(token),
				    .description = gw_strdup(description),
				    .runner_id = runner_id};
	removals->first = removal;
}

void removals_add(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description)
{
	if (find(removals, url, token))
		return;
	removals_put(removals, url, token, runner_id, description);
	save_soon(removals);
}

bool removals_has(const struct removals *removals, const char *url, int64_t runner_id)
{
	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		if (removal->runner_id == runner_id && strcmp(removal->url, url) == 0)
			return true;
	return false;
}

size_t removals_count(const struct removals *removals, const char *url)
{
	size_t n = 0;

	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		n += strcmp(removal->url, url) == 0 && removals->held(removals->data, url, removal->token) == HELD_NOT;
	return n;
}

bool removals_init(struct removals *removals, struct servers *servers, const struct env *env, struct gw_error *err)
{
	char *folder = env_state_path(env, "gitlabd");
	bool ok;

	removals->servers = servers;
	removals->path = env_state_path(env, "gitlabd/removals.json");
	ok = dir_make(folder, 0700, err) && removals_load(removals, err);
	free(folder);
	return ok;
}

void removals_finish(struct removals *removals)
{
	struct removal *removal;

	if (removals->unsaved && removals->path)
		removals_save(removals);
	loop_timer_finish(&removals->save_timer);
	loop_timer_finish(&removals->review_timer);
	while ((removal = removals->first)) {
		removals->first = removal->next;
		removal_free(removal);
	}
	free(removals->path);
	free(removals->save_error);
	*removals = (struct removals){0};
}
