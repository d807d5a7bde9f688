#include <stdlib.h>

#include "libbus/internal.h"

#define LARGE (256U << 10) /* bytes of a message; read, it takes twenty times as many */

void bus_note_leave(struct bus_state *bus, const struct bus_note *from)
{
	struct bus_note *note = gw_calloc(1, sizeof(*note));

	*note = *from;
	note->next = NULL;
	pthread_mutex_lock(&bus->mutex);
	*bus->notes_end = note;
	bus->notes_end = &note->next;
	pthread_mutex_unlock(&bus->mutex);
	uv_async_send(bus->wake);
}

static struct bus_note *take_all(struct bus_state *bus)
{
	struct bus_note *notes;

	pthread_mutex_lock(&bus->mutex);
	notes = bus->notes;
	bus->notes = NULL;
	bus->notes_end = &bus->notes;
	pthread_mutex_unlock(&bus->mutex);
	return notes;
}

static void note_free(struct bus_note *note)
{
	if (note->stream)
		nng_stream_free(note->stream);
	free(note->text);
	free(note);
}

/* A farm of ten thousand machines is told of once, and its many pieces would stay in the heap for good. */
void bus_notes_deliver(struct bus_state *bus)
{
	struct bus_note *note, *notes = take_all(bus);
	bool large = false;

	while ((note = notes)) {
		notes = note->next;
		large |= note->len > LARGE;
		if (!bus_server_note(bus, note))
			bus_peers_note(bus, note);
		note_free(note);
	}
	if (large)
		loop_tidy_later(bus->loop);
}

void bus_notes_drop(struct bus_state *bus)
{
	struct bus_note *note, *notes = take_all(bus);

	while ((note = notes)) {
		notes = note->next;
		note_free(note);
	}
}
