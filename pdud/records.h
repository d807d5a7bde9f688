/* What pdud must know again after a restart, as text: whose the ports are, since when they are OFF, which jobs are revoked. Pure. */
#ifndef PDUD_RECORDS_H
#define PDUD_RECORDS_H

#include "libbus/messages.h"

#define RECORDS_VERSION     1
#define RECORDS_BYTES_MAX   (16U << 20)
#define RECORDS_REVOKED_MAX 256
#define OFF_UNKNOWN         (-1)

struct port_record {
	char *pdu, *port;
	char *job;            /* NULL: nobody's */
	bool owed, pinned;    /* as in struct port */
	int64_t off_since_ms; /* CLOCK_BOOTTIME in the boot of `boot_id`; OFF_UNKNOWN */
	double last_shutdown; /* seconds since the epoch; 0: never */
};
struct records {
	int64_t version;
	char *boot_id; /* the kernel's: another one makes off_since_ms meaningless */
	struct bus_texts revoked;
	struct {
		struct port_record *v;
		size_t n;
	} ports;
};

extern const struct bus_body records_body;                                           /* bus_body_free(&records_body, records) */
struct records *records_decode(const char *bytes, size_t len, struct gw_error *err); /* NULL with GW_BAD_INPUT */
char *records_encode(const struct records *records, struct gw_error *err); /* the caller frees; NULL: something is out of bounds */

/* Likewise the last pdu.configure, which lets pdud do its duty while executord is away. */
struct msg_pdu_configure *configuration_decode(const char *bytes, size_t len, struct gw_error *err);
char *configuration_encode(const struct msg_pdu_configure *body, struct gw_error *err);

#endif
