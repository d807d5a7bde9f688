/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef LIBGATEWAY_UTF8_H
#define LIBGATEWAY_UTF8_H

#include <stddef.h>

size_t utf8_sequence(const char *bytes, size_t n); /* length of the well-formed sequence that `bytes` starts with; 0: none */
size_t utf8_prefix(const char *bytes, size_t n);   /* how many leading bytes are well-formed; n: all */
void utf8_clean(char *text);                       /* what is not well-formed becomes `?`, a byte each */

#endif
