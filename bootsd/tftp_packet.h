/* TFTP packets (RFC 1350) and options (RFC 2347, 2348, 2349, 7440): bytes to fields and back. Pure; every access is bounded. */
#ifndef BOOTSD_TFTP_PACKET_H
#define BOOTSD_TFTP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"

#define TFTP_REQUEST_MAX 1024
#define TFTP_BLOCK       512  /* without blksize */
#define TFTP_BLOCK_MAX   1468 /* what an Ethernet frame carries: no fragments */
#define TFTP_WINDOW_MAX  44   /* blocks: what one system call sends (64 KiB) */
#define TFTP_HEADER      4    /* of DATA */

enum tftp_op { TFTP_RRQ = 1, TFTP_WRQ, TFTP_DATA, TFTP_ACK, TFTP_ERROR, TFTP_OACK };
enum tftp_error {
	TFTP_E_OTHER = 0,
	TFTP_E_NOT_FOUND = 1,
	TFTP_E_ACCESS = 2,
	TFTP_E_ILLEGAL = 4,
	TFTP_E_OPTIONS = 8,
};

/* An option of a request; 0 where it is absent or no number that counts (RFC 2347: then it is as if it had not been sent). */
struct tftp_request {
	enum tftp_op op;  /* TFTP_RRQ or TFTP_WRQ */
	const char *file; /* borrowed from the packet */
	bool octet;       /* the mode; false: another one */
	unsigned block, timeout, window;
	bool size;
};
/* GW_BAD_INPUT says what is wrong. */
bool tftp_request_decode(struct tftp_request *rq, const uint8_t *bytes, size_t n, struct gw_error *err);

/* What is agreed on: never more than was asked for. */
struct tftp_terms {
	unsigned block, window;
	unsigned timeout_s; /* 0: the client leaves it to us */
	bool oack;          /* something was agreed on: it is told before the first block */
};
void tftp_agree(struct tftp_terms *terms, const struct tftp_request *rq);

#define TFTP_OACK_MAX 128
size_t tftp_oack_encode(uint8_t out[TFTP_OACK_MAX], const struct tftp_request *rq, const struct tftp_terms *terms, uint64_t size);
size_t tftp_error_encode(uint8_t *out, size_t max, enum tftp_error code, const char *text);
void tftp_data_header(uint8_t out[TFTP_HEADER], uint64_t block);
/* A client's packet within a transfer: its operation and number (of the block or error); false: neither ACK nor ERROR. */
bool tftp_reply_decode(enum tftp_op *op, unsigned *number, const uint8_t *bytes, size_t n);

#endif
