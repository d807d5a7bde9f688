/* The boots DB: which entry a request gets, what of it stays beside the job, and what is wrong with a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bootsd/boots.h"
#include "libgateway/log.h"
#include "tests/unit/bootsd_seeds.h"

#define DEFAULT (GW_SOURCE_ROOT "/bootsd/boots_db.yml.j2")
#define T(text) ((char[]){text})

static const struct interface net = {.name = "private", .ip = 0x0a2a0001, .mask = 0xffff0000};
static const uint16_t http_port = 8090;
static char folder[64];

static struct world {
	struct static_files statics;
	struct machines machines;
	struct machine *machine;
	struct boots boots;
} w;

static const char *user_path(void)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/user.yml.j2", folder);
	return path;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
}

static bool load(const char *user, struct gw_error *err)
{
	const struct boots_place place = {.net = &net, .http_port = &http_port, .statics = &w.statics};

	*err = (struct gw_error){0};
	if (user)
		put(user_path(), user);
	return boots_load(&w.boots, user_path(), DEFAULT, &place, err);
}

static void deploy_body(struct msg_boot_deploy *body)
{
	struct gw_error err = {0};
	struct deployment *d = deployment_create(folder, "job-1", body, &err);
	struct mac mac;

	assert_non_null(d);
	mac_decode(&mac, "52:54:00:77:00:01");
	w.machine = machines_deploy(&w.machines, mac, d);
}

static void deploy(const char *cmdline)
{
	struct msg_boot_deploy body = {
		.cmdline = (char *)cmdline,
		.names = T("{\"machine_id\": \"farm-1\", \"machine_tags\": [\"slow\"], \"machine\": {\"ip_address\": "
			   "\"10.42.0.101\"}}")};

	deploy_body(&body);
}

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	snprintf(folder, sizeof(folder), "/tmp/boots-XXXXXX");
	assert_non_null(mkdtemp(folder));
	static_files_init(&w.statics);
	machines_init(&w.machines);
	deploy("quiet");
	return 0;
}

static int teardown(void **state)
{
	boots_finish(&w.boots);
	machines_finish(&w.machines);
	static_files_finish(&w.statics);
	unlink(user_path());
	rmdir(folder);
	return 0;
}

static const struct boots_choice *choose(const char *seed_name, struct dhcp_class *class)
{
	static struct seed seed;
	static uint64_t now;
	char name[64];

	snprintf(name, sizeof(name), "%s-discover", seed_name);
	seed_load(&seed, name, "52:54:00:77:00:01");
	dhcp_classify(class, &seed.packet);
	return boots_choose(&w.boots, w.machine, class, now += 10000);
}

/* The option's text for this firmware; NULL: none. */
static const char *told(const char *seed, unsigned code)
{
	static char text[256];
	struct dhcp_class class;
	const struct boots_choice *choice = choose(seed, &class);
	struct dhcp_bytes o = dhcp_rule_option(dhcp_rules_find(&choice->dhcp, &class, w.machine->mac), code);

	snprintf(text, sizeof(text), "%.*s", (int)o.n, o.v ? (const char *)o.v : "");
	return o.v ? text : NULL;
}

static const char *entry(const char *seed)
{
	struct dhcp_class class;

	return choose(seed, &class)->entry;
}

/* ---- the default file ---- */

static const struct {
	const char *seed, *entry, *bootfile;
} firmwares[] = {
	{"ipxe-bios", "ipxe_script", "http://10.42.0.1:8090/boot/52:54:00:77:00:01/boot.ipxe?platform=${platform}&buildarch=${buildarch}"},
	{"ipxe-uefi", "ipxe_script", "http://10.42.0.1:8090/boot/52:54:00:77:00:01/boot.ipxe?platform=${platform}&buildarch=${buildarch}"},
	{"ovmf-pxe", "x86_64_uefi", "snponly.efi"},
	{"ovmf-http", "x86_64_uefi_http", "http://10.42.0.1:8090/boot/snponly.efi"},
	{"edk2-arm64-pxe", NULL, NULL},
	{"uboot-arm64-first", NULL, NULL},
};

static void the_default_file_tells_each_firmware_how_to_get_to_ipxe(void **state)
{
	struct gw_error err;

	assert_true(load(NULL, &err));
	for (size_t i = 0; i < sizeof(firmwares) / sizeof(firmwares[0]); i++) {
		const char *name = entry(firmwares[i].seed), *file = told(firmwares[i].seed, DHCP_BOOTFILE);

		if (!name != !firmwares[i].entry || !file != !firmwares[i].bootfile)
			fail_msg("%s: %s", firmwares[i].seed, name ? name : "no entry");
		if (name)
			assert_string_equal(name, firmwares[i].entry);
		if (file)
			assert_string_equal(file, firmwares[i].bootfile);
	}
	assert_string_equal(told("ovmf-pxe", DHCP_TFTP_SERVER), "10.42.0.1");
	assert_string_equal(told("ovmf-http", DHCP_VENDOR_CLASS), "HTTPClient");
	assert_string_equal(told("ipxe-bios", DHCP_IPXE), "\xb0\x01\x01");
}

static void a_job_without_a_kernel_is_told_nothing_by_it(void **state)
{
	struct gw_error err;

	assert_true(load(NULL, &err));
	deploy(NULL);
	assert_null(entry("ovmf-pxe"));
}

/* ---- matching ---- */

static void the_users_file_is_first_and_its_first_entry_that_matches_wins(void **state)
{
	struct gw_error err;

	assert_true(
		load("dhcp:\n"
		     "  arm: {match: {architecture: arm64}, defaults: {dhcp: {options: {bootfile: for-arm}}}}\n"
		     "  pxe: {match: {architecture: x86_64, vendor_class: 'PXEClient:.*'}, defaults: {dhcp: {options: {bootfile: one}}}}\n"
		     "  any_uefi: {match: {firmware: uefi, protocol: tftp}, defaults: {dhcp: {options: {bootfile: two}}}}\n",
		     &err));
	assert_string_equal(entry("edk2-arm64-pxe"), "arm");
	assert_string_equal(told("edk2-arm64-pxe", DHCP_BOOTFILE), "for-arm");
	assert_string_equal(entry("ovmf-pxe"), "pxe");
	assert_string_equal(entry("ovmf-http"), "x86_64_uefi_http"); /* of the default file */
	assert_string_equal(entry("ipxe-bios"), "ipxe_script");
}

static void templates_know_the_job_and_the_request(void **state)
{
	struct gw_error err;

	assert_true(load(
		"#!jinja2\n"
		"dhcp:\n"
		"  all:\n"
		"    defaults:\n"
		"      dhcp:\n"
		"        options:\n"
		"          bootfile: \"{{ machine_id }} {{ machine.ip_address }} {{ machine_tags[0] }} {{ job.http.path_to('kernel') }} "
		"{{ job.tftp.path_to('dtb') }}\"\n"
		"          class_id: \"{{ dhcp_request.architecture.name }} {{ dhcp_request.architecture.ipxe_buildarch }} "
		"{{ dhcp_request.architecture.goarch }} {{ dhcp_request.firmware.name }} {{ dhcp_request.firmware.to_ipxe_platform }} "
		"{{ dhcp_request.protocol }} {{ dhcp_request.mac_address }} {{ dhcp_request.user_class }}\"\n",
		&err));
	assert_string_equal(told("ipxe-bios", DHCP_BOOTFILE), "farm-1 10.42.0.101 slow http://10.42.0.1:8090/_/job/kernel _/job/dtb");
	assert_string_equal(told("ipxe-bios", DHCP_VENDOR_CLASS), "x86 i386 386 bios pcbios tftp 52:54:00:77:00:01 iPXE");
	assert_string_equal(told("ovmf-pxe", DHCP_VENDOR_CLASS), "x86_64 x86_64 amd64 uefi efi tftp 52:54:00:77:00:01 ");
}

/* ---- merging ---- */

static const char categories[] = "dhcp:\n"
				 "  all:\n"
				 "    defaults:\n"
				 "      dhcp:\n"
				 "        boot: {options: {bootfile: default, class_id: default}}\n"
				 "      storage:\n"
				 "        tftp:\n"
				 "          config: {path: /config.txt, data: the config}\n"
				 "          other: {path: /other.txt, data: the other}\n"
				 "        http: {path: /page, data: the page}\n";

static void defaults_fill_the_categories_that_the_job_does_not_have(void **state)
{
	struct msg_boot_option option = {.code = DHCP_BOOTFILE, .hex = T("6a6f62")};
	struct msg_boot_dhcp of_job = {.category = T("mine"), .options = {.v = &option, .n = 1}};
	struct msg_boot_file file = {.path = T("/mine.txt"), .tftp = true, .category = T("config")};
	struct msg_boot_deploy body = {.cmdline = T("quiet"), .dhcp = {.v = &of_job, .n = 1}, .files = {.v = &file, .n = 1}};
	struct gw_error err;
	char page[16] = "";

	assert_true(load(categories, &err));
	deploy_body(&body);
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "default");
	assert_non_null(machine_file(w.machine, "/mine.txt", true));
	assert_null(machine_file(w.machine, "/config.txt", true)); /* its category is the job's */
	assert_non_null(machine_file(w.machine, "/other.txt", true));
	assert_null(machine_file(w.machine, "/other.txt", false)); /* TFTP's alone */
	assert_int_equal(boot_file_read(machine_file(w.machine, "/page", false), page, sizeof(page), 0), 8);
	assert_string_equal(page, "the page");
	of_job.category = T("boot");
	deploy_body(&body);
	assert_null(told("ovmf-pxe", DHCP_BOOTFILE));
	deploy_body(&(struct msg_boot_deploy){.cmdline = T("quiet")});
	assert_null(machine_file(w.machine, "/other.txt", true)); /* before it has asked to netboot */
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "default");
	assert_non_null(machine_file(w.machine, "/config.txt", true));
}

static void another_request_of_the_machine_is_looked_up_anew_but_not_endlessly(void **state)
{
	struct dhcp_class class = {.netboot = true, .architecture = "x86", .firmware = "bios", .protocol = "tftp"};
	const struct boots_choice *last = NULL;
	char vendor[32];
	struct gw_error err;
	int anew = 0;

	assert_true(load(NULL, &err));
	for (int i = 0; i < 100; i++) { /* as a machine might that wants the gateway to work */
		snprintf(vendor, sizeof(vendor), "PXEClient:%d", i);
		class.vendor_class = (struct dhcp_bytes){(const uint8_t *)vendor, strlen(vendor)};
		anew += boots_choose(&w.boots, w.machine, &class, 1000) != last;
		last = w.machine->choice;
	}
	assert_in_range(anew, 1, 10);
}

/* ---- what is wrong ---- */

static const struct {
	const char *text, *error; /* the file's path is in front */
} bad[] = {
	{"dhcp: [\n", ":2:1: "},
	{"dhp: {}\n", ":1:1: 'dhp' is not a field of a boots DB; did you mean 'dhcp'?"},
	{"dhcp: [one]\n", ":1:7: dhcp: a list is not entries of the boots DB; accepted: a mapping of names to match and defaults"},
	{"dhcp:\n  one:\n    macth: {}\n", ":3:5: dhcp.one: 'macth' is not a field of an entry of the boots DB; did you mean 'match'?"},
	{"dhcp:\n  one: {match: {architecture: x64}}\n",
	 ":2:31: dhcp.one.match.architecture: 'x64' is not an architecture; accepted: x86, x86_64, arm32, arm64, riscv32, riscv64"},
	{"dhcp:\n  one: {match: {vendor_class: 'a('}}\n", ": dhcp.one.match.vendor_class: "},
	{"dhcp:\n  one: {defaults: {kernel: {url: http://x/}}}\n", ": dhcp.one.defaults.kernel: this is not built yet; leave it out"},
	{"dhcp:\n  one: {defaults: {storage: {tftp: {path: /x, url: http://x/}}}}\n",
	 ": dhcp.one.defaults.storage.tftp: a url, an archive or a format is not built yet in the boots DB; accepted: data"},
	{"dhcp:\n  one: {defaults: {dhcp: {options: {lease_time: soon}}}}\n",
	 ": dhcp.one: defaults.dhcp: DHCP option 51: 'soon' does not fit; accepted: seconds, 0 to 4294967295, at most 255 bytes"},
	{"dhcp:\n{% for %}\n", ":2: "},
	{"fastboot: {one: {}}\n", ": fastboot: this is not built yet; leave it out"},
	{"dhcp:\n  one: {}\n  one: {}\n", ":3:3: "},
};

static void a_bad_file_is_refused_with_its_line_and_field(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t n = strlen(user_path());
		struct gw_error err;
		const char *base = "user.yml.j2", *at;

		assert_false(load(bad[i].text, &err));
		boots_finish(&w.boots);
		at = strstr(err.text, base);
		if (!at || !strstr(at + strlen(base), bad[i].error))
			fail_msg("row %zu (%zu): '%s' does not have '%s'", i, n, err.text, bad[i].error);
		assert_int_equal(err.kind, GW_BAD_INPUT);
	}
}

static void an_edit_that_is_bad_keeps_the_last_good_text(void **state)
{
	struct gw_error err;

	assert_true(load("dhcp: {mine: {defaults: {dhcp: {options: {bootfile: first}}}}}\n", &err));
	w.boots.inotify = -1;
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "first");
	put(user_path(), "dhcp: {mine: {defaults: {dhcp: {options: {bootfile: [}}}}}\n");
	boots_read_again(&w.boots);
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "first");
	put(user_path(), "dhcp: {mine: {defaults: {dhcp: {options: {bootfile: second}}}}}\n");
	boots_read_again(&w.boots);
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "second");
	unlink(user_path());
	boots_read_again(&w.boots);
	assert_string_equal(told("ovmf-pxe", DHCP_BOOTFILE), "snponly.efi");
}

/* It is good for the kinds of requests that it was tried with. */
static void what_fails_for_one_request_alone_falls_back_to_the_default_file(void **state)
{
	struct gw_error err;

	assert_true(load("#!jinja2\n"
			 "dhcp:\n"
			 "{% if dhcp_request.user_class == \"iPXE\" %}  broken: [\n{% endif %}"
			 "  mine: {defaults: {dhcp: {options: {bootfile: mine}}}}\n",
			 &err));
	assert_string_equal(entry("ovmf-pxe"), "mine");
	assert_string_equal(entry("ipxe-bios"), "ipxe_script");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_default_file_tells_each_firmware_how_to_get_to_ipxe, setup, teardown),
		cmocka_unit_test_setup_teardown(a_job_without_a_kernel_is_told_nothing_by_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_users_file_is_first_and_its_first_entry_that_matches_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(templates_know_the_job_and_the_request, setup, teardown),
		cmocka_unit_test_setup_teardown(defaults_fill_the_categories_that_the_job_does_not_have, setup, teardown),
		cmocka_unit_test_setup_teardown(another_request_of_the_machine_is_looked_up_anew_but_not_endlessly, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_file_is_refused_with_its_line_and_field, setup, teardown),
		cmocka_unit_test_setup_teardown(an_edit_that_is_bad_keeps_the_last_good_text, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_for_one_request_alone_falls_back_to_the_default_file, setup, teardown),
	};

	log_init("test", "error");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
