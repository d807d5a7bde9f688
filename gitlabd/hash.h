/* FNV-1a, to see that something is not what it was, and to find things by it (lookup.h). */
#ifndef GITLABD_HASH_H
#define GITLABD_HASH_H

#include <stdint.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

static inline uint64_t hash_text(uint64_t hash, const char *text) /* NULL is as "" */
{
	for (; text && *text; text++)
		hash = (hash ^ (unsigned char)*text) * HASH_PRIME;
	return (hash ^ 0x100) * HASH_PRIME;
}

static inline uint64_t hash_number(uint64_t hash, int64_t number)
{
	for (int i = 0; i < 8; i++)
		hash = (hash ^ (unsigned char)(number >> (8 * i))) * HASH_PRIME;
	return hash;
}

/* Keys of a lookup that has items by different things. */
static inline uint64_t key_of_token(const char *token)
{
	return hash_text(HASH_BEGIN ^ 't', token);
}

static inline uint64_t key_of_description(const char *description)
{
	return hash_text(HASH_BEGIN ^ 'd', description);
}

static inline uint64_t key_of_runner(int64_t id)
{
	return hash_number(HASH_BEGIN ^ 'r', id);
}

#endif
