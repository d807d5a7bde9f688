/* Small things that every part of the registration program needs. It runs on the test machine, as a static program of plain libc. */
#ifndef REGISTRATION_TEXT_H
#define REGISTRATION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text of bounded size. What does not fit is cut, and `cut` says so. */
struct text {
	char *data; /* the caller's; always terminated */
	size_t size, len;
	bool cut;
};
#define TEXT_ON(array)                                                                                                                     \
	{                                                                                                                                  \
		.data = (array), .size = sizeof(array)                                                                                     \
	}
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const void *bytes, size_t n);

/* Why something failed, in words. */
struct failure {
	char text[512];
};
bool failed(struct failure *why, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* always false */

/* A small file, terminated and cut at `size` - 1. False if it cannot be read. The path is "ROOT" and `fmt`. */
bool file_text(char *out, size_t size, const char *root, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What a stranger said, fit for a console: control characters become '?'. */
char *printable(char *text);
int64_t now_ms(void); /* monotonic */

#endif
