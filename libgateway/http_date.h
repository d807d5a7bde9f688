/* Dates as HTTP has them: RFC 9110, section 5.6.7. Pure. */
#ifndef LIBGATEWAY_HTTP_DATE_H
#define LIBGATEWAY_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

enum { HTTP_DATE_SIZE = 30 };

/* Any of the three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`; seconds since the
 * epoch. False: it is none. */
bool http_date_decode(const char *text, int64_t *seconds);
/* The first of them. */
void http_date_encode(char text[HTTP_DATE_SIZE], int64_t seconds);

#endif
