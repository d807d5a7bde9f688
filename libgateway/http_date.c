#include "libgateway/http_date.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define IMF_FIXDATE "%a, %d %b %Y %H:%M:%S GMT"

/* No program sets another locale of times than C. The day of the week is not compared with the date. */
static bool decode_as(const char *format, const char *text, struct tm *tm)
{
	const char *end;

	*tm = (struct tm){0};
	end = strptime(text, format, tm);
	return end && !*end;
}

bool http_date_decode(const char *text, int64_t *seconds)
{
	static const char *const formats[] = {IMF_FIXDATE, "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};
	struct tm tm;
	time_t time;
	size_t i = 0;

	if (strlen(text) > 40)
		return false;
	while (i < sizeof(formats) / sizeof(formats[0]) && !decode_as(formats[i], text, &tm))
		i++;
	if (i == sizeof(formats) / sizeof(formats[0]))
		return false;
	time = timegm(&tm); /* brings the 31st of February and a leap second in order */
	if (tm.tm_year > 9999 - 1900)
		return false;
	*seconds = time;
	return true;
}

void http_date_encode(char text[HTTP_DATE_SIZE], int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	strftime(text, HTTP_DATE_SIZE, IMF_FIXDATE, gmtime_r(&time, &tm));
}
