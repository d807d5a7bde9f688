/* Errors: made where the facts are, mapped once. Needs libc alone, so that libmars and libjob use it too.
 *
 * A function that can fail takes a `struct gw_error *` as its last argument and returns false (or NULL). The kind decides the HTTP status
 * and the exit code, in one table each. A text says where, what was found, what is accepted and what happens now. Thread-safe: no globals.
 */
#ifndef LIBGATEWAY_ERROR_H
#define LIBGATEWAY_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum gw_error_kind {
	GW_OK,
	GW_BAD_INPUT,   /* what was given does not parse or is out of its bounds */
	GW_REFUSED,     /* understood, but a rule forbids it now */
	GW_NOT_FOUND,   /* it names something that does not exist */
	GW_BUSY,        /* somebody else holds it; a later try may work */
	GW_UNREACHABLE, /* a peer, a machine or a file system did not answer */
	GW_NO_SPACE,    /* the disk is full */
	GW_INTERNAL,    /* our own fault */
	GW_ERROR_KINDS
};

struct gw_error {
	enum gw_error_kind kind;
	char text[512]; /* cut at the end if longer; always terminated */
};

/* Sets kind and text. Always returns false, so that `return gw_fail(...)` reads well. A NULL `err` is accepted. */
bool gw_fail(struct gw_error *err, enum gw_error_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As gw_fail with ": strerror(errno)" at the end; the kind is GW_NO_SPACE for ENOSPC and EDQUOT, else `kind`. */
bool gw_fail_errno(struct gw_error *err, enum gw_error_kind kind, int errnum, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Puts "fmt: " in front of the text there is. Always returns false. */
bool gw_context(struct gw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int gw_exit_code(const struct gw_error *err);                 /* 0 for GW_OK, 2 for GW_BAD_INPUT, else 1 */
int gw_http_status(enum gw_error_kind kind);                  /* 200, 400, 404, 503, 507, 500 */
const char *gw_error_kind_name(enum gw_error_kind kind);      /* "BAD_INPUT", as it goes over the bus */
enum gw_error_kind gw_error_kind_from_name(const char *name); /* GW_INTERNAL for a name that is not known */

/* A bounded list of errors, for what is checked as a whole (a database, a job, --check). Zeroed memory is an empty list. */
#define GW_ERRORS_MAX 64
struct gw_errors {
	struct gw_error *v; /* owned; gw_errors_finish frees it */
	size_t n;
	size_t left_out; /* how many more there were */
};
void gw_errors_add(struct gw_errors *errs, enum gw_error_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Copies the first error into `err`, with "(and N more)" where there are more. Returns false if there is any, true if there is none. */
bool gw_errors_none(const struct gw_errors *errs, struct gw_error *err);
void gw_errors_finish(struct gw_errors *errs);

/* Our own broken promises stop the program in release builds too. Never on an attacker's bytes. */
#define gw_assert(cond) ((cond) ? (void)0 : gw_broken_promise(#cond, __FILE__, __LINE__))
void gw_broken_promise(const char *what, const char *file, int line) __attribute__((noreturn));

/* For the calls that cannot go on without memory: they stop the program with a message, never return NULL. */
void *gw_have(void *made); /* `made` by a library; NULL: it had no memory for it */
void *gw_calloc(size_t n, size_t size);
void *gw_realloc(void *p, size_t size);
char *gw_strdup(const char *text); /* NULL gives NULL */
char *gw_strndup(const char *text, size_t n);
bool gw_same_text(const char *a, const char *b); /* NULL is the same as NULL alone */
void gw_free_secret(char *text);                 /* overwritten first; NULL is fine */
char *gw_sprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
