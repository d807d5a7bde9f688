#include "saladd/note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libgateway/error.h"
#include "libgateway/files.h"

static bool write_anew(const char *path, const char *bytes, size_t n)
{
	int fd;
	bool ok;

	if (unlink(path) < 0 && errno != ENOENT)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;
	if (fd >= 0)
		ok &= close(fd) == 0;
	return ok;
}

bool note_save(const char *path, const char *bytes, size_t n)
{
	char *beside = gw_sprintf("%s.new", path);
	bool ok = write_anew(beside, bytes, n) && rename(beside, path) == 0;

	free(beside);
	return ok;
}

char *note_read(const char *path, size_t max, size_t *n)
{
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return NULL;
	return file_read(path, max, n, NULL);
}
