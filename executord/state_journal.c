#include "executord/state_journal.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/json.h"

/* ---- reading ---- */

static const char *name_of(const cJSON *json)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "journal"));
}

static void take_records(struct kept *kept, const cJSON *duts)
{
	const cJSON *item;
	size_t n = cJSON_IsObject(duts) ? (size_t)cJSON_GetArraySize(duts) : 0;

	if (!n)
		return;
	kept->records = gw_realloc(kept->records, (kept->n_records + n) * sizeof(*kept->records));
	cJSON_ArrayForEach(item, duts)
	{
		kept->records[kept->n_records] = (struct kept_record){item->string, item, kept->n_records};
		kept->n_records++;
	}
}

static void take(struct kept *kept, const cJSON *json)
{
	const cJSON *discovery = cJSON_GetObjectItemCaseSensitive(json, "discovery");

	take_records(kept, cJSON_GetObjectItemCaseSensitive(json, "duts"));
	if (discovery)
		kept->discovery = cJSON_IsNull(discovery) ? NULL : discovery;
}

static void take_line(struct kept *kept, cJSON *line)
{
	const char *ours = name_of(kept->all), *its = name_of(line);

	if (!ours || !its || strcmp(ours, its) != 0) { /* of a duts.json that was replaced before the journal was removed */
		cJSON_Delete(line);
		return;
	}
	kept->lines = gw_realloc(kept->lines, (kept->n_lines + 1) * sizeof(cJSON *));
	kept->lines[kept->n_lines++] = line;
	take(kept, line);
}

static int by_id_then_order(const void *a, const void *b)
{
	const struct kept_record *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

size_t kept_read(struct kept *kept, cJSON *all, const char *journal, size_t len)
{
	size_t at = 0;
	const char *end;
	cJSON *line;

	*kept = (struct kept){.all = all};
	take(kept, all);
	while (at < len && (end = memchr(journal + at, '\n', len - at))) {
		line = json_decode(journal + at, (size_t)(end - journal) - at, NULL);
		if (!line)
			break;
		take_line(kept, line);
		at = (size_t)(end - journal) + 1;
	}
	if (kept->n_records)
		qsort(kept->records, kept->n_records, sizeof(*kept->records), by_id_then_order);
	return at;
}

const cJSON *kept_dut(const struct kept *kept, const char *id)
{
	size_t low = 0, high = kept->n_records; /* behind the last one with this id */
	const struct kept_record *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(kept->records[middle].id, id) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	found = low ? &kept->records[low - 1] : NULL;
	return found && strcmp(found->id, id) == 0 && !cJSON_IsNull(found->json) ? found->json : NULL;
}

void kept_finish(struct kept *kept)
{
	for (size_t i = 0; i < kept->n_lines; i++)
		cJSON_Delete(kept->lines[i]);
	free(kept->lines);
	free(kept->records);
	cJSON_Delete(kept->all);
	*kept = (struct kept){0};
}

/* ---- writing ---- */
