#include "bucketd/xml.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libgateway/percent.h"
#include "libgateway/utf8.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static void add(struct buffer *out, const char *text)
{
	buffer_add(out, text, strlen(text));
}

void xml_begin(struct buffer *out, const char *root)
{
	buffer_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", root);
}

void xml_open(struct buffer *out, const char *element)
{
	buffer_printf(out, "<%s>", element);
}

void xml_close(struct buffer *out, const char *element)
{
	buffer_printf(out, "</%s>", element);
}

/* What stands for the character at `text`, of `len` bytes, if it may not stand for itself (XML 1.0 section 2.2); else NULL. White space is
 * escaped since readers change it (sections 2.11 and 3.3.3). */
static const char *escaped(const char *text, size_t len)
{
	static const char *const ascii[128] = {
		['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;", ['"'] = "&#34;",
		['&'] = "&amp;", ['\''] = "&#39;", ['<'] = "&lt;",   ['>'] = "&gt;",
	};
	unsigned char c = (unsigned char)*text;

	if (len == 1 && ascii[c])
		return ascii[c];
	if (len == 0 || (len == 1 && c < 0x20))
		return replacement;
	return len == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0) ? replacement : NULL;
}

static void add_escaped(struct buffer *out, const char *text)
{
	for (size_t left = strlen(text), n; left; text += n, left -= n) {
		size_t len = utf8_sequence(text, left);
		const char *instead = escaped(text, len);

		n = len ? len : 1;
		if (instead)
			add(out, instead);
		else
			buffer_add(out, text, n);
	}
}

void xml_text(struct buffer *out, const char *element, const char *text)
{
	xml_open(out, element);
	add_escaped(out, text);
	xml_close(out, element);
}

void xml_number(struct buffer *out, const char *element, long long n)
{
	buffer_printf(out, "<%s>%lld</%s>", element, n, element);
}

void xml_url_text(struct buffer *out, const char *element, const char *text)
{
	xml_open(out, element);
	url_escape(out, text, "/");
	xml_close(out, element);
}

void xml_time(struct buffer *out, const char *element, long long ns)
{
	time_t seconds = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
	long long ms = (ns - (long long)seconds * 1000000000) / 1000000;
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buffer_printf(out, "<%s>%s.%03lldZ</%s>", element, text, ms, element);
}

void xml_error(struct buffer *out, const struct s3_error *err, const char *resource)
{
	add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	xml_text(out, "Code", s3_code_name(err->code));
	xml_text(out, "Message", err->text);
	xml_text(out, "Resource", resource);
	xml_close(out, "Error");
}
