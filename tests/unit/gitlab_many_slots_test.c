/* gitlabd's lists with as many runners as a large farm has: each is found by itself, not by a walk over all, and a change of one writes
 * itself, not the list. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "gitlabd/hash.h"
#include "gitlabd/slots.h"
#include "libgateway/files.h"

#define TEXT(text) ((char *)(uintptr_t)(text))
#define OLD_URL    "http://old.example/" /* neither is ever asked: they are not https:// */
#define NEW_URL    "http://new.example/"

enum { MANY = 5000, CHAIN_MAX = 12 };

struct bench {
	struct env env;
	struct loop loop;
	struct servers servers;
	struct removals removals;
	struct model model;
	struct slots slots;
	size_t asked; /* whether MarsDB has a token */
	char dir[64];
};

static enum held count_and_hold(void *data, const char *url, const char *token)
{
	struct bench *b = data;

	b->asked++;
	return slots_hold(&b->slots, url, token);
}

static void nothing(void *data)
{
}

static void begin(struct bench *b)
{
	static const struct env_program program = {.name = "gitlabd", .summary = "a test", .reader = ENV_GITLABD};
	char name[] = "gitlabd", *argv[] = {name, NULL};
	struct gw_error err = {0};

	setenv("EXECUTOR_STATE_DIR", b->dir, 1);
	b->removals = (struct removals){.held = count_and_hold, .saved = nothing, .data = b};
	b->slots = (struct slots){.loop = &b->loop,
				  .servers = &b->servers,
				  .removals = &b->removals,
				  .model = &b->model,
				  .farm = "farm",
				  .on_settle = nothing,
				  .on_change = nothing,
				  .on_check = nothing};
	if (!env_load(&b->env, &program, 1, argv, &err) || !loop_init(&b->loop, &err) ||
	    !servers_init(&b->servers, &b->loop, false, &err) || !removals_init(&b->removals, &b->servers, &b->env, &err))
		fail_msg("%s", err.text);
}

static void end(struct bench *b)
{
	servers_finish(&b->servers);
	slots_finish(&b->slots);
	removals_finish(&b->removals);
	model_finish(&b->model);
	loop_finish(&b->loop);
	env_finish(&b->env);
}

static int setup(void **state)
{
	struct bench *b = gw_calloc(1, sizeof(*b));

	strcpy(b->dir, "/tmp/gitlab_many_slots.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	begin(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];

	end(b);
	snprintf(command, sizeof(command), "rm -r %s", b->dir);
	free(b);
	return system(command);
}

static void tell_instance(struct bench *b, const char *url)
{
	struct msg_gitlab_instance instance = {.name = TEXT("work"),
					       .url = TEXT(url),
					       .runner_type = TEXT("instance_type"),
					       .expose_runners = true,
					       .maximum_timeout = 3600};
	struct msg_gitlab_change change = {.instances = {.v = &instance, .n = 1}};

	model_change(&b->model, &change);
	slots_sync_change(&b->slots, &change);
}

static const char *token_of(int i)
{
	static char token[64];

	snprintf(token, sizeof(token), "glrt-%08x%08d", (unsigned)i * 2654435761U, i);
	return token;
}

static void add_machine(struct bench *b, int i)
{
	struct msg_gitlab_entry entry = {.instance = TEXT("work"), .token = TEXT(token_of(i)), .exposed = true, .runner_id = i + 1};
	char id[32], name[32], *tags[] = {TEXT("farm:farm")};
	struct msg_gitlab_dut dut = {.id = id, .full_name = name, .tags = {tags, 1}, .available = true, .gitlab = {.v = &entry, .n = 1}};
	struct msg_gitlab_change change = {.duts = {.v = &dut, .n = 1}};

	snprintf(id, sizeof(id), "%012x", (unsigned)i);
	snprintf(name, sizeof(name), "farm-x86-%d", i + 1);
	model_change(&b->model, &change);
	slots_sync_change(&b->slots, &change);
}

static void run_review(struct bench *b)
{
	while (loop_timer_active(&b->removals.review_timer))
		uv_run(&b->loop.uv, UV_RUN_ONCE);
}

/* How many items are looked at until the key's own are found. */
static size_t chain_of(const struct lookup *lookup, uint64_t key)
{
	const struct lookup_node *node = lookup->v[(key ^ key >> 32) & (lookup->size - 1)];
	size_t n = 0;

	for (; node; node = node->next)
		n++;
	return n;
}

static void assert_found_at_once(const struct lookup *lookup, uint64_t key)
{
	assert_non_null(lookup_first(lookup, key));
	assert_in_range(chain_of(lookup, key), 1, CHAIN_MAX);
}

static void another_url_of_many_runners_asks_about_each_once_and_finds_each_at_once(void **state)
{
	struct bench *b = *state;

	tell_instance(b, OLD_URL);
	for (int i = 0; i < MANY; i++)
		add_machine(b, i);
	tell_instance(b, NEW_URL);
	for (int i = 0; i < MANY; i++) {
		assert_found_at_once(&b->slots.by, key_of_token(token_of(i)));
		assert_found_at_once(&b->removals.by, key_of_token(token_of(i)));
		assert_found_at_once(&b->model.elsewhere, key_of_token(token_of(i)));
		assert_found_at_once(&b->slots.by, key_of_runner(i + 1));
		assert_found_at_once(&b->removals.by, key_of_runner(i + 1));
		assert_true(model_is_elsewhere(&b->model, token_of(i)));
		assert_string_equal(removals_url_of(&b->removals, token_of(i)), OLD_URL);
	}
	b->asked = 0;
	run_review(b);
	assert_int_equal(b->asked, MANY);
}

static void one_that_moves_has_itself_alone_looked_at(void **state)
{
	struct bench *b = *state;

	tell_instance(b, OLD_URL);
	for (int i = 0; i < 1000; i++)
		add_machine(b, i);
	tell_instance(b, NEW_URL);
	run_review(b);
	b->asked = 0;
	removals_touch(&b->removals, token_of(7));
	removals_touch(&b->removals, token_of(7));
	removals_touch(&b->removals, "glrt-of-nobody");
	removals_touch(&b->removals, NULL);
	run_review(b);
	assert_int_equal(b->asked, 1);
}

static void a_known_runner_is_known_by_its_id_at_its_url_alone(void **state)
{
	struct bench *b = *state;

	tell_instance(b, OLD_URL);
	for (int i = 0; i < 10; i++)
		add_machine(b, i);
	assert_true(slots_know(&b->slots, OLD_URL, 10, "another name"));
	assert_false(slots_know(&b->slots, OLD_URL, 11, "another name"));
	assert_false(slots_know(&b->slots, NEW_URL, 10, "another name"));
	tell_instance(b, NEW_URL);
	assert_false(slots_know(&b->slots, NEW_URL, 10, "another name")); /* that is another one there */
	assert_true(removals_has(&b->removals, OLD_URL, 10));
	assert_false(removals_has(&b->removals, NEW_URL, 10));
}

/* As of tokens that an admin has put in. */
static void many_runners_of_no_known_id_are_not_all_found_by_one_key(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 100; i++)
		removals_add(&b->removals, OLD_URL, token_of(i), i % 2 ? -1 : 0, "farm-x86-1");
	assert_int_equal(b->removals.by.n, 100);
	assert_false(removals_has(&b->removals, OLD_URL, -1));
	for (int i = 0; i < 100; i++)
		assert_found_at_once(&b->removals.by, key_of_token(token_of(i)));
}

/* ---- the files ---- */

static const char *path_of(const struct bench *b, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/gitlabd/%s", b->dir, name);
	return path;
}

static void add_saved(struct bench *b, int i)
{
	removals_add(&b->removals, OLD_URL, token_of(i), i + 1, "farm-x86-1");
	assert_true(removals_are_saved(&b->removals));
}

/* As a gitlabd that is killed now, and one that comes after it. */
static void crash(struct bench *b)
{
	b->removals.unsaved = false; /* what is not saved is lost */
	end(b);
	begin(b);
}

static void a_long_list_is_written_seldom_and_read_as_it_was_after_a_kill(void **state)
{
	struct bench *b = *state;
	char name[FILE_VERSION_SIZE] = "", long_url[20000];
	int written = 0;

	memset(long_url, 'x', sizeof(long_url) - 1);
	long_url[sizeof(long_url) - 1] = '\0';
	for (int i = 0; i < 40; i++) { /* 800 kB */
		removals_add(&b->removals, long_url, token_of(i), i + 1, "farm-x86-1");
		assert_true(removals_are_saved(&b->removals));
		written += strcmp(name, b->removals.journal.name) != 0;
		strcpy(name, b->removals.journal.name);
	}
	assert_in_range(written, 2, 7); /* at 0, 64 kB, and each time that it has doubled */
	crash(b);
	for (int i = 0; i < 40; i++)
		assert_true(removals_has(&b->removals, long_url, i + 1));
}

static void what_went_and_what_moved_is_so_after_a_kill(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 3; i++)
		add_saved(b, i);
	tell_instance(b, OLD_URL); /* its place */
	tell_instance(b, NEW_URL);
	add_machine(b, 1); /* at the new url: it is not the one that is on the list */
	crash(b);
	assert_string_equal(removals_place(&b->removals, "work"), NEW_URL);
	for (int i = 0; i < 3; i++)
		assert_true(removals_has(&b->removals, OLD_URL, i + 1));
}

static void a_line_that_was_not_written_to_its_end_does_not_count(void **state)
{
	struct bench *b = *state;
	struct gw_error err = {0};
	size_t len;
	char *text;

	for (int i = 0; i < 3; i++)
		add_saved(b, i);
	text = file_read(path_of(b, "removals.journal"), 1 << 20, &len, &err);
	assert_non_null(text);
	assert_true(file_save(path_of(b, "removals.journal"), text, len - 5, 0600, &err));
	free(text);
	crash(b);
	assert_true(removals_has(&b->removals, OLD_URL, 1));
	assert_true(removals_has(&b->removals, OLD_URL, 2));
	assert_false(removals_has(&b->removals, OLD_URL, 3));
	add_saved(b, 3); /* not behind the torn line */
	crash(b);
	assert_true(removals_has(&b->removals, OLD_URL, 2));
	assert_true(removals_has(&b->removals, OLD_URL, 4));
}

static void a_journal_of_another_list_does_not_count(void **state)
{
	struct bench *b = *state;
	struct gw_error err = {0};

	add_saved(b, 0);
	add_saved(b, 1); /* in the journal */
	assert_true(file_remove(path_of(b, "removals.json"), &err));
	crash(b);
	assert_false(removals_has(&b->removals, OLD_URL, 2));
	add_saved(b, 2); /* the list is written as a whole, and we are killed before the journal is written anew */
	crash(b);
	assert_false(removals_has(&b->removals, OLD_URL, 2));
	assert_true(removals_has(&b->removals, OLD_URL, 3));
}

static void a_journal_that_somebody_removes_takes_no_lines_that_nobody_would_read(void **state)
{
	struct bench *b = *state;
	struct gw_error err = {0};

	add_saved(b, 0);
	add_saved(b, 1);
	assert_true(file_remove(path_of(b, "removals.journal"), &err));
	add_saved(b, 2);
	add_saved(b, 3);
	crash(b);
	for (int i = 0; i < 4; i++)
		assert_true(removals_has(&b->removals, OLD_URL, i + 1));
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* One runner in removals.json, one in the journal, and a line of a third that is begun there. */
static void fill_the_disk(struct bench *b)
{
	signal(SIGXFSZ, SIG_IGN);
	add_saved(b, 0);
	add_saved(b, 1);
	limit_files(b->removals.journal.size + 10);
	removals_add(&b->removals, OLD_URL, token_of(2), 3, "farm-x86-1");
	assert_false(removals_are_saved(&b->removals));
	limit_files(RLIM_INFINITY);
}

static void a_disk_that_is_full_in_the_middle_of_a_line_costs_none_of_those_before(void **state)
{
	struct bench *b = *state;

	fill_the_disk(b);
	crash(b);
	assert_true(removals_has(&b->removals, OLD_URL, 1));
	assert_true(removals_has(&b->removals, OLD_URL, 2));
	assert_false(removals_has(&b->removals, OLD_URL, 3));
}

static void a_disk_that_has_room_again_gets_all_of_them(void **state)
{
	struct bench *b = *state;

	fill_the_disk(b);
	while (b->removals.save_error)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	assert_true(removals_are_saved(&b->removals));
	add_saved(b, 3);
	crash(b);
	for (int i = 0; i < 4; i++)
		assert_true(removals_has(&b->removals, OLD_URL, i + 1));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(another_url_of_many_runners_asks_about_each_once_and_finds_each_at_once),
		T(one_that_moves_has_itself_alone_looked_at),
		T(a_known_runner_is_known_by_its_id_at_its_url_alone),
		T(many_runners_of_no_known_id_are_not_all_found_by_one_key),
		T(a_long_list_is_written_seldom_and_read_as_it_was_after_a_kill),
		T(what_went_and_what_moved_is_so_after_a_kill),
		T(a_line_that_was_not_written_to_its_end_does_not_count),
		T(a_journal_of_another_list_does_not_count),
		T(a_disk_that_is_full_in_the_middle_of_a_line_costs_none_of_those_before),
		T(a_disk_that_has_room_again_gets_all_of_them),
		T(a_journal_that_somebody_removes_takes_no_lines_that_nobody_would_read),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
