/* One scalar as its field's type says. */
#include "libmars/decode.h"
#include "libmars/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool mars_mac_decode(const char *text, size_t len, char mac[18])
{
	if (len != 17)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !is_hex(text[i]))
			return false;
		mac[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 32) : text[i];
	}
	mac[17] = '\0';
	return true;
}

/* Only what all YAML readers take for a decimal number: no hex, no infinities, no underscores. */
static bool decode_number(const char *text, size_t len, const char *accept, double *value)
{
	char copy[40], *end;

	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strspn(copy, accept) != len)
		return false;
	errno = 0;
	*value = strtod(copy, &end);
	return *end == '\0' && errno == 0 && isfinite(*value);
}

static bool in_bounds(const struct mars_field *field, double value)
{
	return (field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max);
}

static bool decode_integer(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	double value;

	if (!decode_number(text, len, "+-0123456789", &value) || !in_bounds(field, value))
		return false;
	*(int64_t *)out = fabs(value) < 9e15 ? (int64_t)value : 0; /* bounds are below 2^53 */
	return true;
}

static bool decode_double(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	double value;

	if (!decode_number(text, len, "+-.eE0123456789", &value) || !in_bounds(field, value))
		return false;
	*(double *)out = value;
	return true;
}

/* YAML 1.1's words, as PyYAML takes them. */
static bool decode_bool(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len && strncasecmp(words[i].word, text, len) == 0) {
			*(bool *)out = words[i].value;
			return true;
		}
	return false;
}

bool mars_text_has_control(const char *text, size_t len, bool lines)
{
	for (const unsigned char *p = (const unsigned char *)text, *end = p + len; p < end; p++)
		if ((*p < 0x20 && !(lines && *p && strchr("\n\t", *p))) || *p == 0x7f ||
		    (*p == 0xc2 && p + 1 < end && p[1] >= 0x80 && p[1] < 0xa0))
			return true;
	return false;
}

static bool decode_text(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	if ((double)len < field->min || (field->max > 0 && (double)len > field->max) ||
	    mars_text_has_control(text, len, field->type == MARS_LINES))
		return false;
	*(char **)out = gw_strndup(text, len);
	return true;
}

static bool decode_name(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	return !memchr(text, '/', len) && decode_text(field, options, text, len, out);
}

/* Tokens go into headers: no blanks, no control characters. */
static bool decode_secret(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	if (len == strlen("<invalid default>") && memcmp(text, "<invalid default>", len) == 0)
		len = 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return len == 0 || decode_text(field, options, text, len, out);
}

static bool decode_mac(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	char mac[18];

	if (!mars_mac_decode(text, len, mac))
		return false;
	*(char **)out = gw_strdup(mac);
	return true;
}

static bool decode_ipv4(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	char copy[INET_ADDRSTRLEN];
	struct in_addr address;
	uint32_t a;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &address) != 1)
		return false;
	a = ntohl(address.s_addr);
	if (a >> 24 == 0 || a >> 24 == 127 || a >> 28 >= 0xe) /* no machine's own: this network, loopback, multicast, reserved */
		return false;
	*(char **)out = gw_strdup(inet_ntop(AF_INET, &address, copy, sizeof(copy)));
	return true;
}

/* `d` a digit, anything else itself. The length of what matched, 0 if it does not. */
static size_t match_digits(const char *text, size_t len, const char *shape)
{
	size_t n = strlen(shape);

	if (len < n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return 0;
	return n;
}

static bool is_zone(const char *text, size_t len)
{
	if (len == 0 || (len == 1 && text[0] == 'Z'))
		return true;
	if (text[0] != '+' && text[0] != '-')
		return false;
	return (len == 3 && match_digits(text + 1, 2, "dd")) || (len == 5 && match_digits(text + 1, 4, "dddd")) ||
	       (len == 6 && match_digits(text + 1, 5, "dd:dd"));
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

static bool is_day(const char *text)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = two(text) * 100 + two(text + 2), month = two(text + 5), day = two(text + 8);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static bool is_time(const char *text)
{
	return two(text) < 24 && two(text + 3) < 60 && two(text + 6) < 60;
}

/* 2021-12-22, 2021-12-22 16:57:08.146275, 2021-12-22T16:57:08+00:00: as PyYAML writes and ISO 8601 has them. */
static bool decode_date(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	size_t at = match_digits(text, len, "dddd-dd-dd");

	if (!at || !is_day(text))
		return false;
	if (at < len) {
		if ((text[at] != ' ' && text[at] != 'T') || !match_digits(text + at + 1, len - at - 1, "dd:dd:dd") ||
		    !is_time(text + at + 1))
			return false;
		at += 9;
		if (at < len && text[at] == '.')
			for (at++; at < len && text[at] >= '0' && text[at] <= '9';)
				at++;
		while (at < len && text[at] == ' ')
			at++;
		if (!is_zone(text + at, len - at))
			return false;
	}
	*(char **)out = gw_strndup(text, len);
	return true;
}

static bool decode_url(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	size_t scheme = len > 8 && strncmp(text, "https://", 8) == 0 ? 8 : len > 7 && strncmp(text, "http://", 7) == 0 ? 7 : 0;

	if (!scheme || (scheme == 7 && !options->allow_insecure_urls) || text[scheme] == '/' || memchr(text, '@', len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return decode_text(field, options, text, len, out);
}

static bool decode_port_id(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	if (!len || len > 64 || text_first_invalid(text, len) != len || mars_text_has_control(text, len, false))
		return false;
	*(char **)out = gw_strndup(text, len);
	return true;
}

static bool decode_choice(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	for (const char *const *choice = field->accepted; *choice; choice++)
		if (strlen(*choice) == len && memcmp(*choice, text, len) == 0) {
			*(char **)out = gw_strdup(*choice);
			return true;
		}
	return false;
}

/* GitLab splits tags at commas and trims them: such a tag could never be found again. */
static bool decode_tag(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	if (!len || len > 255 || memchr(text, ',', len) || text[0] == ' ' || text[len - 1] == ' ' || text_first_invalid(text, len) != len ||
	    mars_text_has_control(text, len, false))
		return false;
	*(char **)out = gw_strndup(text, len);
	return true;
}

static bool decode_item(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	if (!len || len > 1024 || mars_text_has_control(text, len, false))
		return false;
	*(char **)out = gw_strndup(text, len);
	return true;
}

typedef bool scalar_decoder(const struct mars_field *, const struct mars_options *, const char *, size_t, void *);
static const struct {
	scalar_decoder *decode;
	const char *accepted; /* NULL: the bounds */
} scalars[MARS_TYPES] = {
	[MARS_TEXT] = {decode_text, NULL},
	[MARS_NAME] = {decode_name, NULL},
	[MARS_LINES] = {decode_text, NULL},
	[MARS_SECRET] = {decode_secret, "a text without blanks"},
	[MARS_BOOL] = {decode_bool, "true, false"},
	[MARS_INTEGER] = {decode_integer, NULL},
	[MARS_SECONDS] = {decode_double, NULL},
	[MARS_WATTS] = {decode_double, NULL},
	[MARS_MAC] = {decode_mac, "six pairs of hexadecimal digits, as 52:54:00:11:22:0a"},
	[MARS_IPV4] = {decode_ipv4, "an address of one machine, as 10.42.0.17"},
	[MARS_DATE] = {decode_date, "as 2021-12-22 16:57:08.146275"},
	[MARS_URL] = {decode_url, NULL},
	[MARS_PORT_ID] = {decode_port_id, "an integer or a name"},
	[MARS_CHOICE] = {decode_choice, NULL},
	[MARS_TEXTS] = {decode_item, "texts of 1 to 1024 bytes"},
	[MARS_TAGS] = {decode_tag, "texts of 1 to 255 bytes without commas or blanks around them"},
	[MARS_PORT_IDS] = {decode_port_id, "integers or names"},
};

bool mars_scalar_decode(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out)
{
	return scalars[field->type].decode && scalars[field->type].decode(field, options, text, len, out);
}

static void list_choices(const struct mars_field *field, char *out, size_t size)
{
	size_t used = 0;

	for (const char *const *choice = field->accepted; *choice && used < size; choice++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", *choice);
}

void mars_scalar_accepted(const struct mars_field *field, const struct mars_options *options, char *out, size_t size)
{
	const char *unit = field->type == MARS_TEXT || field->type == MARS_LINES ? " bytes"
			   : field->type == MARS_NAME                            ? " bytes without `/`"
										 : "";

	if (field->type == MARS_CHOICE)
		list_choices(field, out, size);
	else if (field->type == MARS_URL)
		snprintf(out, size,
			 options->allow_insecure_urls ? "https://... or http://..., without a user"
						      : "https://..., without a user (http:// with GITLAB_ALLOW_INSECURE)");
	else if (scalars[field->type].accepted)
		snprintf(out, size, "%s", scalars[field->type].accepted);
	else
		snprintf(out, size, "%.0f to %.0f%s", field->min, field->max, unit);
}
