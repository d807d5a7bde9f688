#include "executorctl/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libgateway/buffer.h"

static char *read_stream(FILE *file, const char *name, size_t *len, struct gw_error *err)
{
	struct buffer text = {.max = INPUT_MAX};
	char bytes[16384];
	size_t n;
	bool fits = true;

	while (fits && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_add(&text, bytes, n);
	if (ferror(file))
		gw_fail_errno(err, GW_BAD_INPUT, errno, "cannot read %s", name);
	else if (!fits)
		gw_fail(err, GW_BAD_INPUT, "%s is too long; accepted: up to %u bytes", name, INPUT_MAX);
	else if (!text.len)
		gw_fail(err, GW_BAD_INPUT, "%s is empty", name);
	*len = text.len;
	if (err->kind == GW_OK)
		return buffer_take(&text);
	buffer_finish(&text);
	return NULL;
}

char *input_read(const char *path, size_t *len, struct gw_error *err)
{
	FILE *file;
	char *text;

	if (strcmp(path, "-") == 0)
		return read_stream(stdin, "standard input", len, err);
	file = fopen(path, "re");
	if (!file) {
		gw_fail_errno(err, GW_BAD_INPUT, errno, "cannot open %s", path);
		return NULL;
	}
	text = read_stream(file, path, len, err);
	fclose(file);
	return text;
}
