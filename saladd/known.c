#include "saladd/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "libgateway/log.h"
#include "saladd/note.h"

#define FILE_MAX (KNOWN_MAX * sizeof(struct known_port))

static struct known_port *find(const struct known *known, const char *key)
{
	for (size_t i = 0; i < known->n; i++)
		if (strcmp(known->v[i].key, key) == 0)
			return &known->v[i];
	return NULL;
}

const char *known_find(const struct known *known, const char *key)
{
	const struct known_port *port = find(known, key);

	return port ? port->id : NULL;
}

static void forget(struct known *known, struct known_port *port)
{
	memmove(port, port + 1, (size_t)(known->v + --known->n - port) * sizeof(*port));
}

void known_put(struct known *known, const char *key, const char *id)
{
	struct known_port *port = find(known, key);

	if (port)
		forget(known, port);
	if (known->n == KNOWN_MAX)
		forget(known, known->v);
	if (!known->v)
		known->v = gw_calloc(KNOWN_MAX, sizeof(known->v[0]));
	port = &known->v[known->n++];
	strcpy(port->key, key);
	strcpy(port->id, id);
}

void known_set(struct known *known, const char *key, const char *id)
{
	const char *before = known_find(known, key);
	struct buffer text = {0};

	if (!*key || (before && strcmp(before, id) == 0))
		return;
	known_put(known, key, id);
	for (size_t i = 0; i < known->n; i++)
		buffer_printf(&text, "%s %s\n", known->v[i].key, known->v[i].id);
	if (!note_save(known->path, text.data, text.len))
		log_warning("%s: %s; after a restart, serial ports are nobody's until their machines say an id", known->path,
			    strerror(errno));
	buffer_finish(&text);
}

static bool is_word(const char *text, size_t max)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return n >= 1 && n <= max;
}

void known_decode(struct known *known, const char *text, size_t n)
{
	char *copy = gw_strndup(text, n), *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *id = line, *key = strsep(&id, " ");

		if (id && is_word(key, PLACE_KEY_MAX) && is_word(id, SCAN_ID_MAX))
			known_put(known, key, id);
	}
	free(copy);
}

void known_load(struct known *known, char *path)
{
	size_t n;
	char *text = note_read(path, FILE_MAX, &n);

	*known = (struct known){.path = path};
	if (text)
		known_decode(known, text, n);
	free(text);
}

void known_finish(struct known *known)
{
	free(known->v);
	free(known->path);
	*known = (struct known){0};
}
