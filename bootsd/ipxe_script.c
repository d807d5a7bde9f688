#include "bootsd/ipxe_script.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"

/* iPXE has no quotes: what it would take for its own goes through settings, which it expands after it has split the line into words. Of
 * these a `;` is replaced wherever it stands (old iPXEs split there), the others where they are a word of their own. `${NAME}` cannot be
 * kept from it, since it expands until none is left; so a command line may use iPXE's settings. */
static const struct special {
	const char *word, *setting, *hex;
	bool anywhere;
} specials[] = {
	{";", "semicolon", "3b", true},
	{"#", "hash", "23", false},
	{"||", "or", "7c:7c", false},
	{"&&", "and", "26:26", false},
};
#define N_SPECIALS (sizeof(specials) / sizeof(specials[0]))

/* A command line is one line: what would end it, and what no console should get, becomes a space. */
static bool is_space(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* The special that the text at `at` starts with; NULL: none. `begins`: it is a word's first character. */
static const struct special *special_at(const char *at, bool begins)
{
	for (size_t i = 0; i < N_SPECIALS; i++) {
		size_t n = strlen(specials[i].word);

		if (strncmp(at, specials[i].word, n) == 0 && (specials[i].anywhere || (begins && is_space(at[n]))))
			return &specials[i];
	}
	return NULL;
}

/* The line with its specials replaced; `used` says which. */
static char *escape(const char *line, bool used[N_SPECIALS])
{
	struct buffer out = {0};
	bool begins = true;

	for (const char *at = line; *at; at++) {
		const struct special *special = special_at(at, begins);

		begins = is_space(*at);
		if (special) {
			used[special - specials] = true;
			buffer_printf(&out, "${%s:string}", special->setting);
			at += strlen(special->word) - 1;
		} else {
			buffer_add(&out, begins ? " " : at, 1);
		}
	}
	return buffer_take(&out);
}

/* bootsd may be starting again just now: a second later the whole script is asked for anew. */
static void add_again(struct buffer *out, const struct ipxe_boot *boot)
{
	buffer_printf(out,
		      ":again\n"
		      "echo That failed; trying again in a second\n"
		      "sleep 1\n"
		      "imgfree\n"
		      "chain --replace http://%s:%u/boot/%s/boot.ipxe?platform=${platform}&buildarch=${buildarch} || goto again\n",
		      boot->host, boot->port, boot->mac);
}

static void add_kernel(struct buffer *out, const struct ipxe_boot *boot)
{
	bool bios = boot->platform && strcmp(boot->platform, "pcbios") == 0, used[N_SPECIALS] = {0};
	char *cmdline = escape(boot->cmdline, used);

	for (size_t i = 0; i < N_SPECIALS; i++)
		if (used[i])
			buffer_printf(out, "set %s:hex %s\n", specials[i].setting, specials[i].hex);
	buffer_printf(out, "kernel http://%s:%u/_/job/kernel %s%s || goto again\n", boot->host, boot->port,
		      boot->initramfs && !bios ? "initrd=initrd " : "", cmdline);
	if (boot->initramfs)
		buffer_printf(out, "initrd --name initrd http://%s:%u/_/job/initramfs || goto again\n", boot->host, boot->port);
	buffer_printf(out, "boot || goto again\n");
	free(cmdline);
}

char *ipxe_script(const struct ipxe_boot *boot)
{
	struct buffer out = {0};

	buffer_printf(&out, "#!ipxe\n");
	if (boot->cmdline) {
		add_kernel(&out, boot);
		add_again(&out, boot);
	} else {
		buffer_printf(&out, "echo No job for this machine: switching it off\npoweroff || exit\n");
	}
	return buffer_take(&out);
}
