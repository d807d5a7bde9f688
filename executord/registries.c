#include "executord/registries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "executord/executord.h"
#include "libgateway/log.h"
#include "libmars/watch.h"

#define FILE_MAX_SIZE (1 << 20)

static bool read_file(struct executord *ex, struct registry_rules *rules, struct gw_errors *errs)
{
	const char *path = env_text(&ex->env, OPT_REGISTRIES_CFG), *name = strrchr(path, '/');
	struct gw_error err = {0};
	size_t n = 0;
	char *text;
	bool ok;

	*rules = (struct registry_rules){0};
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return true;
	text = file_read(path, FILE_MAX_SIZE, &n, &err);
	if (!text) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	ok = registry_rules_decode(rules, text, n, name ? name + 1 : path, errs);
	free(text);
	return ok;
}

static void note_time(char since[32])
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(since, 32, "%H:%M:%S", &tm);
}

void registries_read_again(struct executord *ex)
{
	struct registries *r = &ex->registries;
	struct registry_rules rules;
	struct gw_errors errs = {0};

	if (!r->watch)
		return;
	if (read_file(ex, &rules, &errs)) {
		registry_rules_finish(&r->rules);
		r->rules = rules;
		note_time(r->since);
		log_info("REGISTRIES_CFG: %zu rules", rules.n);
	}
	for (size_t i = 0; i < errs.n; i++)
		log_error("REGISTRIES_CFG: %s. The rules read at %s stay in use", errs.v[i].text, r->since);
	gw_errors_finish(&errs);
}

static void on_edited(void *data, int events)
{
	struct executord *ex = data;

	if (mars_watch_read(ex->registries.watch))
		registries_read_again(ex);
}

bool registries_start(struct executord *ex, struct gw_error *err)
{
	struct registries *r = &ex->registries;

	if (!env_text(&ex->env, OPT_REGISTRIES_CFG))
		return true;
	r->watch = mars_watch_create(env_text(&ex->env, OPT_REGISTRIES_CFG), err);
	if (!r->watch)
		return gw_context(err, "REGISTRIES_CFG");
	note_time(r->since);
	registries_read_again(ex);
	return loop_fd_start(&ex->loop, &r->fd, mars_watch_fd(r->watch), UV_READABLE, on_edited, ex, err);
}

bool registries_check(struct executord *ex, struct gw_error *err)
{
	struct registry_rules rules = {0};
	struct gw_errors errs = {0};
	bool ok;

	if (!env_text(&ex->env, OPT_REGISTRIES_CFG))
		return true;
	read_file(ex, &rules, &errs);
	for (size_t i = 1; i < errs.n; i++)
		log_error("REGISTRIES_CFG: %s", errs.v[i].text);
	ok = gw_errors_none(&errs, err) || gw_context(err, "REGISTRIES_CFG");
	registry_rules_finish(&rules);
	gw_errors_finish(&errs);
	return ok;
}

void registries_finish(struct executord *ex)
{
	struct registries *r = &ex->registries;

	loop_fd_finish(&r->fd);
	mars_watch_destroy(r->watch);
	registry_rules_finish(&r->rules);
	r->watch = NULL;
}
