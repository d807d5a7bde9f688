/* The sums of a content that S3 knows, those that are wanted, in one pass. Pure. */
#ifndef BUCKETD_CHECKSUMS_H
#define BUCKETD_CHECKSUMS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SUM_NAMED: those that clients send as x-amz-checksum-NAME; which of them may be known at the content's end alone. */
enum { SUM_CRC32 = 1, SUM_CRC32C = 2, SUM_SHA1 = 4, SUM_SHA256 = 8, SUM_NAMED = 15, SUM_MD5 = 16 };

struct checksums {
	unsigned wanted;
	uint32_t crc32, crc32c;
	EVP_MD_CTX *sha1, *sha256, *md5; /* owned; NULL: not wanted */
};
void checksums_begin(struct checksums *sums, unsigned wanted);
void checksums_add(struct checksums *sums, const void *bytes, size_t n);
/* Of what came until now; more may come. They are among the wanted. */
void checksums_sha256(const struct checksums *sums, uint8_t out[32]);
void checksums_md5(const struct checksums *sums, uint8_t out[16]);
/* Which one `name` is: crc32, crc32c, sha1, sha256; 0 for any other. */
unsigned checksums_named(const char *name);
/* Whether `value` (base64) is what x-amz-checksum-`name` of it is (true for a name that is not known). It is among the wanted. */
bool checksums_match(const struct checksums *sums, const char *name, const char *value);
void checksums_finish(struct checksums *sums); /* accepts zeroed memory */

#endif
