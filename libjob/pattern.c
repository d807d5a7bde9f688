/* One regex, compiled, searched within a number of steps.
 *
 * PCRE2's match limit starts anew at each place of a line where a match might begin, so it alone bounds nothing: `a*+[bc]` takes a second
 * on 64 KiB. So the regexes are compiled with a callout before each of their items, and a callout costs a step, and more for the bytes that
 * were walked since the last. That is the same number on every machine; it is some 15 ns a step, and hardly slower than no callouts.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "libjob/pattern_internal.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_A_STEP 16
#define EXPANDED_MAX 65536
#define FRAMES_KIB   1024 /* PCRE2's backtracking frames: touching more would take too long the first time */

struct pattern {
	char *name, *regex;
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *match;
	uint32_t longest_repeat;
	uint32_t backreferences; /* the highest group that the regex refers back to */
	long *steps;             /* of the search that runs */
	size_t walked_to;
};

const char *pattern_shown(const char *text, char out[SHOWN_SIZE])
{
	size_t used = 0;

	for (; *text && used < SHOWN_SIZE - 8; text++) {
		bool odd = (unsigned char)*text < 0x20 || *text == 0x7f;

		used += (size_t)snprintf(out + used, SHOWN_SIZE - used, odd ? "\\x%02x" : "%c", (unsigned char)*text);
	}
	snprintf(out + used, SHOWN_SIZE - used, "%s", *text ? "..." : "");
	return out;
}

/* A backreference compares all that its group has. */
static size_t captured(const struct pattern *p, const pcre2_callout_block *at)
{
	size_t sum = 0;

	for (uint32_t i = 1; i < at->capture_top && i <= p->backreferences; i++)
		if (at->offset_vector[2 * i] != PCRE2_UNSET && at->offset_vector[2 * i + 1] > at->offset_vector[2 * i])
			sum += at->offset_vector[2 * i + 1] - at->offset_vector[2 * i];
	return sum * (1 + p->longest_repeat) < at->subject_length ? sum * (1 + p->longest_repeat) : at->subject_length;
}

static int charge(pcre2_callout_block *at, void *data)
{
	struct pattern *p = data;
	size_t from = p->walked_to, to = at->current_position;
	size_t bytes = (from < to ? to - from : from - to) + p->longest_repeat;

	if (p->backreferences)
		bytes += 4 * captured(p, at); /* a byte after the other, maybe of any case */
	p->walked_to = to;
	*p->steps -= 1 + (long)(bytes / BYTES_A_STEP);
	return *p->steps < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

static bool refuse(const char *name, const char *regex, const char *why, size_t offset, struct gw_error *err)
{
	char shown[SHOWN_SIZE];

	return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a regex: %s, at offset %zu", name, pattern_shown(regex, shown), why, offset);
}

static pcre2_code *compile(const char *name, const char *regex, const struct python_regex *python, bool whole, struct gw_error *err)
{
	uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	pcre2_compile_context *context = gw_have(pcre2_compile_context_create(NULL));
	pcre2_code *code;
	PCRE2_SIZE offset = 0;
	PCRE2_UCHAR why[160];
	int error = 0;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, 100);
	if (whole)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	code = pcre2_compile((PCRE2_SPTR)python->text, python->n, options, &error, &offset, context);
	pcre2_compile_context_free(context);
	if (!code) {
		pcre2_get_error_message(error, why, sizeof(why));
		refuse(name, regex, (const char *)why, python->origin[offset <= python->n ? offset : python->n], err);
	}
	return code;
}

static struct pattern *wrap(pcre2_code *code, const char *name, const char *regex, const struct python_regex *python)
{
	struct pattern *p = gw_calloc(1, sizeof(*p));

	p->name = gw_strdup(name);
	p->regex = gw_strdup(regex);
	p->code = code;
	p->longest_repeat = python->longest_repeat;
	pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &p->backreferences);
	p->context = gw_have(pcre2_match_context_create(NULL));
	p->match = gw_have(pcre2_match_data_create_from_pattern(code, NULL));
	pcre2_set_match_limit(p->context, 2 * STEPS_MAX);
	pcre2_set_heap_limit(p->context, FRAMES_KIB);
	pcre2_set_callout(p->context, charge, p);
	return p;
}

bool pattern_compile(struct pattern **out, const char *name, const char *regex, bool whole, struct gw_error *err)
{
	struct python_regex python;
	pcre2_code *code;
	const char *why = NULL;
	size_t bad_at = 0;

	*out = NULL;
	if (!python_regex_read(&python, regex, &bad_at, &why))
		return refuse(name, regex, why, bad_at, err);
	code = compile(name, regex, &python, whole, err);
	if (code)
		*out = wrap(code, name, regex, &python);
	python_regex_finish(&python);
	return *out != NULL;
}

void pattern_destroy(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_data_free(p->match);
	pcre2_match_context_free(p->context);
	pcre2_code_free(p->code);
	free(p->regex);
	free(p->name);
	free(p);
}

static int search_from(struct pattern *p, const char *subject, size_t n, size_t at, long *steps)
{
	int found;

	p->steps = steps;
	p->walked_to = at;
	*steps -= 1;
	found = pcre2_match(p->code, (PCRE2_SPTR)subject, n, at, 0, p->match, p->context);
	p->steps = NULL;
	if (found == PCRE2_ERROR_NOMATCH)
		return 0;
	return found < 0 ? -1 : 1;
}

int pattern_search_within(struct pattern *p, const char *subject, size_t n, long *steps)
{
	return search_from(p, subject, n, 0, steps);
}

bool pattern_took_too_much(const struct pattern *p, size_t n, struct gw_error *err)
{
	char shown[SHOWN_SIZE];

	return gw_fail(err, GW_BAD_INPUT, "%s: '%s' takes too many steps on %zu bytes; accepted: regexes that need few", p->name,
		       pattern_shown(p->regex, shown), n);
}

int pattern_search(struct pattern *p, const char *subject, size_t n, struct gw_error *err)
{
	long steps = STEPS_MAX;
	int found = pattern_search_within(p, subject, n, &steps);

	if (found < 0)
		pattern_took_too_much(p, n, err);
	return found;
}

/* The group that `ref` (a number or a name, `len` bytes) means; false: there is none. */
static bool group_of(const struct pattern *p, const char *ref, size_t len, uint32_t *group)
{
	char name[64];
	uint32_t groups = 0;
	int by_name;

	if (!len || len >= sizeof(name))
		return false;
	memcpy(name, ref, len);
	name[len] = '\0';
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (strspn(name, "0123456789") == len) {
		*group = len < 6 ? (uint32_t)strtoul(name, NULL, 10) : UINT32_MAX;
		return *group <= groups;
	}
	by_name = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)name);
	*group = by_name > 0 ? (uint32_t)by_name : 0;
	return by_name > 0;
}

/* A reference at `at` (its backslash): sets its name and returns its length; 0: it is none. */
static size_t reference(const char *at, const char **ref, size_t *len)
{
	const char *close;

	if (at[1] >= '1' && at[1] <= '9') {
		*ref = at + 1;
		*len = at[2] >= '0' && at[2] <= '9' ? 2 : 1;
		return 1 + *len;
	}
	if (at[1] != 'g' || at[2] != '<' || !(close = strchr(at, '>')))
		return 0;
	*ref = at + 3;
	*len = (size_t)(close - *ref);
	return (size_t)(close - at) + 1;
}

static void append_group(const struct pattern *p, uint32_t group, const char *subject, FILE *out)
{
	const PCRE2_SIZE *places = pcre2_get_ovector_pointer(p->match);

	if (group < pcre2_get_ovector_count(p->match) && places[2 * group] != PCRE2_UNSET && places[2 * group] < places[2 * group + 1])
		fwrite(subject + places[2 * group], 1, places[2 * group + 1] - places[2 * group], out);
}

char *pattern_expand(struct pattern *p, const char *subject, const char *template, struct gw_error *err)
{
	char *text = NULL, shown[SHOWN_SIZE];
	size_t size = 0, len, step;
	const char *ref;
	uint32_t group;
	FILE *out = open_memstream(&text, &size);
	bool good = true;

	gw_assert(out);
	for (const char *at = template; good && *at; at += step) {
		step = *at == '\\' ? reference(at, &ref, &len) : 0;
		if (step && group_of(p, ref, len, &group)) {
			append_group(p, group, subject, out);
		} else if (step) {
			good = gw_fail(err, GW_BAD_INPUT, "%s: '%.*s' in '%s' is no group of the regex '%s'", p->name,
				       (int)(step > 40 ? 40 : step), at, pattern_shown(template, shown), p->regex);
		} else {
			step = *at == '\\' && at[1] == '\\' ? 2 : 1;
			fputc(*at, out);
		}
		if (good && ftell(out) > EXPANDED_MAX)
			good = gw_fail(err, GW_BAD_INPUT, "%s: '%s' gets too long; accepted: up to %d bytes", p->name,
				       pattern_shown(template, shown), EXPANDED_MAX);
	}
	fclose(out);
	if (good)
		return text;
	free(text);
	return NULL;
}

/* The pieces between the matches and what stands for those go to `out`. An empty match right behind another one counts, as in Python 3.7.
 */
static bool replace_all(struct pattern *p, const char *subject, const char *template, FILE *out, struct gw_error *err)
{
	size_t n = strlen(subject), at = 0, copied = 0;
	long steps = STEPS_MAX;
	int found = 0;

	while (at <= n && (found = search_from(p, subject, n, at, &steps)) > 0) {
		const PCRE2_SIZE *places = pcre2_get_ovector_pointer(p->match);
		size_t from = places[0], to = places[1];
		char *text = pattern_expand(p, subject, template, err);

		if (!text)
			return false;
		fwrite(subject + copied, 1, from - copied, out);
		fputs(text, out);
		free(text);
		copied = to;
		at = to > from ? to : to + 1;
		if (ftell(out) > EXPANDED_MAX)
			return gw_fail(err, GW_BAD_INPUT, "%s: what it makes gets too long; accepted: up to %d bytes", p->name,
				       EXPANDED_MAX);
	}
	if (found < 0)
		return pattern_took_too_much(p, n, err);
	fputs(subject + copied, out);
	return true;
}

char *pattern_replace(struct pattern *p, const char *subject, const char *template, struct gw_error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool good;

	gw_assert(out);
	good = replace_all(p, subject, template, out, err);
	fclose(out);
	if (good)
		return text;
	free(text);
	return NULL;
}
