/* A message's bytes: one JSON object in one of five forms. The id that joins an answer to its request is in the frame's head.
 *
 *   {"ask": TYPE, "body": {}}               a request
 *   {"answer": {}}                          its answer
 *   {"error": TEXT, "kind": KIND}           or why there is none
 *   {"event": TYPE, "seq": N, "body": {}}   an event, the Nth of its sender
 *   {"seq": N}                              events up to the Nth were dropped, since the listener was slow
 *
 * In a frame: four bytes of length (of the object), four of the id, big-endian, then the object. */
#ifndef LIBBUS_WIRE_H
#define LIBBUS_WIRE_H

#include "libbus/messages.h"

#define BUS_FRAME_HEAD  8
#define BUS_MESSAGE_MAX (32 * 1024 * 1024) /* bytes; the longest body, 4 MiB of text, with each byte escaped */

enum bus_form { BUS_ASK, BUS_ANSWER, BUS_ERROR, BUS_EVENT_OF, BUS_DROPPED };

struct bus_wire {
	enum bus_form form;
	enum bus_type type; /* of BUS_ASK and BUS_EVENT_OF */
	const cJSON *body;  /* borrowed from json; of BUS_ASK, BUS_ANSWER and BUS_EVENT_OF */
	uint64_t number;    /* seq */
	struct gw_error error;
	cJSON *json; /* owned */
};

/* The first frame in `bytes`: its length with the head, 0: more bytes are needed. False: it is longer than BUS_MESSAGE_MAX. */
bool bus_frame_decode(const void *bytes, size_t len, uint32_t *id, size_t *frame);
void bus_frame_head(uint32_t id, size_t len, unsigned char head[BUS_FRAME_HEAD]);

/* GW_BAD_INPUT says what does not fit. The body is not decoded yet. Finish it after success. */
bool bus_wire_decode(const char *bytes, size_t len, struct bus_wire *wire, struct gw_error *err);
void bus_wire_finish(struct bus_wire *wire);

/* Texts for the wire; the caller frees. NULL with GW_BAD_INPUT when the body does not fit its table or the message would be too long. */
char *bus_wire_ask(enum bus_type type, const void *body, struct gw_error *err);
char *bus_wire_answer(enum bus_type type, const void *body, struct gw_error *err);
char *bus_wire_event(enum bus_type type, uint64_t seq, const void *body, struct gw_error *err);
char *bus_wire_error(const struct gw_error *why); /* bytes that are not UTF-8 become '?' */
char *bus_wire_dropped(uint64_t seq);

#endif
