/* A record of any text: a line that cJSON takes as an object whose message is the text, or a line for people without control characters. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "libgateway/log_record.h"
#include "libgateway/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[LOG_RECORD_MAX + 1];
	char *text = malloc(size + 1);
	struct log_record record = {.level = "info", .priority = -1, .program = "fuzz", .text = text};
	const char *message;
	cJSON *json;
	size_t n;

	memcpy(text, data, size);
	text[size] = '\0';
	n = log_print_text(line, &record);
	for (size_t i = 0; i + 1 < n; i++)
		assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	n = log_print_json(line, &record);
	line[n] = '\0';
	assert(n <= LOG_RECORD_MAX && strchr(line, '\n') == line + n - 1 && utf8_prefix(line, n) == n);
	json = cJSON_Parse(line);
	message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
	assert(message);
	if (strlen(text) < LOG_TEXT_MAX && utf8_prefix(text, strlen(text)) == strlen(text))
		assert(strcmp(message, text) == 0);
	cJSON_Delete(json);
	free(text);
	return 0;
}
