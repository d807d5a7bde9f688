/* What REST shows of DUTs and PDUs, printed once and kept until something of it changes. */
#ifndef EXECUTORD_JSON_H
#define EXECUTORD_JSON_H

struct dut;
struct executord;
struct http_shared;
struct pdu;
struct port;

const char *json_dut(struct dut *dut);                                           /* borrowed until the DUT changes */
const char *json_pdu(struct executord *ex, struct pdu *pdu);                     /* borrowed until the PDU changes */
char *json_port(struct executord *ex, struct pdu *pdu, const struct port *port); /* the caller frees */
struct http_shared *json_duts_page(struct executord *ex);                        /* {"duts":{...}}; borrowed */
struct http_shared *json_machines_page(struct executord *ex);                    /* {"machines":{...}} */
struct http_shared *json_pdus_page(struct executord *ex);                        /* {"pdus":{...}} */
char *json_full_state(struct executord *ex);                                     /* the caller frees */

#endif
