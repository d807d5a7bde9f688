#include "tests/harness/serial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/proc.h"

const char serial_job[] = "version: 1\n"
			  "target: {id: '{{ machine_id }}'}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: '^good by[e]'}\n"
			  "  job_success: {regex: '^it works'}\n"
			  "  machine_unfit_for_service: {regex: '^I am broken'}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

int serial_open(const char *mac)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(8100)};
	int fd, tries = 0;
	char hello[64];

	inet_pton(AF_INET, "10.42.0.1", &where.sin_addr);
	while (fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0) {
		close(fd); /* nobody tells when a TCP port is listened on */
		if (++tries * 20 > PROC_PATIENCE_MS)
			fail_msg("nobody listens on SALAD's port 8100");
		poll(NULL, 0, 20);
	}
	snprintf(hello, sizeof(hello), "\nSALAD.machine_id=%s\n", mac);
	serial_say(fd, hello);
	return fd;
}

void serial_say(int serial, const char *text)
{
	assert_int_equal(write(serial, text, strlen(text)), strlen(text));
}
