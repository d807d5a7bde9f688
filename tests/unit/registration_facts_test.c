#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "registration/facts.h"
#include "registration/nic.h"
#include "registration/serial.h"

static char root[256];

static void put(const char *path, const char *bytes)
{
	char full[512], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(bytes, file);
	fclose(file);
}

static void pci(const char *slot, const char *class, const char *vendor, const char *device)
{
	const char *const names[] = {"class", "vendor", "device"}, *const values[] = {class, vendor, device};
	char path[256], value[64];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", slot, names[i]);
		snprintf(value, sizeof(value), "%s\n", values[i]);
		put(path, value);
	}
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%s/registration.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(root) ? 0 : 1;
}

static int teardown(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

/* All tags with spaces between. */
static const char *tags_of(const struct facts *f)
{
	static char all[FACTS_TAGS_MAX * FACTS_TAG_SIZE];
	struct text t = TEXT_ON(all);

	all[0] = '\0';
	for (size_t i = 0; i < f->n_tags; i++)
		text_add(&t, "%s%s", i ? " " : "", f->tags[i]);
	return all;
}

static const char intel[] = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R)\n\n"
			    "processor\t: 1\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n";

static void a_virtual_machine_has_its_facts_as_sorted_tags(void **state)
{
	struct facts f;

	put("/proc/cpuinfo", intel);
	put("/proc/meminfo", "MemTotal:         478564 kB\nMemFree: 1 kB\n");
	pci("0000:00:00.0", "0x060000", "0x8086", "0x1237");
	pci("0000:00:02.0", "0x030000", "0x1234", "0x1111");
	pci("0000:00:03.0", "0x020000", "0x1af4", "0x1000");
	facts_read(&f, root, "x86_64");
	assert_string_equal(tags_of(&f),
			    "cpu:arch:x86_64 cpu:cores:2 cpu:family:6 cpu:model:85 cpu:vendor:GenuineIntel gpu:pciid:0x1234:0x1111 "
			    "mem:size:1GiB nic:pciid:0x1af4:0x1000");
	assert_string_equal(f.base_name, "x86_64-bios");
}

static void without_a_gpu_the_name_tells_architecture_and_firmware(void **state)
{
	struct facts f;

	facts_read(&f, root, "x86_64");
	assert_string_equal(f.base_name, "x86_64-bios");
	assert_string_equal(tags_of(&f), "cpu:arch:x86_64"); /* nothing to be read is no failure */
	put("/sys/firmware/efi/systab", "");
	facts_read(&f, root, "aarch64");
	assert_string_equal(f.base_name, "aarch64-uefi");
}

static void a_gpu_that_one_chose_names_the_machine_before_a_built_in_one(void **state)
{
	struct facts f;

	pci("0000:00:02.0", "0x030000", "0x8086", "0x3e92");
	facts_read(&f, root, "x86_64");
	assert_string_equal(f.base_name, "intelgpu");
	assert_string_equal(tags_of(&f), "cpu:arch:x86_64 intelgpu:pciid:0x8086:0x3e92");
	pci("0000:01:00.0", "0x038000", "0x1002", "0x1636");
	facts_read(&f, root, "x86_64");
	assert_string_equal(f.base_name, "amdgpu");
	pci("0000:02:00.0", "0x030000", "0x1af4", "0x1050");
	facts_read(&f, root, "x86_64");
	assert_string_equal(f.base_name, "virtio");
	assert_string_equal(tags_of(&f), "amdgpu:pciid:0x1002:0x1636 cpu:arch:x86_64 intelgpu:pciid:0x8086:0x3e92 virtio:family:VIRTIO "
					 "virtio:pciid:0x1af4:0x1050");
}

static void many_cores_have_a_tag_for_each_step(void **state)
{
	static char cpuinfo[32 * 16 + 1];
	struct facts f = {0};

	for (int i = 0; i < 32; i++)
		snprintf(cpuinfo + strlen(cpuinfo), 17, "processor: %d\n", i);
	facts_add_cpu(&f, cpuinfo);
	assert_string_equal(tags_of(&f), "cpu:cores:32 cpu:cores:8+ cpu:cores:16+ cpu:cores:32+");
}

static void an_arm_machine_has_its_vendor_and_part(void **state)
{
	struct facts f = {0};

	facts_add_cpu(&f, "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd08\n");
	assert_string_equal(tags_of(&f), "cpu:vendor:0x41 cpu:family:8 cpu:model:0xd08 cpu:cores:1");
}

static void memory_is_rounded_up_to_the_next_power_of_two(void **state)
{
	static const struct {
		const char *meminfo, *tags;
	} cases[] = {
		{"MemTotal:       51200 kB\n", "mem:size:1GiB"},
		{"MemTotal:     1048576 kB\n", "mem:size:1GiB"},
		{"MemTotal:     1048577 kB\n", "mem:size:2GiB"},
		{"MemTotal:     7654321 kB\n", "mem:size:8GiB mem:size:8+GiB"},
		{"MemTotal:    32800000 kB\n", "mem:size:32GiB mem:size:8+GiB mem:size:32+GiB"},
		{"MemTotal: 99999999999999999999 kB\n", "mem:size:1099511627776GiB mem:size:8+GiB mem:size:32+GiB"},
		{"MemFree: 3 kB\n", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts f = {0};
		facts_add_memory(&f, cases[i].meminfo);
		assert_string_equal(tags_of(&f), cases[i].tags);
	}
}

static void a_tag_is_one_word_without_commas(void **state)
{
	struct facts f = {0};

	facts_add_cpu(&f, "vendor_id : Evil, Inc.\x1b[2J\n");
	assert_string_equal(tags_of(&f), "cpu:vendor:Evil__Inc._[2J");
}

static void the_default_route_with_the_least_metric_counts(void **state)
{
	char name[16];

	nic_of_default_route("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
			     "eth1\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
			     "eth0\t00000000\t01002A0A\t0003\t0\t0\t10\t00000000\t0\t0\t0\n"
			     "eth2\t00002A0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
			     name);
	assert_string_equal(name, "eth0");
	nic_of_default_route("Iface\tDestination\neth0\t00002A0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\nx", name);
	assert_string_equal(name, "");
	nic_of_default_route("", name);
	assert_string_equal(name, "");
}

static bool pong(size_t *at, const char *text)
{
	return serial_is_pong(at, text, strlen(text));
}

static void a_pong_is_found_behind_noise_and_over_reads(void **state)
{
	size_t at = 0;

	assert_true(pong(&at, "\xff[ 1.0] noise SALAD.pong\n"));
	assert_false(pong(&at, "SALAD.SALAD.po"));
	assert_true(pong(&at, "ng\nmore"));
	assert_false(pong(&at, "SALAD.ping\nSALAD.pong")); /* our own echo is none, and the line end counts */
	assert_true(pong(&at, "\n"));
}

int main(void)
{
#define ON_FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON_FILES(a_virtual_machine_has_its_facts_as_sorted_tags),
		ON_FILES(without_a_gpu_the_name_tells_architecture_and_firmware),
		ON_FILES(a_gpu_that_one_chose_names_the_machine_before_a_built_in_one),
		cmocka_unit_test(many_cores_have_a_tag_for_each_step),
		cmocka_unit_test(an_arm_machine_has_its_vendor_and_part),
		cmocka_unit_test(memory_is_rounded_up_to_the_next_power_of_two),
		cmocka_unit_test(a_tag_is_one_word_without_commas),
		cmocka_unit_test(the_default_route_with_the_least_metric_counts),
		cmocka_unit_test(a_pong_is_found_behind_noise_and_over_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
