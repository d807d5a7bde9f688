#include "gitlabd/removals.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/removals_file.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

enum { SOON_MS = 50, SAVE_AGAIN_MIN_MS = 1000, SAVE_AGAIN_MAX_MS = 60000 };

static void removal_free(struct removal *removal)
{
	work_drop(&removal->work);
	loop_timer_finish(&removal->pause);
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

static bool save(struct removals *removals);

static void on_save_time(void *data)
{
	save(data);
}

static void save_in(struct removals *removals, uint64_t ms)
{
	loop_timer_start(removals->servers->loop, &removals->save_timer, ms, on_save_time, removals);
}

static void save_soon(struct removals *removals)
{
	removals->unsaved = true;
	if (!loop_timer_active(&removals->save_timer))
		save_in(removals, SOON_MS);
}

static void not_saved(struct removals *removals, const struct gw_error *err)
{
	unsigned doublings = removals->save_failures < 6 ? removals->save_failures : 6;
	uint64_t wait_ms = (uint64_t)SAVE_AGAIN_MIN_MS << doublings;

	if (!removals->save_error)
		log_failure("the list of runners to be removed is not saved, and is tried again; until then none is taken out of MarsDB",
			    err);
	free(removals->save_error);
	removals->save_error = gw_strdup(err->text);
	removals->save_failures++;
	save_in(removals, wait_ms < SAVE_AGAIN_MAX_MS ? wait_ms : SAVE_AGAIN_MAX_MS);
}

static void is_saved(struct removals *removals)
{
	bool again = removals->save_error != NULL;

	free(removals->save_error);
	removals->save_error = NULL;
	removals->save_failures = 0;
	removals->unsaved = removals->added = false;
	loop_timer_stop(&removals->save_timer);
	if (!again || removals->servers->stopping)
		return;
	log_info("the list of runners to be removed is saved again");
	removals->saved(removals->data);
}

static bool save(struct removals *removals)
{
	struct gw_error err = {0};
	char *text = removals_encode(removals);
	bool ok = file_save(removals->path, text, strlen(text), 0600, &err);

	gw_free_secret(text);
	if (ok)
		is_saved(removals);
	else
		not_saved(removals, &err);
	return ok;
}

bool removals_are_saved(struct removals *removals)
{
	return !removals->save_error && (!removals->added || save(removals));
}

/* ---- a removal ---- */

static void on_pause(void *data)
{
	removals_review(data);
}

/* By a GitLab that answers all the same: the server has no back-off then, this runner has. */
static void pause_after_refusal(struct removal *removal, const struct server *server, const char *text)
{
	if (!removal->refusals++)
		log_warning("gitlab=%s runner %lld ('%s') is not removed, and it is tried again: %s", server->shown,
			    (long long)removal->runner_id, removal->description, text);
	loop_timer_start(server->servers->loop, &removal->pause, server_back_off_ms(removal->refusals, 0, drand48()), on_pause,
			 removal->all);
}

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
		if (removals->servers->stopping)
			;
		else if (answer->class == API_REFUSED)
			pause_after_refusal(removal, server, answer->text);
		else
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
		if (removal->busy || (held == HELD_NOT && loop_timer_active(&removal->pause)))
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
	removals->added = true;
	save_soon(removals);
}

const char *removals_url_of(const struct removals *removals, const char *token)
{
	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		if (strcmp(removal->token, token) == 0)
			return removal->url;
	return NULL;
}

/* ---- places ---- */

static struct place *find_place(const struct removals *removals, const char *instance)
{
	for (size_t i = 0; i < removals->n_places; i++)
		if (strcmp(removals->places[i].instance, instance) == 0)
			return &removals->places[i];
	return NULL;
}

const char *removals_place(const struct removals *removals, const char *instance)
{
	const struct place *place = find_place(removals, instance);

	return place ? place->url : NULL;
}

bool removals_put_place(struct removals *removals, const char *instance, const char *url)
{
	struct place *place = find_place(removals, instance);

	if (place && strcmp(place->url, url) == 0)
		return false;
	if (!place) {
		removals->places = gw_realloc(removals->places, (removals->n_places + 1) * sizeof(*removals->places));
		place = &removals->places[removals->n_places++];
		*place = (struct place){.instance = gw_strdup(instance)};
	}
	free(place->url);
	place->url = gw_strdup(url);
	return true;
}

void removals_set_place(struct removals *removals, const char *instance, const char *url)
{
	if (!removals_put_place(removals, instance, url))
		return;
	removals->added = true;
	save_soon(removals);
}

/* ---- all of it ---- */

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

const char *removals_error(const struct removals *removals, const char *url)
{
	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		if (removal->last_error && strcmp(removal->url, url) == 0)
			return removal->last_error;
	return NULL;
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
		save(removals);
	loop_timer_finish(&removals->save_timer);
	loop_timer_finish(&removals->review_timer);
	while ((removal = removals->first)) {
		removals->first = removal->next;
		removal_free(removal);
	}
	for (size_t i = 0; i < removals->n_places; i++) {
		free(removals->places[i].instance);
		free(removals->places[i].url);
	}
	free(removals->places);
	free(removals->path);
	free(removals->save_error);
	*removals = (struct removals){0};
}
