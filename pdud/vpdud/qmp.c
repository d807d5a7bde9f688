#include "pdud/vpdud/qmp.h"

#include <cjson/cJSON.h>
#include <string.h>

#define LINE_MAX_BYTES (64 * 1024)

const char QMP_CAPABILITIES[] = "{\"execute\":\"qmp_capabilities\",\"id\":\"capabilities\"}\n";
const char QMP_CONT[] = "{\"execute\":\"cont\",\"id\":\"cont\"}\n";

/* What the string `value` at a message's `key` means to us. */
static const struct {
	const char *key, *value;
	enum qmp_happened happened;
} meanings[] = {
	{"id", "capabilities", QMP_READY},
	{"id", "cont", QMP_RUNNING},
	{"event", "SHUTDOWN", QMP_GUEST_OFF},
	{"event", "RESET", QMP_GUEST_RESET},
};

static enum qmp_happened meaning_of(const cJSON *message)
{
	if (cJSON_HasObjectItem(message, "QMP"))
		return QMP_GREETED;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, meanings[i].key));

		if (value && strcmp(value, meanings[i].value) == 0)
			return meanings[i].happened;
	}
	return QMP_NOTHING;
}

static bool take_line(const char *line, enum qmp_happened *out, struct gw_error *err)
{
	cJSON *message = cJSON_Parse(line);
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(message, "error");
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "desc"));
	bool ok = cJSON_IsObject(message) && !error;

	if (ok)
		*out = meaning_of(message);
	else if (error)
		gw_fail(err, GW_INTERNAL, "qemu: %s", text ? text : "an error without a description");
	else
		gw_fail(err, GW_INTERNAL, "qemu: sent what is not QMP: %.60s", line);
	cJSON_Delete(message);
	return ok;
}

bool qmp_take(struct qmp *qmp, const char **bytes, size_t *n, enum qmp_happened *out, struct gw_error *err)
{
	const char *end = memchr(*bytes, '\n', *n);
	size_t used = end ? (size_t)(end - *bytes) + 1 : *n;
	bool ok = true;

	*out = QMP_NOTHING;
	if (!buffer_add(&qmp->line, *bytes, used))
		return gw_fail(err, GW_INTERNAL, "qemu: a QMP line of more than %d bytes", LINE_MAX_BYTES);
	*bytes += used;
	*n -= used;
	if (end) {
		ok = take_line(qmp->line.data, out, err);
		buffer_drop(&qmp->line, qmp->line.len);
	}
	return ok;
}

void qmp_init(struct qmp *qmp)
{
	*qmp = (struct qmp){.line.max = LINE_MAX_BYTES};
}

void qmp_finish(struct qmp *qmp)
{
	buffer_finish(&qmp->line);
}
