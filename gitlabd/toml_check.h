/* Whether a text is TOML 1.0, as gitlab-runner's reader wants it. Nothing is kept of it: gitlabd writes what a template made, and only
 * must not write what gitlab-runner could not start with. Pure. */
#ifndef GITLABD_TOML_CHECK_H
#define GITLABD_TOML_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"

/* `text` is UTF-8 (libgateway/utf8.h) without NUL; text[n] is 0. False: GW_BAD_INPUT, "line N: what". Dates are looked at by their form
 * alone. A key given twice in one table is found, one given by a dotted key and by a table is not. */
bool toml_check(const char *text, size_t n, struct gw_error *err);

#endif
