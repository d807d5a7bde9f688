#include <stdlib.h>
#include <string.h>

#include "registration/http.h"

/* The first byte: whether the answer has ended. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_answer answer = {0};
	char *bytes;

	if (!size)
		return 0;
	bytes = malloc(size);
	memcpy(bytes, data + 1, size - 1);
	if (http_answer_decode(bytes, size - 1, data[0] & 1, &answer) == HTTP_DONE &&
	    (answer.body < bytes || answer.body + answer.len > bytes + size - 1 || answer.body[answer.len]))
		__builtin_trap();
	free(bytes);
	return 0;
}
