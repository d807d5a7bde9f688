/* How an option's text is read, by its type. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libgateway/env_internal.h"
#include "libgateway/url.h"

static bool take_integer(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || errno || (double)value < row->min || (double)value > row->max)
		return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a whole number; accepted: %.0f to %.0f", row->name, text, row->min,
			       row->max);
	into->integer = value;
	return true;
}

static bool take_number(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= row->min && value <= row->max))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a number; accepted: %g to %g", row->name, text, row->min, row->max);
	into->number = value;
	return true;
}

static bool take_boolean(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	static const char *const yes[] = {"true", "enabled", "1", "yes"}, *const no[] = {"false", "disabled", "0", "no"};

	for (int i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			into->integer = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a boolean; accepted: true, enabled, 1, yes, false, disabled, 0, no", row->name,
		       text);
}

static bool take_url(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	struct url_host host;
	struct gw_error why = {0};
	char *shown;

	if (url_host_of(text, &host, &why))
		return true;
	shown = url_shown(text); /* without its password */
	gw_fail(err, GW_BAD_INPUT, "%s: '%.200s' is not a URL; accepted: http://HOST[:PORT] or https://HOST[:PORT]", row->name, shown);
	free(shown);
	return false;
}

static bool take_host_port(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	const char *colon = strrchr(text, ':');
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!colon || colon == text || end == colon + 1 || *end || port < 1 || port > 65535)
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.200s' is not a place to connect to; accepted: HOST:PORT", row->name, text);
	return true;
}

static bool take_text(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	if (row->max > 0 && (strlen(text) < (size_t)row->min || strlen(text) > (size_t)row->max))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' has %zu bytes; accepted: %.0f to %.0f", row->name, text, strlen(text),
			       row->min, row->max);
	return true;
}

static bool take_secret(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	size_t n = strlen(text);

	return (n >= (size_t)row->min && n <= (size_t)row->max) ||
	       gw_fail(err, GW_BAD_INPUT, "%s: it has %zu bytes; accepted: %.0f to %.0f", row->name, n, row->min, row->max);
}

static bool take_any(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	return true;
}

static bool take_address(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1 ||
	       gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' is not an IP address; accepted: an IPv4 or IPv6 address", row->name, text);
}

/* A word that goes into tags, names of machines and URLs as it is. */
static bool take_name(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(text);

	return (n >= (size_t)row->min && n <= (size_t)row->max && strspn(text, accepted) == n) ||
	       gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' is not a name; accepted: %.0f to %.0f of a-z A-Z 0-9 . _ -", row->name, text,
		       row->min, row->max);
}

static bool take_word(const struct env_row *row, const char *text, const char *const *words, const char *accepted, struct gw_error *err)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' is not known; accepted: %s", row->name, text, accepted);
}

static bool take_log_level(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	static const char *const words[] = {"debug", "info", "warning", "error", NULL};

	return take_word(row, text, words, "debug, info, warning, error", err);
}

static bool take_log_format(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	static const char *const words[] = {"text", "json", NULL};

	return take_word(row, text, words, "text, json", err);
}

static const struct {
	bool (*take)(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err);
	const char *name;
} types[] = {
	[ENV_TEXT] = {take_text, "text"},
	[ENV_INTEGER] = {take_integer, "whole number"},
	[ENV_NUMBER] = {take_number, "number"},
	[ENV_BOOLEAN] = {take_boolean, "boolean"},
	[ENV_PATH] = {take_any, "path"},
	[ENV_HTTP_URL] = {take_url, "URL"},
	[ENV_PORT] = {take_integer, "port"},
	[ENV_HOST_PORT] = {take_host_port, "host:port"},
	[ENV_REGEX] = {take_any, "regular expression"}, /* its reader compiles it */
	[ENV_NOT_EMPTY] = {take_any, "text"},
	[ENV_ADDRESS] = {take_address, "IP address"},
	[ENV_NAME] = {take_name, "name"},
	[ENV_LOG_LEVEL] = {take_log_level, "word"},
	[ENV_LOG_FORMAT] = {take_log_format, "word"},
	[ENV_SECRET] = {take_secret, "secret"},
};

bool env_value_read(const struct env_row *row, const char *text, struct env_value *into, struct gw_error *err)
{
	return types[row->type].take(row, text, into, err);
}

const char *env_type_name(enum env_type type)
{
	return types[type].name;
}
