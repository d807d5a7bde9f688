/* Small things about bytes that several parts of libmars need. Internal to libmars. */
#ifndef LIBMARS_TEXT_H
#define LIBMARS_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t text_hash(const char *text, size_t len); /* FNV-1a, mixed; not for attackers */
/* Where the first byte is that is not UTF-8 or a control character other than tab, LF, CR; `len` if there is none. */
size_t text_first_invalid(const char *text, size_t len);
bool text_is_word(char c); /* a letter, a digit, `_` or `-` */

/* A growing text. Zeroed memory is an empty one; `bytes` (terminated) is owned and freed by text_finish, or taken. */
struct text {
	char *bytes;
	size_t len, room;
};
void text_add(struct text *text, const char *bytes, size_t len);
void text_adds(struct text *text, const char *s);
void text_addf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_finish(struct text *text);

#endif
