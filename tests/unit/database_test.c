/* Whose turn it is, and what an edit's author has seen: executord's queue of writes and the tokens of runners that go through it, beside
 * reloads, on a real loop. The rest of executord is the few functions below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "executord/executord.h"

#define DUT "52:54:00:00:00:01"

static const char first[] = "duts:\n  '" DUT "':\n    pdu_off_delay: 30 # seconds\n    comment: old\n";

static char dir[256], db_path[300];
static int reloads;

void registry_apply_changes(struct executord *ex, const struct mars_changes *changes)
{
}

void events_database(struct executord *ex) /* once a reload */
{
	reloads++;
}

const struct mars_dut *registry_mars(struct executord *ex, const struct dut *dut)
{
	return NULL;
}

bool bus_peer_up(const struct bus *bus, const char *name)
{
	return true;
}

struct answer {
	bool given;
	struct gw_error err;
	int reloads; /* there were before it */
};

/* What is asked over the bus: the call is the answer. */
void bus_answer(struct bus_call *call, const void *body)
{
	*(struct answer *)(void *)call = (struct answer){.given = true};
}

void bus_answer_error(struct bus_call *call, const struct gw_error *err)
{
	*(struct answer *)(void *)call = (struct answer){.given = true, .err = *err};
}

static void put(const char *text)
{
	char mine[320];
	FILE *file;

	snprintf(mine, sizeof(mine), "%s/mine", dir);
	file = fopen(mine, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(mine, db_path), 0);
}

static void assert_file(const char *expected)
{
	char text[2000] = "";
	FILE *file = fopen(db_path, "r");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_string_equal(text, expected);
}

static int begin(void **state)
{
	static const struct env_program program = {"executord", "The coordinator.", ENV_EXECUTORD, NULL};
	struct executord *ex = gw_calloc(1, sizeof(*ex));
	char *argv[] = {(char *)"executord", NULL};
	struct gw_error err = {0};

	snprintf(dir, sizeof(dir), "%s/database.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(db_path, sizeof(db_path), "%s/mars_db.yaml", dir);
	put(first);
	clearenv();
	setenv("MARS_DB_FILE", db_path, 1);
	setenv("LOG_LEVEL", "error", 1);
	assert_true(env_load(&ex->env, &program, 1, argv, &err));
	assert_true(loop_init(&ex->loop, &err));
	assert_true(database_start(ex, &err));
	reloads = 0;
	*state = ex;
	return 0;
}

static int end(void **state)
{
	struct executord *ex = *state;
	char command[300];

	database_finish(ex);
	loop_finish(&ex->loop);
	env_finish(&ex->env);
	free(ex);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void on_done(void *data, const struct gw_error *err)
{
	struct answer *answer = data;

	*answer = (struct answer){true, *err, reloads};
}

static void set(struct executord *ex, const char *field, struct mars_value value, struct answer *answer)
{
	struct mars_edit edit = database_set("duts", DUT, field, value);

	database_write(ex, &edit, 1, field, on_done, answer);
}

static void await(struct executord *ex, const struct answer *answer)
{
	while (!answer->given)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
}

static void a_write_goes_between_two_reloads(void **state)
{
	struct executord *ex = *state;
	struct answer answer = {0};

	database_read_again(ex);
	set(ex, "comment", MARS_V_TEXT("new"), &answer);
	database_read_again(ex); /* the editor has saved again */
	await(ex, &answer);
	assert_int_equal(answer.err.kind, GW_OK);
	assert_int_equal(answer.reloads, 1);
	while (reloads < 2)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
}

static void promise_5_a_write_that_waits_for_a_reload_leaves_what_an_admin_changed(void **state)
{
	static const char theirs[] = "duts:\n  '" DUT "':\n    pdu_off_delay: 5 # seconds\n    comment: old\n";
	struct executord *ex = *state;
	struct answer delay = {0}, comment = {0};

	put(theirs);
	database_read_again(ex);
	set(ex, "pdu_off_delay", MARS_V_INTEGER(7), &delay);
	set(ex, "comment", MARS_V_TEXT("new"), &comment);
	await(ex, &comment);
	assert_true(delay.given);
	assert_int_equal(delay.err.kind, GW_BUSY);
	assert_string_equal(delay.err.text, DUT ": this was changed in the file meanwhile; nothing was written");
	assert_int_equal(comment.err.kind, GW_OK);
	assert_file("duts:\n  '" DUT "':\n    pdu_off_delay: 5 # seconds\n    comment: new\n");
}

static void what_was_changed_before_a_write_is_asked_is_no_conflict(void **state)
{
	struct executord *ex = *state;
	struct answer answer = {0};

	put("duts:\n  '" DUT "':\n    pdu_off_delay: 5 # seconds\n    comment: old\n");
	database_read_again(ex);
	while (!reloads)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
	set(ex, "pdu_off_delay", MARS_V_INTEGER(7), &answer);
	await(ex, &answer);
	assert_int_equal(answer.err.kind, GW_OK);
	assert_file("duts:\n  '" DUT "':\n    pdu_off_delay: 7 # seconds\n    comment: old\n");
}

static void writes_of_one_value_in_a_row_do_not_conflict(void **state)
{
	struct executord *ex = *state;
	struct answer answers[5] = {0};

	for (int i = 0; i < 5; i++)
		set(ex, "pdu_off_delay", MARS_V_INTEGER(i), &answers[i]);
	await(ex, &answers[4]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(answers[i].err.kind, GW_OK);
	assert_file("duts:\n  '" DUT "':\n    pdu_off_delay: 4 # seconds\n    comment: old\n");
}

/* The first of three merges the admin's edit, which its author and the others have not seen. */
static void promise_5_what_a_write_merged_was_not_seen_by_those_that_wait(void **state)
{
	struct executord *ex = *state;
	struct answer answers[3] = {0};

	put("duts:\n  '" DUT "':\n    pdu_off_delay: 30 # seconds\n    comment: theirs\n");
	set(ex, "pdu_off_delay", MARS_V_INTEGER(1), &answers[0]);
	set(ex, "comment", MARS_V_TEXT("new"), &answers[1]);
	set(ex, "pdu_off_delay", MARS_V_INTEGER(2), &answers[2]);
	await(ex, &answers[2]);
	assert_int_equal(answers[0].err.kind, GW_OK);
	assert_int_equal(answers[1].err.kind, GW_BUSY);
	assert_int_equal(answers[2].err.kind, GW_OK);
	assert_file("duts:\n  '" DUT "':\n    pdu_off_delay: 2 # seconds\n    comment: theirs\n");
}

/* Both are asked while the machine is there; by the turn of the second it is not. */
static void what_a_machines_life_writes_behind_its_removal_does_not_make_it_again(void **state)
{
	const struct mars_edit removal = {.op = MARS_REMOVE, .path = {"duts", DUT}};
	struct executord *ex = *state;
	struct answer removed = {0}, ready = {0};

	database_write(ex, &removal, 1, "a removal", on_done, &removed);
	set(ex, "ready_for_service", MARS_V_BOOL(true), &ready);
	await(ex, &ready);
	assert_int_equal(removed.err.kind, GW_OK);
	assert_int_equal(ready.err.kind, GW_NOT_FOUND);
	assert_string_equal(ready.err.text, "duts.'" DUT "'.ready_for_service: '" DUT "' is not there any more; nothing was changed");
	assert_null(mars_db_find_dut(ex->database.db, DUT));
}

static void take_token(struct executord *ex, const char *dut, struct answer *answer)
{
	struct msg_gitlab_token token = {
		.instance = (char *)"fdo", .dut = (char *)(uintptr_t)dut, .token = (char *)"glrt-0123456789", .runner_id = 7};

	gitlab_on_token(ex, &token, (struct bus_call *)(void *)answer);
}

/* gitlabd removes the runner that it has just registered. */
static void a_token_behind_the_removal_of_its_machine_or_instance_is_not_found(void **state)
{
	static const char with_gitlab[] = "gitlab:\n  fdo:\n    url: https://gitlab.example\n    registration_token: glpat-0123456789\n"
					  "    gateway_runner: {exposed: true}\n";
	const struct mars_edit removals[] = {{.op = MARS_REMOVE, .path = {"duts", DUT}}, {.op = MARS_REMOVE, .path = {"gitlab", "fdo"}}};
	struct executord *ex = *state;
	struct answer removed = {0}, token = {0}, gateway = {0};
	char *all = gw_sprintf("%s%s", with_gitlab, first);

	put(all);
	free(all);
	database_read_again(ex);
	while (!reloads)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
	database_write(ex, &removals[0], 1, "a machine's removal", on_done, &removed);
	take_token(ex, DUT, &token);
	assert_false(token.given); /* it waits for its turn */
	await(ex, &token);
	assert_int_equal(token.err.kind, GW_NOT_FOUND);
	assert_string_equal(token.err.text, "duts.'" DUT "'.gitlab.fdo.token: '" DUT "' is not there any more; nothing was changed");
	database_write(ex, &removals[1], 1, "an instance's removal", on_done, &removed);
	take_token(ex, NULL, &gateway);
	assert_false(gateway.given);
	await(ex, &gateway);
	assert_int_equal(gateway.err.kind, GW_NOT_FOUND);
	assert_null(mars_db_find_dut(ex->database.db, DUT));
	assert_int_equal(mars_db_gitlab_count(ex->database.db), 0);
}

static void a_stop_drops_what_waits(void **state)
{
	struct executord *ex = *state;
	struct answer answers[2] = {0};

	set(ex, "pdu_off_delay", MARS_V_INTEGER(1), &answers[0]);
	set(ex, "comment", MARS_V_TEXT("new"), &answers[1]);
	database_finish(ex);
	assert_false(answers[0].given);
	assert_false(answers[1].given);
	assert_file("duts:\n  '" DUT "':\n    pdu_off_delay: 1 # seconds\n    comment: old\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_goes_between_two_reloads, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_a_write_that_waits_for_a_reload_leaves_what_an_admin_changed, begin, end),
		cmocka_unit_test_setup_teardown(what_was_changed_before_a_write_is_asked_is_no_conflict, begin, end),
		cmocka_unit_test_setup_teardown(writes_of_one_value_in_a_row_do_not_conflict, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_what_a_write_merged_was_not_seen_by_those_that_wait, begin, end),
		cmocka_unit_test_setup_teardown(what_a_machines_life_writes_behind_its_removal_does_not_make_it_again, begin, end),
		cmocka_unit_test_setup_teardown(a_token_behind_the_removal_of_its_machine_or_instance_is_not_found, begin, end),
		cmocka_unit_test_setup_teardown(a_stop_drops_what_waits, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
