/* U-Boot's legacy image: a header of 64 bytes (include/image.h there, struct legacy_img_hdr) in front of the content, as mkimage makes it
 * with -d. The names are mkimage's. Pure. */
#ifndef ARTIFACTD_UBOOT_H
#define ARTIFACTD_UBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/error.h"

#define UBOOT_HEADER 64
#define UBOOT_FRONT  (UBOOT_HEADER + 8) /* of a script: its one length and a 0 stand between header and content */

struct uboot_image {
	const char *architecture, *compression, *os, *type;
};

uint32_t uboot_crc32(uint32_t crc, const void *bytes, size_t n); /* begin with 0 */
/* What stands in front of the content of `size` bytes; returns how many bytes of `front` it is. 0: a name is not known, `err`. `crc_of`
 * gives the content's CRC after what stands before it: its argument is the CRC so far. */
size_t uboot_front(unsigned char front[UBOOT_FRONT], const struct uboot_image *image, uint64_t size,
		   bool (*crc_of)(void *data, uint32_t *crc), void *data, struct gw_error *err);

#endif
