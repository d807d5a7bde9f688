#include "executorctl/db_effects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/table.h"

static const struct {
	const char *kind, *sign, *colour;
} kinds[] = {{"added", "+", "\033[32m"}, {"removed", "-", "\033[31m"}, {"changed", "~", "\033[33m"}};

static char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return printable(text ? text : "");
}

static void print_field(const cJSON *field)
{
	char *name = text_of(field, "name"), *loaded = text_of(field, "loaded"), *file = text_of(field, "file");

	if (cJSON_HasObjectItem(field, "loaded"))
		printf("      %s: %s -> %s\n", name, loaded, file);
	else
		printf("      %s: changed (not shown: it may hold secrets)\n", name);
	free(name);
	free(loaded);
	free(file);
}

static void print_change(const cJSON *change, bool colour)
{
	char *kind = text_of(change, "kind"), *what = text_of(change, "what"), *name = text_of(change, "name"), *shown;
	const cJSON *item;
	size_t k = 0;

	while (k < 2 && strcmp(kinds[k].kind, kind) != 0)
		k++;
	printf("%s%s %s %s%s\n", colour ? kinds[k].colour : "", kinds[k].sign, what, name, colour ? COLOUR_OFF : "");
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(change, "fields")) print_field(item);
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(change, "effects"))
	{
		shown = printable(cJSON_IsString(item) ? item->valuestring : "");
		printf("    => %s\n", shown);
		free(shown);
	}
	free(kind);
	free(what);
	free(name);
}

void db_effects_print(const cJSON *answer, const char *name, bool colour)
{
	const cJSON *changes = cJSON_GetObjectItemCaseSensitive(answer, "changes"), *change;

	if (!cJSON_GetArraySize(changes)) {
		printf("%s says what is loaded: nothing would change.\n", name);
		return;
	}
	cJSON_ArrayForEach(change, changes) print_change(change, colour);
}
