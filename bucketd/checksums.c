#include "bucketd/checksums.h"

#include <string.h>
#include <zlib.h>

#include "libgateway/error.h"

/* Castagnoli's polynomial, reversed (RFC 3720 appendix B.4): 0x82f63b78. Four bits at a time. */
static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t n)
{
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
					   0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static EVP_MD_CTX *digest_begin(bool wanted, const EVP_MD *kind)
{
	EVP_MD_CTX *digest = wanted ? EVP_MD_CTX_new() : NULL;

	gw_assert(!wanted || (digest && EVP_DigestInit_ex(digest, kind, NULL) == 1));
	return digest;
}

static void digest_add(EVP_MD_CTX *digest, const void *bytes, size_t n)
{
	gw_assert(!digest || EVP_DigestUpdate(digest, bytes, n) == 1);
}

void checksums_begin(struct checksums *sums, unsigned wanted)
{
	*sums = (struct checksums){.wanted = wanted,
				   .sha1 = digest_begin(wanted & SUM_SHA1, EVP_sha1()),
				   .sha256 = digest_begin(wanted & SUM_SHA256, EVP_sha256()),
				   .md5 = digest_begin(wanted & SUM_MD5, EVP_md5())};
}

void checksums_add(struct checksums *sums, const void *bytes, size_t n)
{
	if (sums->wanted & SUM_CRC32)
		sums->crc32 = (uint32_t)crc32_z(sums->crc32, bytes, n);
	if (sums->wanted & SUM_CRC32C)
		sums->crc32c = crc32c(sums->crc32c, bytes, n);
	digest_add(sums->sha1, bytes, n);
	digest_add(sums->sha256, bytes, n);
	digest_add(sums->md5, bytes, n);
}

static size_t crc_bytes(uint8_t *out, uint32_t crc)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(crc >> (24 - 8 * i));
	return 4;
}

static size_t digest_bytes(uint8_t *out, const EVP_MD_CTX *digest)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned n = 0;

	gw_assert(copy && EVP_MD_CTX_copy_ex(copy, digest) == 1 && EVP_DigestFinal_ex(copy, out, &n) == 1);
	EVP_MD_CTX_free(copy);
	return n;
}

void checksums_sha256(const struct checksums *sums, uint8_t out[32])
{
	digest_bytes(out, sums->sha256);
}

void checksums_md5(const struct checksums *sums, uint8_t out[16])
{
	digest_bytes(out, sums->md5);
}

unsigned checksums_named(const char *name)
{
	static const struct {
		const char *name;
		unsigned sum;
	} names[] = {{"crc32", SUM_CRC32}, {"crc32c", SUM_CRC32C}, {"sha1", SUM_SHA1}, {"sha256", SUM_SHA256}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].sum;
	return 0;
}

static size_t sum_bytes(const struct checksums *sums, unsigned sum, uint8_t *out)
{
	if (sum == SUM_CRC32 || sum == SUM_CRC32C)
		return crc_bytes(out, sum == SUM_CRC32 ? sums->crc32 : sums->crc32c);
	return digest_bytes(out, sum == SUM_SHA1 ? sums->sha1 : sums->sha256);
}

bool checksums_match(const struct checksums *sums, const char *name, const char *value)
{
	uint8_t bytes[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
	unsigned sum = checksums_named(name);

	if (!sum)
		return true;
	EVP_EncodeBlock(text, bytes, (int)sum_bytes(sums, sum, bytes));
	return strcmp((char *)text, value) == 0;
}

void checksums_finish(struct checksums *sums)
{
	EVP_MD_CTX_free(sums->sha1);
	EVP_MD_CTX_free(sums->sha256);
	EVP_MD_CTX_free(sums->md5);
	*sums = (struct checksums){0};
}
