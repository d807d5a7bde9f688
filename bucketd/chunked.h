/* The aws-chunked encoding (AWS S3 API Reference, "Signature calculations: transferring payload in multiple chunks"): a body in pieces of
 * any size goes in, its content comes out. Pure. Bounds: a chunk 5 GiB, its head 512 bytes, trailers 4 KiB. */
#ifndef BUCKETD_CHUNKED_H
#define BUCKETD_CHUNKED_H

#include "bucketd/sigv4.h"

struct chunked;
/* Content in order; false ends the decoding with S3_INTERNAL (it could not be written: *err is set then). */
typedef bool chunked_sink(void *data, const void *bytes, size_t n, struct s3_error *err);

/* `chain` (copied) for signed chunks; NULL: unsigned. `trailer`: trailing headers follow the last chunk, one at least. */
struct chunked *chunked_begin(const struct sigv4_chain *chain, bool trailer, chunked_sink *sink, void *data);
/* S3_SIGNATURE_MISMATCH, of a chunk whose content the sink has then seen; S3_INVALID_ARGUMENT: it is not so encoded. All later calls fail
 * alike. */
bool chunked_add(struct chunked *chunked, const void *bytes, size_t n, struct s3_error *err);
/* The body is over: false (S3_INCOMPLETE_BODY) if it ended before its last chunk and trailer. Only now the content may be used: a signed
 * trailer's signature is checked here, and its x-amz-checksum-crc32, -crc32c, -sha1, -sha256 (S3_BAD_DIGEST); other headers of it are let
 * through. */
bool chunked_end(struct chunked *chunked, struct s3_error *err);
void chunked_free(struct chunked *chunked); /* NULL is fine */

#endif
