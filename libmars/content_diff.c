/* What differs between two contents: entries that both share are passed over by the run. */
#include "libmars/content_internal.h"

#include <stdlib.h>

static void add_change(struct mars_changes *changes, enum mars_change_what what, enum mars_change_kind kind, const char *name,
		       uint32_t fields)
{
	if ((changes->n & (changes->n - 1)) == 0)
		changes->v = gw_realloc(changes->v, (changes->n ? changes->n * 2 : 1) * sizeof(*changes->v));
	changes->v[changes->n++] = (struct mars_change){what, kind, gw_strdup(name), fields};
}

struct stretch { /* of both arrays: what is left between the entries that begin and end both alike */
	size_t from, before_to, after_to;
};

static struct stretch differing(const struct section *a, const struct section *b)
{
	struct stretch s = {0, a->n, b->n};

	while (s.from < a->n && s.from < b->n && a->v[s.from].entry == b->v[s.from].entry)
		s.from++;
	while (s.before_to > s.from && s.after_to > s.from && a->v[s.before_to - 1].entry == b->v[s.after_to - 1].entry) {
		s.before_to--;
		s.after_to--;
	}
	return s;
}

static void diff_removed(const struct content *before, const struct content *after, enum mars_change_what what,
			 struct mars_changes *changes)
{
	const struct section *a = &before->sections[what], *b = &after->sections[what];
	struct stretch s = differing(a, b);

	for (size_t i = s.from; i < s.before_to; i++)
		if (!index_find(&b->by_name, content_entry_name(a->v[i].entry), NULL))
			add_change(changes, what, MARS_REMOVED, content_entry_name(a->v[i].entry), 0);
}

static void diff_others(const struct content *before, const struct content *after, enum mars_change_what what, struct mars_changes *changes)
{
	const struct section *a = &before->sections[what], *b = &after->sections[what];
	struct stretch s = differing(a, b);

	for (size_t i = s.from; i < s.after_to; i++) {
		const struct entry *new = b->v[i].entry, *old = index_find(&a->by_name, content_entry_name(new), NULL);
		uint32_t fields = !old || old == new ? 0 : mars_object_diff(new->object, old->decoded, new->decoded);

		if (!old)
			add_change(changes, what, MARS_ADDED, content_entry_name(new), 0);
		else if (fields)
			add_change(changes, what, MARS_CHANGED, content_entry_name(new), fields);
	}
}

void content_diff(const struct content *before, const struct content *after, struct mars_changes *changes)
{
	static const enum mars_change_what removal[] = {MARS_DUT, MARS_GITLAB, MARS_PDU}, addition[] = {MARS_PDU, MARS_GITLAB, MARS_DUT};

	for (int i = 0; i < SECTIONS; i++)
		diff_removed(before, after, removal[i], changes);
	for (int i = 0; i < SECTIONS; i++)
		diff_others(before, after, addition[i], changes);
}

void mars_changes_finish(struct mars_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		free(changes->v[i].name);
	free(changes->v);
	*changes = (struct mars_changes){0};
}
