/* SHA-256, in pieces and at once, as lower-case hexadecimal. */
#ifndef ARTIFACTD_HASH_H
#define ARTIFACTD_HASH_H

#include <openssl/evp.h>
#include <stddef.h>

#define HASH_HEX 64

struct hash {
	EVP_MD_CTX *md; /* owned */
};
void hash_start(struct hash *hash);
void hash_add(struct hash *hash, const void *bytes, size_t n);
void hash_end(struct hash *hash, char hex[HASH_HEX + 1]); /* and finishes it */
void hash_finish(struct hash *hash);                      /* accepts zeroed memory */
void hash_of(const void *bytes, size_t n, char hex[HASH_HEX + 1]);

#endif
