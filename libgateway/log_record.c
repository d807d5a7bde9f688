#include "libgateway/log_record.h"

#include <stdio.h>
#include <string.h>

#include "libgateway/utf8.h"

#define FIELD_MAX 256 /* bytes of an id: no text of ours has a longer one */

struct span {
	const char *at; /* NULL: there is none */
	size_t n;
};

static size_t print_time(char out[40], const struct timespec *at)
{
	struct tm tm;
	size_t n;

	gmtime_r(&at->tv_sec, &tm);
	n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)sprintf(out + n, ".%03dZ", (int)(at->tv_nsec / 1000000 % 1000));
}

static size_t print_priority(char *out, const struct log_record *record)
{
	return record->priority < 0 ? 0 : (size_t)sprintf(out, "<%d>", record->priority % 8);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

size_t log_print_text(char *out, const struct log_record *record)
{
	size_t n = print_priority(out, record), front;
	char when[40];

	if (record->priority < 0) {
		print_time(when, &record->at);
		n += (size_t)sprintf(out + n, "%s %.32s %s: ", when, record->program, record->level);
	}
	front = n;
	n += strnlen(record->text, LOG_TEXT_MAX - 1);
	memcpy(out + front, record->text, n - front);
	for (char *c = out + front; c < out + n; c++)
		if (is_control(*c))
			*c = '?';
	out[n++] = '\n';
	return n;
}

/* ---- the ids that a text names ---- */

static bool take_field(const char **text, const char *key, struct span *field)
{
	size_t n = strlen(key), end;

	if (field->at || strncmp(*text, key, n) != 0)
		return false;
	end = n + strcspn(*text + n, " ");
	*field = (struct span){*text + n, end - n};
	*text += end + ((*text)[end] == ' ');
	if (field->n && field->at[field->n - 1] == ':') {
		field->n--;
		*text = ""; /* "job=ID: text" */
	}
	if (!field->n || field->n > FIELD_MAX)
		field->at = NULL;
	return true;
}

/* Up to its event a state change has no words but ours. */
static const char *behind_event(const char *text)
{
	const char *event = strstr(text, " event=");

	return event ? event + 7 + strcspn(event + 7, " ") : "";
}

static void find_fields(const char *text, struct span *job, struct span *dut)
{
	while (take_field(&text, "job=", job) || take_field(&text, "dut=", dut))
		;
	if (!dut->at || job->at)
		return;
	text = behind_event(text);
	if (*text == ' ' && text++)
		take_field(&text, "job=", job);
}

/* ---- JSON ---- */

static size_t escape_byte(char *out, char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs */

	for (const char *s = shorts; *s; s += 2)
		if (*s == c)
			return (size_t)sprintf(out, "\\%c", s[1]);
	return (size_t)sprintf(out, "\\u%04x", (unsigned char)c);
}

static size_t put_string(char *out, struct span text)
{
	size_t n = 0;

	out[n++] = '"';
	for (size_t at = 0, step; at < text.n; at += step ? step : 1) {
		step = utf8_sequence(text.at + at, text.n - at);
		if (!step) {
			n += (size_t)sprintf(out + n, "\\ufffd");
		} else if (is_control(text.at[at]) || text.at[at] == '"' || text.at[at] == '\\') {
			n += escape_byte(out + n, text.at[at]);
		} else {
			memcpy(out + n, text.at + at, step);
			n += step;
		}
	}
	out[n++] = '"';
	return n;
}

static size_t put_field(char *out, const char *key, struct span value)
{
	size_t n;

	if (!value.at)
		return 0;
	n = (size_t)sprintf(out, ",\"%s\":", key);
	return n + put_string(out + n, value);
}

size_t log_print_json(char *out, const struct log_record *record)
{
	struct span job = {0}, dut = {0}, text = {record->text, strnlen(record->text, LOG_TEXT_MAX - 1)};
	size_t n = print_priority(out, record);
	char when[40];

	print_time(when, &record->at);
	find_fields(record->text, &job, &dut);
	n += (size_t)sprintf(out + n, "{\"time\":\"%s\",\"level\":\"%s\",\"daemon\":\"%.32s\"", when, record->level, record->program);
	n += put_field(out + n, "job", job);
	n += put_field(out + n, "dut", dut);
	n += put_field(out + n, "message", text);
	n += (size_t)sprintf(out + n, "}\n");
	return n;
}
