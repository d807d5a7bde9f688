/* A machine of the farm as the network sees it: a namespace with an address of its own on the bridge `private`, and curl in it. One at a
 * time. */
#ifndef TESTS_HARNESS_DUTNET_H
#define TESTS_HARNESS_DUTNET_H

void bridge_await_port(const char *name); /* until the bridge takes what comes from there: before, it is lost */

void dutnet_start(const char *mac, const char *ip); /* "10.42.7.7/16" */
void dutnet_end(void);
/* A request to the gateway, with `body` as JSON (NULL: none). The status; the caller frees the answer, which is cut at 64 KiB. */
int dutnet_request(const char *method, const char *path, const char *body, char **answer);

/* What curl, run there with these arguments, prints. The status; the caller frees the answer, which is cut at 64 KiB. */
int dutnet_curl(char **answer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A socket of the machine's (SOCK_STREAM, SOCK_DGRAM): it connects from there. */
int dutnet_socket(int type);

#endif
