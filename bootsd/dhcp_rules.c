#include "bootsd/dhcp_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS 20000 /* of one regex on one option of 255 bytes: some 0.2 ms */

/* What a test looks at. The first three are names and compared as such, the others are regexes that must match whole. */
enum subject { ARCHITECTURE, FIRMWARE, PROTOCOL, MAC_ADDRESS, VENDOR_CLASS, USER_CLASS, UUID, SUBJECTS };
static const struct {
	const char *name;
	size_t offset; /* in struct msg_boot_dhcp */
} subjects[SUBJECTS] = {
	[ARCHITECTURE] = {"architecture", offsetof(struct msg_boot_dhcp, architecture)},
	[FIRMWARE] = {"firmware", offsetof(struct msg_boot_dhcp, firmware)},
	[PROTOCOL] = {"protocol", offsetof(struct msg_boot_dhcp, protocol)},
	[MAC_ADDRESS] = {"mac_address", offsetof(struct msg_boot_dhcp, mac_address)},
	[VENDOR_CLASS] = {"vendor_class", offsetof(struct msg_boot_dhcp, vendor_class)},
	[USER_CLASS] = {"user_class", offsetof(struct msg_boot_dhcp, user_class)},
	[UUID] = {"uuid", offsetof(struct msg_boot_dhcp, uuid)},
};

struct dhcp_rule_test {
	enum subject subject;
	char *text;        /* owned: a name */
	pcre2_code *regex; /* owned; NULL: a name */
};

static bool compile(struct dhcp_rule_test *test, const char *regex, struct gw_error *err)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	test->regex = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);
	if (test->regex)
		return true;
	pcre2_get_error_message(code, why, sizeof(why));
	return gw_fail(err, GW_BAD_INPUT, "match.%s: '%s' is not a regex: %s at offset %zu", subjects[test->subject].name, regex,
		       (char *)why, (size_t)at);
}

static bool init_tests(struct dhcp_rule *rule, const struct msg_boot_dhcp *entry, struct gw_error *err)
{
	rule->tests = gw_calloc(SUBJECTS, sizeof(*rule->tests));
	for (enum subject s = 0; s < SUBJECTS; s++) {
		const char *text = *(char *const *)((const char *)entry + subjects[s].offset);
		struct dhcp_rule_test *test = &rule->tests[rule->n_tests];

		if (!text)
			continue;
		test->subject = s;
		rule->n_tests++;
		if (s <= PROTOCOL)
			test->text = gw_strdup(text);
		else if (!compile(test, text, err))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool init_option(struct dhcp_rule_option *option, const struct msg_boot_option *from, struct gw_error *err)
{
	size_t n = strlen(from->hex) / 2;
	uint8_t *bytes = gw_calloc(n + 1, 1);

	option->code = (unsigned)from->code;
	option->value = (struct dhcp_bytes){bytes, n};
	if (strlen(from->hex) % 2 || from->hex[strspn(from->hex, "0123456789abcdefABCDEF")])
		return gw_fail(err, GW_BAD_INPUT, "options.%u: '%s' is not hexadecimal", option->code, from->hex);
	if (option->code == DHCP_MESSAGE_TYPE || option->code == DHCP_OVERLOAD)
		return gw_fail(err, GW_REFUSED, "options.%u belongs to the protocol and cannot be set", option->code);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(hex_digit(from->hex[2 * i]) << 4 | hex_digit(from->hex[2 * i + 1]));
	return true;
}

static bool init_rule(struct dhcp_rule *rule, const struct msg_boot_dhcp *entry, struct gw_error *err)
{
	if (!init_tests(rule, entry, err))
		return false;
	rule->options = gw_calloc(entry->options.n + 1, sizeof(*rule->options));
	for (size_t i = 0; i < entry->options.n; i++) {
		rule->n_options++;
		if (!init_option(&rule->options[i], &entry->options.v[i], err))
			return false;
	}
	return true;
}

bool dhcp_rules_init(struct dhcp_rules *rules, const struct msg_boot_dhcp *entries, size_t n, struct gw_error *err)
{
	rules->v = gw_calloc(n + 1, sizeof(*rules->v));
	for (size_t i = 0; i < n; i++) {
		rules->n++;
		if (!init_rule(&rules->v[i], &entries[i], err))
			return gw_context(err, "dhcp.%zu", i);
	}
	return true;
}

static void finish_rule(struct dhcp_rule *rule)
{
	for (size_t i = 0; i < rule->n_tests; i++) {
		free(rule->tests[i].text);
		pcre2_code_free(rule->tests[i].regex);
	}
	for (size_t i = 0; i < rule->n_options; i++)
		free((void *)rule->options[i].value.v);
	free(rule->tests);
	free(rule->options);
}

void dhcp_rules_finish(struct dhcp_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		finish_rule(&rules->v[i]);
	free(rules->v);
	*rules = (struct dhcp_rules){0};
}

static struct dhcp_bytes text_bytes(const char *text)
{
	return (struct dhcp_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* A regex that takes too many steps does not match: the packet is the client's, the regex the job's, and neither may hold bootsd up. */
static bool regex_matches(const pcre2_code *regex, struct dhcp_bytes subject)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(regex, NULL);
	int rc;

	gw_assert(limits && match); /* out of memory */
	pcre2_set_match_limit(limits, MATCH_STEPS);
	pcre2_set_depth_limit(limits, MATCH_STEPS);
	rc = pcre2_match(regex, subject.v ? subject.v : (PCRE2_SPTR) "", subject.n, 0, 0, match, limits);
	pcre2_match_data_free(match);
	pcre2_match_context_free(limits);
	return rc >= 0;
}

static bool passes(const struct dhcp_rule_test *test, const struct dhcp_class *class, const char *mac)
{
	const struct dhcp_bytes of[SUBJECTS] = {
		[ARCHITECTURE] = text_bytes(class->architecture),
		[FIRMWARE] = text_bytes(class->firmware),
		[PROTOCOL] = text_bytes(class->protocol),
		[MAC_ADDRESS] = text_bytes(mac),
		[VENDOR_CLASS] = class->vendor_class,
		[USER_CLASS] = class->user_class,
		[UUID] = text_bytes(class->uuid),
	};
	struct dhcp_bytes subject = of[test->subject];

	if (test->regex)
		return regex_matches(test->regex, subject);
	return subject.n == strlen(test->text) && memcmp(test->text, subject.n ? subject.v : (const uint8_t *)"", subject.n) == 0;
}

const struct dhcp_rule *dhcp_rules_find(const struct dhcp_rules *rules, const struct dhcp_class *class, struct mac mac)
{
	char text[MAC_TEXT];

	mac_print(text, mac);
	for (size_t i = 0; i < rules->n; i++) {
		const struct dhcp_rule *rule = &rules->v[i];
		size_t passed = 0;

		while (passed < rule->n_tests && passes(&rule->tests[passed], class, text))
			passed++;
		if (passed == rule->n_tests)
			return rule;
	}
	return NULL;
}

struct dhcp_bytes dhcp_rule_option(const struct dhcp_rule *rule, unsigned code)
{
	for (size_t i = 0; rule && i < rule->n_options; i++)
		if (rule->options[i].code == code)
			return rule->options[i].value;
	return (struct dhcp_bytes){0};
}
