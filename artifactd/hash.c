#include "artifactd/hash.h"

#include <stdio.h>

#include "libgateway/error.h"

void hash_start(struct hash *hash)
{
	hash->md = EVP_MD_CTX_new();
	gw_assert(hash->md && EVP_DigestInit_ex(hash->md, EVP_sha256(), NULL) == 1);
}

void hash_add(struct hash *hash, const void *bytes, size_t n)
{
	gw_assert(EVP_DigestUpdate(hash->md, bytes, n) == 1);
}

void hash_end(struct hash *hash, char hex[HASH_HEX + 1])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	gw_assert(EVP_DigestFinal_ex(hash->md, bytes, &n) == 1 && n == HASH_HEX / 2);
	for (unsigned i = 0; i < n; i++)
		sprintf(hex + (size_t)2 * i, "%02x", bytes[i]);
	hash_finish(hash);
}

void hash_finish(struct hash *hash)
{
	EVP_MD_CTX_free(hash->md);
	hash->md = NULL;
}

void hash_of(const void *bytes, size_t n, char hex[HASH_HEX + 1])
{
	struct hash hash = {0};

	hash_start(&hash);
	hash_add(&hash, bytes, n);
	hash_end(&hash, hex);
}
