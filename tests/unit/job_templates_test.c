#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/pattern.h"

/* The packaged jobs and the examples, each rendered with the names that a DUT gives them. */

static char *read_text(const char *name)
{
	char *text = gw_calloc(1, 65536), *path = gw_sprintf("%s/%s", GW_SOURCE_ROOT, name);
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("cannot open %s", path);
	text[fread(text, 1, 65535, file)] = '\0';
	fclose(file);
	free(path);
	return text;
}

static const struct value *names_of_dut(struct value_pool *pool, const char *tty)
{
	struct value *names = value_dict(pool), *tags = value_list(pool), *environment = value_dict(pool);

	value_append(pool, tags, value_string(pool, "cpu:cores:2+"));
	value_set(pool, environment, "GREETING", value_string(pool, "good morning"));
	value_set(pool, names, "machine_id", value_string(pool, "52:54:00:11:22:10"));
	value_set(pool, names, "machine_tags", tags);
	value_set(pool, names, "local_tty_device", tty ? value_string(pool, tty) : value_none());
	value_set(pool, names, "executor_host", value_string(pool, "10.42.0.1:8000"));
	value_set(pool, names, "minio_url", value_string(pool, "http://10.42.0.1:8090"));
	value_set(pool, names, "environ", environment);
	return names;
}

static struct job load(const char *name, const struct value *names)
{
	struct gw_errors errs = {0};
	char *text = read_text(name);
	struct job job;

	if (!job_load(&job, text, strlen(text), names, &(struct job_options){.where = name}, &errs))
		fail_msg("%s", errs.v[0].text);
	free(text);
	return job;
}

static void assert_cmdline(const struct job *job, unsigned boot, const struct value *names, const char *expected)
{
	struct gw_error err = {0};
	char *cmdline;

	assert_true(job_cmdline(job, boot, names, &cmdline, &err));
	assert_string_equal(cmdline, expected);
	free(cmdline);
}

#define CONSOLE "console=ttyS0,115200 SALAD.machine_id=52:54:00:11:22:10 "

static void each_is_a_job_for_a_known_and_for_an_unknown_dut(void **state)
{
	static const struct {
		const char *name, *cmdline;
	} rows[] = {
		{"libjob/templates/register.yml.j2", CONSOLE "mars.action=register mars.host=10.42.0.1:8000"},
		{"libjob/templates/bootloop.yml.j2", CONSOLE "mars.action=check mars.host=10.42.0.1:8000"},
		{"examples/hello.yml", CONSOLE "mars.action=hello hello.text=good_morning"},
		{"examples/reboot.yml", CONSOLE "rdinit=/nothing panic=3"},
		{"examples/timeouts.yml", CONSOLE "mars.action=hello hello.text=with_many_cores"},
	};
	struct gw_error err = {0};
	struct value_pool pool;

	value_pool_init(&pool, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct value *names = names_of_dut(&pool, NULL);
		struct job job = load(rows[i].name, names);
		struct patterns *patterns;

		assert_string_equal(job.start.kernel->url, "http://10.42.0.1:8090/boot/default_kernel");
		assert_string_equal(job.start.initramfs.v[0].url, "http://10.42.0.1:8090/boot/default_registration.cpio.gz");
		assert_cmdline(&job, 1, names, rows[i].cmdline);
		assert_true(job.timeouts[JOB_OVERALL].given);
		assert_true(patterns_create(&patterns, &job, &err));
		patterns_destroy(patterns);
		job_finish(&job);
		job = load(rows[i].name, job_names_for_target(&pool, NULL));
		assert_true(job.has_target);
		job_finish(&job);
	}
	value_pool_finish(&pool);
}

static void the_console_is_that_of_the_dut(void **state)
{
	struct value_pool pool;
	const struct value *names;
	struct job job;

	value_pool_init(&pool, 0);
	names = names_of_dut(&pool, "ttyUSB3");
	job = load("libjob/templates/register.yml.j2", names);
	assert_string_equal(job.target_id, "52:54:00:11:22:10");
	assert_cmdline(&job, 1, names,
		       "console=ttyUSB3,115200 SALAD.machine_id=52:54:00:11:22:10 mars.action=register "
		       "mars.host=10.42.0.1:8000");
	job_finish(&job);
	value_pool_finish(&pool);
}

static void the_second_boot_of_the_reboot_example_says_hello(void **state)
{
	struct value_pool pool;
	const struct value *names;
	struct job job;

	value_pool_init(&pool, 0);
	names = names_of_dut(&pool, NULL);
	job = load("examples/reboot.yml", names);
	assert_cmdline(&job, 2, names, CONSOLE "mars.action=hello hello.text=back_again");
	assert_int_equal(job.timeouts[JOB_BOOT_CYCLE].retries, 1);
	job_finish(&job);
	value_pool_finish(&pool);
}

/* What the initramfs prints, see registration/images/init. */
static void what_the_initramfs_prints_is_matched(void **state)
{
	static const struct {
		const char *job, *line;
		enum job_pattern_id hit;
	} rows[] = {
		{"libjob/templates/register.yml.j2", "MaRS: Registration complete\r\n", JOB_SUCCESS},
		{"libjob/templates/register.yml.j2", "MaRS: Registration failed\r\n", JOB_PATTERNS},
		{"libjob/templates/register.yml.j2", "It's now safe to turn off your computer\r\n", JOB_SESSION_END},
		{"libjob/templates/bootloop.yml.j2", "Execution is over, pipeline status: 0\r\n", JOB_SUCCESS},
		{"libjob/templates/bootloop.yml.j2", "Execution is over, pipeline status: 1\r\n", JOB_PATTERNS},
		{"libjob/templates/bootloop.yml.j2", "[    2.1] clocksourceIt's now safe to turn off your computer\r\n", JOB_SESSION_END},
		{"libjob/templates/bootloop.yml.j2", "The configured console is not connected to SALAD\r\n", JOB_WARN},
		{"examples/reboot.yml", "[    3.123456] Rebooting in 3 seconds..\r\n", JOB_SESSION_REBOOT},
	};
	struct gw_error err = {0};
	struct value_pool pool;

	value_pool_init(&pool, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job job = load(rows[i].job, names_of_dut(&pool, NULL));
		struct pattern_match match;
		struct patterns *patterns;
		bool is_line;

		assert_true(patterns_create(&patterns, &job, &err));
		patterns_feed(patterns, (const unsigned char *)rows[i].line, strlen(rows[i].line), &is_line, &match, &err);
		assert_true(is_line);
		for (int k = 0; k < JOB_PATTERNS; k++)
			assert_int_equal(match.hit[k], k == (int)rows[i].hit);
		patterns_destroy(patterns);
		job_finish(&job);
	}
	value_pool_finish(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_a_job_for_a_known_and_for_an_unknown_dut),
		cmocka_unit_test(the_console_is_that_of_the_dut),
		cmocka_unit_test(the_second_boot_of_the_reboot_example_says_hello),
		cmocka_unit_test(what_the_initramfs_prints_is_matched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
