#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libmars/edit.h"
#include "tests/fuzz/libfyaml_leaks.h"

#define DUT "52:54:00:00:00:01"

static const char *const tags[] = {"a", "it's: #1", "c"};
static const struct mars_member fields[] = {{"tags", {.type = MARS_VALUE_TEXTS, .texts = tags, .n = 3}},
					    {"comment", {.type = MARS_VALUE_TEXT, .text = "x\n"}}};
static const struct mars_edit edits[] = {
	{MARS_SET, {"duts", DUT, "comment"}, {.type = MARS_VALUE_TEXT, .text = "it's: #1"}, false},
	{MARS_SET, {"duts", DUT, "tags"}, {.type = MARS_VALUE_TEXTS, .texts = tags, .n = 3}, false},
	{MARS_SET, {"duts", DUT, "tags"}, {.type = MARS_VALUE_TEXTS, .texts = tags, .n = 0}, false},
	{MARS_SET, {"duts", DUT}, {.type = MARS_VALUE_MAPPING, .members = fields, .n = 2}, false},
	{MARS_SET, {"duts", "new", "gitlab", "fdo"}, {.type = MARS_VALUE_MAPPING, .members = fields, .n = 2}, false},
	{MARS_SET, {"duts"}, {.type = MARS_VALUE_NULL}, false},
	{MARS_REMOVE, {"duts", DUT}, {.type = MARS_VALUE_NULL}, false},
	{MARS_REMOVE, {"duts", DUT, "tags"}, {.type = MARS_VALUE_NULL}, false},
};

/* An edit is refused, or done: then the outcome can be edited again, and the same edit changes nothing more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		size_t len, again_len;
		char *text, *again;

		if (!mars_edit_text((const char *)data, size, "fuzz.yaml", &edits[i], 1, &text, &len, NULL))
			continue;
		if (!mars_edit_text(text, len, "fuzz.yaml", &edits[i], 1, &again, &again_len, NULL) || len != again_len ||
		    memcmp(text, again, len) != 0)
			__builtin_trap();
		free(text);
		free(again);
	}
	return 0;
}
