#include <stdint.h>
#include <string.h>

#include "bucketd/xml.h"

/* What was read and is written again reads the same. */
static void write_and_read(const struct xml_keys *keys)
{
	struct s3_error err = {0};
	struct xml_keys again;
	struct buffer out = {0};

	xml_begin(&out, "Delete");
	for (size_t i = 0; i < keys->n; i++) {
		xml_open(&out, "Object");
		xml_text(&out, "Key", keys->v[i]);
		xml_close(&out, "Object");
	}
	xml_close(&out, "Delete");
	gw_assert(out.len > XML_BODY_MAX || xml_read_delete(&again, out.data, out.len, &err));
	for (size_t i = 0; i < keys->n && out.len <= XML_BODY_MAX; i++)
		gw_assert(strcmp(again.v[i], keys->v[i]) == 0);
	if (out.len <= XML_BODY_MAX)
		xml_keys_finish(&again);
	buffer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct s3_error err = {0};
	struct xml_keys keys;

	if (xml_read_delete(&keys, (const char *)bytes, n, &err)) {
		gw_assert(keys.n >= 1 && keys.n <= XML_KEYS_MAX);
		write_and_read(&keys);
	} else {
		gw_assert(err.code != S3_OK && err.text[0] && !keys.v);
	}
	xml_keys_finish(&keys);
	return 0;
}
