/* When config.toml is written: once for several changes, and at each edit of the template. */
#include "gitlabd/config_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/files.h"
#include "libmars/watch.h"

struct bench {
	struct loop loop;
	struct env env;
	struct model model; /* of one instance without runners */
	struct msg_gitlab_instance instance, *instances[1];
	struct config_writer writer;
	struct mars_watch *watch; /* of config.toml */
	struct loop_fd edits;
	struct loop_timer patience;
	char dir[64], conf[128], template[128];
};

static bool has(struct bench *b, const char *text)
{
	char *now = file_read(b->conf, 1 << 20, NULL, NULL);
	bool same = now && strcmp(now, text) == 0;

	free(now);
	return same;
}

static void on_written(void *data, int events)
{
	struct bench *b = data;

	mars_watch_read(b->watch); /* await looks at the file after each event */
}

static void on_impatience(void *data)
{
	fail_msg("config.toml is not written");
}

static void put(struct bench *b, const char *text)
{
	struct gw_error err = {0};

	assert_true(file_save(b->template, text, strlen(text), 0644, &err));
}

static void model_of_an_instance(struct bench *b)
{
	static char name[] = "work", url[] = "https://work.example/", type[] = "instance_type";

	b->instance = (struct msg_gitlab_instance){.name = name, .url = url, .runner_type = type, .maximum_timeout = 600};
	b->instances[0] = &b->instance;
	b->model.instances = b->instances;
	b->model.n_instances = 1;
}

static int setup(void **state)
{
	static const struct env_program program = {.name = "gitlabd", .summary = "a test", .reader = ENV_GITLABD};
	struct bench *b = gw_calloc(1, sizeof(*b));
	char name[] = "gitlabd", *argv[] = {name, NULL};
	struct gw_error err = {0};

	strcpy(b->dir, "/tmp/config_writer_test.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->conf, sizeof(b->conf), "%s/config.toml", b->dir);
	snprintf(b->template, sizeof(b->template), "%s/template", b->dir);
	setenv("EXECUTOR_STATE_DIR", b->dir, 1);
	setenv("GITLAB_CONF_FILE", b->conf, 1);
	setenv("GITLAB_CONF_TEMPLATE_FILE", b->template, 1);
	put(b, "farm = {{ config.FARM_NAME | tojson }}\n");
	if (!env_load(&b->env, &program, 1, argv, &err) || !loop_init(&b->loop, &err))
		fail_msg("%s", err.text);
	model_of_an_instance(b);
	b->writer = (struct config_writer){.loop = &b->loop, .env = &b->env, .model = &b->model, .host = {"lab", 4, 4000}};
	config_writer_start(&b->writer);
	b->watch = mars_watch_create(b->conf, &err);
	assert_true(b->watch && loop_fd_start(&b->loop, &b->edits, mars_watch_fd(b->watch), UV_READABLE, on_written, b, &err));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];

	config_writer_finish(&b->writer);
	loop_timer_finish(&b->patience);
	loop_fd_finish(&b->edits);
	mars_watch_destroy(b->watch);
	loop_finish(&b->loop);
	env_finish(&b->env);
	snprintf(command, sizeof(command), "rm -r %s", b->dir);
	free(b);
	return system(command);
}

static void await(struct bench *b, const char *text)
{
	loop_timer_start(&b->loop, &b->patience, 60000, on_impatience, b);
	while (!has(b, text) || loop_timer_active(&b->writer.timer) || b->writer.working)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	loop_timer_stop(&b->patience);
}

static void an_edit_of_the_template_is_taken_in(void **state)
{
	struct bench *b = *state;

	config_writer_soon(&b->writer);
	await(b, "farm = \"lab\"\n");
	assert_null(b->writer.error);
	put(b, "cpus = {{ cpu_count }}\n");
	await(b, "cpus = 4\n");
}

static void a_mended_template_is_taken_in_at_once(void **state)
{
	struct bench *b = *state;

	put(b, "cpus = {{ cpu_count");
	config_writer_soon(&b->writer);
	while (!b->writer.error)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	assert_non_null(strstr(b->writer.error, "/template:1: "));
	put(b, "cpus = {{ cpu_count }}\n");
	await(b, "cpus = 4\n");
	assert_null(b->writer.error);
}

/* gitlabd that was started before executord must not empty what gitlab-runner works with. */
static void an_edit_before_there_is_a_farm_writes_nothing(void **state)
{
	struct bench *b = *state;

	put(b, "cpus = {{ cpu_count }}\n");
	for (int i = 0; i < 100; i++)
		uv_run(&b->loop.uv, UV_RUN_NOWAIT);
	assert_false(loop_timer_active(&b->writer.timer));
	assert_int_equal(access(b->conf, F_OK), -1);
}

static uv_sem_t room; /* of the pool */

static void occupy(uv_work_t *work)
{
	uv_sem_wait(&room);
}

static void on_left(uv_work_t *work, int status)
{
}

static char *text_of(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void change_to(struct model *model, const char *gone, const char *name, const char *token)
{
	struct msg_gitlab_rules allow = {.users = {(char *[]){text_of("eric")}, 1}};
	struct msg_gitlab_acl acl = {.allow = {&allow, 1}};
	struct msg_gitlab_entry gateway = {.instance = text_of(name), .token = text_of(token), .exposed = true, .acl = {&acl, 1}};
	struct msg_gitlab_instance instance = {.name = text_of(name),
					       .url = text_of("https://work.example/"),
					       .runner_type = text_of("instance_type"),
					       .maximum_timeout = 600,
					       .expose_runners = true,
					       .gateway_runner = {&gateway, 1}};
	struct msg_gitlab_change change = {.instances = {&instance, 1}, .gone_instances = {(char *[]){text_of(gone)}, 1}};

	model_change(model, &change);
}

/* The pool has one thread, and that is busy: so the loop goes on while the write waits for it, and the model changes beneath it. */
static void the_loop_goes_on_and_the_model_changes_while_it_is_rendered(void **state)
{
	struct bench *b = *state;
	struct model model = {0};
	uv_work_t busy;

	assert_int_equal(uv_sem_init(&room, 0), 0);
	assert_int_equal(uv_queue_work(&b->loop.uv, &busy, occupy, on_left), 0);
	put(b, "{% for i in mars_db.gitlab.values() %}# {{ i.name }} {{ i.gateway_runner.token }}\n{% endfor %}");
	change_to(&model, "none", "first", "glrt-1");
	b->writer.model = &model;
	config_writer_soon(&b->writer);
	while (!b->writer.working)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	model_set_token(&model, NULL, "first", "glrt-2", 2);
	model_add_elsewhere(&model, "glrt-1");
	change_to(&model, "first", "second", "glrt-3");
	model_set_token(&model, NULL, "second", "glrt-4", 4);
	config_writer_soon(&b->writer);
	assert_true(b->writer.working);
	uv_sem_post(&room);
	while (b->writer.working)
		uv_run(&b->loop.uv, UV_RUN_NOWAIT); /* unlike UV_RUN_ONCE it runs no timer behind the end of that write */
	assert_true(has(b, "# first glrt-1\n\n"));
	await(b, "# second glrt-4\n\n");
	model_finish(&model);
	uv_sem_destroy(&room);
}

static void a_stop_waits_for_a_write_that_is_under_way(void **state)
{
	struct bench *b = *state;

	config_writer_soon(&b->writer);
	while (!b->writer.working)
		uv_run(&b->loop.uv, UV_RUN_ONCE);
	config_writer_finish(&b->writer);
	assert_false(b->writer.working);
	assert_false(b->model.shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_edit_of_the_template_is_taken_in, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mended_template_is_taken_in_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_loop_goes_on_and_the_model_changes_while_it_is_rendered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stop_waits_for_a_write_that_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(an_edit_before_there_is_a_farm_writes_nothing, setup, teardown),
	};

	setenv("UV_THREADPOOL_SIZE", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
