/* What saladd looks for in a console's bytes: `SALAD.ping` and `SALAD.machine_id=ID`, anywhere in a line. Pure: no sockets, no memory of
 * its own beyond the struct, whatever a machine writes and however its bytes are cut into reads. */
#ifndef SALADD_SCAN_H
#define SALADD_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define SCAN_ID_MAX 128 /* bytes; an id is printable ASCII without spaces */

enum scan_event {
	SCAN_NOTHING, /* all bytes are looked through */
	SCAN_PING,
	SCAN_ID,     /* scan.id */
	SCAN_BAD_ID, /* an id that is too long or not printable */
};

/* Zeroed memory is the beginning of a stream. */
struct scan {
	unsigned candidates; /* words that fit so far, one bit each */
	size_t at;           /* how many of their bytes */
	bool in_id, bad;
	char id[SCAN_ID_MAX + 1]; /* valid after SCAN_ID, until the next call */
	size_t id_len;
};

/* Looks through `n` bytes up to and including the one that completes an event. Returns how many bytes that were: go on after them.
 * An id is complete with the white space that follows it. */
size_t scan_bytes(struct scan *scan, const char *bytes, size_t n, enum scan_event *event);

#endif
