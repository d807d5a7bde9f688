/* Bytes that grow up to a limit. Zeroed memory with `max` set is an empty buffer. */
#ifndef LIBGATEWAY_BUFFER_H
#define LIBGATEWAY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; /* owned; NUL-terminated beyond len once anything was added */
	size_t len, size;
	size_t max; /* 0: no limit */
};

bool buffer_add(struct buffer *buf, const void *bytes, size_t n); /* false, and nothing added: it would pass `max` */
bool buffer_printf(struct buffer *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_drop(struct buffer *buf, size_t n); /* the first n bytes */
char *buffer_take(struct buffer *buf);          /* hands the (never NULL) text over and empties the buffer */
void buffer_finish(struct buffer *buf);

#endif
