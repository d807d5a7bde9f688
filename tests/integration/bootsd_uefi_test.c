/* Real UEFI firmware without an iPXE of its own: it loads one from bootsd, by TFTP or by HTTP, and that then gets the job's script. tinydut
 * is no EFI program, so iPXE cannot start it, and asks for the script again, as it does when bootsd is away for a moment. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/harness/boot_clients.h"
#include "tests/harness/boot_farm.h"
#include "tests/harness/boot_machine.h"

#define SCRIPT "/boot/" QEMU_MAC "/boot.ipxe"
#define UEFI   "--firmware", "uefi", "--memory", "256"
#define ARG(a) "--qemu-arg", a
#define NO_ROM ARG("-global"), ARG("virtio-net-pci.romfile=")
/* OVMF begins with PXE if it may, and has HTTP boot only with random numbers. */
#define NO_PXE                                                                                                                             \
	ARG("-fw_cfg"), ARG("name=opt/org.tianocore/IPv4PXESupport,string=n"), ARG("-fw_cfg"),                                             \
		ARG("name=opt/org.tianocore/IPv6PXESupport,string=n"), ARG("-object"), ARG("rng-random,id=rng0,filename=/dev/urandom"),    \
		ARG("-device"), ARG("virtio-rng-pci,rng=rng0")

static const struct dut qemu = {.mac = QEMU_MAC, .id = "qemu"};

/* `job`: a job's capability is good for nothing once it has ended, so each machine runs a job of its own. */
static void begin(const char *job, struct proc *vpdud, const char *const *options)
{
	must_deploy(job, &qemu, "quiet");
	machine_start(vpdud, options);
	machine_on();
}

static void end(const char *job, struct proc *vpdud)
{
	machine_off();
	proc_end(vpdud, SIGTERM);
	withdraw(job, &qemu);
}

static void expect_dhcp(const char *protocol)
{
	const struct msg_boot_seen *seen = await_seen(QEMU_MAC, "dhcp");

	assert_true(seen->netboot);
	assert_string_equal(seen->architecture, "x86_64");
	assert_string_equal(seen->firmware, "uefi");
	assert_string_equal(seen->protocol, protocol);
	assert_string_equal(seen->ip, "10.42.0.20");
}

static void expect_script_again_and_again(void)
{
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, SCRIPT);
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/_/job/kernel");
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, SCRIPT);
	assert_string_equal(await_seen(QEMU_MAC, "http")->detail, "/_/job/kernel");
}

static void pxe_loads_ipxe_by_tftp(void **state)
{
	struct proc vpdud = {0};

	begin("job-20", &vpdud, (const char *const[]){UEFI, NO_ROM, NULL});
	expect_dhcp("tftp");
	assert_string_equal(await_seen(QEMU_MAC, "tftp")->detail, "snponly.efi"); /* for its size */
	assert_string_equal(await_seen(QEMU_MAC, "tftp")->detail, "snponly.efi");
	expect_dhcp("tftp");
	expect_script_again_and_again();
	end("job-20", &vpdud);
}

static void http_boot_loads_ipxe_by_http(void **state)
{
	struct proc vpdud = {0};

	begin("job-21", &vpdud, (const char *const[]){UEFI, NO_ROM, NO_PXE, NULL});
	expect_dhcp("http");
	expect_dhcp("tftp"); /* iPXE says so of itself */
	expect_script_again_and_again();
	end("job-21", &vpdud);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pxe_loads_ipxe_by_tftp),
		cmocka_unit_test(http_boot_loads_ipxe_by_http),
	};

	signal(SIGPIPE, SIG_IGN);
	duts_plug_in();
	return cmocka_run_group_tests(tests, setup_farm, teardown_farm);
}
