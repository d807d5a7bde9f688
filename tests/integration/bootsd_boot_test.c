/* A real machine boots from the network by bootsd. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/boot_clients.h"
#include "tests/harness/boot_farm.h"
#include "tests/harness/boot_machine.h"

static int listen_as_salad(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8100), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* What the console says up to `text`, borrowed until the next call. */
static const char *await_console(int fd, const char *text)
{
	static char got[256 * 1024];
	size_t n = 0;
	ssize_t r = 1;

	memset(got, 0, sizeof(got));
	while (!strstr(got, text) && n + 1 < sizeof(got) && readable(fd, PROC_PATIENCE_MS) &&
	       (r = read(fd, got + n, sizeof(got) - 1 - n)) > 0)
		for (ssize_t i = 0; i < r; i++, n++)
			got[n] = got[n] ? got[n] : '?';
	if (!strstr(got, text)) {
		fprintf(stderr, "%s\n", got); /* longer than what cmocka prints */
		fail_msg("'%s' did not come", text);
	}
	return got;
}

static void a_real_machine_boots_its_job_by_dhcp_http_and_script(void **state)
{
	const struct dut qemu = {.mac = QEMU_MAC, .id = "qemu"};
	struct proc vpdud = {0};
	int salad = listen_as_salad(), console;
	const char *said;
	void *answer;

	machine_start(&vpdud, (const char *const[]){"--salad", "127.0.0.1:8100", "--memory", "64", NULL});
	shell("cp %s %s", GW_BUILD_ROOT "/tests/harness/tinydut/tinydut.bin", tmp_path("state/artifacts/tinydut"));
	artifact("first", "hello from ");
	artifact("second", "the network\n@poweroff\n");
	answer = deploy("job-9", "qemu", QEMU_MAC, "tinydut", "console=ttyS0 mark=a;b # || x");
	if (!answer)
		fail_msg("%s", f.error.text);
	done_with(MSG_BOOT_DEPLOY, answer);
	machine_on();
	console = accept(salad, NULL, NULL);
	said = await_console(console, "hello from the network\r\n");
	assert_non_null(strstr(said, "Command line: console=ttyS0 mark=a;b # || x\r\n[    0.000000] initramfs: 33 bytes"));
	assert_true(await_seen(QEMU_MAC, "dhcp")->netboot);
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/boot/" QEMU_MAC "/boot.ipxe");
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/_/job/kernel");
	withdraw("job-9", &qemu);
	machine_off();
	close(console);
	close(salad);
	proc_end(&vpdud, SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_machine_boots_its_job_by_dhcp_http_and_script),
	};

	signal(SIGPIPE, SIG_IGN);
	duts_plug_in();
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
