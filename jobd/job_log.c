#include "jobd/job_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define LOG_MAX (32 * 1024 * 1024) /* bytes; what comes later is left out */

static void warn(struct jobd *j, const char *why)
{
	if (!j->log.failed)
		log_warning("job=%s its console is not logged: %s", j->go->job, why);
	j->log.failed = true;
}

void job_log_start(struct jobd *j)
{
	char *folder = env_state_path(&j->env, "jobs"), *path = env_state_path(&j->env, "jobs/%s.log", j->go->job);
	struct gw_error err = {0};
	int fd = -1;

	if (dir_make(folder, 0750, &err)) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (fd < 0)
			gw_fail_errno(&err, GW_UNREACHABLE, errno, "%s", path);
	}
	if (fd < 0)
		warn(j, err.text);
	j->log.fd = fd < 0 ? 0 : fd;
	free(folder);
	free(path);
}

static void put(struct jobd *j, const void *bytes, size_t n)
{
	ssize_t written = write(j->log.fd, bytes, n);

	if (written < 0)
		warn(j, strerror(errno));
	else
		j->log.size += (size_t)written;
}

void job_log_add(struct jobd *j, const void *bytes, size_t n)
{
	static const char full[] = "\n[the rest is left out: the log is full]\n";
	struct job_log *log = &j->log;
	size_t room = LOG_MAX - (log->size < LOG_MAX ? log->size : LOG_MAX);

	if (!log->fd || log->full)
		return;
	put(j, bytes, n < room ? n : room);
	if (n <= room)
		return;
	log->full = true;
	put(j, full, sizeof(full) - 1);
}

bool job_log_has_bytes(const struct jobd *j)
{
	return j->log.size > 0;
}

void job_log_finish(struct jobd *j)
{
	if (j->log.fd)
		close(j->log.fd);
	j->log.fd = 0;
}
