#include "libgateway/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/log_record.h"

#define JOB_FRONT (128 + 8) /* bytes of "job=ID " */

static const struct {
	const char *name;
	int journal; /* syslog's priority, sd-daemon(3) */
} levels[] = {{"debug", 7}, {"info", 6}, {"warning", 4}, {"error", 3}};

static const char *log_program = "gateway";
static enum log_level log_least = LOG_INF;
static bool log_journal;
static char log_job_front[JOB_FRONT]; /* "job=ID ", or "" */
static size_t (*log_print)(char *out, const struct log_record *record) = log_print_text;

/* systemd.exec(5): the variable is inherited by those whose standard error is something else, and then it means nothing. */
static bool journal_listens(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void log_init(const char *program, const char *level_name)
{
	log_program = program;
	log_journal = journal_listens();
	for (size_t i = 0; level_name && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].name, level_name) == 0)
			log_least = (enum log_level)i;
}

const char *log_job(const char *job)
{
	static _Thread_local char fronts[4][JOB_FRONT];
	static _Thread_local unsigned last;
	char *front = fronts[++last % 4];

	snprintf(front, JOB_FRONT, "%s%.128s%s", job ? "job=" : "", job ? job : "", job ? " " : "");
	return front;
}

void log_job_is(const char *job)
{
	snprintf(log_job_front, sizeof(log_job_front), "%s", log_job(job));
}

void log_format(const char *format)
{
	log_print = format && strcmp(format, "json") == 0 ? log_print_json : log_print_text;
}

char *log_escape(char *out, size_t size, const void *bytes, size_t n)
{
	const unsigned char *in = bytes;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		bool plain = in[i] >= 0x20 && in[i] != 0x7f && in[i] != '\\';
		if (used + (plain ? 1 : 4) + 4 > size) {
			if (size >= 4)
				used += (size_t)snprintf(out + used, size - used, "...");
			break;
		}
		if (plain)
			out[used++] = (char)in[i];
		else
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", in[i]);
	}
	if (size)
		out[used < size ? used : size - 1] = '\0';
	return out;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char bytes[LOG_RECORD_MAX], text[LOG_TEXT_MAX];
	struct log_record record = {
		.level = levels[level].name, .priority = log_journal ? levels[level].journal : -1, .program = log_program, .text = text};
	size_t front;
	va_list ap;

	if (level < log_least)
		return;
	front = strncmp(fmt, "job=", 4) == 0 ? 0 : (size_t)snprintf(text, sizeof(text), "%s", log_job_front);
	va_start(ap, fmt);
	vsnprintf(text + front, sizeof(text) - front, fmt, ap);
	va_end(ap);
	clock_gettime(CLOCK_REALTIME, &record.at);
	/* One write a record: daemons that share a standard error do not mix their lines. A full log is no reason to stop. */
	if (write(STDERR_FILENO, bytes, log_print(bytes, &record)) < 0)
		return;
}

void log_failure(const char *what, const struct gw_error *err)
{
	if (err->kind != GW_OK)
		log_error("%s: %s", what, err->text);
}
