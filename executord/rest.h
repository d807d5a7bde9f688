/* The REST API: the table of routes and what its handlers share. Each handler finds, decodes, asks whether it is allowed, acts and answers.
 */
#ifndef EXECUTORD_REST_H
#define EXECUTORD_REST_H

#include <arpa/inet.h>
#include <stdbool.h>

#include "libgateway/error.h"
#include "libgateway/http_server.h"

struct executord;

extern const struct http_route rest_routes[]; /* ends with a NULL method */

bool rest_start(struct executord *ex, struct gw_error *err);
void rest_finish(struct executord *ex);

/* Whether it comes from the DUTs' network; then it may read and register itself, no more. Another site's page is refused before. */
bool rest_is_of_duts(struct executord *ex, const struct http_request *rq);
bool rest_may_change(struct executord *ex, const struct http_request *rq, struct gw_error *err);
bool rest_peer_ipv4(const struct http_request *rq, struct in_addr *ip); /* false: it comes over IPv6 */

/* The body of a request without fields: nothing, or {}. GW_BAD_INPUT names what it has; `err` must be clear. */
bool rest_takes_nothing(const struct http_request *rq, struct gw_error *err);

char *rest_address(const struct sockaddr *address); /* an IPv4 one also where a socket for both shows it as an IPv6 one. The caller frees */

/* {"version":1,"error_msg":text}: the field's client wants these two keys and no other. */
void rest_answer_job(struct http_request *rq, int status, const char *text);

/* The handlers, by file. */
http_handler rest_get_duts, rest_get_machines, rest_get_dut, rest_get_training_loop;       /* rest_dut.c */
http_handler rest_register_dut, rest_patch_dut, rest_delete_dut;                           /* rest_dut_edit.c */
http_handler rest_get_quick_check, rest_post_quick_check, rest_cancel_job, rest_get_state; /* rest_dut.c */
http_handler rest_get_pdus, rest_get_pdu, rest_get_port, rest_patch_port, rest_get_alarms; /* rest_pdu.c */
http_handler rest_get_discovery, rest_post_discovery, rest_delete_discovery;               /* rest_discover.c */
http_handler rest_get_database, rest_check_database;                                       /* rest_database.c */
http_handler rest_get_gitlab, rest_prune_gitlab;                                           /* rest_gitlab.c */
http_head rest_post_job_head;                                                              /* job_submit.c */
http_handler rest_post_job;                                                                /* job_submit.c */
http_handler rest_get_boot_script, rest_get_boot_script_of_mac;                            /* rest_boot.c */

#endif
