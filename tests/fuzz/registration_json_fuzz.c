#include <stdlib.h>
#include <string.h>

#include "registration/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size), out[64];
	struct text text = TEXT_ON(out);
	struct json value, item;
	size_t at = 0;

	if (size)
		memcpy(bytes, data, size);
	if (json_document(bytes, size, &value)) {
		json_find(&value, "tags", &item);
		while (json_next(&value, &at, &item))
			json_text(&item, &text);
		json_text(&value, &text);
	}
	free(bytes);
	return 0;
}
