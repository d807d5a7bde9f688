#include "tests/harness/boot_machine.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "pdud/vpdud/wire.h"

#define OPTIONS_MAX 32

void machine_start(struct proc *vpdud, const char *const *more)
{
	const char *argv[OPTIONS_MAX] = {GW_BUILD_ROOT "/pdud/vpdud/vpdud", "--bridge", "private", "--skip-ipxe-prompt"};

	for (int n = 4; more && *more; n++)
		argv[n] = *more++;
	proc_start(vpdud, "vpdud", argv, NULL);
	proc_await(vpdud, "vpdud: listening on 127.0.0.1:9191");
}

static void vpdu(enum vpdu_op op)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9191), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t bytes[VPDU_REQUEST_BYTES], answer = 0;

	vpdu_request_encode(&(struct vpdu_request){op, 0}, bytes);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(recv(fd, &answer, 1, 0), 1);
	assert_int_equal(answer, VPDU_DONE);
	close(fd);
}

void machine_on(void)
{
	vpdu(VPDU_TURN_ON);
}

void machine_off(void)
{
	vpdu(VPDU_TURN_OFF);
}
