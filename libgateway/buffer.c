#include "libgateway/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"

bool buffer_add(struct buffer *buf, const void *bytes, size_t n)
{
	if (buf->max && (n > buf->max || buf->len > buf->max - n))
		return false;
	if (buf->len + n + 1 > buf->size) {
		buf->size = (buf->len + n + 1) * 2;
		buf->data = gw_realloc(buf->data, buf->size);
	}
	if (n)
		memcpy(buf->data + buf->len, bytes, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
	return true;
}

bool buffer_printf(struct buffer *buf, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	bool ok;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	gw_assert(n >= 0);
	ok = buffer_add(buf, text, (size_t)n);
	free(text);
	return ok;
}

void buffer_drop(struct buffer *buf, size_t n)
{
	gw_assert(n <= buf->len);
	if (!n)
		return;
	memmove(buf->data, buf->data + n, buf->len - n);
	buf->len -= n;
	buf->data[buf->len] = '\0';
}

char *buffer_take(struct buffer *buf)
{
	char *text = buf->data ? buf->data : gw_strdup("");

	buf->data = NULL;
	buf->len = buf->size = 0;
	return text;
}

void buffer_finish(struct buffer *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->size = 0;
}
