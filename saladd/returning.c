#include "saladd/returning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/log.h"

#define FILE_MAX ((SCAN_ID_MAX + 1) * MACHINES_MAX)

/* Without fsync: it is to outlive this process, not the host. */
static bool write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;

	if (fd >= 0)
		ok &= close(fd) == 0;
	return ok;
}

void returning_save(const struct machines *all)
{
	struct buffer ids = {0};
	char *beside = gw_sprintf("%s.new", all->clients_path);

	for (size_t i = 0; i < all->n; i++)
		if (machine_has_client(all->v[i]))
			buffer_printf(&ids, "%s\n", all->v[i]->id);
	if (!write_file(beside, ids.len ? ids.data : "", ids.len) || rename(beside, all->clients_path) < 0)
		log_warning("%s: %s; after a restart, what a machine writes before its client is back is lost", beside, strerror(errno));
	free(beside);
	buffer_finish(&ids);
}

void returning_load(struct machines *all)
{
	size_t len;
	char *text = file_read(all->clients_path, FILE_MAX, &len, NULL), *rest = text, *id;

	while (text && (id = strsep(&rest, "\n"))) {
		struct machine *m = *id ? machines_get(all, id, NULL) : NULL;
		if (m)
			m->returns_until_ms = loop_now_ms(all->loop) + MACHINE_RETURN_MS;
	}
	free(text);
}
