/* Filters that make numbers. Source: Jinja2's builtin filters. */
#include "libjob/template_filters.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* As Python reads one: white space around it, no hexadecimal. */
static bool float_of(const char *p, double *f)
{
	char *end;

	if (strpbrk(p, "xX"))
		return false;
	*f = strtod(p, &end);
	if (end == p)
		return false;
	return !end[strspn(end, " \t\n\r\v\f")];
}

const struct value *number_int(struct tpl *t, const struct value *v, struct args *args)
{
	const struct value *otherwise = arg(args, 0, "default", value_int(&t->pool, 0));
	int64_t base = value_as_int(arg(args, 1, "base", value_int(&t->pool, 10)));
	double f = value_as_float(v);
	const char *p = value_text(v, NULL);
	char *end;
	long long i;

	if (v->type == VALUE_STRING && base >= 2 && base <= 36) {
		errno = 0;
		i = strtoll(p, &end, (int)base);
		while (isspace((unsigned char)*end))
			end++;
		if (end > p && !*end && !errno)
			return value_int(&t->pool, i);
		if (!float_of(p, &f))
			return otherwise;
	} else if (v->type != VALUE_INT && v->type != VALUE_BOOL && v->type != VALUE_FLOAT) {
		return otherwise;
	}
	if (v->type == VALUE_INT || v->type == VALUE_BOOL)
		return value_int(&t->pool, value_as_int(v));
	return isfinite(f) && fabs(f) < 9.2e18 ? value_int(&t->pool, (int64_t)f) : otherwise;
}

const struct value *number_float(struct tpl *t, const struct value *v, struct args *args)
{
	const char *p = value_text(v, NULL);
	double f = value_as_float(v);

	if (p ? !float_of(p, &f) : (v->type != VALUE_INT && v->type != VALUE_BOOL && v->type != VALUE_FLOAT))
		return arg(args, 0, "default", value_float(&t->pool, 0));
	return value_float(&t->pool, f);
}

const struct value *number_abs(struct tpl *t, const struct value *v, struct args *args)
{
	if (v->type == VALUE_FLOAT)
		return value_float(&t->pool, fabs(v->u.f));
	if (v->type != VALUE_INT && v->type != VALUE_BOOL)
		return tpl_fail(t, "abs does not work with %s", value_type_name(v));
	return value_as_int(v) < 0 ? op_math(t, '-', value_int(&t->pool, 0), v) : v;
}

/* To the nearest, a half to the even digit; of what the number really is, which printf knows. */
static double rounded(double f, int precision)
{
	char digits[400];
	double scale = pow(10, -precision);

	if (fabs(f) >= 1e15 && precision >= 0)
		return f; /* no digits are behind its point */
	if (precision < 0)
		return nearbyint(f / scale) * scale;
	snprintf(digits, sizeof(digits), "%.*f", precision, f);
	return strtod(digits, NULL);
}

const struct value *number_round(struct tpl *t, const struct value *v, struct args *args)
{
	int64_t precision = value_as_int(arg(args, 0, "precision", value_int(&t->pool, 0)));
	const char *method = value_text(arg(args, 1, "method", value_string(&t->pool, "common")), NULL);
	double scale = pow(10, (double)precision), f = value_as_float(v);

	if (v->type != VALUE_INT && v->type != VALUE_FLOAT && v->type != VALUE_BOOL)
		return tpl_fail(t, "round does not work with %s", value_type_name(v));
	if (precision > 15 || precision < -15 || !method)
		return tpl_fail(t, "round: this precision or method is not accepted");
	if (strcmp(method, "ceil") == 0 || strcmp(method, "floor") == 0)
		return value_float(&t->pool, (*method == 'c' ? ceil(f * scale) : floor(f * scale)) / scale);
	if (strcmp(method, "common") != 0)
		return tpl_fail(t, "round: this is not a method; accepted: common, ceil, floor");
	if (v->type == VALUE_FLOAT)
		return value_float(&t->pool, rounded(f, (int)precision));
	return precision < 0 && fabs(f) < 1e15 ? value_int(&t->pool, (int64_t)rounded(f, (int)precision)) : v;
}
