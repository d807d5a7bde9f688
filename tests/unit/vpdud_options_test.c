#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <getopt.h>

#include "pdud/vpdud/options.h"
#include "pdud/vpdud/qemu_args.h"

#define LOAD(out, err, ...) load(out, err, (const char *[]){"vpdud", __VA_ARGS__, NULL})

static bool load(struct vpdud_options *out, struct gw_error *err, const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*err = (struct gw_error){0};
	optind = 0;
	return vpdud_options_load(out, argc, (char **)argv, err);
}

static void the_defaults_are_the_fields(void **state)
{
	struct vpdud_options opt;
	struct gw_error err;
	char text[64];

	assert_true(load(&opt, &err, (const char *[]){"vpdud", NULL}));
	vpdud_address_print(&opt.listen, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1:9191");
	assert_int_equal(opt.salad.ss_family, 0);
	assert_int_equal(opt.memory_mib, 512);
	assert_null(opt.bridge);
}

static void every_bad_value_has_its_text(void **state)
{
	static const struct {
		const char *name, *value, *text;
	} bad[] = {
		{"--memory", "15", "--memory: '15' is not a size in MiB; accepted: 16 to 65536"},
		{"--memory", "1G", "--memory: '1G' is not a size in MiB; accepted: 16 to 65536"},
		{"--firmware", "efi", "--firmware: 'efi' is not known; accepted: bios, uefi"},
		{"--accel", "xen", "--accel: 'xen' is not known; accepted: auto, kvm, tcg"},
		{"--net", "user", "--net: 'user' is not known; accepted: none, tap, veth"},
		{"--bridge", "a-name-too-long-for-linux",
		 "--bridge: 'a-name-too-long-for-linux' is not a network interface's name; accepted: 1 to 15 characters"},
		{"--listen", "9191", "--listen: '9191' is not HOST:PORT"},
		{"--listen", "127.0.0.1:65536", "--listen: '127.0.0.1:65536' is not HOST:PORT"},
		{"--salad", ":8100", "--salad: ':8100' is not HOST:PORT"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct vpdud_options opt;
		struct gw_error err;

		assert_false(LOAD(&opt, &err, bad[i].name, bad[i].value));
		assert_string_equal(err.text, bad[i].text);
		assert_int_equal(gw_exit_code(&err), 2);
	}
}

static void an_unknown_option_or_a_missing_value_is_bad_usage(void **state)
{
	struct vpdud_options opt;
	struct gw_error err;

	assert_false(LOAD(&opt, &err, "--nonsense"));
	assert_string_equal(err.text, "'--nonsense' is not an option of vpdud; see vpdud --help");
	assert_false(LOAD(&opt, &err, "word"));
	assert_string_equal(err.text, "'word' is not an option of vpdud; see vpdud --help");
	assert_false(LOAD(&opt, &err, "--memory"));
	assert_string_equal(err.text, "--memory needs a value; see vpdud --help");
}

static void an_ipv6_address_has_brackets(void **state)
{
	struct vpdud_options opt;
	struct gw_error err;
	char text[64];

	assert_true(LOAD(&opt, &err, "--listen", "[::1]:9191"));
	vpdud_address_print(&opt.listen, text, sizeof(text));
	assert_string_equal(text, "[::1]:9191");
}

static const char *after(char **argv, const char *name)
{
	while (*argv && strcmp(*argv, name) != 0)
		argv++;
	return *argv ? argv[1] : NULL;
}

static void a_machine_has_its_ports_mac_and_uuid(void **state)
{
	struct vpdud_options opt;
	struct gw_error err;
	char **argv;

	assert_true(LOAD(&opt, &err, "--bridge", "private", "--qemu-arg", "-snapshot"));
	argv = qemu_args_create(&opt, 10, false, false);
	assert_string_equal(after(argv, "-device"), "virtio-net-pci,netdev=net0,bootindex=1,mac=52:54:00:11:22:0a");
	assert_string_equal(after(argv, "-uuid"), "52540011-2200-4000-8000-52540011220a");
	assert_string_equal(after(argv, "-accel"), "tcg");
	assert_string_equal(after(argv, "-S"), "-snapshot"); /* ours come first */
	qemu_args_destroy(argv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_the_fields),
		cmocka_unit_test(every_bad_value_has_its_text),
		cmocka_unit_test(an_unknown_option_or_a_missing_value_is_bad_usage),
		cmocka_unit_test(an_ipv6_address_has_brackets),
		cmocka_unit_test(a_machine_has_its_ports_mac_and_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
