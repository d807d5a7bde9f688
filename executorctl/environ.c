#define PCRE2_CODE_UNIT_WIDTH 8
#include "executorctl/environ.h"

#include <pcre2.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/utf8.h"

static bool is_utf8(const char *text)
{
	size_t n = strlen(text);

	return utf8_prefix(text, n) == n;
}

static void add_matching(cJSON *object, const pcre2_code *code, pcre2_match_data *match)
{
	for (char **variable = environ; *variable; variable++) {
		const char *equals = strchr(*variable, '=');
		char name[256];

		if (!equals || (size_t)(equals - *variable) >= sizeof(name) || !is_utf8(*variable))
			continue;
		memcpy(name, *variable, (size_t)(equals - *variable));
		name[equals - *variable] = '\0';
		if (pcre2_match(code, (PCRE2_SPTR)name, strlen(name), 0, 0, match, NULL) >= 0 &&
		    !cJSON_GetObjectItemCaseSensitive(object, name))
			cJSON_AddStringToObject(object, name, equals + 1);
	}
}

bool environ_add(cJSON *object, const char *regex, struct gw_error *err)
{
	unsigned char why[128];
	PCRE2_SIZE at;
	pcre2_match_data *match;
	pcre2_code *code;
	int error;

	if (!regex)
		return true;
	code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &at, NULL);
	if (!code) {
		pcre2_get_error_message(error, why, sizeof(why));
		return gw_fail(err, GW_BAD_INPUT, "run: --forward-env-regex: '%.100s' is not a regular expression: %s, at %zu", regex,
			       (const char *)why, (size_t)at + 1);
	}
	match = pcre2_match_data_create_from_pattern(code, NULL);
	add_matching(object, code, match);
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	return true;
}
