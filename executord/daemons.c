#include "executord/daemons.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executord/executord.h"
#include "executord/names.h"
#include "libgateway/ended.h"

static const char *const known[DAEMONS_KNOWN] = {"executord", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};

static pid_t pid_of(const struct executord *ex, const char *name)
{
	char *path = env_runtime_path(&ex->env, "%s.lock", name);
	pid_t pid = file_lock_holder(path);

	free(path);
	return pid;
}

void daemons_start(struct executord *ex)
{
	ex->daemons.runtime_dir = env_text(&ex->env, OPT_EXECUTOR_RUNTIME_DIR);
	ex->daemons.v[0].up = true;
	ex->daemons.v[0].pid = getpid();
	ex->daemons.v[0].since = loop_wall_now();
}

void daemons_on_peer(struct executord *ex, const char *peer, enum bus_peer_event what)
{
	for (size_t i = 1; i < DAEMONS_KNOWN && what != BUS_PEER_GAP; i++) {
		if (strcmp(known[i], peer) != 0)
			continue;
		ex->daemons.v[i].up = what == BUS_PEER_UP;
		ex->daemons.v[i].pid = what == BUS_PEER_UP ? pid_of(ex, peer) : 0;
		ex->daemons.v[i].since = loop_wall_now();
	}
}

static struct ended end_of(const struct executord *ex, size_t i)
{
	struct ended ended = {0};

	if (ex->daemons.runtime_dir)
		ended_read(ex->daemons.runtime_dir, known[i], &ended);
	return ended;
}

static void add_date(cJSON *json, const char *name, double seconds)
{
	char text[40];

	if (seconds > 0) {
		names_date_text(seconds, text);
		cJSON_AddStringToObject(json, name, text);
	} else {
		cJSON_AddNullToObject(json, name);
	}
}

static cJSON *daemon_json(const struct executord *ex, size_t i)
{
	cJSON *json = cJSON_CreateObject();
	struct ended ended = end_of(ex, i);
	bool up = ex->daemons.v[i].up;

	cJSON_AddStringToObject(json, "state", up ? "up" : ended.back_off_ms ? "failing" : "down");
	if (ex->daemons.v[i].pid)
		cJSON_AddNumberToObject(json, "pid", (double)ex->daemons.v[i].pid);
	else
		cJSON_AddNullToObject(json, "pid");
	add_date(json, "since", ex->daemons.v[i].since);
	cJSON_AddNumberToObject(json, "restarts", ended.count);
	if (*ended.how)
		cJSON_AddStringToObject(json, "last_exit", ended.how);
	else
		cJSON_AddNullToObject(json, "last_exit");
	add_date(json, "last_exit_at", (double)ended.at);
	cJSON_AddNumberToObject(json, "back_off", up ? 0 : (double)ended.back_off_ms / 1000);
	return json;
}

cJSON *daemons_json(const struct executord *ex)
{
	cJSON *json = cJSON_CreateObject();

	for (size_t i = 0; i < DAEMONS_KNOWN; i++)
		cJSON_AddItemToObject(json, known[i], daemon_json(ex, i));
	return json;
}

uint64_t daemons_hash(const struct executord *ex)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < DAEMONS_KNOWN; i++) {
		const struct ended ended = end_of(ex, i);
		int64_t numbers[] = {ex->daemons.v[i].up, (int64_t)(ex->daemons.v[i].since * 1000), ended.count, ended.at};

		hash = http_hash(hash, numbers, sizeof(numbers));
	}
	return hash;
}
