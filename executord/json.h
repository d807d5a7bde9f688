/* What REST shows of DUTs and PDUs, printed once and kept until something of it changes. */
#ifndef EXECUTORD_JSON_H
#define EXECUTORD_JSON_H

#include "executord/printed.h"

struct dut;
struct executord;
struct http_request;
struct pdu;
struct port;

const struct printed *json_dut_printed(struct dut *dut);                       /* borrowed until the DUT changes */
const struct printed *json_pdu_printed(struct executord *ex, struct pdu *pdu); /* borrowed until the PDU changes */
const char *json_dut(struct dut *dut);                                         /* the same, as text */
const char *json_pdu(struct executord *ex, struct pdu *pdu);
struct http_shared *json_dut_answer(struct dut *dut); /* the same, to be sent */
struct http_shared *json_pdu_answer(struct executord *ex, struct pdu *pdu);
char *json_port(struct executord *ex, struct pdu *pdu, const struct port *port); /* the caller frees */

/* The lists, of those pieces; borrowed until anything in them changes. */
struct http_shared *json_duts_page(struct executord *ex);     /* {"duts":{...}} */
struct http_shared *json_machines_page(struct executord *ex); /* {"machines":{...}} */
struct http_shared *json_pdus_page(struct executord *ex);     /* {"pdus":{...}} */
/* `now` and `expires_in` go on by the second and do not count for the ETag; for whom else nothing has changed (`rq`, may be NULL) they are
 * not printed anew. */
struct http_shared *json_full_state(struct executord *ex, const struct http_request *rq);

#endif
