#include "executord/tarball.h"

#include <string.h>
#include <zlib.h>

enum {
	BLOCK = 512,
	CHECKSUM_AT = 148,
	CHECKSUM_LEN = 8,
	HEAD_MAX = 1 << 20,                /* bytes of a gzip file that are looked at */
	WITH_GZIP_HEADER = 16 + MAX_WBITS, /* zlib's inflateInit2 */
};

/* POSIX.1-1988, pax and GNU alike: the checksum is the sum of the header's bytes, itself counted as blanks; octal, between blanks. */
static unsigned sum_of(const unsigned char *header)
{
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LEN ? ' ' : header[i];
	return sum;
}

static bool checksum_of(const unsigned char *header, unsigned *sum)
{
	const unsigned char *p = header + CHECKSUM_AT, *end = p + CHECKSUM_LEN;

	*sum = 0;
	while (p < end && *p == ' ')
		p++;
	if (p == end || *p < '0' || *p > '7')
		return false;
	for (; p < end && *p >= '0' && *p <= '7'; p++)
		*sum = *sum * 8 + (*p - '0');
	return true;
}

static bool is_header(const unsigned char *block)
{
	static const unsigned char zeros[BLOCK];
	unsigned sum;

	return memcmp(block, zeros, BLOCK) == 0 || (checksum_of(block, &sum) && sum == sum_of(block));
}

/* The first block of what is compressed, and no byte more. */
static bool gunzip_block(const char *bytes, size_t len, unsigned char out[BLOCK])
{
	/* what is before the data of a gzip file may be long, but not that long */
	z_stream z = {.next_in = (unsigned char *)bytes,
		      .avail_in = (uInt)(len < HEAD_MAX ? len : HEAD_MAX),
		      .next_out = out,
		      .avail_out = BLOCK};
	int result;

	if (inflateInit2(&z, WITH_GZIP_HEADER) != Z_OK)
		return false;
	result = inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return (result == Z_OK || result == Z_STREAM_END) && z.avail_out == 0;
}

bool tarball_begins(const char *bytes, size_t len)
{
	unsigned char block[BLOCK];

	if (len >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
		return gunzip_block(bytes, len, block) && is_header(block);
	if (len < BLOCK)
		return false;
	memcpy(block, bytes, BLOCK);
	return is_header(block);
}
