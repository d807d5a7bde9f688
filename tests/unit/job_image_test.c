#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/job.h"
#include "libjob/job_image.h"

static void names_of_images_in_registries_are_accepted(void **state)
{
	static const char *const names[] = {"mesa",
					    "registry.org/mesa/mesa:1.0_a",
					    "docker://registry.org:5000/a/b",
					    "localhost:5000/a@sha256:00ff",
					    "a__b-c.d/E:1",
					    "mesa:latest"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!job_image_name_fits(names[i]))
			fail_msg("refused: %s", names[i]);
}

static void what_a_command_would_take_for_an_option_or_a_file_is_no_name(void **state)
{
	static const char *const names[] = {"",
					    "-v",
					    "--root=/",
					    "docker://-v",
					    "docker://",
					    "/etc/passwd",
					    "dir:/etc",
					    "dir:etc",
					    "oci-archive:x",
					    "oci:a/b",
					    "containers-storage:x",
					    "a b",
					    "a;b",
					    "a/../b",
					    "a//b",
					    "a:",
					    "a@",
					    "a/:x",
					    "http://a/b",
					    "docker:x",
					    "a\nb",
					    "a:1:2",
					    "$(a)"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (job_image_name_fits(names[i]))
			fail_msg("accepted: %s", names[i]);
}

static void a_platform_is_two_or_three_words(void **state)
{
	assert_true(job_image_platform_fits("linux/amd64"));
	assert_true(job_image_platform_fits("linux/arm/v7"));
	assert_false(job_image_platform_fits("linux"));
	assert_false(job_image_platform_fits("linux/"));
	assert_false(job_image_platform_fits("-linux/amd64"));
	assert_false(job_image_platform_fits("a/b/c/d"));
	assert_false(job_image_platform_fits("linux/amd 64"));
}

#define HEAD "version: 1\ntarget: {tags: []}\nconsole_patterns: {}\n"

static struct job good(const char *text)
{
	struct job job;
	struct gw_errors errs = {0};

	if (!job_decode(&job, text, strlen(text), &(struct job_options){0}, &errs))
		fail_msg("%s", errs.v[0].text);
	return job;
}

static void an_image_has_defaults_and_continue_replaces_it_by_its_name(void **state)
{
	struct job job = good(HEAD "deployment:\n"
				   "  start: {storage: {imagestore: {public: {images: {a: {name: r.org/a}, b: {name: r.org/b}}}}}}\n"
				   "  continue: {storage: {imagestore: {public: {images: {b: {name: r.org/c, tls_verify: false,\n"
				   "    platform: linux/arm64, pull: missing}}}}}}\n");

	assert_int_equal(job.start.images.n, 2);
	assert_string_equal(job.start.images.v[0].store, "public");
	assert_string_equal(job.start.images.v[0].name, "a");
	assert_string_equal(job.start.images.v[0].image, "r.org/a");
	assert_string_equal(job.start.images.v[0].platform, "linux/amd64");
	assert_string_equal(job.start.images.v[0].pull, "relaxed_always");
	assert_true(job.start.images.v[0].tls_verify);
	assert_string_equal(job.start.images.v[1].image, "r.org/b");
	assert_int_equal(job.next.images.n, 2);
	assert_string_equal(job.next.images.v[1].image, "r.org/c");
	assert_string_equal(job.next.images.v[1].platform, "linux/arm64");
	assert_string_equal(job.next.images.v[1].pull, "missing");
	assert_false(job.next.images.v[1].tls_verify);
	job_finish(&job);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
#define STORE HEAD "deployment: {start: {storage: {imagestore: "
	static const struct {
		const char *text, *error;
	} rows[] = {
		{STORE "{private: {images: {}}}}}}\n",
		 "job:4:45: deployment.start.storage.imagestore: 'private' is not a field of the image "
		 "stores; accepted: public"},
		{STORE "{public: {}}}}}\n",
		 "job:4:53: deployment.start.storage.imagestore.public: 'images' is missing; an image store needs it"},
		{STORE "{public: {images: {a: {}}}}}}}\n",
		 "job:4:66: deployment.start.storage.imagestore.public.images.a: 'name' is missing; an image needs it"},
		{STORE "{public: {images: {a: {name: '--root=/'}}}}}}}\n",
		 "job:4:73: deployment.start.storage.imagestore.public.images.a.name: '--root=/' is not the name of an image; accepted: "
		 "the "
		 "name of an image in a registry, as docker://registry.org/group/image:tag"},
		{STORE "{public: {images: {a: {name: x, platform: arm64}}}}}}}\n",
		 "job:4:86: deployment.start.storage.imagestore.public.images.a.platform: 'arm64' is not a platform; accepted: "
		 "OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, as linux/arm64/v8"},
		{STORE "{public: {images: {a: {name: x, pull: never}}}}}}}\n",
		 "job:4:82: deployment.start.storage.imagestore.public.images.a.pull: 'never' is not a way to pull; accepted: "
		 "relaxed_always, always, missing"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct job job;
		struct gw_errors errs = {0};

		assert_false(job_decode(&job, rows[i].text, strlen(rows[i].text), &(struct job_options){0}, &errs));
		assert_string_equal(errs.v[0].text, rows[i].error);
		assert_int_equal(errs.n, 1);
		gw_errors_finish(&errs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_images_in_registries_are_accepted),
		cmocka_unit_test(what_a_command_would_take_for_an_option_or_a_file_is_no_name),
		cmocka_unit_test(a_platform_is_two_or_three_words),
		cmocka_unit_test(an_image_has_defaults_and_continue_replaces_it_by_its_name),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
