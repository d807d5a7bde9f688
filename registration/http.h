/* An HTTP/1.1 client as small as can be: one request a connection. */
#ifndef REGISTRATION_HTTP_H
#define REGISTRATION_HTTP_H

#include "registration/text.h"

#define HTTP_ANSWER_MAX (4 * 1024 * 1024) /* bytes, headers included */
#define HTTP_TIMEOUT_MS 30000             /* for all of it */

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

struct http_answer {
	int status;
	char *body; /* in the answer's bytes; terminated */
	size_t len;
};

/* Looks at what has come so far: `bytes` of `n`, with room for one more, which are changed only by HTTP_DONE. `ended`: no more will come.
 */
enum http_progress http_answer_decode(char *bytes, size_t n, bool ended, struct http_answer *answer);

struct http_server {
	char name[256]; /* as given */
	char address[16];
	uint16_t port;
};
/* "HOST[:PORT]": an IPv4 address or a namethat ROOT/etc/hosts has (a static program has no resolver). */
bool http_server_find(struct http_server *server, const char *root, const char *host, struct failure *why);
/* `body` NULL: none. `bytes` (HTTP_ANSWER_MAX + 1 of them) are the caller's; the answer lies in them. False: no valid answer. */
bool http_ask(const struct http_server *server, const char *method, const char *path, const char *body, char *bytes,
	      struct http_answer *answer, struct failure *why);

#endif
