/* One record of the log as bytes: a line for people, for journald, or a JSON object. Pure, so that tests and fuzzers call it. */
#ifndef LIBGATEWAY_LOG_RECORD_H
#define LIBGATEWAY_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define LOG_TEXT_MAX   4096                      /* bytes of a record's text, the last one a 0 */
#define LOG_RECORD_MAX (LOG_TEXT_MAX * 6 + 1024) /* JSON needs up to six bytes for one */

struct log_record {
	struct timespec at; /* wall time */
	const char *level;  /* "debug", "info", "warning", "error" */
	int priority;       /* syslog's; negative: journald does not listen, so no "<N>" in front */
	const char *program;
	const char *text; /* any bytes */
};

/* Both write one line with its newline into `out` of LOG_RECORD_MAX bytes, and return its length; no 0 behind it.
 *
 * Text: "2026-01-31T12:00:00.123Z bootsd info: text", or "<6>text" for journald, which has time and program of its own; a control character
 * becomes a '?', so that a packet cannot forge a record. */
size_t log_print_text(char *out, const struct log_record *record);
/* JSON: {"time","level","daemon","job","dut","message"}, "job" and "dut" where the text names them: as its first words ("job=ID dut=ID
 * ..."), and behind a state change's event ("dut=ID A -> B event=E job=ID ..."). What comes after may be anybody's text, and names nothing.
 * A byte that is no UTF-8 becomes U+FFFD. */
size_t log_print_json(char *out, const struct log_record *record);

#endif
