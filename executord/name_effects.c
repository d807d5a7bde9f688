#include "executord/name_effects.h"

#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/names.h"
#include "libgateway/sorted.h"

#define SHOWN_MAX 20 /* of others, a change */

struct renaming {
	const struct mars_dut *mars;
	const char *old; /* borrowed of the registry; NULL: it is new */
	char *new;       /* owned */
	bool own;        /* the edit touches itself */
	bool told;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct renaming *)a)->mars->id, ((const struct renaming *)b)->mars->id);
}

static int by_base_name(const void *a, const void *b)
{
	const struct renaming *x = *(struct renaming *const *)a, *y = *(struct renaming *const *)b;
	int order = strcmp(x->mars->base_name, y->mars->base_name);

	return order ? order : by_id(x, y);
}

static struct renaming *find(const struct name_effects *names, const char *id)
{
	const struct mars_dut dut = {.id = (char *)id};
	const struct renaming key = {.mars = &dut};

	return names->n ? bsearch(&key, names->v, names->n, sizeof(*names->v), by_id) : NULL;
}

static void compare_names(struct name_effects *names, struct executord *ex, const struct mars_db *after, const struct named *v, size_t n)
{
	names->v = gw_calloc(n ? n : 1, sizeof(*names->v));
	for (size_t i = 0; i < n; i++) {
		const struct mars_dut *mars = mars_db_dut(after, v[i].place);
		const struct dut *dut = registry_dut(ex, mars->id);
		const char *old = dut && mars_db_find_dut(ex->database.db, mars->id) ? dut->full_name : NULL;
		char *new = names_full(ex->settings.farm, &v[i]);

		if (!old || strcmp(old, new) != 0)
			names->v[names->n++] = (struct renaming){.mars = mars, .old = old, .new = new};
		else
			free(new);
	}
	qsort(names->v, names->n, sizeof(*names->v), by_id);
}

static void part_others(struct name_effects *names, const struct mars_changes *changes)
{
	struct renaming *found;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->v[i].what == MARS_DUT && (found = find(names, changes->v[i].name)))
			found->own = true;
	names->others = gw_calloc(names->n ? names->n : 1, sizeof(*names->others));
	for (size_t i = 0; i < names->n; i++)
		if (!names->v[i].own)
			names->others[names->n_others++] = &names->v[i];
	qsort(names->others, names->n_others, sizeof(*names->others), by_base_name);
}

void name_effects_start(struct name_effects *names, struct executord *ex, const struct mars_db *after, const struct mars_changes *changes)
{
	size_t n, i = 0;
	struct named *v;

	*names = (struct name_effects){0};
	while (i < changes->n && !names_touched(&changes->v[i]))
		i++;
	if (i == changes->n)
		return;
	v = names_of(after, &n);
	compare_names(names, ex, after, v, n);
	part_others(names, changes);
	free(v);
}

void name_effects_finish(struct name_effects *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i].new);
	free(names->v);
	free(names->others);
	*names = (struct name_effects){0};
}

/* The text is taken over. */
static void say(cJSON *list, char *text)
{
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
	free(text);
}

static void say_own(cJSON *list, const struct renaming *own)
{
	say(list, gw_sprintf("its full name: %s%s%s", own->old ? own->old : "", own->old ? " -> " : "", own->new));
}

static int base_name_order(const void *renaming, const void *base_name)
{
	return strcmp(((const struct renaming *)renaming)->mars->base_name, base_name);
}

/* Those that count with it, under the name it had or has. */
static void say_others(cJSON *list, struct name_effects *names, const char *base_name)
{
	size_t i = sorted_place(names->others, names->n_others, base_name_order, base_name, NULL), said = 0, left = 0;

	for (; i < names->n_others && strcmp(names->others[i]->mars->base_name, base_name) == 0; i++) {
		struct renaming *other = names->others[i];

		if (other->told)
			return;
		other->told = true;
		if (said++ < SHOWN_MAX)
			say(list,
			    gw_sprintf("the full name of %s: %s -> %s", other->mars->id, other->old ? other->old : "none", other->new));
		else
			left++;
	}
	if (left)
		say(list, gw_sprintf("and %zu more machines of that base name have another full name", left));
}

void name_effects_of_dut(cJSON *list, struct name_effects *names, const char *id, const struct mars_dut *old, const struct mars_dut *new)
{
	const struct renaming *own = find(names, id);

	if (own && new)
		say_own(list, own);
	if (old)
		say_others(list, names, old->base_name);
	if (new && (!old || strcmp(old->base_name, new->base_name) != 0))
		say_others(list, names, new->base_name);
}
