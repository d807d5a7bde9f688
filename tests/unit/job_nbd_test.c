#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/job_deployment.h"

static void sizes_are_bytes_or_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t size;
	} rows[] = {
		{"1", 1},
		{"512B", 512},
		{"42k", 42 * 1024},
		{"42kiB", 42 * 1024},
		{"42KiB", 42 * 1024},
		{"42kB", 42 * 1000},
		{"42 kB", 42 * 1000},
		{"3M", 3 * 1024 * 1024},
		{"3Mi", 3 * 1024 * 1024},
		{"2G", INT64_C(2) << 30},
		{"2GB", INT64_C(2000000000)},
		{"7T", INT64_C(7) << 40},
		{"8P", INT64_C(1) << 53},
		{"9007199254740992", INT64_C(1) << 53},
		{"", -1},
		{"0", -1},
		{"0G", -1},
		{"k", -1},
		{"-1", -1},
		{"1.5G", -1},
		{"1e3", -1},
		{"42kb", -1},
		{"42KIB", -1},
		{"42kiBs", -1},
		{"42  kB", -1},
		{"42 k B", -1},
		{"0x10", -1},
		{"9P", -1},
		{"1E", -1},
		{"9007199254740993", -1},
		{"99999999999999999999999999", -1},
		{"18446744073709551617", -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (job_nbd_size(rows[i].text, strlen(rows[i].text)) != rows[i].size)
			fail_msg("'%s' is %lld", rows[i].text, (long long)job_nbd_size(rows[i].text, strlen(rows[i].text)));
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

static void a_device_has_defaults_and_continue_replaces_it_by_its_name(void **state)
{
	struct job job = good(HEAD
			      "deployment:\n"
			      "  start: {storage: {nbd: {root: {url: 'http://x/disk'}, swap: {size: 42k}}}}\n"
			      "  continue: {storage: {nbd: {swap: {size: 42kB, readonly: true, max_connections: 1}, more: {size: 1}}}}\n");
	const struct job_nbd *root = &job.start.nbds.v[0], *swap = &job.start.nbds.v[1];

	assert_int_equal(job.start.nbds.n, 2);
	assert_string_equal(root->name, "root");
	assert_string_equal(root->artifact.url, "http://x/disk");
	assert_string_equal(root->where, "deployment.start.storage.nbd.root");
	assert_int_equal(root->size, 0);
	assert_int_equal(root->max_connections, 4);
	assert_false(root->readonly);
	assert_null(swap->artifact.url);
	assert_int_equal(swap->size, 42 * 1024);
	assert_int_equal(job.next.nbds.n, 3);
	assert_string_equal(job.next.nbds.v[0].artifact.url, "http://x/disk");
	assert_string_equal(job.next.nbds.v[1].name, "swap");
	assert_int_equal(job.next.nbds.v[1].size, 42000);
	assert_true(job.next.nbds.v[1].readonly);
	assert_int_equal(job.next.nbds.v[1].max_connections, 1);
	assert_string_equal(job.next.nbds.v[2].name, "more");
	job_finish(&job);
}

static void a_device_takes_the_formats_of_any_artifact(void **state)
{
	struct job job = good(HEAD
			      "deployment: {start: {storage: {nbd: {root: {url: 'http://x/a.tar', format: {archive: {match: disk}}}}}}}\n");

	assert_int_equal(job.start.nbds.v[0].artifact.n_steps, 1);
	assert_string_equal(job.start.nbds.v[0].artifact.steps[0].match, "disk");
	job_finish(&job);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
#define NBD    HEAD "deployment: {start: {storage: {nbd: "
#define DEVICE "job:4:41: deployment.start.storage.nbd.x"
	static const struct {
		const char *text, *error;
	} rows[] = {
		{NBD "[]}}}\n", "job:4:37: deployment.start.storage.nbd: a list is not a mapping of network block devices; accepted: NAME: "
				"{url or size, format, readonly, max_connections}"},
		{NBD "{x: {}}}}}\n", DEVICE ": neither 'url' nor 'size' is given; accepted: exactly one"},
		{NBD "{x: {url: 'http://x', size: 1}}}}}\n", DEVICE ": both 'url' and 'size' are given; accepted: exactly one"},
		{NBD "{x: {size: 1, format: {uboot: {}}}}}}}\n", DEVICE ": 'format' is given, but nothing to be formatted: no 'url'"},
		{NBD "{x: 42k}}}}\n", DEVICE ": '42k' is not a network block device; accepted: a mapping"},
		{NBD "{x: {sise: 42k}}}}}\n",
		 "job:4:42: deployment.start.storage.nbd.x: 'sise' is not a field of a network block device; did you mean 'size'? "
		 "Accepted: url, format, size, readonly, max_connections"},
		{NBD "{x: {size: some}}}}}\n", "job:4:48: deployment.start.storage.nbd.x.size: 'some' is not a size; accepted: bytes from "
					       "1 to 2^53, as 512, 42k or 42kiB "
					       "(of 1024), 42kB (of 1000), 10M, 2G"},
		{NBD "{x: {url: 'file:///etc/passwd'}}}}}\n", "job:4:47: deployment.start.storage.nbd.x.url: 'file:///etc/passwd' is not a "
							      "URL that can be fetched; accepted: http:// and "
							      "https://"},
		{NBD "{x: {size: 1, readonly: maybe}}}}}\n", "job:4:61: deployment.start.storage.nbd.x.readonly: 'maybe' is not a boolean; "
							     "accepted: true, false, True, False, yes, no"},
		{NBD "{x: {size: 1, max_connections: 0}}}}}\n",
		 "job:4:68: deployment.start.storage.nbd.x.max_connections: '0' is not a number of connections; accepted: 1 to 64"},
		{NBD "{x: {size: 1, max_connections: 65}}}}}\n",
		 "job:4:68: deployment.start.storage.nbd.x.max_connections: '65' is not a number of connections; accepted: 1 to 64"},
		{NBD "{'a/b': {size: 1}}}}}\n", "job:4:38: deployment.start.storage.nbd.'a/b': 'a/b' is not a name of a device; accepted: "
						"letters, digits, _ and -, up to 64"},
		{NBD "{a: {size: 1}, b: {size: 1}, c: {size: 1}, d: {size: 1}, e: {size: 1}, f: {size: 1}, g: {size: 1}, h: {size: 1}, "
		     "i: {size: 1}, j: {size: 1}, k: {size: 1}, l: {size: 1}, m: {size: 1}, n: {size: 1}, o: {size: 1}, p: {size: 1}, "
		     "q: {size: 1}}}}}\n",
		 "job:4:37: deployment.start.storage.nbd: too many network block devices; accepted: up to 16"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct job job;
		struct gw_errors errs = {0};

		if (job_decode(&job, rows[i].text, strlen(rows[i].text), &(struct job_options){0}, &errs))
			fail_msg("accepted: %s", rows[i].text);
		assert_string_equal(errs.v[0].text, rows[i].error);
		gw_errors_finish(&errs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_bytes_or_have_a_unit),
		cmocka_unit_test(a_device_has_defaults_and_continue_replaces_it_by_its_name),
		cmocka_unit_test(a_device_takes_the_formats_of_any_artifact),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
