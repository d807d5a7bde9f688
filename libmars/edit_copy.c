#include "libmars/edit_copy.h"

#include <stdlib.h>

static struct mars_value copy_value(const struct mars_value *value)
{
	struct mars_value copy = *value;
	struct mars_member *members;
	char **texts;

	copy.text = gw_strdup(value->text);
	if (value->type == MARS_VALUE_TEXTS) {
		texts = gw_calloc(value->n + 1, sizeof(*texts));
		for (size_t i = 0; i < value->n; i++)
			texts[i] = gw_strdup(value->texts[i]);
		copy.texts = (const char *const *)texts;
	} else if (value->type == MARS_VALUE_MAPPING) {
		members = gw_calloc(value->n + 1, sizeof(*members));
		for (size_t i = 0; i < value->n; i++) {
			members[i].name = gw_strdup(value->members[i].name);
			members[i].value = copy_value(&value->members[i].value);
		}
		copy.members = members;
	}
	return copy;
}

static void free_value(struct mars_value *value)
{
	free((char *)value->text);
	if (value->type == MARS_VALUE_TEXTS) {
		for (size_t i = 0; i < value->n; i++)
			free((char *)value->texts[i]);
		free((void *)value->texts);
	} else if (value->type == MARS_VALUE_MAPPING) {
		for (size_t i = 0; i < value->n; i++) {
			free((char *)value->members[i].name);
			free_value((struct mars_value *)&value->members[i].value);
		}
		free((void *)value->members);
	}
}

struct mars_edit *edits_copy(const struct mars_edit *edits, size_t n)
{
	struct mars_edit *copies = gw_calloc(n ? n : 1, sizeof(*copies));

	for (size_t e = 0; e < n; e++) {
		copies[e] = edits[e];
		copies[e].value = copy_value(&edits[e].value);
		for (int i = 0; i < MARS_PATH_MAX; i++)
			copies[e].path[i] = gw_strdup(edits[e].path[i]);
	}
	return copies;
}

void edits_free(struct mars_edit *edits, size_t n)
{
	for (size_t e = 0; e < n; e++) {
		for (int i = 0; i < MARS_PATH_MAX; i++)
			free((char *)edits[e].path[i]);
		free_value(&edits[e].value);
	}
	free(edits);
}
