/* TCP peers for tests: what a client, a machine or a server would do by hand. What does not come in time fails the test and shows what came
 * instead. Reading and writing also serve pseudo terminals. SIGPIPE is to be ignored. */
#ifndef TESTS_HARNESS_NET_H
#define TESTS_HARNESS_NET_H

#include <stddef.h>
#include <stdint.h>

int net_connect(uint16_t port); /* to 127.0.0.1 */
int net_listen(uint16_t port);  /* on every address; 0: a free port */
uint16_t net_port(int fd);      /* its own */
int net_accept(int listener);
void net_send(int fd, const char *text);
void net_send_bytes(int fd, const void *bytes, size_t n);
char *net_read(int fd, size_t n);          /* exactly n bytes, terminated; the caller frees */
void net_expect(int fd, const char *text); /* exactly these bytes come next */
char *net_await(int fd, const char *text); /* reads until `text` has come: all that came; the caller frees */
void net_expect_end(int fd);               /* the peer closes, or has closed, with nothing more to read; closes fd */
/* An HTTP request to 127.0.0.1, `body` NULL for none. Returns the answer's body (the caller frees). */
char *net_http(uint16_t port, const char *method, const char *path, const char *body, int *status);

#endif
