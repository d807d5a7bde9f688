#include <stdlib.h>
#include <string.h>

#include "libgateway/utf8.h"
#include "libjob/template.h"

/* A template ends in a bounded text or in an error that says where. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value_pool pool;
	struct value *names, *list, *dict;
	struct gw_error err = {0};
	char *out;

	if (memchr(data, 0, size) || utf8_prefix((const char *)data, size) != size)
		return 0;
	value_pool_init(&pool, 0);
	names = value_dict(&pool);
	list = value_list(&pool);
	dict = value_dict(&pool);
	for (int i = 0; i < 3; i++)
		value_append(&pool, list, value_int(&pool, 3 - i));
	value_set(&pool, dict, "x", list);
	value_set(&pool, names, "d", dict);
	value_set(&pool, names, "list", list);
	value_set(&pool, names, "s", value_string(&pool, "Hello World"));
	value_set(&pool, names, "n", value_int(&pool, 7));
	value_set(&pool, names, "f", value_float(&pool, 2.5));
	if (template_render("t", (const char *)data, size, names, &out, &err) ? strlen(out) > TEMPLATE_OUTPUT_MAX
									      : out || strncmp(err.text, "t:", 2) != 0)
		__builtin_trap();
	free(out);
	value_pool_finish(&pool);
	return 0;
}
