#include "libgateway/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int http_status;
	int exit_code;
} kinds[GW_ERROR_KINDS] = {
	[GW_OK] = {"OK", 200, 0},
	[GW_BAD_INPUT] = {"BAD_INPUT", 400, 2},
	[GW_REFUSED] = {"REFUSED", 400, 1},
	[GW_NOT_FOUND] = {"NOT_FOUND", 404, 1},
	[GW_BUSY] = {"BUSY", 409, 1},
	[GW_UNREACHABLE] = {"UNREACHABLE", 503, 1},
	[GW_NO_SPACE] = {"NO_SPACE", 507, 1},
	[GW_INTERNAL] = {"INTERNAL", 500, 1},
};

bool gw_fail(struct gw_error *err, enum gw_error_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return false;
	err->kind = kind;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return false;
}

bool gw_fail_errno(struct gw_error *err, enum gw_error_kind kind, int errnum, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return false;
	err->kind = errnum == ENOSPC || errnum == EDQUOT ? GW_NO_SPACE : kind;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", strerror(errnum));
	return false;
}

bool gw_context(struct gw_error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	int n;

	if (!err)
		return false;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", old);
	return false;
}

int gw_exit_code(const struct gw_error *err)
{
	return kinds[err->kind].exit_code;
}

int gw_http_status(enum gw_error_kind kind)
{
	return kinds[kind].http_status;
}

const char *gw_error_kind_name(enum gw_error_kind kind)
{
	return kinds[kind].name;
}

enum gw_error_kind gw_error_kind_from_name(const char *name)
{
	for (int k = 0; k < GW_ERROR_KINDS; k++)
		if (strcmp(kinds[k].name, name) == 0)
			return (enum gw_error_kind)k;
	return GW_INTERNAL;
}

void gw_errors_add(struct gw_errors *errs, enum gw_error_kind kind, const char *fmt, ...)
{
	struct gw_error *err;
	va_list ap;

	if (errs->n == GW_ERRORS_MAX) {
		errs->left_out++;
		return;
	}
	if (!errs->v)
		errs->v = gw_calloc(GW_ERRORS_MAX, sizeof(*errs->v));
	err = &errs->v[errs->n++];
	err->kind = kind;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

bool gw_errors_none(const struct gw_errors *errs, struct gw_error *err)
{
	size_t more = errs->n + errs->left_out;

	if (!errs->n)
		return true;
	if (more == 1)
		return gw_fail(err, errs->v[0].kind, "%s", errs->v[0].text);
	return gw_fail(err, errs->v[0].kind, "%.480s (and %zu more)", errs->v[0].text, more - 1);
}

void gw_errors_finish(struct gw_errors *errs)
{
	free(errs->v);
	*errs = (struct gw_errors){0};
}

void gw_broken_promise(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: a promise of our own code is broken: %s\n", file, line, what);
	abort();
}

void *gw_have(void *made)
{
	if (!made) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return made;
}

void *gw_calloc(size_t n, size_t size)
{
	return gw_have(calloc(n ? n : 1, size ? size : 1));
}

void *gw_realloc(void *p, size_t size)
{
	return gw_have(realloc(p, size ? size : 1));
}

char *gw_strdup(const char *text)
{
	return text ? gw_have(strdup(text)) : NULL;
}

bool gw_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void gw_free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

char *gw_strndup(const char *text, size_t n)
{
	return gw_have(strndup(text, n));
}

char *gw_sprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return gw_have(text);
}
