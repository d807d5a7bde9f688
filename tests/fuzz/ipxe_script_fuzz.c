#include <stdlib.h>
#include <string.h>

#include "bootsd/ipxe_script.h"
#include "libgateway/error.h"

/* Whatever a command line holds, the script has the same number of lines and no words of its own but ours. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *cmdline = gw_strndup((const char *)data, size), *script, *line;
	struct ipxe_boot boot = {.host = "h", .port = 1, .mac = "m", .cmdline = cmdline, .platform = "pcbios"};
	size_t lines = 0;

	script = ipxe_script(&boot);
	line = strstr(script, "\nkernel ");
	for (const char *p = line + 1; *p; p++)
		lines += *p == '\n';
	if (!line || lines != 7 || strncmp(strchr(line + 1, '\n') - 14, " || goto again", 14) != 0)
		__builtin_trap();
	*(strchr(line + 1, '\n') - 14) = '\0'; /* our own operator goes */
	for (char *save = NULL, *word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (strchr(word, ';') || strcmp(word, "||") == 0 || strcmp(word, "&&") == 0 || strcmp(word, "#") == 0)
			__builtin_trap();
	free(script);
	free(cmdline);
	return 0;
}
