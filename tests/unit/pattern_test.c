#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/pattern.h"

/* The default of protocols.md */
#define POWER_DOWN "^\\[[\\d \\.]{12}\\] reboot: Power [Dd]own\\r?$"

static const struct {
	const char *regex, *subject;
	bool found, whole; /* by re.search, by re.fullmatch */
} searches[] = {
	{POWER_DOWN, "[   12.345678] reboot: Power down\r\n", true, false},
	{POWER_DOWN, "[   12.345678] reboot: Power Down\n", true, false},
	{POWER_DOWN, "x[   12.345678] reboot: Power down\r\n", false, false},
	{"safe to turn off your computer\\r$", "It's now safe to turn off your computer\r\n", true, false},
	{"safe to turn off your computer$", "It's now safe to turn off your computer\r\n", false, false},
	{"computer$", "computer\n", true, false},
	{"computer$", "computer\n\n", false, false},
	{"computer\\Z", "computer\n", false, false},
	{"computer\\Z", "computer", true, true},
	{"\\Acomputer", "computer\n", true, false},
	{"^b", "a\nb\n", false, false},
	{"(?m)^b$", "a\nb\n", true, false},
	{"a.b", "a\nb", false, false},
	{"a.b", "a\rb", true, true},
	{"(?s)a.b", "a\nb", true, true},
	{"a{,2}b", "aab", true, true},
	{"^a{,2}b", "aaab", false, false},
	{"a{,}b", "aaaab", true, true},
	{"a{2}b", "aab", true, true},
	{"a{x}", "a{x}", true, true},
	{"[[a]", "[", true, true},
	{"[]a]", "]", true, true},
	{"[^]a]", "b", true, true},
	{"[\\]a]", "]", true, true},
	{"[[:a]b", ":b", true, true},
	{"\xc3\xa9", "caf\xc3\xa9", true, false},
	{"caf.\\Z", "caf\xc3\xa9", false, false},
	{"caf..", "caf\xc3\xa9", true, true},
	{"\\w", "\xc3\xa9", false, false},
	{"(?i)PASS", "test: pass\n", true, false},
	{"(?P<x>a+)b(?P=x)", "aabaa", true, true},
	{"(a)|b", "b", true, true},
	{"a|ab", "ab", true, true},
	{"\\bfoo\\b", "a foo.", true, false},
	{"\\x41\\t", "A\t", true, true},
	{"(?<=ab)c", "abc", true, false},
	{"", "", true, true},
};

static void a_line_is_searched_as_pythons_re_does_on_bytes(void **state)
{
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++)
		for (int whole = 0; whole < 2; whole++) {
			struct gw_error err = {0};
			struct pattern *p;
			int found;

			if (!pattern_compile(&p, "test", searches[i].regex, whole, &err))
				fail_msg("%s", err.text);
			found = pattern_search(p, searches[i].subject, strlen(searches[i].subject), &err);
			if (found != (whole ? searches[i].whole : searches[i].found))
				fail_msg("'%s' in '%s', whole %d: %d", searches[i].regex, searches[i].subject, whole, found);
			pattern_destroy(p);
		}
}

static void hex(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, "%02x", (unsigned char)*text);
}

/* The table above is what Python says, not what we think it says. */
static void the_table_is_true_of_python(void **state)
{
	FILE *python = popen("python3 -W ignore -c '\n"
			     "import re, sys\n"
			     "for line in sys.stdin:\n"
			     " regex, subject, found, whole = line.rstrip().split(\";\")\n"
			     " regex, subject = bytes.fromhex(regex), bytes.fromhex(subject)\n"
			     " assert bool(re.search(regex, subject)) == bool(int(found)), (regex, subject)\n"
			     " assert bool(re.fullmatch(regex, subject)) == bool(int(whole)), (regex, subject)'",
			     "w");

	assert_non_null(python);
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		hex(python, searches[i].regex);
		fputc(';', python);
		hex(python, searches[i].subject);
		fprintf(python, ";%d;%d\n", searches[i].found, searches[i].whole);
	}
	assert_int_equal(pclose(python), 0);
}

static void a_bad_regex_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *regex, *text;
	} bad[] = {
		{"a(b", "x: 'a(b' is not a regex: missing closing parenthesis, at offset 3"},
		{"*", "x: '*' is not a regex: quantifier does not follow a repeatable item, at offset 0"},
		{"[[[[(", "x: '[[[[(' is not a regex: missing terminating ] for character class, at offset 5"},
		{"(*UTF)a", "x: '(*UTF)a' is not a regex: nothing to repeat, at offset 1"},
		{"a{70000}", "x: 'a{70000}' is not a regex: number too big in {} quantifier, at offset 7"},
		{"\x01(", "x: '\\x01(' is not a regex: missing closing parenthesis, at offset 2"},
		{"a\\", "x: 'a\\' is not a regex: \\ at end of pattern, at offset 2"},
	};
	struct gw_error err;
	struct pattern *p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(pattern_compile(&p, "x", bad[i].regex, false, &err));
		assert_string_equal(err.text, bad[i].text);
		assert_null(p);
	}
}

static void a_very_long_regex_is_refused(void **state)
{
	char *regex = gw_calloc(9000, 1);
	struct gw_error err;
	struct pattern *p;

	memset(regex, 'a', 8999);
	assert_false(pattern_compile(&p, "x", regex, false, &err));
	assert_non_null(strstr(err.text, "...' is not a regex: it is too long; accepted: up to 8192 bytes, at offset 8192"));
	free(regex);
}

/* Each of these takes seconds to years in Python. */
static void promise_30_a_catastrophic_regex_ends_with_an_error_that_names_it(void **state)
{
	static const char *const regexes[] = {
		"(a+)+[bc]",
		"(a*)*[bc]",
		"(a|aa)+[bc]",
		"(a|a?)+[bc]",
		"(.*a){20}[bc]",
		"a*+[bc]",
		"(?i)(a*)\\1[bc]",
		"(a*)(a*)\\1\\2[bc]",
		"a.*[bc]",
		"(.*)(.*)(.*)(.*)[bc]",
		"(?:(?=a*)a)*[bc]",
		"a{15000}[bc]",

		"^(([a-z])+.)+[A-Z]([a-z])+$",
		"(x+x+)+y|(a*a*)*[bc]",
		"(?R)?a[bc]|a(?R)",
	};
	const size_t n = PATTERN_LINE_MAX;
	char *subject = gw_calloc(n + 1, 1);
	struct gw_error err;
	struct pattern *p;

	memset(subject, 'a', n);
	for (size_t i = 0; i < sizeof(regexes) / sizeof(regexes[0]); i++) {
		char expected[200];

		assert_true(pattern_compile(&p, "console_patterns.job_warn", regexes[i], false, &err));
		assert_int_equal(pattern_search(p, subject, n, &err), -1);
		snprintf(expected, sizeof(expected),
			 "console_patterns.job_warn: '%s' takes too many steps on 16384 bytes; accepted: regexes that need few",
			 regexes[i]);
		assert_string_equal(err.text, expected);
		assert_true(pattern_search(p, "b\n", 2, &err) >= 0); /* it is as good as before */
		pattern_destroy(p);
	}
	free(subject);
}

static void groups_of_a_path_go_into_its_url(void **state)
{
	static const struct {
		const char *template, *expanded;
	} cases[] = {
		{"http://x/\\1", "http://x/vmlinuz"},
		{"http://x/\\2/\\g<name>/\\g<1>?", "http://x/6.1/6.1/vmlinuz?"},
		{"\\3|\\g<0>|\\\\|\\x", "|/boot/vmlinuz-6.1|\\|\\x"},
	};
	static const struct {
		const char *template, *text;
	} bad[] = {
		{"/\\4", "p: '\\4' in '/\\4' is no group of the regex '/boot/(\\w+)-(?P<name>[\\d.]+)(x)?'"},
		{"\\12", "p: '\\12' in '\\12' is no group of the regex '/boot/(\\w+)-(?P<name>[\\d.]+)(x)?'"},
		{"\\g<nam>", "p: '\\g<nam>' in '\\g<nam>' is no group of the regex '/boot/(\\w+)-(?P<name>[\\d.]+)(x)?'"},
	};
	const char *path = "/boot/vmlinuz-6.1";
	struct gw_error err = {0};
	struct pattern *p;
	char *text;

	assert_true(pattern_compile(&p, "p", "/boot/(\\w+)-(?P<name>[\\d.]+)(x)?", true, &err));
	assert_int_equal(pattern_search(p, path, strlen(path), &err), 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = pattern_expand(p, path, cases[i].template, &err);
		assert_string_equal(text, cases[i].expanded);
		free(text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(pattern_expand(p, path, bad[i].template, &err));
		assert_string_equal(err.text, bad[i].text);
	}
	pattern_destroy(p);
}

/* A job's patterns, and what comes of bytes that are fed to them in pieces of `step` bytes. */
static struct job job_of(struct job_watchdog *dog)
{
	struct job job = {.watchdogs = dog, .n_watchdogs = dog ? 1 : 0};

	job.patterns[JOB_SESSION_END] = (char *)(uintptr_t) "bye\\r$";
	job.patterns[JOB_SUCCESS] = (char *)(uintptr_t) "^good";
	return job;
}

static struct job_watchdog mount_dog(void)
{
	return (struct job_watchdog){.name = (char *)(uintptr_t) "mount",
				     .start = (char *)(uintptr_t) "mounting",
				     .reset = (char *)(uintptr_t) "still",
				     .stop = (char *)(uintptr_t) "mounted"};
}

static void matches_are_replaced_as_pythons_re_sub_does(void **state)
{
	static const struct {
		const char *regex, *template, *subject, *result;
	} rows[] = {
		{"^quay.io", "ci-gateway:8100", "quay.io/a/quay.io:1", "ci-gateway:8100/a/quay.io:1"},
		{"a", "b", "banana", "bbnbnb"},
		{"(\\w+)/(\\w+)", "\\2-\\1", "x/y z/w", "y-x w-z"},
		{"x*", "-", "abxc", "-a-b--c-"},
		{"no", "y", "yes", "yes"},
		{"$", "!", "a", "a!"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pattern *p;
		struct gw_error err = {0};
		char *text;

		assert_true(pattern_compile(&p, "test", rows[i].regex, false, &err));
		text = pattern_replace(p, rows[i].subject, rows[i].template, &err);
		assert_string_equal(text, rows[i].result);
		free(text);
		pattern_destroy(p);
	}
}

static void lines_are_the_same_in_whatever_pieces_they_come(void **state)
{
	static const char text[] = "good\r\nbye\r\nmounting, still\nbye\n\nno line";
	struct job_watchdog dog = mount_dog();
	struct job job = job_of(&dog);
	struct pattern_match match;
	struct gw_error err = {0};
	struct patterns *p;
	bool is_line;

	for (size_t step = 1; step < sizeof(text); step++) {
		char seen[200] = "";

		assert_true(patterns_create(&p, &job, &err));
		for (size_t at = 0, piece; at < sizeof(text) - 1;) {
			piece = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;
			at += patterns_feed(p, (const unsigned char *)text + at, piece, &is_line, &match, &err);
			if (!is_line)
				continue;
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%zu%s%s%s%s%s%s;", match.n, match.any ? "!" : "",
				 match.hit[JOB_SESSION_END] ? " end" : "", match.hit[JOB_SUCCESS] ? " success" : "",
				 match.watchdogs[0][PATTERN_START] ? " start" : "", match.watchdogs[0][PATTERN_RESET] ? " reset" : "",
				 match.watchdogs[0][PATTERN_STOP] ? " stop" : "");
		}
		assert_string_equal(seen, "6! success;5! end;16! start reset;4;1;");
		assert_int_equal(err.kind, GW_OK);
		patterns_destroy(p);
	}
}

static void a_new_boot_drops_half_a_line(void **state)
{
	struct job job = job_of(NULL);
	struct pattern_match match;
	struct gw_error err = {0};
	struct patterns *p;
	bool is_line;

	assert_true(patterns_create(&p, &job, &err));
	assert_int_equal(patterns_feed(p, (const unsigned char *)"go", 2, &is_line, &match, &err), 2);
	patterns_new_boot(p);
	assert_int_equal(patterns_feed(p, (const unsigned char *)"od\n", 3, &is_line, &match, &err), 3);
	assert_true(is_line);
	assert_false(match.any);
	assert_memory_equal(match.line, "od\n", 3);
	patterns_destroy(p);
}

static void a_long_line_is_cut_but_keeps_its_end(void **state)
{
	struct job job = job_of(NULL);
	size_t n = 3 * PATTERN_LINE_MAX;
	unsigned char *bytes = gw_calloc(n, 1);
	struct pattern_match match;
	struct gw_error err = {0};
	struct patterns *p;
	bool is_line;

	memset(bytes, 'a', n);
	memcpy(bytes, "good", 4);
	memcpy(bytes + PATTERN_LINE_MAX - 3, "byexx", 5); /* the line is cut behind "bye" */
	memcpy(bytes + n - 2, "\r\n", 2);
	assert_true(patterns_create(&p, &job, &err));
	for (size_t at = 0; at < n;)
		at += patterns_feed(p, bytes + at, n - at < 1000 ? n - at : 1000, &is_line, &match, &err);
	assert_true(is_line);
	assert_int_equal(match.n, PATTERN_LINE_MAX + 2);
	assert_true(match.hit[JOB_SUCCESS]);
	assert_true(match.hit[JOB_SESSION_END]);
	assert_int_equal(patterns_feed(p, (const unsigned char *)"good\n", 5, &is_line, &match, &err), 5);
	assert_int_equal(match.n, 5);
	assert_int_equal(err.kind, GW_OK);
	patterns_destroy(p);
	free(bytes);
}

static void of_many_patterns_the_greediest_is_named(void **state)
{
	struct job_watchdog dog = mount_dog();
	struct job job = job_of(&dog);
	unsigned char *bytes = gw_calloc(PATTERN_LINE_MAX, 1);
	struct pattern_match match;
	struct gw_error err = {0};
	struct patterns *p;
	bool is_line;

	dog.reset = (char *)(uintptr_t) "(.*)(.*)[bc]";
	memset(bytes, 'a', PATTERN_LINE_MAX - 1);
	bytes[PATTERN_LINE_MAX - 1] = '\n';
	assert_true(patterns_create(&p, &job, &err));
	patterns_feed(p, bytes, PATTERN_LINE_MAX, &is_line, &match, &err);
	assert_true(is_line);
	assert_string_equal(err.text,
			    "console_patterns.watchdogs.mount.reset: '(.*)(.*)[bc]' takes too many steps on 16384 bytes; accepted: "
			    "regexes that need few");
	patterns_destroy(p);
	free(bytes);
}

static void a_jobs_bad_pattern_is_named(void **state)
{
	struct job_watchdog dog = mount_dog();
	struct job job = job_of(&dog);
	struct gw_error err = {0};
	struct patterns *p;

	dog.stop = (char *)(uintptr_t) "(";
	assert_false(patterns_create(&p, &job, &err));
	assert_null(p);
	assert_string_equal(err.text,
			    "console_patterns.watchdogs.mount.stop: '(' is not a regex: missing closing parenthesis, at offset 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_searched_as_pythons_re_does_on_bytes),
		cmocka_unit_test(the_table_is_true_of_python),
		cmocka_unit_test(a_bad_regex_is_refused_with_its_place),
		cmocka_unit_test(a_very_long_regex_is_refused),
		cmocka_unit_test(promise_30_a_catastrophic_regex_ends_with_an_error_that_names_it),
		cmocka_unit_test(groups_of_a_path_go_into_its_url),
		cmocka_unit_test(matches_are_replaced_as_pythons_re_sub_does),
		cmocka_unit_test(lines_are_the_same_in_whatever_pieces_they_come),
		cmocka_unit_test(a_new_boot_drops_half_a_line),
		cmocka_unit_test(a_long_line_is_cut_but_keeps_its_end),
		cmocka_unit_test(of_many_patterns_the_greediest_is_named),
		cmocka_unit_test(a_jobs_bad_pattern_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
