#include "executord/names.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libmars/fields.h"
#include "libmars/marsdb.h"

static double zone_seconds(const char *text)
{
	unsigned hours = 0, minutes = 0;
	char sign = '+';

	while (*text == ' ')
		text++;
	if (sscanf(text, "%c%2u:%2u", &sign, &hours, &minutes) < 3 && sscanf(text, "%c%2u%2u", &sign, &hours, &minutes) < 2)
		return 0; /* none, or Z */
	return (sign == '-' ? -1.0 : 1.0) * (hours * 3600.0 + minutes * 60.0);
}

bool names_date(const char *text, double *seconds)
{
	struct tm tm = {0};
	int n = 0, more = 0;
	double fraction = 0;
	char *end;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	text += n;
	if ((*text == ' ' || *text == 'T') && sscanf(text + 1, "%2d:%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &more) == 3)
		text += 1 + more;
	if (*text == '.') {
		fraction = strtod(text, &end);
		text = end;
	}
	*seconds = (double)timegm(&tm) + fraction - zone_seconds(text);
	return true;
}

void names_date_text(double seconds, char out[40])
{
	double whole = floor(seconds);
	time_t t = (time_t)whole;
	struct tm tm;
	char text[24];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 40, "%s.%03d+00:00", text, (int)((seconds - whole) * 1000));
}

static int by_age(const struct named *a, const struct named *b)
{
	if (a->seconds < b->seconds || a->seconds > b->seconds)
		return a->seconds < b->seconds ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int by_name_and_age(const void *a, const void *b)
{
	int names = strcmp(((const struct named *)a)->base_name, ((const struct named *)b)->base_name);

	return names ? names : by_age(a, b);
}

void names_number(struct named *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i].seconds = INFINITY;
		if (v[i].first_seen)
			names_date(v[i].first_seen, &v[i].seconds);
	}
	if (n)
		qsort(v, n, sizeof(*v), by_name_and_age);
	for (size_t i = 0; i < n; i++)
		v[i].number = i && strcmp(v[i].base_name, v[i - 1].base_name) == 0 ? v[i - 1].number + 1 : 1;
}

struct named *names_of(const struct mars_db *db, size_t *n)
{
	struct named *v;

	*n = mars_db_dut_count(db);
	v = gw_calloc(*n ? *n : 1, sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		const struct mars_dut *mars = mars_db_dut(db, i);

		v[i] = (struct named){.base_name = mars->base_name, .first_seen = mars->first_seen, .place = i};
	}
	names_number(v, *n);
	return v;
}

char *names_full(const char *farm, const struct named *named)
{
	return gw_sprintf("%s-%s-%u", farm, named->base_name, named->number);
}

bool names_touched(const struct mars_change *change)
{
	const uint32_t fields = 1U << MARS_DUT_BASE_NAME | 1U << MARS_DUT_FIRST_SEEN;

	return change->what == MARS_DUT && (change->kind != MARS_CHANGED || (change->fields & fields));
}
