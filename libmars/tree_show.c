#include "libmars/tree.h"

#include "libmars/text.h"

#include <stdio.h>
#include <string.h>

const char *tree_show(const char *text, size_t len, char *out, size_t size)
{
	size_t used = 0, i;

	for (i = 0; i < len && used + 8 < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] >= 0x80 && (unsigned char)text[i + 1] < 0xa0)
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", (unsigned char)text[++i]); /* U+0080 to U+009F */
		else if (c < 0x20 || c == 0x7f)
			used += (size_t)snprintf(out + used, size - used, c == '\n' ? "\\n" : "\\x%02x", c);
		else
			out[used++] = (char)c;
	}
	while (i < len && i && ((unsigned char)text[i] & 0xc0) == 0x80 && used && ((unsigned char)out[used - 1] & 0x80)) {
		used--; /* not half a character */
		i--;
	}
	snprintf(out + used, size - used, "%s", i < len ? "..." : "");
	return out;
}

static size_t put_path(const struct tree_path *path, char *out, size_t size)
{
	char shown[80];
	size_t used = path->up ? put_path(path->up, out, size) : 0;
	bool bare = path->text && path->len;

	if (used >= size)
		return used;
	if (!path->text)
		return used + (size_t)snprintf(out + used, size - used, "[%zu]", path->index);
	for (size_t i = 0; i < path->len; i++)
		bare &= text_is_word(path->text[i]);
	return used + (size_t)snprintf(out + used, size - used, bare ? "%s%s" : "%s'%s'", used ? "." : "",
				       tree_show(path->text, path->len, shown, sizeof(shown)));
}

const char *tree_path_text(const struct tree_path *path, char *out, size_t size)
{
	out[0] = '\0';
	if (path)
		put_path(path, out, size);
	return out;
}
