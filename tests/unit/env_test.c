#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "libgateway/env.h"

static bool standalone;
static const struct env_flag flags[] = {{"--standalone", "Starts the others too.", &standalone}, {NULL, NULL, NULL}};
static const struct env_program program = {"executord", "The coordinator.", ENV_EXECUTORD, flags};

static bool load(struct env *env, struct gw_error *err, const char *argument)
{
	char *argv[] = {(char *)"executord", (char *)argument, NULL};

	*env = (struct env){0};
	*err = (struct gw_error){0};
	return env_load(env, &program, argument ? 2 : 1, argv, err);
}

static int setup(void **state)
{
	clearenv();
	setenv("LOG_LEVEL", "error", 1);
	return 0;
}

static void what_is_not_set_has_its_default(void **state)
{
	struct env env;
	struct gw_error err;

	assert_true(load(&env, &err, NULL));
	assert_int_equal(env_integer(&env, OPT_EXECUTOR_PORT), 80);
	assert_string_equal(env_text(&env, OPT_MARS_DB_FILE), "/config/mars_db.yaml");
	assert_true(env_boolean(&env, OPT_SERGENT_HARTMAN_QUICK_CHECK));
	assert_null(env_text(&env, OPT_EXECUTOR_VPDU_ENDPOINT));
	assert_false(env_given(&env, OPT_EXECUTOR_PORT));
	env_finish(&env);
}

static const struct row {
	const char *name, *value, *error;
} rows[] = {
	{"EXECUTOR_PORT", "0", NULL},
	{"EXECUTOR_PORT", "65536", "EXECUTOR_PORT: '65536' is not a whole number; accepted: 0 to 65535"},
	{"EXECUTOR_PORT", "8x", "EXECUTOR_PORT: '8x' is not a whole number; accepted: 0 to 65535"},
	{"SERGENT_HARTMAN_BOOT_COUNT", "-1", NULL},
	{"SERGENT_HARTMAN_QUICK_CHECK", "Disabled", NULL},
	{"SERGENT_HARTMAN_QUICK_CHECK", "maybe",
	 "SERGENT_HARTMAN_QUICK_CHECK: 'maybe' is not a boolean; accepted: true, enabled, 1, yes, false, disabled, 0, no"},
	{"SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY", "soon",
	 "SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY: 'soon' is not a number; accepted: 0 to 86400"},
	{"SALAD_URL", "ftp://x", "SALAD_URL: 'ftp://x' is not a URL; accepted: http://HOST[:PORT] or https://HOST[:PORT]"},
	{"SALAD_URL", "http://[fd77::1]:8005", NULL},
	{"EXECUTOR_URL", "ftp://me:secret@x", "EXECUTOR_URL: 'ftp://x' is not a URL; accepted: http://HOST[:PORT] or https://HOST[:PORT]"},
	{"EXECUTOR_VPDU_ENDPOINT", "localhost:9191", NULL},
	{"EXECUTOR_VPDU_ENDPOINT", "localhost", "EXECUTOR_VPDU_ENDPOINT: 'localhost' is not a place to connect to; accepted: HOST:PORT"},
	{"EXECUTOR_HOST", "::1", NULL},
	{"EXECUTOR_HOST", "localhost", "EXECUTOR_HOST: 'localhost' is not an IP address; accepted: an IPv4 or IPv6 address"},
	{"FARM_NAME", "x86-lab_2.b", NULL},
	{"FARM_NAME", "my lab", "FARM_NAME: 'my lab' is not a name; accepted: 1 to 63 of a-z A-Z 0-9 . _ -"},
	{"LOG_LEVEL", "info", NULL},
	{"LOG_LEVEL", "verbose", "LOG_LEVEL: 'verbose' is not known; accepted: debug, info, warning, error"},
	{"LOG_FORMAT", "json", NULL},
	{"LOG_FORMAT", "xml", "LOG_FORMAT: 'xml' is not known; accepted: text, json"},
};

static void a_bad_value_is_refused_with_what_is_accepted(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct env env;
		struct gw_error err;
		bool ok;

		setenv(rows[i].name, rows[i].value, 1);
		ok = load(&env, &err, NULL);
		setup(state);
		if (rows[i].error)
			assert_int_equal(gw_exit_code(&err), 2);
		if (rows[i].error)
			assert_string_equal(err.text, rows[i].error);
		else if (!ok)
			fail_msg("%s=%s: %s", rows[i].name, rows[i].value, err.text);
		assert_int_equal(ok, !rows[i].error);
		env_finish(&env);
	}
}

static const struct {
	const char *name;
	unsigned readers;
	enum env_type type;
} options[] = {
#define OPTION(readers, name, type, dflt, min, max, meaning) {#name, readers, type},
#include "libgateway/options.def"
#undef OPTION
};

static bool takes_any_text(enum env_type type)
{
	return type == ENV_TEXT || type == ENV_PATH || type == ENV_NOT_EMPTY || type == ENV_REGEX ||
	       type == ENV_SECRET; /* their readers look into them */
}

static void expect_refused_by(const char *option, unsigned reader)
{
	const struct env_program one = {"daemon", "One reader.", (enum env_reader)reader, NULL};
	char *argv[] = {(char *)"daemon", NULL}, expected[128];
	struct env env = {0};
	struct gw_error err = {0};

	snprintf(expected, sizeof(expected), "%s: '~ not this ~' is not ", option);
	assert_false(env_load(&env, &one, 1, argv, &err));
	if (strncmp(err.text, expected, strlen(expected)) != 0 || !strstr(err.text, "; accepted: "))
		fail_msg("%s: %s", option, err.text);
	assert_int_equal(gw_exit_code(&err), 2);
	env_finish(&env);
}

static void nonsense_in_any_option_is_refused_by_each_of_its_readers(void **state)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (takes_any_text(options[i].type))
			continue;
		setenv(options[i].name, "~ not this ~", 1);
		for (unsigned reader = 1; reader <= ENV_BUCKETD; reader <<= 1)
			if (options[i].readers & reader)
				expect_refused_by(options[i].name, reader);
		setup(state);
	}
}

static bool load_bucketd(struct env *env, struct gw_error *err)
{
	static const struct env_program bucketd = {"bucketd", "Serves buckets.", ENV_BUCKETD, NULL};
	char *argv[] = {(char *)"bucketd", NULL};

	*env = (struct env){0};
	*err = (struct gw_error){0};
	return env_load(env, &bucketd, 1, argv, err);
}

static void a_secret_has_its_bounds_and_is_never_shown(void **state)
{
	struct env env;
	struct gw_error err;

	setenv("MINIO_ROOT_PASSWORD", "s3cr3t!", 1);
	assert_false(load_bucketd(&env, &err));
	assert_string_equal(err.text, "MINIO_ROOT_PASSWORD: it has 7 bytes; accepted: 8 to 128");
	env_finish(&env);
	setenv("MINIO_ROOT_PASSWORD", "s3cr3t!!", 1);
	assert_true(load_bucketd(&env, &err));
	assert_string_equal(env_text(&env, OPT_MINIO_ROOT_PASSWORD), "s3cr3t!!");
	env_finish(&env);
	setup(state);
}

static void count_secret(void *data, const char *name, const char *text)
{
	if (strcmp(name, "MINIO_ROOT_PASSWORD") == 0 || (text && strstr(text, "s3cr3t")))
		++*(int *)data;
}

static void a_secret_is_no_option_of_templates(void **state)
{
	int shown = 0;

	setenv("MINIO_ROOT_PASSWORD", "s3cr3t!!", 1);
	env_each(count_secret, &shown);
	assert_int_equal(shown, 0);
	setup(state);
}

static void the_bucket_service_has_its_defaults(void **state)
{
	struct env env;
	struct gw_error err;

	assert_true(load_bucketd(&env, &err));
	assert_string_equal(env_text(&env, OPT_MINIO_ROOT_USER), "minioadmin");
	assert_null(env_text(&env, OPT_MINIO_ROOT_PASSWORD));
	assert_string_equal(env_text(&env, OPT_MINIO_ADMIN_ALIAS), "local");
	assert_string_equal(env_text(&env, OPT_BUCKETD_CONFIG), "/config/bucketd.yml");
	assert_int_equal(env_integer(&env, OPT_BUCKETD_BUCKET_SIZE), 10240);
	env_finish(&env);
}

static void a_text_too_long_is_refused(void **state)
{
	struct env env;
	struct gw_error err;

	setenv("PRIVATE_INTERFACE", "a-name-longer-than-15", 1);
	assert_false(load(&env, &err, NULL));
	assert_non_null(strstr(err.text, "PRIVATE_INTERFACE"));
	unsetenv("PRIVATE_INTERFACE");
	env_finish(&env);
}

static void several_bad_values_are_counted(void **state)
{
	struct env env;
	struct gw_error err;

	setenv("EXECUTOR_PORT", "x", 1);
	setenv("SALAD_URL", "x", 1);
	assert_false(load(&env, &err, NULL));
	assert_non_null(strstr(err.text, "(and 1 more)"));
	assert_int_equal(gw_exit_code(&err), 2);
	setup(state);
	env_finish(&env);
}

static void set_to_nothing_is_unset(void **state)
{
	struct env env;
	struct gw_error err;

	setenv("EXECUTOR_PORT", "", 1);
	assert_true(load(&env, &err, NULL));
	assert_int_equal(env_integer(&env, OPT_EXECUTOR_PORT), 80);
	setup(state);
	env_finish(&env);
}

static void the_command_line_is_checked(void **state)
{
	struct env env;
	struct gw_error err;

	assert_true(load(&env, &err, "--standalone"));
	assert_true(standalone);
	env_finish(&env);
	assert_false(load(&env, &err, "--standalon"));
	assert_string_equal(err.text, "'--standalon' is not an option of executord; see executord --help");
	env_finish(&env);
}

static void collect(void *data, const char *name, const char *value)
{
	char *all = data;

	sprintf(all + strlen(all), "%s=%s;", name, value);
}

static void job_variables_come_sorted_and_without_their_prefix(void **state)
{
	char all[256] = "";

	setenv("EXECUTOR_JOB__Zed", "1", 1);
	setenv("EXECUTOR_JOB__Abc", "x=y", 1);
	env_job_variables(collect, all);
	assert_string_equal(all, "Abc=x=y;Zed=1;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_not_set_has_its_default, setup),
		cmocka_unit_test_setup(a_bad_value_is_refused_with_what_is_accepted, setup),
		cmocka_unit_test_setup(nonsense_in_any_option_is_refused_by_each_of_its_readers, setup),
		cmocka_unit_test_setup(a_secret_has_its_bounds_and_is_never_shown, setup),
		cmocka_unit_test_setup(a_secret_is_no_option_of_templates, setup),
		cmocka_unit_test_setup(the_bucket_service_has_its_defaults, setup),
		cmocka_unit_test_setup(a_text_too_long_is_refused, setup),
		cmocka_unit_test_setup(several_bad_values_are_counted, setup),
		cmocka_unit_test_setup(set_to_nothing_is_unset, setup),
		cmocka_unit_test_setup(the_command_line_is_checked, setup),
		cmocka_unit_test_setup(job_variables_come_sorted_and_without_their_prefix, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
