#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/chunked.h"
#include "libgateway/buffer.h"

static bool collect(void *data, const void *bytes, size_t n, struct s3_error *err)
{
	return buffer_add(data, bytes, n);
}

static enum s3_code decode(const struct sigv4_chain *chain, bool trailer, const uint8_t *bytes, size_t n, size_t piece, struct buffer *out)
{
	struct chunked *chunked = chunked_begin(chain, trailer, collect, out);
	struct s3_error err = {0};
	bool ok = true;

	for (size_t at = 0, size; ok && at < n; at += size) {
		size = piece < n - at ? piece : n - at;
		ok = chunked_add(chunked, bytes + at, size, &err);
	}
	ok = ok && chunked_end(chunked, &err);
	gw_assert(ok == (err.code == S3_OK));
	chunked_free(chunked);
	return err.code;
}

/* The first byte says which form, the second how long the pieces are, the rest is the body: whole and in pieces it must decode alike. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sigv4 sig = {.date = "20130524", .region = "us-east-1", .at = "20130524T000000Z"};
	struct buffer whole = {0}, pieces = {0};
	struct sigv4_chain chain;
	enum s3_code code;

	if (n < 2)
		return 0;
	memset(sig.signature, '0', 64);
	sigv4_chain_begin(&chain, &sig, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
	code = decode(bytes[0] & 1 ? &chain : NULL, bytes[0] & 2, bytes + 2, n - 2, n, &whole);
	gw_assert(decode(bytes[0] & 1 ? &chain : NULL, bytes[0] & 2, bytes + 2, n - 2, 1 + bytes[1] % 64U, &pieces) == code);
	gw_assert(code != S3_OK || (whole.len == pieces.len && (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0)));
	gw_assert(whole.len <= n);
	buffer_finish(&whole);
	buffer_finish(&pieces);
	return 0;
}
