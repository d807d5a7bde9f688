#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "executord/imagestore_config.h"

static void mounts_are_read_with_their_options(void **state)
{
	static const char text[] = "mount:\n  - type: nfs\n    src: \"ci-gateway:/imagestores\"\n    opts:\n      - vers=4.2\n      - ro\n"
				   "  - {type: 9p, src: store}\n";
	struct imagestore_config config;
	struct gw_errors errs = {0};

	assert_true(imagestore_config_decode(&config, text, strlen(text), "config.yml", &errs));
	assert_int_equal(config.n, 2);
	assert_string_equal(config.v[0].type, "nfs");
	assert_string_equal(config.v[0].src, "ci-gateway:/imagestores");
	assert_int_equal(config.v[0].opts.n, 2);
	assert_string_equal(config.v[0].opts.v[0], "vers=4.2");
	assert_string_equal(config.v[1].src, "store");
	assert_int_equal(config.v[1].opts.n, 0);
	imagestore_config_finish(&config);
}

static void an_empty_file_is_no_mounts(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "mount:\n", "mount: []\n"};

	for (size_t i = 0; i < 4; i++) {
		struct imagestore_config config;
		struct gw_errors errs = {0};

		assert_true(imagestore_config_decode(&config, texts[i], strlen(texts[i]), "config.yml", &errs));
		assert_int_equal(config.n, 0);
		imagestore_config_finish(&config);
	}
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[]\n", "config.yml:1:1: this is not a mapping; accepted: mount, a list"},
		{"mounts: []\n", "config.yml:1:1: mounts: it is not a field here; accepted: mount"},
		{"mount: nfs\n", "config.yml:1:8: mount: this is not a list of mounts; accepted: at most 64, each with type, src and opts"},
		{"mount: [nfs]\n", "config.yml:1:9: mount[0]: this is not a mount; accepted: a mapping with type, src and opts"},
		{"mount:\n  - src: x\n", "config.yml:2:5: mount[0].type: it is missing; a mount needs type and src"},
		{"mount:\n  - type: nfs\n", "config.yml:2:5: mount[0].src: it is missing; a mount needs type and src"},
		{"mount:\n  - {type: 'n fs', src: x}\n",
		 "config.yml:2:12: mount[0].type: this is not the name of a file system; accepted: one as nfs"},
		{"mount:\n  - {type: nfs, src: 'a,b'}\n",
		 "config.yml:2:22: mount[0].src: this is not a source; accepted: a text of at most "
		 "1024 bytes without blanks and ',', as ci-gateway:/imagestores"},
		{"mount:\n  - {type: nfs, src: x, opts: ro}\n",
		 "config.yml:2:31: mount[0].opts: this is not a list of options; accepted: at most 64, as vers=4.2"},
		{"mount:\n  - {type: nfs, src: x, opts: [ro, 'a|b']}\n",
		 "config.yml:2:36: mount[0].opts[1]: this is not an option; accepted: a text of at most 256 bytes without blanks, ',' and "
		 "'|'"},
		{"mount:\n  - {type: nfs, src: x, options: []}\n",
		 "config.yml:2:25: mount[0].options: it is not a field of a mount; accepted: type, src, opts"},
		{"mount:\n  - {type: nfs, src: x}\n  - {type: nfs, src: y}\n",
		 "config.yml:3:5: mount[1]: there is a mount of this type already; accepted: one of each"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct imagestore_config config;
		struct gw_errors errs = {0};

		assert_false(imagestore_config_decode(&config, rows[i].text, strlen(rows[i].text), "config.yml", &errs));
		assert_int_equal(errs.n, 1);
		assert_string_equal(errs.v[0].text, rows[i].error);
		assert_int_equal(config.n, 0);
		gw_errors_finish(&errs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_read_with_their_options),
		cmocka_unit_test(an_empty_file_is_no_mounts),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
