#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/libfyaml_leaks.h"
#include "tests/harness/same_content.h"

static struct content *read_plain(const char *text, size_t len, struct content *before)
{
	char *copy = gw_calloc(len + 1, 1);
	struct content *content;

	if (len)
		memcpy(copy, text, len);
	content = before ? content_update(copy, len, "db", NULL, before) : content_read_plain(copy, len, "db", NULL, NULL);
	if (!content)
		free(copy);
	return content;
}

/* Where an edit is (2 bytes), how many bytes go and how many come, those, and the text before: read entry by entry, and after the edit
 * around it alone, it is what reading the whole text makes of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at, gone, come, len;
	const char *new = (const char *)data + 4, *text;
	struct content *before, *after = NULL;
	char *edited;

	if (size < 4 || size - 4 < (come = data[3] & 31))
		return 0;
	text = new + come;
	len = size - 4 - come;
	at = (data[0] | (size_t)data[1] << 8) % (len + 1);
	gone = data[2] < len - at ? data[2] : len - at;
	edited = gw_calloc(len - gone + come + 1, 1);
	memcpy(edited, text, at);
	memcpy(edited + at, new, come);
	memcpy(edited + at + come, text + at + gone, len - at - gone);
	before = read_plain(text, len, NULL);
	if (plain_difference(before, text, len))
		__builtin_trap();
	if (before)
		after = read_plain(edited, len - gone + come, before);
	if (plain_difference(after, edited, len - gone + come))
		__builtin_trap();
	content_release(after);
	content_release(before);
	free(edited);
	return 0;
}
