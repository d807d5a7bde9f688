#include "executord/printed.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"

static char *text_of(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	gw_assert(text); /* out of memory */
	cJSON_Delete(json);
	return text;
}

void printed_set(struct printed *printed, const char *key, cJSON *json)
{
	char *quoted = text_of(cJSON_CreateString(key)), *text = text_of(json);

	printed_drop(printed);
	printed->text = gw_sprintf(",%s:%s", quoted, text);
	printed->key_len = strlen(quoted) + 2;
	printed->len = printed->key_len + strlen(text);
	printed->hash = http_hash(0, printed->text, printed->len);
	free(quoted);
	free(text);
}

void printed_drop(struct printed *printed)
{
	if (printed->shared)
		http_shared_release(printed->shared); /* the text goes when it has been sent to all */
	else
		free(printed->text);
	*printed = (struct printed){0};
}

const char *printed_json(const struct printed *printed)
{
	return printed->text + printed->key_len;
}

struct http_shared *printed_shared(struct printed *printed)
{
	if (!printed->shared)
		printed->shared = http_shared_over("application/json", printed_json(printed), printed->len - printed->key_len,
						   printed->text, printed->hash);
	return printed->shared;
}
