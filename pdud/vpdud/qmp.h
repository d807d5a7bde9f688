/* The few words of QMP that a port needs: the greeting, qmp_capabilities, cont. Bytes in, bytes out; no I/O of its own.
 * qemu is our own child, yet its answers are bounded like anybody's: a line of more than 64 KiB ends the talk.
 */
#ifndef PDUD_VPDUD_QMP_H
#define PDUD_VPDUD_QMP_H

#include "libgateway/buffer.h"
#include "libgateway/error.h"

enum qmp_happened { QMP_NOTHING, QMP_GREETED, QMP_READY, QMP_RUNNING, QMP_GUEST_OFF, QMP_GUEST_RESET };

struct qmp {
	struct buffer line; /* what has come since the last line's end */
};

extern const char QMP_CAPABILITIES[]; /* send it once greeted */
extern const char QMP_CONT[];         /* send it when ready, to let the machine run */

void qmp_init(struct qmp *qmp);
void qmp_finish(struct qmp *qmp);

/* Takes bytes up to and including one line's end out of `*bytes`, and says what that line meant (QMP_NOTHING: nothing to do, or the line is
 * not complete). Call again while *n is not 0. False: an error of qemu, or what it sent is not QMP. */
bool qmp_take(struct qmp *qmp, const char **bytes, size_t *n, enum qmp_happened *out, struct gw_error *err);

#endif
