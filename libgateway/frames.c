#include "libgateway/frames.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libgateway/base85.h"
#include "libgateway/buffer.h"
#include "libgateway/json.h"
#include "libgateway/utf8.h"

static const char *const kinds[] = {[FRAME_CTRL] = "ctrl", [FRAME_JOB_IO] = "job_io", [FRAME_SESSION_END] = "session_end"};

/* --- Dates -------------------------------------------------------------------------------------------------------------------------- */

char *frame_date_encode(char out[FRAME_DATE_ROOM], int64_t date_us)
{
	time_t seconds = (time_t)(date_us / 1000000);
	struct tm tm;
	char day[24];

	gw_assert(date_us >= 0 && date_us < INT64_C(253402300800) * 1000000);
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, FRAME_DATE_ROOM, "%s.%06d+00:00", day, (int)(date_us % 1000000));
	return out;
}

/* `d` stands for a digit, anything else for itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == 'd' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return true;
}

static int number(const char *digits, int n)
{
	int value = 0;

	while (n--)
		value = value * 10 + *digits++ - '0';
	return value;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : days[month - 1];
}

/* timegm would take the 31st of February. */
static bool date_is_real(const struct tm *tm)
{
	int year = tm->tm_year + 1900, month = tm->tm_mon + 1;

	return year >= 1970 && month >= 1 && month <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= days_of(year, month) && tm->tm_hour < 24 &&
	       tm->tm_min < 60 && tm->tm_sec < 60;
}

bool frame_date_decode(const char *text, int64_t *date_us, struct gw_error *err)
{
	const char *at = text + strlen("YYYY-MM-DDTHH:MM:SS");
	struct tm tm;
	int us = 0, zone;

	if (!has_shape(text, "dddd-dd-ddTdd:dd:dd"))
		goto refused;
	tm = (struct tm){.tm_year = number(text, 4) - 1900,
			 .tm_mon = number(text + 5, 2) - 1,
			 .tm_mday = number(text + 8, 2),
			 .tm_hour = number(text + 11, 2),
			 .tm_min = number(text + 14, 2),
			 .tm_sec = number(text + 17, 2)};
	if (has_shape(at, ".dddddd")) {
		us = number(at + 1, 6);
		at += 7;
	} else if (has_shape(at, ".ddd")) {
		us = number(at + 1, 3) * 1000;
		at += 4;
	}
	if (!date_is_real(&tm) || !(has_shape(at, "+dd:dd") || has_shape(at, "-dd:dd")) || at[6] || number(at + 1, 2) > 23 ||
	    number(at + 4, 2) > 59)
		goto refused;
	zone = number(at + 1, 2) * 3600 + number(at + 4, 2) * 60;
	*date_us = ((int64_t)timegm(&tm) - (*at == '+' ? zone : -zone)) * 1000000 + us;
	return true;
refused:
	return gw_fail(err, GW_BAD_INPUT, "date: '%.40s' is not as 2026-01-31T12:00:00.123456+00:00", text);
}

/* --- Encoding ----------------------------------------------------------------------------------------------------------------------- */

/* Takes `payload` over. */
static char *encode(enum frame_kind kind, int64_t date_us, cJSON *payload, size_t *len)
{
	cJSON *json = cJSON_CreateObject();
	char date[FRAME_DATE_ROOM], *text, *frame;
	size_t n;

	cJSON_AddStringToObject(json, "msg_type", kinds[kind]);
	cJSON_AddStringToObject(json, "date", frame_date_encode(date, date_us));
	cJSON_AddItemToObject(json, "payload", payload);
	text = cJSON_PrintUnformatted(json);
	gw_assert(text);
	n = strlen(text);
	frame = gw_calloc(1, FRAME_HEADER + n);
	for (int i = 0; i < FRAME_HEADER; i++)
		frame[i] = (char)(n >> (24 - 8 * i));
	memcpy(frame + FRAME_HEADER, text, n);
	*len = FRAME_HEADER + n;
	free(text);
	cJSON_Delete(json);
	return frame;
}

/* Python decodes a frame strictly. The caller frees. */
static char *as_utf8(const char *text)
{
	struct buffer out = {0};
	size_t left = strlen(text);

	while (left) {
		size_t good = utf8_prefix(text, left);

		buffer_add(&out, text, good);
		text += good;
		left -= good;
		if (left) {
			buffer_add(&out, "\xef\xbf\xbd", 3);
			text++;
			left--;
		}
	}
	return buffer_take(&out);
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	char *clean = as_utf8(text);

	cJSON_AddStringToObject(object, name, clean);
	free(clean);
}

char *frame_encode_ctrl(int64_t date_us, const char *msg, enum frame_severity severity, enum frame_tag tag, const cJSON *metadata,
			size_t *len)
{
	cJSON *payload = cJSON_CreateObject();

	add_text(payload, "msg", msg);
	cJSON_AddNumberToObject(payload, "severity", severity);
	cJSON_AddNumberToObject(payload, "tag", tag);
	cJSON_AddItemToObject(payload, "metadata", metadata ? cJSON_Duplicate(metadata, true) : cJSON_CreateObject());
	return encode(FRAME_CTRL, date_us, payload, len);
}

char *frame_encode_job_io(int64_t date_us, const void *bytes, size_t n, size_t *len)
{
	char digits[BASE85_ENCODED(FRAME_IO_MAX) + 1];

	gw_assert(n <= FRAME_IO_MAX);
	base85_encode(digits, bytes, n);
	return encode(FRAME_JOB_IO, date_us, cJSON_CreateString(digits), len);
}

char *frame_encode_session_end(int64_t date_us, const char *status, double joules, const char *access_url, const char *bucket, size_t *len)
{
	cJSON *payload = cJSON_CreateObject(), *object;

	cJSON_AddStringToObject(payload, "status", status);
	if (isfinite(joules))
		cJSON_AddNumberToObject(payload, "joules_consumed", joules);
	else
		cJSON_AddNullToObject(payload, "joules_consumed");
	if (access_url) {
		object = cJSON_AddObjectToObject(payload, "job_bucket");
		cJSON_AddStringToObject(object, "minio_access_url", access_url);
		cJSON_AddStringToObject(object, "bucket_name", bucket);
	} else {
		cJSON_AddNullToObject(payload, "job_bucket");
	}
	return encode(FRAME_SESSION_END, date_us, payload, len);
}

/* --- Decoding ----------------------------------------------------------------------------------------------------------------------- */

static bool whole_number(const cJSON *item, int *value)
{
	if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble) || fabs(item->valuedouble) > 1e9)
		return false;
	*value = (int)item->valuedouble;
	return true;
}

static bool decode_ctrl(struct frame *frame, const cJSON *payload, struct gw_error *err)
{
	const cJSON *severity = cJSON_GetObjectItemCaseSensitive(payload, "severity");
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(payload, "metadata");
	int level = FRAME_INFO;

	frame->msg = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(payload, "msg"));
	if (!frame->msg)
		return gw_fail(err, GW_BAD_INPUT, "ctrl: payload.msg is not a text");
	if (severity && !cJSON_IsNull(severity) && (!whole_number(severity, &level) || level < FRAME_DEBUG || level > FRAME_ERROR))
		return gw_fail(err, GW_BAD_INPUT, "ctrl: payload.severity is no severity; accepted: 0 to 3");
	if (metadata && !cJSON_IsNull(metadata) && !cJSON_IsObject(metadata))
		return gw_fail(err, GW_BAD_INPUT, "ctrl: payload.metadata is not an object");
	frame->severity = (enum frame_severity)level;
	whole_number(cJSON_GetObjectItemCaseSensitive(payload, "tag"), &frame->tag); /* else 0: none */
	frame->metadata = cJSON_IsObject(metadata) ? metadata : NULL;
	return true;
}

static bool decode_job_io(struct frame *frame, const cJSON *payload, struct gw_error *err)
{
	const char *digits = cJSON_GetStringValue(payload);
	size_t n;

	if (!digits)
		return gw_fail(err, GW_BAD_INPUT, "job_io: its payload is not a text");
	n = strlen(digits);
	frame->bytes = gw_calloc(1, BASE85_DECODED(n));
	return base85_decode(frame->bytes, &frame->n, digits, n, err) || gw_context(err, "job_io");
}

static bool decode_session_end(struct frame *frame, const cJSON *payload, struct gw_error *err)
{
	const cJSON *joules = cJSON_GetObjectItemCaseSensitive(payload, "joules_consumed");
	const cJSON *bucket = cJSON_GetObjectItemCaseSensitive(payload, "job_bucket");

	frame->status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(payload, "status"));
	frame->joules_consumed = cJSON_IsNumber(joules) ? joules->valuedouble : (double)NAN;
	frame->access_url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(bucket, "minio_access_url"));
	frame->bucket = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(bucket, "bucket_name"));
	if (cJSON_IsObject(bucket) && (!frame->access_url || !frame->bucket))
		return gw_fail(err, GW_BAD_INPUT, "session_end: payload.job_bucket needs minio_access_url and bucket_name, both texts");
	return true;
}

static bool find_kind(const char *name, enum frame_kind *kind, struct gw_error *err)
{
	for (int k = FRAME_CTRL; name && k <= FRAME_SESSION_END; k++)
		if (strcmp(kinds[k], name) == 0) {
			*kind = (enum frame_kind)k;
			return true;
		}
	return gw_fail(err, GW_BAD_INPUT, "msg_type: '%.40s' is not known; accepted: ctrl, job_io, session_end", name ? name : "");
}

static bool decode_json(struct frame *frame, struct gw_error *err)
{
	static bool (*const decoders[])(struct frame *, const cJSON *, struct gw_error *) = {
		[FRAME_CTRL] = decode_ctrl, [FRAME_JOB_IO] = decode_job_io, [FRAME_SESSION_END] = decode_session_end};
	const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(frame->json, "date"));
	const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame->json, "payload");

	if (!find_kind(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(frame->json, "msg_type")), &frame->kind, err) ||
	    !frame_date_decode(date ? date : "", &frame->date_us, err))
		return false;
	if (frame->kind != FRAME_JOB_IO && !cJSON_IsObject(payload))
		return gw_fail(err, GW_BAD_INPUT, "%s: its payload is not an object", kinds[frame->kind]);
	return decoders[frame->kind](frame, payload, err);
}

enum frame_taken frame_decode(struct frame *frame, const void *bytes, size_t n, size_t max, size_t *used, struct gw_error *err)
{
	const uint8_t *in = bytes;
	size_t len = 0;

	*frame = (struct frame){0};
	if (n < FRAME_HEADER)
		return FRAME_MORE;
	for (int i = 0; i < FRAME_HEADER; i++)
		len = len << 8 | in[i];
	if (len > max) {
		gw_fail(err, GW_BAD_INPUT, "a frame of %zu bytes is too long; accepted: up to %zu", len, max);
		return FRAME_BAD;
	}
	if (n - FRAME_HEADER < len)
		return FRAME_MORE;
	frame->json = json_decode((const char *)in + FRAME_HEADER, len, err);
	if (!frame->json || !decode_json(frame, err)) {
		gw_context(err, "a frame");
		frame_finish(frame);
		return FRAME_BAD;
	}
	*used = FRAME_HEADER + len;
	return FRAME_TAKEN;
}

void frame_finish(struct frame *frame)
{
	cJSON_Delete(frame->json);
	free(frame->bytes);
	*frame = (struct frame){0};
}
