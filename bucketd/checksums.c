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

static EVP_MD_CTX *digest_begin(const EVP_MD *kind)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	gw_assert(digest && EVP_DigestInit_ex(digest, kind, NULL) == 1);
	return digest;
}

void checksums_begin(struct checksums *sums)
{
	*sums = (struct checksums){.sha1 = digest_begin(EVP_sha1()), .sha256 = digest_begin(EVP_sha256())};
}

void checksums_add(struct checksums *sums, const void *bytes, size_t n)
{
	sums->crc32 = (uint32_t)crc32_z(sums->crc32, bytes, n);
	sums->crc32c = crc32c(sums->crc32c, bytes, n);
	gw_assert(EVP_DigestUpdate(sums->sha1, bytes, n) == 1 && EVP_DigestUpdate(sums->sha256, bytes, n) == 1);
}

static size_t crc_bytes(uint8_t *out, uint32_t crc)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(crc >> (24 - 8 * i));
	return 4;
}

/* Of what came until now; more may come. */
static size_t digest_bytes(uint8_t *out, const EVP_MD_CTX *digest)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned n = 0;

	gw_assert(copy && EVP_MD_CTX_copy_ex(copy, digest) == 1 && EVP_DigestFinal_ex(copy, out, &n) == 1);
	EVP_MD_CTX_free(copy);
	return n;
}

bool checksums_match(const struct checksums *sums, const char *name, const char *value)
{
	uint8_t bytes[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
	size_t n;

	if (strcmp(name, "crc32") == 0)
		n = crc_bytes(bytes, sums->crc32);
	else if (strcmp(name, "crc32c") == 0)
		n = crc_bytes(bytes, sums->crc32c);
	else if (strcmp(name, "sha1") == 0)
		n = digest_bytes(bytes, sums->sha1);
	else if (strcmp(name, "sha256") == 0)
		n = digest_bytes(bytes, sums->sha256);
	else
		return true;
	EVP_EncodeBlock(text, bytes, (int)n);
	return strcmp((char *)text, value) == 0;
}

void checksums_finish(struct checksums *sums)
{
	EVP_MD_CTX_free(sums->sha1);
	EVP_MD_CTX_free(sums->sha256);
	*sums = (struct checksums){0};
}
