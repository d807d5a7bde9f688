#include <string.h>

#include "bootsd/tftp_packet.h"
#include "bootsd/tftp_window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t oack[TFTP_OACK_MAX];
	struct gw_error err = {0};
	struct tftp_window window;
	struct tftp_terms terms;
	struct tftp_request rq;
	unsigned number;
	enum tftp_op op;

	tftp_reply_decode(&op, &number, data, size);
	if (!tftp_request_decode(&rq, data, size, &err))
		return 0;
	tftp_agree(&terms, &rq);
	if (strlen(rq.file) > size || terms.block < 8 || terms.block > TFTP_BLOCK_MAX || !terms.window || terms.window > TFTP_WINDOW_MAX ||
	    tftp_oack_encode(oack, &rq, &terms, UINT64_MAX) > sizeof(oack))
		__builtin_trap();
	tftp_window_start(&window, 100000, terms.block, terms.window, terms.oack);
	for (size_t i = 0; i + 1 < size; i += 2) { /* the rest as acknowledgements */
		window.sent += tftp_window_to_send(&window);
		tftp_window_ack(&window, (unsigned)(data[i] << 8 | data[i + 1]));
		if (window.acked > window.sent || window.sent > window.last || window.sent - window.acked > terms.window)
			__builtin_trap();
	}
	return 0;
}
