/* Putting a new text in the place of a file, if the file still is what the text was made from. Internal to libmars. */
#ifndef LIBMARS_EXCHANGE_H
#define LIBMARS_EXCHANGE_H

#include "libgateway/error.h"

enum exchange_outcome {
	EXCHANGE_SAVED,  /* durable */
	EXCHANGE_OTHER,  /* the file was another by then: it is there untouched, begin again from it */
	EXCHANGE_FAILED, /* `err` says why; the file is as it was */
};

/* `base` is what the file must hold, NULL: there must be none. Blocks. */
enum exchange_outcome mars_exchange(const char *path, const char *base, size_t base_len, const char *text, size_t len,
				    struct gw_error *err);

#endif
