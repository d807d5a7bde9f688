#include "artifactd/uboot.h"

#include <lzma.h>
#include <string.h>

#define MAGIC 0x27051956

struct number {
	const char *name;
	int n;
};
static const struct number architectures[] = {{"arm", 2},    {"x86", 3},     {"mips", 5},     {"mips64", 6},   {"powerpc", 7},
					      {"sh", 9},     {"sparc", 10},  {"sparc64", 11}, {"sandbox", 19}, {"or1k", 21},
					      {"arm64", 22}, {"x86_64", 24}, {"xtensa", 25},  {"riscv", 26},   {NULL, 0}};
static const struct number systems[] = {{"openbsd", 1}, {"netbsd", 2},  {"freebsd", 3}, {"linux", 5}, {"vxworks", 14},
					{"qnx", 16},    {"u-boot", 17}, {"tee", 26},    {"efi", 28},  {NULL, 0}};
static const struct number types[] = {{"standalone", 1}, {"kernel", 2},  {"ramdisk", 3},        {"firmware", 5}, {"script", 6},
				      {"filesystem", 7}, {"flat_dt", 8}, {"kernel_noload", 14}, {NULL, 0}};
static const struct number compressions[] = {{"none", 0}, {"gzip", 1}, {"bzip2", 2}, {"lzma", 3},
					     {"lzo", 4},  {"lz4", 5},  {"zstd", 6},  {NULL, 0}};

uint32_t uboot_crc32(uint32_t crc, const void *bytes, size_t n)
{
	return lzma_crc32(bytes, n, crc); /* the same polynomial */
}

static bool number_of(const struct number *numbers, const char *what, const char *name, unsigned char *out, struct gw_error *err)
{
	for (; name && numbers->name; numbers++)
		if (strcmp(numbers->name, name) == 0) {
			*out = (unsigned char)numbers->n;
			return true;
		}
	return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not %s of U-Boot's", name ? name : "", what);
}

static void put_u32(unsigned char *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(n >> (24 - 8 * i));
}

size_t uboot_front(unsigned char front[UBOOT_FRONT], const struct uboot_image *image, uint64_t size,
		   bool (*crc_of)(void *data, uint32_t *crc), void *data, struct gw_error *err)
{
	size_t n = UBOOT_HEADER;
	uint32_t crc = 0;

	memset(front, 0, UBOOT_FRONT);
	if (size > UINT32_MAX - 8) {
		gw_fail(err, GW_BAD_INPUT, "%llu bytes are too many for an image of U-Boot's", (unsigned long long)size);
		return 0;
	}
	if (!number_of(systems, "an operating system", image->os, &front[28], err) ||
	    !number_of(architectures, "an architecture", image->architecture, &front[29], err) ||
	    !number_of(types, "an image type", image->type, &front[30], err) ||
	    !number_of(compressions, "a compression", image->compression, &front[31], err))
		return 0;
	if (strcmp(image->type, "script") == 0) {
		put_u32(front + UBOOT_HEADER, (uint32_t)size);
		n = UBOOT_FRONT;
		crc = uboot_crc32(0, front + UBOOT_HEADER, 8);
	}
	if (!crc_of(data, &crc))
		return 0;
	put_u32(front, MAGIC);
	put_u32(front + 12, (uint32_t)(size + n - UBOOT_HEADER));
	put_u32(front + 24, crc);
	put_u32(front + 4, uboot_crc32(0, front, UBOOT_HEADER)); /* while it is 0 itself */
	return n;
}
