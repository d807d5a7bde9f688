#include "bootsd/tftp_packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void put_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The next text of the packet; NULL: none is left, or its end is missing. */
static const char *next_text(const uint8_t **at, const uint8_t *end)
{
	const char *text = (const char *)*at;
	const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

/* A number within its bounds; 0: none. */
static unsigned number(const char *text, unsigned min, unsigned max)
{
	unsigned long v;

	if (!*text || strlen(text) > 5 || text[strspn(text, "0123456789")])
		return 0;
	v = strtoul(text, NULL, 10);
	return v >= min && v <= max ? (unsigned)v : 0;
}

static void take_option(struct tftp_request *rq, const char *name, const char *value)
{
	if (strcasecmp(name, "blksize") == 0 && !rq->block)
		rq->block = number(value, 8, 65464);
	else if (strcasecmp(name, "timeout") == 0 && !rq->timeout)
		rq->timeout = number(value, 1, 255);
	else if (strcasecmp(name, "windowsize") == 0 && !rq->window)
		rq->window = number(value, 1, 65535);
	else if (strcasecmp(name, "tsize") == 0 && strcmp(value, "0") == 0)
		rq->size = true;
}

bool tftp_request_decode(struct tftp_request *rq, const uint8_t *bytes, size_t n, struct gw_error *err)
{
	const uint8_t *at = bytes + 2, *end = bytes + n;
	const char *mode, *name, *value;

	*rq = (struct tftp_request){0};
	if (n < 4 || n > TFTP_REQUEST_MAX)
		return gw_fail(err, GW_BAD_INPUT, "%zu bytes are not a TFTP request; accepted: 4 to %d", n, TFTP_REQUEST_MAX);
	rq->op = (enum tftp_op)(bytes[0] << 8 | bytes[1]);
	if (rq->op != TFTP_RRQ && rq->op != TFTP_WRQ)
		return gw_fail(err, GW_BAD_INPUT, "operation %u is neither a read (1) nor a write (2) request", (unsigned)rq->op);
	rq->file = next_text(&at, end);
	mode = rq->file ? next_text(&at, end) : NULL;
	if (!mode || !*rq->file)
		return gw_fail(err, GW_BAD_INPUT, "the file's name or the mode is missing or has no end");
	rq->octet = strcasecmp(mode, "octet") == 0;
	while ((name = next_text(&at, end)) && (value = next_text(&at, end)))
		take_option(rq, name, value);
	return true;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void tftp_agree(struct tftp_terms *terms, const struct tftp_request *rq)
{
	*terms = (struct tftp_terms){
		.block = rq->block ? least(rq->block, TFTP_BLOCK_MAX) : TFTP_BLOCK,
		.window = rq->window ? least(rq->window, TFTP_WINDOW_MAX) : 1,
		.timeout_s = rq->timeout,
		.oack = rq->block || rq->window || rq->timeout || rq->size,
	};
}

static size_t add_option(uint8_t *out, size_t n, const char *name, uint64_t value)
{
	n += (size_t)sprintf((char *)out + n, "%s", name) + 1;
	return n + (size_t)sprintf((char *)out + n, "%llu", (unsigned long long)value) + 1;
}

/* At most 2 + 4 * (11 + 21) bytes. */
size_t tftp_oack_encode(uint8_t out[TFTP_OACK_MAX], const struct tftp_request *rq, const struct tftp_terms *terms, uint64_t size)
{
	size_t n = 2;

	put_u16(out, TFTP_OACK);
	if (rq->size)
		n = add_option(out, n, "tsize", size);
	if (rq->block)
		n = add_option(out, n, "blksize", terms->block);
	if (rq->timeout)
		n = add_option(out, n, "timeout", terms->timeout_s);
	if (rq->window)
		n = add_option(out, n, "windowsize", terms->window);
	return n;
}

size_t tftp_error_encode(uint8_t *out, size_t max, enum tftp_error code, const char *text)
{
	size_t n = strlen(text) < max - 5 ? strlen(text) : max - 5;

	put_u16(out, TFTP_ERROR);
	put_u16(out + 2, code);
	memcpy(out + 4, text, n);
	out[4 + n] = '\0';
	return n + 5;
}

void tftp_data_header(uint8_t out[TFTP_HEADER], uint64_t block)
{
	put_u16(out, TFTP_DATA);
	put_u16(out + 2, (unsigned)(block & 0xffff));
}

bool tftp_reply_decode(enum tftp_op *op, unsigned *number_of, const uint8_t *bytes, size_t n)
{
	if (n < 4)
		return false;
	*op = (enum tftp_op)(bytes[0] << 8 | bytes[1]);
	*number_of = (unsigned)(bytes[2] << 8 | bytes[3]);
	return *op == TFTP_ACK || *op == TFTP_ERROR;
}
