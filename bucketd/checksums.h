/* The checksums that S3's clients send of a content, all at once: which of them is sent may be known at its end alone. Pure. */
#ifndef BUCKETD_CHECKSUMS_H
#define BUCKETD_CHECKSUMS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct checksums {
	uint32_t crc32, crc32c;
	EVP_MD_CTX *sha1, *sha256; /* owned */
};
void checksums_begin(struct checksums *sums);
void checksums_add(struct checksums *sums, const void *bytes, size_t n);
/* Whether `value` (base64) is what x-amz-checksum-`name` of it is (crc32, crc32c, sha1, sha256; true for any other name). */
bool checksums_match(const struct checksums *sums, const char *name, const char *value);
void checksums_finish(struct checksums *sums); /* accepts zeroed memory */

#endif
