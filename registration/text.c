#include "registration/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void text_add_bytes(struct text *t, const void *bytes, size_t n)
{
	size_t room = t->size - 1 - t->len;

	t->cut |= n > room;
	n = n > room ? room : n;
	memcpy(t->data + t->len, bytes, n);
	t->len += n;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->data + t->len, room, fmt, ap);
	va_end(ap);
	t->cut |= (size_t)n >= room;
	t->len += (size_t)n < room ? (size_t)n : room - 1;
}

bool failed(struct failure *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return false;
}

bool file_text(char *out, size_t size, const char *root, const char *fmt, ...)
{
	char path[512];
	struct text p = TEXT_ON(path);
	ssize_t n = 0;
	size_t got = 0;
	va_list ap;
	int fd;

	text_add(&p, "%s", root);
	va_start(ap, fmt);
	vsnprintf(path + p.len, sizeof(path) - p.len, fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (got < size - 1 && (n = read(fd, out + got, size - 1 - got)) > 0)
		got += (size_t)n;
	out[got] = '\0';
	close(fd);
	return n >= 0;
}

char *printable(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return text;
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
