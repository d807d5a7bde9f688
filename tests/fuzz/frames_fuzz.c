#include <stddef.h>

#include "libgateway/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_error err = {0};
	struct frame frame;
	size_t used = 0;

	if (frame_decode(&frame, data, size, 65536, &used, &err) != FRAME_TAKEN)
		return 0;
	if (used > size || (frame.kind == FRAME_CTRL && !frame.msg))
		__builtin_trap();
	frame_finish(&frame);
	return 0;
}
