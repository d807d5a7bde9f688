/* Each allocation of libmars and libjob fails once, also those of PCRE2 below them. What comes of it is an error with
 * its text, or (by design: gw_calloc) the end of the program; never a crash, a sanitizer's report, a leak, or half of an edit. */
#include <dirent.h>
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

#include "libjob/pattern.h"
#include "libjob/template.h"
#include "libmars/reload.h"
#include "libmars/save.h"
#include "tests/harness/torture.h"

#define MAC  "52:54:00:00:00:01"
#define HEAD "duts:\n  " MAC ":\n    comment: "

static const char before[] = HEAD "old # by hand\n", after[] = HEAD "new # by hand\n";
static char dir[256], path[300];

static int begin(void **state)
{
	snprintf(dir, sizeof(dir), "%s/torture.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mars_db.yaml", dir);
	return 0;
}

static int end(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool file_is(const char *text)
{
	char now[4096] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	now[fread(now, 1, sizeof(now) - 1, file)] = '\0';
	fclose(file);
	return strcmp(now, text) == 0;
}

static enum torture_end refused(const struct gw_error *err)
{
	if (err->kind != GW_OK && err->text[0]) {
		fprintf(stderr, "%s\n", err->text);
		return TORTURE_REFUSED;
	}
	fputs("refused without a reason\n", stderr);
	return TORTURE_WRONG;
}

static enum torture_end refused_first(struct gw_errors *errs)
{
	struct gw_error err = {0};

	gw_errors_none(errs, &err);
	gw_errors_finish(errs);
	return refused(&err);
}

/* ---- libmars ---- */

static const char plain_db[] = "pdus:\n"
			       "  APC:\n"
			       "    driver: dummy\n"
			       "    config: {ports: [one, 'two', \"thr\\x65e\"]}\n"
			       "    reserved_port_ids: [1]\n"
			       "duts:\n"
			       "  " MAC ":\n"
			       "    base_name: box\n"
			       "    tags: [x86_64, amd]\n"
			       "    pdu: APC\n"
			       "    pdu_port_id: 0\n"
			       "    hidden: false # a warning\n"
			       "    gitlab:\n"
			       "      fdo: {token: abc, runner_id: 7, acl: {allow: {users: [me]}}}\n"
			       "gitlab:\n"
			       "  fdo: {url: https://gitlab.example}\n";
/* The same with a tree: an anchor beyond its entry. */
static const char tree_db[] = "duts:\n"
			      "  " MAC ": &first {base_name: box, tags: &tags [x86_64]}\n"
			      "  52:54:00:00:00:02: {base_name: box, tags: *tags}\n";

static struct mars_db *whole; /* the database of the text, read with all memory there is */

static enum torture_end parse(void *data)
{
	const char *text = data;
	struct gw_errors errs = {0};
	struct mars_changes changes = {0};
	struct mars_db *db = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);
	enum torture_end came_to = TORTURE_DONE;

	if (!db)
		return refused_first(&errs);
	mars_db_diff(whole, db, &changes);
	if (changes.n) {
		fputs("a part of it was taken for the whole\n", stderr);
		came_to = TORTURE_WRONG;
	}
	mars_changes_finish(&changes);
	mars_db_destroy(db);
	gw_errors_finish(&errs);
	return came_to;
}

static void parse_each(const char *text, const char *name)
{
	struct torture torture = {.work = parse, .data = (void *)text};
	struct gw_errors errs = {0};

	whole = mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs);
	assert_non_null(whole);
	torture_each(&torture, name);
	mars_db_destroy(whole);
}

static void promise_18_a_database_is_read_whole_or_refused(void **state)
{
	parse_each(plain_db, "a database");
	parse_each(tree_db, "a database with anchors");
}

static void promise_18_a_bad_database_stays_refused(void **state)
{
	static const char *const bad[] = {"duts: {a: [}\n", "duts:\n  x:\n    tags: {}\n    tag: 1\n", "a: &a [*a]\n", "duts: \"\xff\"\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct torture torture = {.work = parse, .data = (void *)bad[i], .otherwise = TORTURE_REFUSED};
		struct gw_errors errs = {0};

		whole = mars_db_parse("", 0, "mars_db.yaml", NULL, &errs);
		torture_each(&torture, "a bad database");
		assert_int_equal(torture.done, 0);
		mars_db_destroy(whole);
	}
}

/* In the child: memory is as before, or as after. */
static enum torture_end memory_is(struct mars_db *db, const char *text, enum torture_end came_to)
{
	size_t len;
	const struct mars_dut *dut = mars_db_find_dut(db, MAC);

	if (strcmp(mars_db_text(db, &len), text) == 0 && dut && strcmp(dut->comment, text == before ? "old" : "new") == 0)
		return came_to;
	fputs("memory holds half of it\n", stderr);
	return TORTURE_WRONG;
}

static enum torture_end save(void *data)
{
	const struct mars_edit edit = {MARS_SET, {"duts", MAC, "comment"}, MARS_V_TEXT("new"), true};
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);
	enum torture_end came_to;

	if (!db)
		return refused_first(&errs);
	if (mars_db_apply(db, &edit, 1, &changes, &err))
		came_to = memory_is(db, after, file_is(after) ? TORTURE_DONE : TORTURE_WRONG);
	else if (!file_is(before))
		came_to = TORTURE_WRONG;
	else
		came_to = memory_is(db, before, refused(&err));
	mars_changes_finish(&changes);
	mars_db_destroy(db);
	return came_to;
}

/* The next start finds the database before or after, alone in its folder. */
static void after_save(enum torture_end came_to, void *data)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);

	if (!db)
		fail_msg("%s", errs.v[0].text);
	mars_db_destroy(db);
	if (!file_is(before) && !file_is(after))
		fail_msg("the file is torn");
	if (came_to != TORTURE_ENDED)
		assert_true(file_is(came_to == TORTURE_DONE ? after : before));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left in it */
	assert_int_equal(mkdir(dir, 0755), 0);
	put(before);
}

static void promise_18_an_edit_is_saved_whole_or_not_at_all(void **state)
{
	struct torture torture = {.work = save, .after = after_save};

	put(before);
	torture_each(&torture, "a save");
	assert_true(torture.ended > 0);
}

static enum torture_end reload(void *data)
{
	struct mars_db *db = data;
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	bool taken = mars_db_reload(db, &changes, &errs);
	enum torture_end came_to = taken ? memory_is(db, after, TORTURE_DONE) : memory_is(db, before, refused_first(&errs));

	if (came_to == TORTURE_REFUSED && (changes.n || !*mars_db_error(db)))
		came_to = TORTURE_WRONG;
	mars_changes_finish(&changes);
	gw_errors_finish(&errs);
	return came_to;
}

static void promise_18_an_admins_edit_is_taken_in_whole_or_not_at_all(void **state)
{
	struct gw_errors errs = {0};
	struct torture torture = {.work = reload};

	put(before);
	torture.data = mars_db_open(path, NULL, &errs);
	assert_non_null(torture.data);
	put(after);
	torture_each(&torture, "a reload");
	mars_db_destroy(torture.data);
}

/* ---- libjob ---- */

static const char job_text[] = "version: 1\n"
			       "target: {id: a, tags: [b]}\n"
			       "timeouts: {overall: {days: 1, seconds: 1.5}, watchdogs: {mount: {minutes: 1}}}\n"
			       "console_patterns:\n"
			       "  session_end: {regex: 'end$'}\n"
			       "  watchdogs: {mount: {start: {regex: a}, reset: {regex: b}, stop: {regex: c}}}\n"
			       "deployment:\n"
			       "  start: &start\n"
			       "    kernel: {url: 'http://x/{{ machine_id }}', cmdline: [a, \"b c\"]}\n"
			       "    storage: {http: [{path: '/pool/(.*)', url: 'http://x/\\1'}]}\n"
			       "    dhcp: [{match: {architecture: x86_64}, options: {bootfile: a, 6: [1.1.1.1]}}]\n"
			       "  continue: *start\n";

static enum torture_end load_job(void *data)
{
	struct job_options options = {.wall_now = 1700000000};
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	struct value_pool pool;
	struct job job = {0};
	char *url = NULL;
	enum torture_end came_to = TORTURE_WRONG;

	value_pool_init(&pool, 0);
	if (!job_load(&job, job_text, strlen(job_text), job_names_for_target(&pool, NULL), &options, &errs))
		came_to = refused_first(&errs);
	else if (!job_storage_match(&job.next.http, "/pool/a/b", &url, &err))
		came_to = refused(&err);
	else if (strcmp(url, "http://x/a/b") == 0 && strstr(job.rendered, "http://x/machine_id") && job.n_watchdogs == 1)
		came_to = TORTURE_DONE;
	free(url);
	job_finish(&job);
	value_pool_finish(&pool);
	return came_to;
}

static void promise_18_a_job_is_read_whole_or_refused(void **state)
{
	struct torture torture = {.work = load_job};

	torture_each(&torture, "a job");
}

static enum torture_end render(void *data)
{
	static const char text[] =
		"{% for x in [3, 1, 2] | sort %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %} {{ 'a-b' | replace('-', '+') }}";
	struct gw_error err = {0};
	struct value_pool pool;
	enum torture_end came_to;
	char *out = NULL;

	value_pool_init(&pool, 0);
	if (!template_render("t", text, strlen(text), value_dict(&pool), &out, &err))
		came_to = out ? TORTURE_WRONG : refused(&err);
	else
		came_to = strcmp(out, "1, 2, 3 a+b") == 0 ? TORTURE_DONE : TORTURE_WRONG;
	free(out);
	value_pool_finish(&pool);
	return came_to;
}

static void promise_18_a_template_renders_whole_or_is_refused(void **state)
{
	struct torture torture = {.work = render};

	torture_each(&torture, "a template");
}

static enum torture_end search(void *data)
{
	struct pattern *pattern = NULL;
	struct gw_error err = {0};
	enum torture_end came_to = TORTURE_WRONG;
	char *text = NULL;
	int found;

	if (!pattern_compile(&pattern, "p", "(?P<what>k[a-z]+)-(\\d+)", false, &err))
		return refused(&err);
	found = pattern_search(pattern, "the kernel-12", 13, &err);
	if (found < 0 || (found == 1 && !(text = pattern_expand(pattern, "the kernel-12", "\\2 \\g<what>", &err))))
		came_to = refused(&err);
	else if (found == 1 && strcmp(text, "12 kernel") == 0)
		came_to = TORTURE_DONE;
	free(text);
	pattern_destroy(pattern);
	return came_to;
}

static void promise_18_a_pattern_finds_the_same_or_is_refused(void **state)
{
	struct torture torture = {.work = search};

	torture_each(&torture, "a pattern");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_18_a_database_is_read_whole_or_refused),
		cmocka_unit_test(promise_18_a_bad_database_stays_refused),
		cmocka_unit_test_setup_teardown(promise_18_an_edit_is_saved_whole_or_not_at_all, begin, end),
		cmocka_unit_test_setup_teardown(promise_18_an_admins_edit_is_taken_in_whole_or_not_at_all, begin, end),
		cmocka_unit_test(promise_18_a_job_is_read_whole_or_refused),
		cmocka_unit_test(promise_18_a_template_renders_whole_or_is_refused),
		cmocka_unit_test(promise_18_a_pattern_finds_the_same_or_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
