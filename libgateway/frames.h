/* What a job's submitter and its jobd say to each other over TCP, both ways: four bytes length, big-endian, then JSON
 * {"msg_type","date","payload"}. Pure encoding and decoding of whole frames.
 *
 * The field's client reads frames with Python's datetime.fromisoformat and base64.b85decode, and loses its place when a frame reaches it in
 * three pieces: send what an encoder returns in ONE send.
 */
#ifndef LIBGATEWAY_FRAMES_H
#define LIBGATEWAY_FRAMES_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"

#define FRAME_IO_MAX 8192 /* console bytes in one job_io */
#define FRAME_HEADER 4    /* bytes of the length in front */

enum frame_kind { FRAME_CTRL, FRAME_JOB_IO, FRAME_SESSION_END };
enum frame_severity { FRAME_DEBUG, FRAME_INFO, FRAME_WARNING, FRAME_ERROR };
enum frame_tag { /* numbers of the field, never changed */
		 FRAME_TAG_NONE = 0,
		 FRAME_TAG_SETUP_START = 100,
		 FRAME_TAG_SETUP_COMPLETE = 101,
		 FRAME_TAG_SETUP_ERROR = 102,
		 FRAME_TAG_TEARDOWN_START = 105,
		 FRAME_TAG_TEARDOWN_COMPLETE = 106,
		 FRAME_TAG_POWER_CYCLING_START = 200,
		 FRAME_TAG_POWER_CYCLING_COMPLETE = 201,
		 FRAME_TAG_POWER_SEQUENCE_DETECTED = 300,
		 FRAME_TAG_FIRMWARE_BOOT_COMPLETE = 301,
		 FRAME_TAG_TIMEOUT_HIT = 400,
		 FRAME_TAG_PATTERN_MATCHED = 401
};

/* A frame that was received. Zeroed memory is a finished one. */
struct frame {
	enum frame_kind kind;
	int64_t date_us; /* microseconds since the epoch */
	cJSON *json;     /* owned: what the texts below point into */
	/* FRAME_CTRL */
	const char *msg; /* printed as it is; has its own line end */
	enum frame_severity severity;
	int tag;               /* enum frame_tag, or one that is not known here */
	const cJSON *metadata; /* an object, or NULL */
	/* FRAME_JOB_IO */
	uint8_t *bytes; /* owned */
	size_t n;
	/* FRAME_SESSION_END */
	const char *status;              /* "PASS"; NULL: not given */
	double joules_consumed;          /* NAN: not known */
	const char *access_url, *bucket; /* both or none. The URL is a secret */
};

enum frame_taken { FRAME_TAKEN, FRAME_MORE, FRAME_BAD };
/* Decodes the frame that `bytes` begins with. FRAME_TAKEN: *used bytes of it, and `frame` is to be finished. FRAME_MORE: it is not all
 * there yet. FRAME_BAD: GW_BAD_INPUT in `err`; the stream makes no sense from here on. `max` bounds the length that a frame may announce.
 */
enum frame_taken frame_decode(struct frame *frame, const void *bytes, size_t n, size_t max, size_t *used, struct gw_error *err);
void frame_finish(struct frame *frame);

/* Each returns a whole frame, header included, that the caller frees; its length in *len. Bytes of a text that are not UTF-8 become U+FFFD.
 * `date_us`: microseconds since the epoch, up to the year 9999. */
char *frame_encode_ctrl(int64_t date_us, const char *msg, enum frame_severity severity, enum frame_tag tag,
			const cJSON *metadata /* borrowed; NULL: {} */, size_t *len);
char *frame_encode_job_io(int64_t date_us, const void *bytes, size_t n /* at most FRAME_IO_MAX */, size_t *len);
char *frame_encode_session_end(int64_t date_us, const char *status, double joules /* NAN: not known */,
			       const char *access_url /* NULL: no bucket */, const char *bucket, size_t *len);

#define FRAME_DATE_ROOM 40
/* YYYY-MM-DDTHH:MM:SS.ffffff+00:00. Returns `out`. */
char *frame_date_encode(char out[FRAME_DATE_ROOM], int64_t date_us);
/* YYYY-MM-DDTHH:MM:SS[.fff|.ffffff]+HH:MM (or -HH:MM), nothing else: what Python 3.7 and later write and read. */
bool frame_date_decode(const char *text, int64_t *date_us, struct gw_error *err);

#endif
