#include "gitlabd/removals.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"
#include "gitlabd/removals_file.h"
#include "gitlabd/removals_journal.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

enum { SOON_MS = 50, SAVE_AGAIN_MIN_MS = 1000, SAVE_AGAIN_MAX_MS = 60000 };

static bool removal_begin(struct work *work, struct server *server);

/* ---- the list ---- */

struct removal *removals_put(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description)
{
	struct removal *removal = gw_calloc(1, sizeof(*removal));

	*removal = (struct removal){.work.begin = removal_begin,
				    .next = removals->first,
				    .all = removals,
				    .url = gw_strdup(url),
				    .token = gw_strdup(token),
				    .description = gw_strdup(description),
				    .runner_id = runner_id};
	if (removals->first)
		removals->first->prev = removal;
	removals->first = removal;
	lookup_add(&removals->by, key_of_token(token), removal);
	if (runner_id > 0)
		lookup_add(&removals->by, key_of_runner(runner_id), removal);
	return removal;
}

static void touch(struct removal *removal)
{
	struct removals *removals = removal->all;

	if (removal->touched)
		return;
	removal->touched = true;
	removal->prev_touched = NULL;
	removal->next_touched = removals->touched;
	if (removals->touched)
		removals->touched->prev_touched = removal;
	removals->touched = removal;
}

static void untouch(struct removal *removal)
{
	if (!removal->touched)
		return;
	if (removal->next_touched)
		removal->next_touched->prev_touched = removal->prev_touched;
	if (removal->prev_touched)
		removal->prev_touched->next_touched = removal->next_touched;
	else
		removal->all->touched = removal->next_touched;
	removal->touched = false;
}

void removals_take_off(struct removal *removal)
{
	struct removals *removals = removal->all;

	untouch(removal);
	work_drop(&removal->work);
	loop_timer_finish(&removal->pause);
	if (removal->next)
		removal->next->prev = removal->prev;
	if (removal->prev)
		removal->prev->next = removal->next;
	else
		removals->first = removal->next;
	lookup_drop(&removals->by, key_of_token(removal->token), removal);
	if (removal->runner_id > 0)
		lookup_drop(&removals->by, key_of_runner(removal->runner_id), removal);
	gw_free_secret(removal->token);
	free(removal->url);
	free(removal->description);
	free(removal->last_error);
	free(removal);
}

struct removal *removals_find(const struct removals *removals, const char *url, const char *token)
{
	for (const struct lookup_node *node = lookup_first(&removals->by, key_of_token(token)); node; node = lookup_next(node)) {
		struct removal *removal = node->item;

		if (strcmp(removal->token, token) == 0 && strcmp(removal->url, url) == 0)
			return removal;
	}
	return NULL;
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
	bool ok = removals_write(removals, &err);

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

static void review_soon(struct removals *removals);

static void on_pause(void *data)
{
	struct removal *removal = data;

	touch(removal);
	review_soon(removal->all);
}

/* By a GitLab that answers all the same: the server has no back-off then, this runner has. */
static void pause_after_refusal(struct removal *removal, const struct server *server, const char *text)
{
	if (!removal->refusals++)
		log_warning("gitlab=%s runner %lld ('%s') is not removed, and it is tried again: %s", server->shown,
			    (long long)removal->runner_id, removal->description, text);
	loop_timer_start(server->servers->loop, &removal->pause, server_back_off_ms(removal->refusals, 0, drand48()), on_pause, removal);
}

static void take_off(struct removal *removal)
{
	struct removals *removals = removal->all;

	removals_note_gone(removals, removal);
	removals_take_off(removal);
	save_soon(removals);
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

static enum held held(const struct removal *removal)
{
	return removal->all->held(removal->all->data, removal->url, removal->token);
}

static bool removal_begin(struct work *work, struct server *server)
{
	struct removal *removal = (struct removal *)work;
	struct api_ask ask = {.what = API_REMOVE, .secret = removal->token};

	if (held(removal) != HELD_NOT) {
		touch(removal); /* it may have to be taken off */
		review_soon(removal->all);
		return false;
	}
	removal->busy = true;
	server_ask(server, &ask, on_removed, removal);
	return true;
}

static void review_one(struct removal *removal)
{
	enum held now = held(removal);

	if (removal->busy || (now == HELD_NOT && loop_timer_active(&removal->pause)))
		return;
	if (now == HELD_NOT)
		work_queue(&removal->work, servers_get(removal->all->servers, removal->url));
	else if (now == HELD_FOR_GOOD)
		take_off(removal);
}

static void review(void *data)
{
	struct removals *removals = data;
	struct removal *removal;

	while ((removal = removals->touched)) {
		untouch(removal);
		review_one(removal);
	}
}

static void review_soon(struct removals *removals)
{
	if (!loop_timer_active(&removals->review_timer) && !removals->servers->stopping)
		loop_timer_start(removals->servers->loop, &removals->review_timer, SOON_MS, review, removals);
}

void removals_touch(struct removals *removals, const char *token)
{
	const struct lookup_node *node = token ? lookup_first(&removals->by, key_of_token(token)) : NULL;

	for (; node; node = lookup_next(node)) {
		touch(node->item); /* one of another kind of key would be looked at for nothing */
		review_soon(removals);
	}
}

void removals_review(struct removals *removals)
{
	for (struct removal *removal = removals->first; removal; removal = removal->next)
		touch(removal);
	review_soon(removals);
}

void removals_add(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description)
{
	if (removals_find(removals, url, token))
		return;
	removals_note_add(removals, removals_put(removals, url, token, runner_id, description));
	removals->added = true;
	save_soon(removals);
}

const char *removals_url_of(const struct removals *removals, const char *token)
{
	for (const struct lookup_node *node = lookup_first(&removals->by, key_of_token(token)); node; node = lookup_next(node)) {
		const struct removal *removal = node->item;

		if (strcmp(removal->token, token) == 0)
			return removal->url;
	}
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
	removals_note_place(removals, find_place(removals, instance));
	removals->added = true;
	save_soon(removals);
}

/* ---- all of it ---- */

bool removals_has(const struct removals *removals, const char *url, int64_t runner_id)
{
	for (const struct lookup_node *node = lookup_first(&removals->by, key_of_runner(runner_id)); node; node = lookup_next(node)) {
		const struct removal *removal = node->item;

		if (removal->runner_id == runner_id && strcmp(removal->url, url) == 0)
			return true;
	}
	return false;
}

size_t removals_count(const struct removals *removals, const char *url)
{
	size_t n = 0;

	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		n += strcmp(removal->url, url) == 0 && held(removal) == HELD_NOT;
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
	removals->journal.path = env_state_path(env, "gitlabd/removals.journal");
	ok = dir_make(folder, 0700, err) && removals_load(removals, err) && removals_load_journal(removals, err);
	free(folder);
	return ok;
}

void removals_finish(struct removals *removals)
{
	if (removals->unsaved && removals->path)
		save(removals);
	loop_timer_finish(&removals->save_timer);
	loop_timer_finish(&removals->review_timer);
	while (removals->first)
		removals_take_off(removals->first);
	lookup_finish(&removals->by);
	removals_journal_finish(removals);
	for (size_t i = 0; i < removals->n_places; i++) {
		free(removals->places[i].instance);
		free(removals->places[i].url);
	}
	free(removals->places);
	free(removals->path);
	free(removals->save_error);
	*removals = (struct removals){0};
}
