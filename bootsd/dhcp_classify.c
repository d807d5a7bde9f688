#include "bootsd/dhcp_classify.h"

#include <stdio.h>
#include <string.h>

#define UUID_BYTES 17 /* a type, 0, and the UUID: RFC 4578 section 2.3 */

/* IANA's "Processor Architecture Types" of option 93. */
static const struct arch_row {
	uint16_t code;
	const char *architecture, *firmware, *protocol;
} archs[] = {
	{0x00, "x86", "bios", "tftp"},     {0x06, "x86", "uefi", "tftp"},     {0x07, "x86_64", "uefi", "tftp"},
	{0x09, "x86_64", "uefi", "tftp"},  {0x0a, "arm32", "uefi", "tftp"},   {0x0b, "arm64", "uefi", "tftp"},
	{0x0f, "x86", "uefi", "http"},     {0x10, "x86_64", "uefi", "http"},  {0x12, "arm32", "uefi", "http"},
	{0x13, "arm64", "uefi", "http"},   {0x14, "x86", "bios", "http"},     {0x15, "arm32", "uboot", "tftp"},
	{0x16, "arm64", "uboot", "tftp"},  {0x17, "arm32", "uboot", "http"},  {0x18, "arm64", "uboot", "http"},
	{0x19, "riscv32", "uefi", "tftp"}, {0x1a, "riscv32", "uefi", "http"}, {0x1b, "riscv64", "uefi", "tftp"},
	{0x1c, "riscv64", "uefi", "http"}, {0x29, "arm64", "rpi", "tftp"},
};

/* Debian's package ipxe has these. */
static const char *const binaries[] = {"undionly.kpxe", "snponly.efi"};
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static bool starts_with(struct dhcp_bytes o, const char *prefix)
{
	return o.n >= strlen(prefix) && memcmp(o.v, prefix, strlen(prefix)) == 0;
}

static bool is(struct dhcp_bytes o, const char *text)
{
	return o.n == strlen(text) && starts_with(o, text);
}

/* iPXE sends the bare text; by RFC 3004 each class has its length in front. */
static bool user_class_is_ipxe(struct dhcp_bytes o)
{
	return is(o, "iPXE") || is(o, "\004iPXE");
}

static const struct arch_row *arch_of(const struct dhcp_packet *packet)
{
	struct dhcp_bytes o = packet->options[DHCP_ARCHITECTURE];

	for (size_t i = 0; o.n >= 2 && i < ROWS(archs); i++)
		if (archs[i].code == (o.v[0] << 8 | o.v[1]))
			return &archs[i];
	return NULL;
}

static void print_uuid(char out[37], struct dhcp_bytes o)
{
	static const uint8_t none[16];
	char *at = out;

	out[0] = '\0';
	if (o.n != UUID_BYTES || o.v[0] != 0 || memcmp(o.v + 1, none, sizeof(none)) == 0)
		return;
	for (int i = 0; i < 16; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", o.v[1 + i]);
}

/* "A netboot request has option 93 and either asks for option 67, or has a vendor class starting PXEClient or equal to U-Boot, or such
 * firmware." U-Boot asks for neither 66 nor 67 and calls itself U-Boot.armv8. */
static bool is_netboot(const struct dhcp_packet *packet, const struct dhcp_class *class)
{
	return packet->options[DHCP_ARCHITECTURE].v &&
	       (dhcp_asks_for(packet, DHCP_BOOTFILE) || starts_with(class->vendor_class, "PXEClient") ||
		is(class->vendor_class, "U-Boot") || (class->firmware && strcmp(class->firmware, "uboot") == 0));
}

void dhcp_classify(struct dhcp_class *class, const struct dhcp_packet *packet)
{
	const struct arch_row *arch = arch_of(packet);

	*class = (struct dhcp_class){
		.ipxe = packet->options[DHCP_IPXE].v || user_class_is_ipxe(packet->options[DHCP_USER_CLASS]),
		.architecture = arch ? arch->architecture : NULL,
		.firmware = arch ? arch->firmware : NULL,
		.protocol = arch ? arch->protocol : NULL,
		.vendor_class = packet->options[DHCP_VENDOR_CLASS],
		.user_class = packet->options[DHCP_USER_CLASS],
	};
	if (starts_with(class->vendor_class, "HTTPClient"))
		class->protocol = "http";
	print_uuid(class->uuid, packet->options[DHCP_UUID]);
	class->netboot = is_netboot(packet, class);
}

bool dhcp_class_sample(struct dhcp_class *class, size_t i)
{
	if (i >= ROWS(archs))
		return false;
	*class = (struct dhcp_class){
		.netboot = true, .architecture = archs[i].architecture, .firmware = archs[i].firmware, .protocol = archs[i].protocol};
	return true;
}

const char *dhcp_ipxe_binary_name(size_t i)
{
	return i < ROWS(binaries) ? binaries[i] : NULL;
}

bool dhcp_is_ipxe_binary(const char *name)
{
	for (size_t i = 0; i < ROWS(binaries); i++)
		if (strcmp(name, binaries[i]) == 0)
			return true;
	return false;
}
