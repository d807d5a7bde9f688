/* Logging to standard error, one line a record: "2026-01-31T12:00:00.123Z bootsd info: text", or a JSON object (log_record.h). Where
 * JOURNAL_STREAM says that standard error is journald's, "<6>" and the like are in front. Thread-safe. */
#ifndef LIBGATEWAY_LOG_H
#define LIBGATEWAY_LOG_H

#include "libgateway/error.h"

enum log_level { LOG_DBG, LOG_INF, LOG_WRN, LOG_ERR };

void log_init(const char *program, const char *level_name); /* NULL or unknown level: info */
void log_format(const char *format);                        /* "json"; else text */
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...)   log_write(LOG_DBG, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INF, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WRN, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERR, __VA_ARGS__)

/* "job=ID " to begin a record about a job with; "" where `job` is NULL. Valid until the fourth next call of this thread. */
const char *log_job(const char *job);
/* From now on each record that does not begin with its job begins with this one: for a process that runs just one. NULL: none. At most 128
 * bytes. Not while other threads log. */
void log_job_is(const char *job);

/* Logs `err` as an error with `what` in front; silent for GW_OK. */
void log_failure(const char *what, const struct gw_error *err);

/* Writes `n` bytes printable: \xHH for the others and for the backslash. Always terminated; cut with "..." when too long. */
char *log_escape(char *out, size_t size, const void *bytes, size_t n);

#endif
