#include "libbus/bus.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

char *bus_socket_path(const struct bus_state *bus, const char *name)
{
	return gw_sprintf("%s/%s.bus", bus->runtime_dir, name);
}

enum bus_daemon bus_daemon_of(const char *name)
{
	size_t len = strcspn(name, "-");

	for (unsigned bit = 1; bit < BUS_ANY; bit <<= 1) {
		const char *known = bus_daemon_name((enum bus_daemon)bit);
		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return (enum bus_daemon)bit;
	}
	return (enum bus_daemon)0;
}

static void on_wake(uv_async_t *wake)
{
	bus_notes_deliver(wake->data);
}

static void on_folder_changed(uv_fs_event_t *folder, const char *file, int events, int status)
{
	bus_peers_folder_changed(folder->data, status < 0 ? NULL : file);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static bool watch_start(struct bus_state *bus, struct gw_error *err)
{
	int rc;

	bus->wake = gw_calloc(1, sizeof(*bus->wake));
	rc = uv_async_init(&bus->loop->uv, bus->wake, on_wake);
	gw_assert(rc == 0);
	bus->wake->data = bus;
	bus->folder = gw_calloc(1, sizeof(*bus->folder));
	uv_fs_event_init(&bus->loop->uv, bus->folder);
	bus->folder->data = bus;
	rc = uv_fs_event_start(bus->folder, on_folder_changed, bus->runtime_dir, 0);
	return rc == 0 || gw_fail(err, GW_UNREACHABLE, "%s: cannot watch the folder: %s", bus->runtime_dir, uv_strerror(rc));
}

static void watch_finish(struct bus_state *bus)
{
	if (bus->wake)
		uv_close((uv_handle_t *)bus->wake, free_handle);
	if (bus->folder)
		uv_close((uv_handle_t *)bus->folder, free_handle);
}

static bool handlers_take(struct bus_state *bus, const struct bus_handler *handlers, struct gw_error *err)
{
	for (; handlers && handlers->fn; handlers++)
		bus->handlers[handlers->type] = handlers->fn;
	for (int type = 0; type < BUS_TYPES; type++) {
		if (type == MSG_HELLO || !bus_types[type].answer || !(bus_types[type].to & bus->who) || bus->handlers[type])
			continue;
		return gw_fail(err, GW_INTERNAL, "%s answers %s but has no handler for it", bus_daemon_name(bus->who),
			       bus_types[type].name);
	}
	return true;
}

static bool lock_take(struct bus_state *bus, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s.lock", bus->runtime_dir, bus->name);
	bool ok = dir_make(bus->runtime_dir, 0750, err) && file_lock_take(&bus->lock, path, err);

	free(path);
	return ok;
}

bool bus_join(struct bus *bus, struct loop *loop, const char *runtime_dir, enum bus_daemon who, const char *name,
	      const struct bus_handler *handlers, void *owner, struct gw_error *err)
{
	struct bus_state *state = gw_calloc(1, sizeof(*state));

	bus->state = state;
	state->loop = loop;
	state->who = who;
	state->owner = owner;
	state->runtime_dir = gw_strdup(runtime_dir);
	state->name = gw_strdup(name ? name : bus_daemon_name(who));
	state->path = bus_socket_path(state, state->name);
	state->notes_end = &state->notes;
	pthread_mutex_init(&state->mutex, NULL);
	if (handlers_take(state, handlers, err) && lock_take(state, err) && watch_start(state, err) && bus_server_start(state, err))
		return true;
	gw_context(err, "bus");
	bus_finish(bus);
	return false;
}

void bus_finish(struct bus *bus)
{
	struct bus_state *state = bus->state;

	if (!state)
		return;
	bus_peers_finish(state);
	bus_server_finish(state);
	watch_finish(state);
	bus_notes_drop(state);
	pthread_mutex_destroy(&state->mutex);
	file_lock_finish(&state->lock);
	free(state->runtime_dir);
	free(state->name);
	free(state->path);
	free(state);
	bus->state = NULL;
}

const char *bus_name(const struct bus *bus)
{
	return bus->state->name;
}

void bus_publish(struct bus *bus, enum bus_type type, const void *body)
{
	struct gw_error err = {0};
	char *text = bus_wire_event(type, bus->state->seq + 1, body, &err);

	if (text) {
		bus->state->seq++;
		bus_server_event(bus->state, text);
	}
	log_failure("an event is not published", &err);
	free(text);
}
