#include <stdlib.h>
#include <string.h>

#include "gitlabd/api_answer.h"

/* The first byte says what was asked, the second the status, the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const int statuses[] = {200, 201, 204, 302, 400, 403, 404, 429, 500};
	struct gw_error err = {0};
	struct api_answer answer;
	struct api_raw raw = {.content_type = "application/json", .next_page = "2", .err = &err};

	if (n < 2)
		return 0;
	raw.status = statuses[bytes[1] % (sizeof(statuses) / sizeof(statuses[0]))];
	raw.body = (const char *)bytes + 2;
	raw.len = n - 2;
	api_answer_read(&answer, (enum api_what)(bytes[0] % API_WHATS), &raw, "glpat-0123456789");
	gw_assert((answer.class == API_OK) == (answer.text[0] == '\0'));
	gw_assert(!strstr(answer.text, "glpat-0123456789"));
	api_answer_finish(&answer);
	return 0;
}
