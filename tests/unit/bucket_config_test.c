#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bucketd/config.h"

static bool decode(struct bucketd_config *config, const char *text, struct gw_error *err)
{
	return bucketd_config_decode(config, "bucketd.yml", text, strlen(text), "minioadmin", err);
}

static void users_groups_and_buckets_are_read(void **state)
{
	static const char text[] = "users:\n  alice: {secret: correct-horse}\n  bob: {secret: '12345678'}\n  carol: {secret: 12345678}\n"
				   "groups:\n  mesa: {users: [alice, bob], buckets: {mesa-traces: read, mesa-results: write}}\n  empty:\n"
				   "buckets:\n  mesa-traces:\n  images: {public: true}\n  boot: {public: false}\n";
	struct bucketd_config config;
	struct gw_error err = {0};

	if (!decode(&config, text, &err))
		fail_msg("%s", err.text);
	assert_int_equal(config.n_users, 3);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].secret, "correct-horse");
	assert_string_equal(config.users[2].secret, "12345678");
	assert_int_equal(config.n_groups, 2);
	assert_string_equal(config.groups[0].name, "mesa");
	assert_int_equal(config.groups[0].n_users, 2);
	assert_string_equal(config.groups[0].users[1], "bob");
	assert_int_equal(config.groups[0].n_grants, 2);
	assert_string_equal(config.groups[0].grants[0].bucket, "mesa-traces");
	assert_false(config.groups[0].grants[0].write);
	assert_true(config.groups[0].grants[1].write);
	assert_int_equal(config.groups[1].n_users, 0);
	assert_int_equal(config.n_buckets, 3);
	assert_string_equal(config.buckets[1].name, "images");
	assert_false(config.buckets[0].is_public);
	assert_true(config.buckets[1].is_public);
	assert_false(config.buckets[2].is_public);
	bucketd_config_finish(&config);
}

static void the_bucket_boot_is_there_for_all_whatever_the_file_says(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "users:\ngroups:\nbuckets:\n", "{}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct bucketd_config config;
		struct gw_error err = {0};

		assert_true(decode(&config, texts[i], &err));
		assert_int_equal(config.n_users + config.n_groups, 0);
		assert_int_equal(config.n_buckets, 1);
		assert_string_equal(config.buckets[0].name, "boot");
		assert_true(config.buckets[0].is_public);
		bucketd_config_finish(&config);
	}
}

#define NO_USER_NAME "accepted: 1 to 64 letters, digits and . _ -, without -client or -dut at the end, and not the administrator's"

static const struct {
	const char *text, *error;
} wrong[] = {
	{"[]\n", "bucketd.yml:1:1: this is not a mapping; accepted: users, groups, buckets"},
	{"user: {}\n", "bucketd.yml:1:1: user: it is not a field here; accepted: users, groups, buckets"},
	{"users: [alice]\n", "bucketd.yml:1:8: users: this is not a mapping of users; accepted: NAME: {secret: ...} each"},
	{"users:\n  alice: correct-horse\n", "bucketd.yml:2:10: users.alice: this is not a user; accepted: {secret: ...}"},
	{"users:\n  alice:\n", "bucketd.yml:2:9: users.alice: its secret is missing; accepted: {secret: ...}"},
	{"users:\n  alice: {}\n", "bucketd.yml:2:10: users.alice: its secret is missing; accepted: {secret: ...}"},
	{"users:\n  alice: {secret: short}\n",
	 "bucketd.yml:2:19: users.alice.secret: this is not a secret; accepted: 8 to 128 printable ASCII characters without blanks"},
	{"users:\n  alice: {secret: correct horse}\n",
	 "bucketd.yml:2:19: users.alice.secret: this is not a secret; accepted: 8 to 128 printable ASCII characters without blanks"},
	{"users:\n  alice: {secret: caf\xc3\xa9-caf\xc3\xa9}\n",
	 "bucketd.yml:2:19: users.alice.secret: this is not a secret; accepted: 8 to 128 printable ASCII characters without blanks"},
	{"users:\n  alice: {secret: correct-horse, admin: true}\n",
	 "bucketd.yml:2:34: users.alice: a field in it is not known; accepted: secret"},
	{"users:\n  job-1-client: {secret: correct-horse}\n",
	 "bucketd.yml:2:3: users.job-1-client: it is no name for a user; " NO_USER_NAME},
	{"users:\n  job-1-dut: {secret: correct-horse}\n", "bucketd.yml:2:3: users.job-1-dut: it is no name for a user; " NO_USER_NAME},
	{"users:\n  minioadmin: {secret: correct-horse}\n", "bucketd.yml:2:3: users.minioadmin: it is no name for a user; " NO_USER_NAME},
	{"users:\n  al/ice: {secret: correct-horse}\n", "bucketd.yml:2:3: users.'al/ice': it is no name for a user; " NO_USER_NAME},
	{"groups: mesa\n", "bucketd.yml:1:9: groups: this is not a mapping of groups; accepted: NAME: {users: [...], buckets: {...}} each"},
	{"groups:\n  mesa: [alice]\n", "bucketd.yml:2:9: groups.mesa: this is not a group; accepted: {users: [...], buckets: {...}}"},
	{"groups:\n  mesa: {user: [alice]}\n",
	 "bucketd.yml:2:10: groups.mesa.user: it is not a field of a group; accepted: users, buckets"},
	{"groups:\n  me sa: {}\n",
	 "bucketd.yml:2:3: groups.'me sa': it is no name for a group; accepted: 1 to 64 letters, digits and . _ -"},
	{"groups:\n  mesa: {users: [alice]}\n",
	 "bucketd.yml:2:18: groups.mesa.users[0]: this is not a user; accepted: names that are in `users`"},
	{"groups:\n  mesa: {users: alice}\n",
	 "bucketd.yml:2:17: groups.mesa.users: this is not a list of users; accepted: names that are in `users`"},
	{"groups:\n  mesa: {buckets: [traces]}\n",
	 "bucketd.yml:2:19: groups.mesa.buckets: this is not a mapping of buckets; accepted: BUCKET: read, or BUCKET: write, each"},
	{"groups:\n  mesa: {buckets: {traces: all}}\n",
	 "bucketd.yml:2:28: groups.mesa.buckets.traces: this is not what a group may do; accepted: read, write (which includes read)"},
	{"groups:\n  mesa: {buckets: {Traces: read}}\n",
	 "bucketd.yml:2:20: groups.mesa.buckets.Traces: it is no name for a bucket; accepted: 3 to 63 of a-z 0-9 . -, as S3 has it"},
	{"buckets: [boot]\n",
	 "bucketd.yml:1:10: buckets: this is not a mapping of buckets; accepted: NAME: {public: true}, or NAME: {}, each"},
	{"buckets:\n  boot: public\n",
	 "bucketd.yml:2:9: buckets.boot: this is not a bucket; accepted: {public: true}, {public: false}, {}"},
	{"buckets:\n  boot: {public: maybe}\n",
	 "bucketd.yml:2:18: buckets.boot.public: this does not say whether all may read; accepted: true, false"},
	{"buckets:\n  boot: {private: true}\n", "bucketd.yml:2:10: buckets.boot.private: it is not a field of a bucket; accepted: public"},
	{"buckets:\n  a..b: {}\n",
	 "bucketd.yml:2:3: buckets.'a..b': it is no name for a bucket; accepted: 3 to 63 of a-z 0-9 . -, as S3 has it"},
	{"buckets:\n  boot: {}\n  boot: {}\n", "bucketd.yml:3:3: '...' is there already, at line 2; a key can be given once"},
	{"users:\n  alice: {secret: short}\ngroups:\n  mesa: {users: [bob]}\n",
	 "bucketd.yml:2:19: users.alice.secret: this is not a secret; accepted: 8 to 128 printable ASCII characters without blanks "
	 "(and 1 more)"},
};

static void what_is_wrong_is_named_with_its_place(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct bucketd_config config;
		struct gw_error err = {0};

		assert_false(decode(&config, wrong[i].text, &err));
		assert_string_equal(err.text, wrong[i].error);
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_int_equal(config.n_users + config.n_groups + config.n_buckets, 0);
	}
}

/* However it is written: too short, as a key, as YAML's own signs, cut off. */
static void promise_38_no_error_shows_a_secret(void **state)
{
	static const char *const texts[] = {
		"users:\n  alice: {secret: 'canary hunter2'}\n",
		"users:\n  alice: {canary-hunter2}\n",
		"users:\n  alice: canary-hunter2\n",
		"users:\n  alice: [canary-hunter2]\n",
		"users:\n  alice: {secret: !canary-hunter2}\n",
		"users:\n  alice: {secret: *canary-hunter2}\n",
		"users:\n  alice: {secret: !!canary-hunter2 x}\n",
		"users:\n  alice: {secret: !c!canary-hunter2 x}\n",
		"users:\n  alice: {secret: \"canary-hunter2}\n",
		"users:\n  alice: {secret: canary-hunter2, canary-hunter2: 1}\n",
		"users:\n  alice: {secret: 'canary-hunter2'x}\n",
		"users:\n  alice: {secret: \"canary-hunter2\\q\"}\n",
		"users:\n  alice: {secret: &canary-hunter2 x}\n",
		"users:\n  alice: {x: 1, canary-hunter2: 1, canary-hunter2: 2}\n",
		"users:\n  alice: {secret: {canary-hunter2: x}}\n",
		"users:\n  alice:\n    secret: |canary-hunter2\n",
		"users:\n  alice: {secret: @canary-hunter2}\n",
		"users:\n  alice: {secret: %canary-hunter2}\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct bucketd_config config;
		struct gw_error err = {0};

		if (decode(&config, texts[i], &err))
			fail_msg("accepted: %s", texts[i]);
		if (strstr(err.text, "hunter2"))
			fail_msg("%s", err.text);
	}
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **state)
{
	char *text = malloc((1 << 20) + 1);
	struct bucketd_config config;
	struct gw_error err = {0};

	memset(text, '#', (1 << 20) + 1);
	assert_true(bucketd_config_decode(&config, "bucketd.yml", text, 1 << 20, NULL, &err));
	bucketd_config_finish(&config);
	assert_false(bucketd_config_decode(&config, "bucketd.yml", text, (1 << 20) + 1, NULL, &err));
	assert_string_equal(err.text, "bucketd.yml: 1048577 bytes are too many; accepted: up to 1048576");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_groups_and_buckets_are_read),
		cmocka_unit_test(the_bucket_boot_is_there_for_all_whatever_the_file_says),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
		cmocka_unit_test(promise_38_no_error_shows_a_secret),
		cmocka_unit_test(a_file_of_more_than_a_mebibyte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
