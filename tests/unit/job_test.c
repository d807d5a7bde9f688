#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/job.h"

#define REST "console_patterns: {}\ndeployment: {start: {}}\n"
#define HEAD "target: {tags: []}\n"

static bool decode(struct job *job, const char *text, struct gw_errors *errs)
{
	return job_decode(job, text, strlen(text), &(struct job_options){.wall_now = 1700000000}, errs);
}

static struct job good(const char *text, const struct job_options *options)
{
	struct gw_errors errs = {0};
	struct job job;

	if (!job_decode(&job, text, strlen(text), options, &errs))
		fail_msg("%s", errs.v[0].text);
	gw_errors_finish(&errs);
	return job;
}

static void the_least_job_has_all_defaults(void **state)
{
	struct job job = good(HEAD REST, &(struct job_options){.default_unfit_regex = "unfit"});

	assert_true(job.has_target);
	assert_int_equal(job.n_target_tags, 0);
	assert_null(job.target_id);
	assert_int_equal(job.timeouts[JOB_OVERALL].ms, 6 * 3600 * 1000);
	assert_int_equal(job.timeouts[JOB_INFRA_SETUP].ms, 90 * 60 * 1000);
	assert_int_equal(job.timeouts[JOB_INFRA_TEARDOWN].ms, 90 * 60 * 1000);
	for (int i = JOB_BOOT_CYCLE; i < JOB_TIMEOUTS; i++) {
		assert_int_equal(job.timeouts[i].ms, -1);
		assert_false(job.timeouts[i].given);
	}
	assert_string_equal(job.patterns[JOB_SESSION_END], "^\\[[\\d \\.]{12}\\] reboot: Power [Dd]own\\r?$");
	assert_string_equal(job.patterns[JOB_UNFIT], "unfit");
	assert_null(job.patterns[JOB_SUCCESS]);
	assert_null(job.start.kernel);
	assert_string_equal(job.rendered, HEAD REST);
	job_finish(&job);
}

static void timeouts_add_up(void **state)
{
	struct job job = good(HEAD REST "timeouts:\n"
					"  overall: {days: 1, hours: 1, minutes: 1, seconds: 1.5, milliseconds: 250}\n"
					"  infra_setup: {seconds: 5, retries: 2}\n"
					"  boot_cycle: {retries: 3}\n"
					"  first_console_activity: {minutes: 0}\n"
					"  firmware_boot: {retries: 7}\n"
					"  console_activity: null\n",
			      &(struct job_options){.firmware_boot_time = 20});

	assert_int_equal(job.timeouts[JOB_OVERALL].ms, 86400000 + 3600000 + 60000 + 1500 + 250);
	assert_int_equal(job.timeouts[JOB_INFRA_SETUP].ms, 5000);
	assert_int_equal(job.timeouts[JOB_INFRA_SETUP].retries, 2);
	assert_int_equal(job.timeouts[JOB_INFRA_TEARDOWN].ms, (86400000 + 3600000 + 60000 + 1500 + 250) / 4);
	assert_int_equal(job.timeouts[JOB_BOOT_CYCLE].ms, -1); /* never fires, but counts reboots */
	assert_int_equal(job.timeouts[JOB_BOOT_CYCLE].retries, 3);
	assert_int_equal(job.timeouts[JOB_FIRST_CONSOLE_ACTIVITY].ms, 0);
	assert_int_equal(job.timeouts[JOB_FIRMWARE_BOOT].ms, 50000); /* learnt: 2.5 times 20 s */
	assert_int_equal(job.timeouts[JOB_FIRMWARE_BOOT].retries, 7);
	assert_int_equal(job.timeouts[JOB_CONSOLE_ACTIVITY].ms, -1);
	job_finish(&job);
}

static void a_learnt_firmware_boot_time_gives_a_timeout(void **state)
{
	static const struct {
		double learnt;
		int ms, retries;
	} rows[] = {{0, -1, 0}, {0.5, 5000, 3}, {2, 5000, 3}, {10, 25000, 3}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job job = good(HEAD REST, &(struct job_options){.firmware_boot_time = rows[i].learnt});

		assert_int_equal(job.timeouts[JOB_FIRMWARE_BOOT].ms, rows[i].ms);
		assert_int_equal(job.timeouts[JOB_FIRMWARE_BOOT].retries, rows[i].retries);
		assert_false(job.timeouts[JOB_FIRMWARE_BOOT].given);
		job_finish(&job);
	}
}

static void only_watchdogs_with_a_timeout_are_kept(void **state)
{
	struct job job = good(HEAD "console_patterns:\n"
				   "  job_success: {regex: \"ok\\r\"}\n"
				   "  watchdogs:\n"
				   "    timed: {start: {regex: a}, reset: {regex: b}, stop: {regex: c}}\n"
				   "    untimed: {start: {regex: a}, reset: {regex: b}, stop: {regex: c}}\n"
				   "timeouts: {watchdogs: {lonely: {seconds: 1}, timed: {seconds: 2, retries: 1}}}\n"
				   "deployment: {start: {}}\n",
			      &(struct job_options){0});

	assert_int_equal(job.n_watchdogs, 1);
	assert_string_equal(job.watchdogs[0].name, "timed");
	assert_string_equal(job.watchdogs[0].reset, "b");
	assert_int_equal(job.watchdogs[0].timeout.ms, 2000);
	assert_int_equal(job.watchdogs[0].timeout.retries, 1);
	assert_string_equal(job.patterns[JOB_SUCCESS], "ok\r");
	job_finish(&job);
}

static const char deployed[] = HEAD "console_patterns: {session_end: {regex: x}}\n"
				    "deployment:\n"
				    "  start:\n"
				    "    kernel: {url: http://x/kernel, cmdline: [a, \"b=c d\", 1]}\n"
				    "    initramfs:\n"
				    "      zeta: {url: http://x/z}\n"
				    "      alpha: [{data: first}, {data: \"se\\0cond\"}]\n"
				    "      :uncategorised: [{url: http://x/u}]\n"
				    "    dtb: {url: http://x/dtb}\n"
				    "    storage:\n"
				    "      http:\n"
				    "        named: [{path: /file, data: named}]\n"
				    "        :uncategorised:\n"
				    "        - {path: /file, data: first}\n"
				    "        - {path: '/pool/(\\w+)/(?P<f>.*)', url: 'http://x/\\1?f=\\g<f>'}\n"
				    "      tftp: {path: /t, data: t}\n"
				    "    dhcp:\n"
				    "    - match: {architecture: x86_64, firmware: uefi, protocol: tftp, vendor_class: 'PXE.*'}\n"
				    "      options: {bootfile: a.efi, 6: [1.1.1.1, 2.2.2.2], 254: x}\n"
				    "  continue:\n"
				    "    kernel: {cmdline: resumed}\n"
				    "    initramfs:\n"
				    "      alpha: {data: changed}\n"
				    "    dtb: []\n";

static void assert_artifacts(const struct job_artifacts *list, const char *expected)
{
	char seen[500] = "";

	for (size_t i = 0; i < list->n; i++)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s %s %s\n", list->v[i].category,
			 list->v[i].url ? list->v[i].url : list->v[i].data, list->v[i].where);
	assert_string_equal(seen, expected);
}

static void continue_is_start_updated_category_by_category(void **state)
{
	struct job job = good(deployed, &(struct job_options){0});
	const struct job_deployment *first = job_deployment(&job, 1), *second = job_deployment(&job, 2);

	assert_string_equal(first->kernel->url, "http://x/kernel");
	assert_string_equal(first->kernel->where, "deployment.start.kernel");
	assert_string_equal(first->cmdline, "a b=c d 1");
	assert_artifacts(&first->initramfs, "alpha first deployment.start.initramfs.alpha[0]\n"
					    "alpha se deployment.start.initramfs.alpha[1]\n"
					    "zeta http://x/z deployment.start.initramfs.zeta\n"
					    ":uncategorised http://x/u deployment.start.initramfs.':uncategorised'[0]\n");
	assert_int_equal(first->initramfs.v[1].data_len, 7);
	assert_int_equal(first->dtb.n, 1);
	assert_int_equal(first->tftp.n, 1);
	assert_string_equal(second->kernel->url, "http://x/kernel");
	assert_string_equal(second->cmdline, "resumed");
	assert_artifacts(&second->initramfs, "alpha changed deployment.continue.initramfs.alpha\n"
					     "zeta http://x/z deployment.start.initramfs.zeta\n"
					     ":uncategorised http://x/u deployment.start.initramfs.':uncategorised'[0]\n");
	assert_int_equal(second->dtb.n, 0);
	assert_int_equal(second->http.n, 3);
	assert_ptr_equal(job_deployment(&job, 3), second);
	job_finish(&job);
}

static void dhcp_entries_have_matches_and_options(void **state)
{
	struct job job = good(deployed, &(struct job_options){0});
	const struct job_dhcp *dhcp = job.next.dhcp;

	assert_int_equal(job.next.n_dhcp, 1);
	assert_string_equal(dhcp->match[JOB_DHCP_ARCHITECTURE], "x86_64");
	assert_string_equal(dhcp->match[JOB_DHCP_FIRMWARE], "uefi");
	assert_string_equal(dhcp->match[JOB_DHCP_PROTOCOL], "tftp");
	assert_string_equal(dhcp->match[JOB_DHCP_VENDOR], "PXE.*");
	assert_null(dhcp->match[JOB_DHCP_MAC]);
	assert_int_equal(dhcp->n_options, 3);
	assert_int_equal(dhcp->options[0].code, 67);
	assert_string_equal(dhcp->options[1].value, "1.1.1.1,2.2.2.2");
	assert_int_equal(dhcp->options[2].code, 254);
	job_finish(&job);
}

static void a_path_finds_the_first_entry_that_matches_it_whole(void **state)
{
	static const struct {
		const char *path, *data, *url;
	} rows[] = {
		{"/file", "first", NULL}, /* uncategorised comes first */
		{"/pool/main/a/b", NULL, "http://x/main?f=a/b"},
		{"x/pool/main/a", NULL, NULL},
		{"/pool/main", NULL, NULL},
		{"/file2", NULL, NULL},
	};
	struct job job = good(deployed, &(struct job_options){0});

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err = {0};
		char *url, expected[100];
		const struct job_artifact *artifact = job_storage_match(&job.start.http, rows[i].path, &url, &err);

		if (rows[i].url)
			assert_string_equal(url, rows[i].url);
		else if (rows[i].data)
			assert_string_equal(artifact->data, rows[i].data);
		else {
			assert_null(artifact);
			snprintf(expected, sizeof(expected), "no storage entry of this job answers '%s'", rows[i].path);
			assert_string_equal(err.text, expected);
		}
		free(url);
	}
	job_finish(&job);
}

static void a_path_that_takes_too_long_is_an_error(void **state)
{
	struct job job = good(HEAD "console_patterns: {}\ndeployment: {start: {storage: {http: {path: '/(a+)+[bc]', data: x}}}}\n",
			      &(struct job_options){0});
	struct gw_error err = {0};
	char *url;

	assert_null(job_storage_match(&job.start.http, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &url, &err));
	assert_string_equal(err.text,
			    "deployment.start.storage.http: '/(a+)+[bc]' takes too many steps on 43 bytes; accepted: regexes that "
			    "need few");
	job_finish(&job);
}

static void one_error_each(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "job:1:1: it is empty; accepted: a job description"},
		{"[]\n", "job:1:1: a list is not a job; accepted: a mapping"},
		{REST, "job:1:1: 'target' is missing; a job needs it"},
		{HEAD "deployment: {start: {}}\n", "job:1:1: 'console_patterns' is missing; a job needs it"},
		{HEAD "console_patterns: {}\n", "job:1:1: 'deployment' is missing; a job needs it"},
		{HEAD REST "timeout: {}\n", "job:4:1: 'timeout' is not a field of a job; did you mean 'timeouts'? Accepted: version, "
					    "target, deadline, proxy, timeouts, "
					    "console_patterns, deployment"},
		{HEAD REST "wibble: {}\n",
		 "job:4:1: 'wibble' is not a field of a job; accepted: version, target, deadline, proxy, timeouts, "
		 "console_patterns, deployment"},
		{HEAD REST "version: 2\n", "job:4:10: version: '2' is not a version of job descriptions; accepted: 1"},
		{HEAD HEAD REST, "job:2:1: 'target' is there already, at line 1; a key can be given once"},
		{"target: {}\n" REST,
		 "job:1:9: target: neither 'id' nor 'tags' is given; accepted: one of them or both, tags: [] being any machine"},
		{"target: {tags: a}\n" REST, "job:1:16: target.tags: 'a' is not a list; accepted: a list of tags; [] is any machine"},
		{"target: {tags: [[a]]}\n" REST, "job:1:17: target.tags[0]: a list is not a text; accepted: one text or number"},
		{HEAD REST "deadline: soon\n",
		 "job:4:11: deadline: 'soon' is not a date; accepted: ISO 8601 like 2024-12-31T23:59:59+00:00"},
		{HEAD REST "proxy: {allowed_endpoints: [x]}\n",
		 "job:4:28: proxy.allowed_endpoints: the proxy is not built yet; accepted: an empty list"},
		{HEAD REST "timeouts: {overall: {minutes: ten}}\n",
		 "job:4:31: timeouts.overall.minutes: 'ten' is not a duration; accepted: a number from 0 to what makes 366 days"},
		{HEAD REST "timeouts: {overall: {seconds: -1}}\n",
		 "job:4:31: timeouts.overall.seconds: '-1' is not a duration; accepted: a number from 0 to what makes 366 days"},
		{HEAD REST "timeouts: {overall: {days: 1e3}}\n",
		 "job:4:28: timeouts.overall.days: '1e3' is not a duration; accepted: a number from 0 to what makes 366 days"},
		{HEAD REST "timeouts: {overall: {retries: 1}}\n",
		 "job:4:21: timeouts.overall: retries: this timeout has none; leave them out"},
		{HEAD REST "timeouts: {boot_cycle: {retries: 1.5}}\n",
		 "job:4:34: timeouts.boot_cycle.retries: '1.5' is not a number of retries; accepted: 0 to 1000000"},
		{HEAD REST "timeouts: {boot_cycle: 5}\n", "job:4:24: timeouts.boot_cycle: '5' is not a timeout; accepted: a mapping"},
		{HEAD REST "timeouts: {bootcycle: {}}\n",
		 "job:4:12: timeouts: 'bootcycle' is not a field of timeouts; did you mean 'boot_cycle'? Accepted: overall, infra_setup, "
		 "infra_teardown, boot_cycle, console_activity, first_console_activity, firmware_boot, watchdogs"},
		{HEAD "console_patterns: {job_success: x}\ndeployment: {start: {}}\n",
		 "job:2:33: console_patterns.job_success: 'x' is not a pattern; accepted: a mapping"},
		{HEAD "console_patterns: {job_success: {}}\ndeployment: {start: {}}\n",
		 "job:2:33: console_patterns.job_success: 'regex' is missing; a pattern needs it"},
		{HEAD "console_patterns: {job_success: {regex: '('}}\ndeployment: {start: {}}\n",
		 "job:2:41: console_patterns.job_success.regex: '(' is not a regex: missing closing parenthesis, at offset 1"},
		{HEAD "console_patterns: {watchdogs: {a: {start: {regex: x}, stop: {regex: x}}}}\ndeployment: {start: {}}\n",
		 "job:2:35: console_patterns.watchdogs.a: 'reset' is missing; a watchdog needs it"},
		{HEAD "console_patterns: {}\ndeployment: {}\n", "job:3:13: deployment: 'start' is missing; a deployment needs it"},
		{HEAD "console_patterns: {}\ndeployment: {start: {fastboot: {x: 1}}}\n",
		 "job:3:32: deployment.start.fastboot: this is not built yet; leave it out"},
		{HEAD "console_patterns: {}\ndeployment: {start: {storage: {imagestore: {public: {}}}}}\n",
		 "job:3:53: deployment.start.storage.imagestore.public: 'images' is missing; an image store needs it"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {archive: {extension: cpio}}}}\n",
		 "job:3:43: deployment.start.initramfs.archive: 'add' is missing; an archive needs it"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {archive: {extension: cpio, add: {path: a, artifact: {data: "
		      "x}}, keep: {path: a}}}}}\n",
		 "job:3:98: deployment.start.initramfs.archive: 'keep' is not a field of an archive; accepted: extension, compression, "
		 "add"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {archive: {extension: cpio, add: []}, data: x}}}\n",
		 "job:3:33: deployment.start.initramfs: both 'data' and 'archive' are given; accepted: exactly one"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {archive: {extension: rar, add: []}}}}\n",
		 "job:3:55: deployment.start.initramfs.archive.extension: 'rar' is not an archive that can be made; did you mean 'tar'? "
		 "Accepted: cpio, tar, zip"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: [a]}}}\n",
		 "job:3:58: deployment.start.initramfs.format[0]: this is not a format; accepted: one mapping, {uboot: {...}} or {archive: "
		 "{...}}"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {zip: {}}}}}\n",
		 "job:3:58: deployment.start.initramfs.format: 'zip' is not a format; accepted: uboot, archive"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {uboot: {type: scripts}}}}}\n",
		 "job:3:72: deployment.start.initramfs.format.uboot.type: 'scripts' is not an image type of U-Boot's; did you mean "
		 "'script'? Accepted: script, kernel, kernel_noload, ramdisk, standalone, firmware, filesystem, flat_dt"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {compression: xz}}}}}\n",
		 "job:3:67: deployment.start.initramfs.format.archive: 'extension' is missing; accepted: cpio, tar, zip, or 'match', which "
		 "takes one file out"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {match: a, keep: {path: "
		      "b}}}}}}\n",
		 "job:3:67: deployment.start.initramfs.format.archive: 'match' takes one file out; accepted: it, or 'keep' and 'add'"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {match: (}}}}}\n",
		 "job:3:75: deployment.start.initramfs.format.archive.match: '(' is not a regex: missing closing parenthesis, at offset 1"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: zip, "
		      "compression: xz}}}}}\n",
		 "job:3:67: deployment.start.initramfs.format.archive: compression: a zip archive is compressed in itself; accepted: none"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: tar, add: "
		      "{path: a/../b, artifact: {data: x}}}}}}}\n",
		 "job:3:96: deployment.start.initramfs.format.archive.add.path: 'a/../b' is not a path in an archive; accepted: the name "
		 "of a file, with folders in front of it but no .."},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: tar, add: "
		      "{path: /, artifact: {data: x}}}}}}}\n",
		 "job:3:96: deployment.start.initramfs.format.archive.add.path: '/' is not a path in an archive; accepted: the name of a "
		 "file, with folders in front of it but no .."},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: tar, add: "
		      "{path: a, artifact: {}}}}}}}\n",
		 "job:3:109: deployment.start.initramfs.format.archive.add.artifact: none of 'url', 'data' and 'archive' is given; "
		 "accepted: exactly one"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: tar, add: "
		      "{path: a, mode: 644, artifact: {data: x}}}}}}}\n",
		 "job:3:105: deployment.start.initramfs.format.archive.add.mode: '644' is not a regular file's mode; accepted: octal, as "
		 "0100644 or 0755"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, format: {archive: {extension: tar, add: "
		      "{path: a, mode: 0120777, artifact: {data: x}}}}}}}\n",
		 "job:3:105: deployment.start.initramfs.format.archive.add.mode: '0120777' is not a regular file's mode; accepted: octal, "
		 "as 0100644 or 0755"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {url: http://x, data: a}}}\n",
		 "job:3:33: deployment.start.initramfs: both 'url' and 'data' are given; accepted: exactly one"},
		{HEAD "console_patterns: {}\ndeployment: {start: {storage: {http: [{path: /x}]}}}\n",
		 "job:3:39: deployment.start.storage.http[0]: none of 'url', 'data' and 'archive' is given; accepted: exactly one"},
		{HEAD "console_patterns: {}\ndeployment: {start: {storage: {tftp: [{data: x}]}}}\n",
		 "job:3:39: deployment.start.storage.tftp[0]: 'path' is missing; a stored artifact needs it"},
		{HEAD "console_patterns: {}\ndeployment: {start: {storage: {tftp: {path: x, data: x}}}}\n",
		 "job:3:45: deployment.start.storage.tftp.path: 'x' is not an absolute path; accepted: what begins with /"},
		{HEAD "console_patterns: {}\ndeployment: {start: {storage: {tftp: {path: /_/job/x, data: x}}}}\n",
		 "job:3:45: deployment.start.storage.tftp.path: '/_/job/x' is not a path of yours; accepted: any but /_/..., which is the "
		 "gateway's"},
		{HEAD "console_patterns: {}\ndeployment: {start: {kernel: {url: file:///etc/passwd}}}\n",
		 "job:3:36: deployment.start.kernel.url: 'file:///etc/passwd' is not a URL that can be fetched; accepted: http:// and "
		 "https://"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: x}}\n",
		 "job:3:33: deployment.start.initramfs: 'x' is not an artifact; accepted: a mapping, a list of them, or a mapping of "
		 "categories "
		 "to lists of them"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {ur: http://x}}}\n",
		 "job:3:34: deployment.start.initramfs: 'ur' is not a field of an artifact; did you mean 'url'? Accepted: url, data, "
		 "archive, format"},
		{HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {a: [{ulr: http://x}]}}}\n",
		 "job:3:39: deployment.start.initramfs.a[0]: 'ulr' is not a field of an artifact; did you mean 'url'? Accepted: url, data, "
		 "archive, format"},
		{HEAD "console_patterns: {}\ndeployment: {start: {dhcp: {match: {architecture: x86_46}}}}\n",
		 "job:3:51: deployment.start.dhcp.match.architecture: 'x86_46' is not an architecture; did you mean 'x86_64'? Accepted: "
		 "x86, "
		 "x86_64, arm32, arm64, riscv32, riscv64"},
		{HEAD "console_patterns: {}\ndeployment: {start: {dhcp: {options: {0: x}}}}\n",
		 "job:3:39: deployment.start.dhcp.options: '0' is not a DHCP option; accepted: 1 to 254, or subnet_mask, router, "
		 "time_server, "
		 "name_server, domain_server, log_server, hostname, broadcast_address, ntp_servers, lease_time, dhcp_server, class_id, "
		 "client_id, tftp_server, bootfile, client_fqdn, uuid"},
		{HEAD "console_patterns: {}\ndeployment: {start: {dhcp: {options: {bootfile: x, 67: y}}}}\n",
		 "job:3:52: deployment.start.dhcp.options.67: option 67 is given twice, by its name and by its number"},
		{HEAD "console_patterns: {}\ndeployment: {start: {kernel: {cmdline: \"a\\0b\"}}}\n",
		 "job:3:40: deployment.start.kernel.cmdline: a character 0 is in it; accepted: a text without"},
		{HEAD "a: [\n", "job:3:1: this is not valid YAML: flow sequence without a closing bracket"},
		{HEAD "a: *x\n", "job:2:4: '*x' stands for nothing: no '&x' is before it"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_errors errs = {0};
		struct job job;

		assert_false(decode(&job, rows[i].text, &errs));
		if (errs.n != 1 || strcmp(errs.v[0].text, rows[i].error) != 0)
			fail_msg("%zu errors\nseen:     %s\nexpected: %s", errs.n, errs.v[0].text, rows[i].error);
		gw_errors_finish(&errs);
	}
}

static void an_artifact_may_be_made_of_nothing_and_converted(void **state)
{
	struct job job = good(
		HEAD "console_patterns: {}\ndeployment:\n  start:\n    kernel:\n      url: http://x/deb\n"
		     "      format: [{archive: {match: 'boot/vmlinuz-.*'}}, {uboot: {architecture: arm, type: kernel}}]\n"
		     "    initramfs:\n      format: {uboot: }\n      archive:\n        extension: cpio\n        compression: xz\n"
		     "        add:\n          - {path: /init, mode: 0755, artifact: {url: http://x/init}}\n"
		     "          - {path: etc/motd, mode: 33152, artifact: {data: hi, format: {uboot: {}}}}\n"
		     "    dtb: {url: http://x/t, format: {archive: {extension: tar, keep: [{path: '(.*)[.]dtb', rewrite: 'b/\\1'}]}}}\n",
		&(struct job_options){0});
	const struct job_artifact *kernel = job.next.kernel, *initramfs = &job.next.initramfs.v[0], *dtb = &job.next.dtb.v[0];

	assert_int_equal(kernel->n_steps, 2);
	assert_string_equal(kernel->steps[0].match, "boot/vmlinuz-.*");
	assert_null(kernel->steps[0].extension);
	assert_string_equal(kernel->steps[1].architecture, "arm");
	assert_string_equal(kernel->steps[1].os, "linux");
	assert_string_equal(kernel->steps[1].type, "kernel");
	assert_true(initramfs->made);
	assert_int_equal(initramfs->n_steps, 2);
	assert_int_equal(initramfs->steps[0].kind, JOB_STEP_ARCHIVE);
	assert_string_equal(initramfs->steps[0].compression, "xz");
	assert_int_equal(initramfs->steps[0].add[0].mode, 0100755);
	assert_string_equal(initramfs->steps[0].add[0].artifact->url, "http://x/init");
	assert_int_equal(initramfs->steps[0].add[1].mode, 0100600);
	assert_string_equal(initramfs->steps[0].add[1].artifact->where, "deployment.start.initramfs.archive.add[1].artifact");
	assert_int_equal(initramfs->steps[0].add[1].artifact->n_steps, 1);
	assert_int_equal(initramfs->steps[1].kind, JOB_STEP_UBOOT);
	assert_string_equal(initramfs->steps[1].type, "script");
	assert_string_equal(dtb->steps[0].keep[0].rewrite, "b/\\1");
	job_finish(&job);
}

static void all_errors_are_found_in_one_pass(void **state)
{
	static const char text[] = "target: {tags: 5}\n"
				   "console_pattern: {}\n"
				   "timeouts: {overall: {hour: 1}, boot_cycle: x}\n"
				   "deployment: {start: {kernel: {url: ftp://x}, initramfs: [1, {}]}}\n";
	static const char *const expected[] = {
		"job:1:16: target.tags: '5' is not a list; accepted: a list of tags; [] is any machine",
		"job:2:1: 'console_pattern' is not a field of a job; did you mean 'console_patterns'? Accepted: version, target, deadline, "
		"proxy, timeouts, console_patterns, deployment",
		"job:3:22: timeouts.overall: 'hour' is not a field of a timeout; did you mean 'hours'? Accepted: days, hours, minutes, "
		"seconds, "
		"milliseconds, retries",
		"job:3:44: timeouts.boot_cycle: 'x' is not a timeout; accepted: a mapping",
		"job:4:36: deployment.start.kernel.url: 'ftp://x' is not a URL that can be fetched; accepted: http:// and https://",
		"job:4:58: deployment.start.initramfs[0]: '1' is not an artifact; accepted: a mapping",
		"job:4:61: deployment.start.initramfs[1]: none of 'url', 'data' and 'archive' is given; accepted: exactly one",
		"job:1:1: 'console_patterns' is missing; a job needs it",
	};
	struct gw_errors errs = {0};
	struct job job;

	assert_false(decode(&job, text, &errs));
	assert_int_equal(errs.n, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < errs.n; i++)
		assert_string_equal(errs.v[i].text, expected[i]);
	gw_errors_finish(&errs);
}

static void deadlines_are_compared_with_the_clock(void **state)
{
	static const struct {
		const char *date;
		bool passed;
	} rows[] = {
		{"2023-11-14T22:13:21+00:00", false}, /* 1700000001 */
		{"2023-11-14T22:13:19Z", true},       {"2023-11-14 22:13:19.5", true}, {"2023-11-14T23:13:21.123456+01:00", false},
		{"2023-11-14T23:13:19+01:00", true},  {"2023-11-15", false},           {"2023-11-14", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];
		struct job job;

		snprintf(text, sizeof(text), HEAD REST "deadline: %s\n", rows[i].date);
		job = good(text, &(struct job_options){.wall_now = 1700000000});
		assert_string_equal(job.deadline, rows[i].date);
		assert_int_equal(job.deadline_passed, rows[i].passed);
		job_finish(&job);
	}
}

/* `n` copies of half a megabyte. */
static bool decode_aliases(struct job *job, int n, struct gw_errors *errs)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok;

	fprintf(out, HEAD "console_patterns: {}\ndeployment:\n  start:\n    initramfs:\n    - {data: &big \"%0500000d\"}\n", 0);
	for (int i = 0; i < n; i++)
		fprintf(out, "    - {data: *big}\n");
	fclose(out);
	ok = decode(job, text, errs);
	free(text);
	return ok;
}

/* libmars' tree has the bound: what it lets through is all that a job takes. */
static void bombs_of_aliases_are_refused(void **state)
{
	struct gw_errors errs = {0};
	struct job job;

	assert_true(decode_aliases(&job, 12, &errs));
	assert_int_equal(job.start.initramfs.n, 13);
	assert_int_equal(job.start.initramfs.v[12].data_len, 500000);
	job_finish(&job);
	assert_false(decode_aliases(&job, 13, &errs));
	assert_string_equal(errs.v[0].text, "job:19:14: aliases stand for too much; accepted: 100000 nodes in all, each 64 bytes of a text "
					    "counting as one");
	assert_int_equal(errs.n, 1);
	gw_errors_finish(&errs);
}

/* Each of a thousand items had a copy of its category's name, which was as long as the job, once: a gigabyte. */
static void the_name_of_a_category_is_short(void **state)
{
	struct gw_errors errs = {0};
	char text[5000];
	struct job job;

	snprintf(text, sizeof(text),
		 HEAD "console_patterns: {}\ndeployment:\n  start:\n    initramfs:\n      ? c%0119d\n      : [{data: x}]\n", 0);
	assert_true(decode(&job, text, &errs));
	assert_int_equal(strlen(job.start.initramfs.v[0].category), 120);
	job_finish(&job);
	snprintf(text, sizeof(text),
		 HEAD "console_patterns: {}\ndeployment:\n  start:\n    initramfs:\n      ? c%0120d\n      : [{data: x}]\n", 0);
	assert_false(decode(&job, text, &errs));
	assert_string_equal(errs.v[0].text, "job:6:9: deployment.start.initramfs: a name of 121 bytes is too long; accepted: up to 120");
	gw_errors_finish(&errs);
}

static void there_are_only_so_many_items(void **state)
{
	char *text = NULL;
	size_t size;
	struct gw_errors errs = {0};
	FILE *out = open_memstream(&text, &size);
	struct job job;

	fprintf(out, HEAD "console_patterns: {}\ndeployment: {start: {initramfs: {a: [&x {data: x}], b: [*x");
	for (int i = 0; i < 999; i++)
		fprintf(out, ", *x");
	fprintf(out, "]}}}\n");
	fclose(out);
	assert_false(decode(&job, text, &errs));
	assert_string_equal(errs.v[0].text, "job:3:56: deployment.start.initramfs.b: too many items; accepted: up to 1000");
	assert_int_equal(errs.n, 1);
	gw_errors_finish(&errs);
	free(text);
}

/* Of `text` with n letters for its `%s`. */
static void assert_too_long(const char *text, size_t n, const char *error)
{
	struct gw_errors errs = {0};
	const char *gap = strstr(text, "%s");
	char *letters = gw_calloc(n + 1, 1), *whole;
	struct job job;

	memset(letters, 'a', n);
	whole = gw_sprintf("%.*s%s%s", (int)(gap - text), text, letters, gap + 2);
	assert_false(decode(&job, whole, &errs));
	assert_string_equal(errs.v[0].text, error);
	assert_int_equal(errs.n, 1);
	gw_errors_finish(&errs);
	free(whole);
	free(letters);
}

/* Else it is the boot that fails, once the machine is off and all is fetched. */
static void what_no_message_could_carry_is_refused_at_its_place(void **state)
{
	assert_too_long("target: {id: %s}\n" REST, 257, "job:1:14: target.id: 257 bytes are too many; accepted: up to 256");
	assert_too_long("target: {tags: [%s]}\n" REST, 257, "job:1:16: target.tags: 257 bytes are too many; accepted: up to 256");
#define START HEAD "console_patterns: {}\ndeployment: {start: "
	assert_too_long(START "{kernel: {url: 'http://%s'}}}\n", 4090,
			"job:3:36: deployment.start.kernel.url: 4097 bytes are too many; accepted: up to 4096");
	assert_too_long(START "{storage: {http: {path: /%s, data: x}}}}\n", 1024,
			"job:3:45: deployment.start.storage.http.path: 1025 bytes are too many; accepted: up to 1024");
	assert_too_long(START "{dhcp: {match: {vendor_class: %s}}}}\n", 257,
			"job:3:51: deployment.start.dhcp.match.vendor_class: 257 bytes are too many; accepted: up to 256");
	assert_too_long(START "{initramfs: {archive: {extension: tar, add: {path: %s, artifact: {data: x}}}}}}\n", 4097,
			"job:3:72: deployment.start.initramfs.archive.add.path: 4097 bytes are too many; accepted: up to 4096");
	assert_too_long(START "{initramfs: {url: 'http://h', format: {archive: {extension: tar, keep: {path: a, rewrite: %s}}}}}}\n", 4097,
			"job:3:111: deployment.start.initramfs.format.archive.keep.rewrite: 4097 bytes are too many; accepted: up to 4096");
}

/* n entries of a list in `start`, and m in `continue`. */
static char *with_entries(const char *list, const char *entry, int n, int m)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, HEAD "console_patterns: {}\ndeployment: {start: {%s: {a: [", list);
	for (int i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", entry);
	fprintf(out, "]}}, continue: {%s: {b: [", list);
	for (int i = 0; i < m; i++)
		fprintf(out, "%s%s", i ? ", " : "", entry);
	fprintf(out, "]}}}\n");
	fclose(out);
	return text;
}

static void a_boot_has_only_so_many_items(void **state)
{
	static const struct {
		const char *list, *entry;
		int n, m;
		const char *error; /* NULL: none */
	} rows[] = {
		{"dhcp", "{options: {12: a}}", 256, 0, NULL},
		{"dhcp", "{options: {12: a}}", 257, 0, "job:3:28: deployment.start.dhcp: too many items; accepted: up to 256"},
		{"dhcp", "{options: {12: a}}", 200, 57,
		 "job:3:13: deployment: dhcp: 257 items of a boot are too many; accepted: up to 256"},
		{"initramfs", "{data: x}", 600, 400, NULL},
		{"initramfs", "{data: x}", 600, 401,
		 "job:3:13: deployment: initramfs: 1001 items of a boot are too many; accepted: up to 1000"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = with_entries(rows[i].list, rows[i].entry, rows[i].n, rows[i].m);
		struct gw_errors errs = {0};
		struct job job;

		assert_int_equal(decode(&job, text, &errs), rows[i].error == NULL);
		if (rows[i].error)
			assert_string_equal(errs.v[0].text, rows[i].error);
		else
			job_finish(&job);
		gw_errors_finish(&errs);
		free(text);
	}
}

static void a_command_line_is_bounded_once_it_is_rendered(void **state)
{
	struct job job = good(HEAD "console_patterns: {}\ndeployment: {start: {kernel: {data: k, cmdline: \"{{ 'a' * 20000 }}\"}}}\n",
			      &(struct job_options){0});
	struct value_pool pool;
	struct gw_error err = {0};
	char *cmdline = NULL;

	value_pool_init(&pool, 0);
	assert_false(job_cmdline(&job, 1, value_dict(&pool), &cmdline, &err));
	assert_null(cmdline);
	assert_string_equal(err.text, "cmdline: 20000 bytes, once rendered, are too many; accepted: up to 16384");
	value_pool_finish(&pool);
	job_finish(&job);
}

static void a_job_is_rendered_with_its_names(void **state)
{
	static const char text[] = "#!jinja2\ntarget: {id: {{ machine_id }}}\ndeployment: {start: {kernel: {url: \"{{ minio_url }}/k\"}}}\n"
				   "console_patterns: {}\n";
	struct gw_errors errs = {0};
	struct value_pool pool;
	struct job job;

	value_pool_init(&pool, 0);
	assert_true(job_load(&job, text, strlen(text), job_names_for_target(&pool, NULL), &(struct job_options){0}, &errs));
	assert_string_equal(job.target_id, "machine_id");
	assert_string_equal(job.start.kernel->url, "/k");
	job_finish(&job);
	assert_false(job_load(&job, "a\n{{ 1 +", 8, job_names_for_target(&pool, NULL), &(struct job_options){.where = "my.yml"}, &errs));
	assert_int_equal(strncmp(errs.v[0].text, "my.yml:2: ", 10), 0);
	gw_errors_finish(&errs);
	assert_false(job_load(&job, "a\nb\xff", 4, job_names_for_target(&pool, NULL), &(struct job_options){0}, &errs));
	assert_string_equal(errs.v[0].text, "job:2: byte 0xff is not valid here; accepted: UTF-8 without a character 0");
	gw_errors_finish(&errs);
	value_pool_finish(&pool);
}

static void a_command_line_is_a_template_on_one_line(void **state)
{
	struct job job = good(HEAD "console_patterns: {}\ndeployment:\n  start: {kernel: {url: http://x/k, cmdline: \"a={{ machine_id }}\\n"
				   "  u={{ job.deployment.kernel.url }} h={{ job.http.url }}{{ nothing.at.all }}\\n\"}}\n"
				   "  continue: {kernel: {cmdline: \"{{ 1/0 }}\"}}\n",
			      &(struct job_options){0});
	struct gw_error err = {0};
	struct value_pool pool;
	struct value *names, *dict, *http;
	char *cmdline;

	value_pool_init(&pool, 0);
	names = value_dict(&pool);
	dict = value_dict(&pool);
	http = value_dict(&pool);
	value_set(&pool, http, "url", value_string(&pool, "http://gw"));
	value_set(&pool, dict, "http", http);
	value_set(&pool, names, "job", dict);
	value_set(&pool, names, "machine_id", value_string(&pool, "m1"));
	assert_true(job_cmdline(&job, 1, names, &cmdline, &err));
	assert_string_equal(cmdline, "a=m1   u=http://x/k h=http://gw");
	free(cmdline);
	assert_false(job_cmdline(&job, 2, names, &cmdline, &err));
	assert_string_equal(err.text, "cmdline:1: division by zero");
	value_pool_finish(&pool);
	job_finish(&job);
}

static void secrets_are_masked(void **state)
{
	static const char *const secrets[] = {"abcd", "abcdef", "xyz", NULL, "secret"};
	char *masked = job_masked("abcd abcdef xyz secretsecret abc", secrets, 5);

	assert_string_equal(masked, "[MASKED] [MASKED] xyz [MASKED][MASKED] abc");
	free(masked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_job_has_all_defaults),
		cmocka_unit_test(timeouts_add_up),
		cmocka_unit_test(a_learnt_firmware_boot_time_gives_a_timeout),
		cmocka_unit_test(only_watchdogs_with_a_timeout_are_kept),
		cmocka_unit_test(continue_is_start_updated_category_by_category),
		cmocka_unit_test(dhcp_entries_have_matches_and_options),
		cmocka_unit_test(a_path_finds_the_first_entry_that_matches_it_whole),
		cmocka_unit_test(a_path_that_takes_too_long_is_an_error),
		cmocka_unit_test(one_error_each),
		cmocka_unit_test(an_artifact_may_be_made_of_nothing_and_converted),
		cmocka_unit_test(all_errors_are_found_in_one_pass),
		cmocka_unit_test(deadlines_are_compared_with_the_clock),
		cmocka_unit_test(bombs_of_aliases_are_refused),
		cmocka_unit_test(the_name_of_a_category_is_short),
		cmocka_unit_test(there_are_only_so_many_items),
		cmocka_unit_test(what_no_message_could_carry_is_refused_at_its_place),
		cmocka_unit_test(a_boot_has_only_so_many_items),
		cmocka_unit_test(a_command_line_is_bounded_once_it_is_rendered),
		cmocka_unit_test(a_job_is_rendered_with_its_names),
		cmocka_unit_test(a_command_line_is_a_template_on_one_line),
		cmocka_unit_test(secrets_are_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
