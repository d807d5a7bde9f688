#include "libgateway/ended.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libgateway/files.h"

#define RECORD_MAX 512
#define EARLY_MS   3000 /* between two ends of a unit: it does not tell its start */

static int64_t boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool ended_read(const char *runtime_dir, const char *name, struct ended *ended)
{
	char *path = gw_sprintf("%s/%s.ended", runtime_dir, name), *text = file_read(path, RECORD_MAX, NULL, NULL);
	bool ok;

	*ended = (struct ended){0};
	ok = text && sscanf(text, "%u %u %" SCNd64 " %" SCNd64 " %127[^\n]", &ended->count, &ended->back_off_ms, &ended->at,
			    &ended->at_boot_ms, ended->how) == 5;
	free(text);
	free(path);
	if (!ok)
		*ended = (struct ended){0};
	return ok;
}

bool ended_note(const char *runtime_dir, const char *name, const char *how, unsigned back_off_ms, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s.ended", runtime_dir, name), text[RECORD_MAX];
	struct ended last;
	int n;
	bool ok;

	ended_read(runtime_dir, name, &last);
	n = snprintf(text, sizeof(text), "%u %u %" PRId64 " %" PRId64 " %.127s\n", last.count + 1, back_off_ms, (int64_t)time(NULL),
		     boot_ms(), how);
	ok = file_save(path, text, (size_t)n, 0640, err);
	free(path);
	return ok;
}

unsigned ended_next_back_off(unsigned back_off_ms, bool early)
{
	if (!early)
		return 0;
	if (back_off_ms == 0)
		return ENDED_BACK_OFF_MIN_MS;
	return back_off_ms * 2 < ENDED_BACK_OFF_MAX_MS ? back_off_ms * 2 : ENDED_BACK_OFF_MAX_MS;
}

/* ---- of a unit ---- */

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* systemd names a signal "KILL". */
static void tell_signal(const char *name, char *how, size_t size)
{
	for (int number = 1; number < 32; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcmp(known, name) == 0) {
			snprintf(how, size, "signal %d (%s)", number, sigdescr_np(number));
			return;
		}
	}
	snprintf(how, size, "signal %s", name);
}

static void tell(char *how, size_t size)
{
	const char *result = variable("SERVICE_RESULT"), *code = variable("EXIT_CODE"), *status = variable("EXIT_STATUS");

	if (strcmp(result, "watchdog") == 0)
		snprintf(how, size, "watchdog: it was silent for too long");
	else if (strcmp(code, "exited") == 0)
		snprintf(how, size, "exit code %s", status);
	else if (*status)
		tell_signal(status, how, size);
	else
		snprintf(how, size, "not started: %s", *result ? result : "no reason given");
}

bool ended_of_unit(const char *runtime_dir, const char *name, struct gw_error *err)
{
	bool failed = strcmp(variable("SERVICE_RESULT"), "success") != 0, early;
	struct ended last;
	struct timespec pause;
	unsigned wait_ms;
	char how[128];

	tell(how, sizeof(how));
	early = failed && ended_read(runtime_dir, name, &last) && boot_ms() - last.at_boot_ms < last.back_off_ms + EARLY_MS;
	wait_ms = ended_next_back_off(early ? last.back_off_ms : 0, early);
	if (!ended_note(runtime_dir, name, how, wait_ms, err))
		return false;
	pause = (struct timespec){wait_ms / 1000, (long)(wait_ms % 1000) * 1000000};
	nanosleep(&pause, NULL);
	return true;
}
