/* A server's event stream, as `executorctl watch` takes it: any bytes, into a farm as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "executorctl/sse.h"
#include "executorctl/watch_lines.h"
#include "libgateway/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_line(void *owner, const char *line)
{
}

static void on_event(void *owner, const char *name, uint64_t id, const char *data, size_t n)
{
	cJSON *json = json_decode(data, n, NULL);

	if (json)
		farm_view_event(owner, name, id, json, on_line, NULL);
	cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct farm_view view = {0};
	struct sse sse = {0};

	farm_view_take(&view, cJSON_Parse("{\"duts\":{\"d1\":{\"id\":\"d1\"}},\"pdus\":{\"P\":{\"ports\":{\"0\":{}}}}}"), NULL, NULL);
	sse_feed(&sse, (const char *)data, size, on_event, &view, NULL);
	sse_finish(&sse);
	farm_view_finish(&view);
	return 0;
}
