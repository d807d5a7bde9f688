/* Names of an archive's entries: made plain, collected, and chosen by rules. */
#include "artifactd/archives_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool archive_path_plain(const char *path, char plain[ARCHIVE_PATH_MAX], struct gw_error *err)
{
	size_t used = 0, n;

	for (const char *at = path; *at; at += n) {
		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (n == 0 || (n == 1 && *at == '.'))
			continue;
		if (n == 2 && memcmp(at, "..", 2) == 0)
			return gw_fail(err, GW_BAD_INPUT, "the entry '%.200s' leads out of the archive", path);
		if (used + n + 2 > ARCHIVE_PATH_MAX)
			return gw_fail(err, GW_BAD_INPUT, "the entry '%.64s...' has too long a name; accepted: up to %d bytes", path,
				       ARCHIVE_PATH_MAX - 2);
		if (used)
			plain[used++] = '/';
		memcpy(plain + used, at, n);
		used += n;
	}
	plain[used] = '\0';
	return true;
}

/* ---- sets ---- */

static uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 1099511628211u;
	return hash;
}

static char **slot_of(const struct archive_set *set, const char *path)
{
	size_t i = hash_of(path) & (set->size - 1);

	while (set->slots[i] && strcmp(set->slots[i], path) != 0)
		i = (i + 1) & (set->size - 1);
	return &set->slots[i];
}

static void grow(struct archive_set *set)
{
	struct archive_set old = *set;

	set->size = old.size ? 2 * old.size : 64;
	set->slots = gw_calloc(set->size, sizeof(*set->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i])
			*slot_of(set, old.slots[i]) = old.slots[i];
	free(old.slots);
}

bool archive_set_add(struct archive_set *set, const char *path)
{
	char **slot;

	if (2 * set->n >= set->size)
		grow(set);
	slot = slot_of(set, path);
	if (*slot)
		return false;
	*slot = gw_strdup(path);
	set->n++;
	return true;
}

bool archive_set_has(const struct archive_set *set, const char *path)
{
	return set->size && *slot_of(set, path);
}

void archive_set_finish(struct archive_set *set)
{
	for (size_t i = 0; i < set->size; i++)
		free(set->slots[i]);
	free(set->slots);
	*set = (struct archive_set){0};
}

/* ---- rules ---- */

bool archive_rules_init(struct archive_rules *rules, const struct archive_keep *keep, size_t n, struct gw_error *err)
{
	*rules = (struct archive_rules){.of = keep, .patterns = gw_calloc(n + 1, sizeof(*rules->patterns)), .n = n};
	for (size_t i = 0; i < n; i++)
		if (!pattern_compile(&rules->patterns[i], "archive", keep[i].path, true, err))
			return false;
	return true;
}

/* An admin may write boot/vmlinuz or /boot/vmlinuz. */
static int matches(struct pattern *pattern, const char *plain, char subject[ARCHIVE_PATH_MAX], struct gw_error *err)
{
	int found;

	snprintf(subject, ARCHIVE_PATH_MAX, "%s", plain);
	found = pattern_search(pattern, subject, strlen(subject), err);
	if (found)
		return found;
	snprintf(subject, ARCHIVE_PATH_MAX, "/%.*s", ARCHIVE_PATH_MAX - 2, plain);
	return pattern_search(pattern, subject, strlen(subject), err);
}

int archive_rules_apply(const struct archive_rules *rules, const char *plain, char kept[ARCHIVE_PATH_MAX], struct gw_error *err)
{
	char subject[ARCHIVE_PATH_MAX], *expanded;
	int found;
	bool good;

	snprintf(kept, ARCHIVE_PATH_MAX, "%s", plain);
	for (size_t i = 0; i < rules->n; i++) {
		found = matches(rules->patterns[i], plain, subject, err);
		if (found == 0)
			continue;
		if (found < 0 || !rules->of || !rules->of[i].rewrite)
			return found;
		expanded = pattern_expand(rules->patterns[i], subject, rules->of[i].rewrite, err);
		good = expanded && archive_path_plain(expanded, kept, err);
		free(expanded);
		return good ? 1 : -1;
	}
	return rules->n == 0;
}

void archive_rules_finish(struct archive_rules *rules)
{
	for (size_t i = 0; i < rules->n && rules->patterns; i++)
		pattern_destroy(rules->patterns[i]);
	free(rules->patterns);
	*rules = (struct archive_rules){0};
}
