#include "saladd/returning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "saladd/note.h"

#define FILE_MAX ((SCAN_ID_MAX + 1) * MACHINES_MAX)

void returning_save(const struct machines *all)
{
	struct buffer ids = {0};

	for (size_t i = 0; i < all->n; i++)
		if (machine_has_client(all->v[i]))
			buffer_printf(&ids, "%s\n", all->v[i]->id);
	if (!note_save(all->clients_path, ids.len ? ids.data : "", ids.len))
		log_warning("%s: %s; after a restart, what a machine writes before its client is back is lost", all->clients_path,
			    strerror(errno));
	buffer_finish(&ids);
}

void returning_load(struct machines *all)
{
	size_t len;
	char *text = note_read(all->clients_path, FILE_MAX, &len), *rest = text, *id;

	while (text && (id = strsep(&rest, "\n"))) {
		struct machine *m = *id ? machines_get(all, id, NULL) : NULL;
		if (m)
			m->returns_until_ms = loop_now_ms(all->loop) + MACHINE_RETURN_MS;
	}
	free(text);
}
