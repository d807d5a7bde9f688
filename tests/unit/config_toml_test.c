/* gitlab-runner's config.toml from a model of MarsDB: what is in it, when it is written, and how. */
#include "gitlabd/config_toml.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libgateway/files.h"

static char dir[64];
static const struct config_host host = {.farm = "lab", .cpus = 20, .ram_mb = 16000};

static const char *in_dir(const char *name)
{
	static char paths[4][128];
	static unsigned i;

	snprintf(paths[++i % 4], sizeof(paths[0]), "%s/%s", dir, name);
	return paths[i % 4];
}

static void load_env(struct env *env)
{
	static const struct env_program program = {.name = "gitlabd", .summary = "a test", .reader = ENV_GITLABD};
	char name[] = "gitlabd", *argv[] = {name, NULL};
	struct gw_error err = {0};

	if (!env_load(env, &program, 1, argv, &err))
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/config_toml_test.XXXXXX");
	setenv("GITLAB_CONF_FILE", mkdtemp(dir) ? in_dir("config.toml") : "", 1);
	setenv("EXECUTOR_STATE_DIR", dir, 1);
	unsetenv("GITLAB_CONF_TEMPLATE_FILE");
	setenv("MINIO_URL", "http://ci-gateway:9000", 1);
	setenv("EXECUTOR_JOB__fdo_Proxy", "http://10.0.0.1:8888/", 1);
	setenv("EXECUTOR_JOB__NASTY", "a \"b\" 'c' \\ $HOME = <\x7f\t\xc3\xa9>", 1);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* ---- a farm: two instances, three machines, a gateway ---- */

#define TEXT(text) ((char *)(uintptr_t)(text))

static char *eric[] = {TEXT("eric")}, *gfx[] = {TEXT("gfx-ci")}, *nasty[] = {TEXT("o'brien\n\"\\$(id)")};
static struct msg_gitlab_rules allow_eric = {.users = {eric, 1}}, allow_gfx = {.projects_in_groups = {gfx, 1}},
			       deny_nasty = {.users = {nasty, 1}};
static struct msg_gitlab_acl of_gateway = {.allow = {&allow_eric, 1}}, of_work = {.allow = {&allow_gfx, 1}},
			     of_b = {.deny = {&deny_nasty, 1}};

struct farm {
	struct msg_gitlab_instance instances[2];
	struct msg_gitlab_dut duts[3];
	struct msg_gitlab_entry gateway, entries[3][2];
};

static void make_farm(struct farm *f)
{
	static const char *const tokens[3][2] = {{"glrt-a-work", "glrt-a-home"}, {"glrt-b-work", NULL}, {"glrt-c-work", "glrt-c-home"}};
	static const char *const names[] = {"lab-gfx9-1", "lab-gfx9-2", "lab-gfx10-1"}, *const ids[] = {"a", "b", "c"};

	*f = (struct farm){.instances = {{.name = TEXT("home"),
					  .url = TEXT("https://home.example/"),
					  .expose_runners = true,
					  .maximum_timeout = 21600},
					 {.name = TEXT("work"),
					  .url = TEXT("https://work.example/git/"),
					  .expose_runners = true,
					  .maximum_timeout = 600,
					  .acl = {&of_work, 1},
					  .gateway_runner = {&f->gateway, 1}}},
			   .gateway = {.instance = TEXT("work"), .token = TEXT("glrt-gateway"), .exposed = true, .acl = {&of_gateway, 1}}};
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 2; k++)
			f->entries[i][k] = (struct msg_gitlab_entry){
				.instance = TEXT(k ? "home" : "work"), .token = TEXT(tokens[i][k]), .exposed = true, .runner_id = 7};
		f->duts[i] = (struct msg_gitlab_dut){
			.id = TEXT(ids[i]), .full_name = TEXT(names[i]), .available = i < 2, .gitlab = {f->entries[i], 2}};
	}
	for (int i = 0; i < 2; i++)
		f->instances[i].runner_type = TEXT("instance_type");
	f->entries[1][0].acl.v = &of_b;
	f->entries[1][0].acl.n = 1;
}

static void model_of(struct model *model, struct farm *f)
{
	struct msg_gitlab_configure all = {.instances = {f->instances, 2}, .duts = {f->duts, 3}};

	model_configure(model, &all);
}

static bool update(struct farm *f, bool *written, struct gw_error *err)
{
	struct env env = {0};
	struct model model = {0};
	bool ok;

	load_env(&env);
	model_of(&model, f);
	*err = (struct gw_error){0};
	ok = config_toml_update(&env, &host, &model, written, err);
	model_finish(&model);
	env_finish(&env);
	return ok;
}

static bool check(struct gw_error *err)
{
	struct env env = {0};
	bool ok;

	load_env(&env);
	*err = (struct gw_error){0};
	ok = config_toml_check(&env, &host, err);
	env_finish(&env);
	return ok;
}

static char *updated(struct farm *f)
{
	struct gw_error err;
	bool written;
	char *text;

	if (!update(f, &written, &err))
		fail_msg("%s", err.text);
	text = file_read(in_dir("config.toml"), 1 << 20, NULL, &err);
	assert_non_null(text);
	return text;
}

static bool file_has(const char *name, const char *text)
{
	struct gw_error err = {0};
	char *found = file_read(in_dir(name), 1 << 20, NULL, &err);
	bool has = found && strcmp(found, text) == 0;

	free(found);
	return has;
}

static char *said_by(const char *command)
{
	struct buffer out = {0};
	char bytes[4096];
	size_t n;
	FILE *pipe = popen(command, "r");

	while ((n = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
		buffer_add(&out, bytes, n);
	assert_int_equal(pclose(pipe), 0);
	return buffer_take(&out);
}

/* What Python's TOML reader finds in the file, a line a fact. */
static char *parsed(void)
{
	char *command = gw_sprintf("python3 -c '"
				   "import tomllib\n"
				   "d = tomllib.load(open(\"%s\", \"rb\"))\n"
				   "for key, value in d.items():\n"
				   "  if key != \"runners\": print(key, value)\n"
				   "for r in d.get(\"runners\", []):\n"
				   "  print()\n"
				   "  for key, value in r.items(): print(key, ascii(value))\n"
				   "'",
				   in_dir("config.toml"));
	char *text = said_by(command);

	free(command);
	return text;
}

static void each_runner_of_a_farm_is_in_it(void **state)
{
	struct farm farm;
	char *text, *found, *expected;

	make_farm(&farm);
	text = updated(&farm);
	assert_non_null(strstr(text, "# Made by gitlabd, which writes it anew: edit its template instead (GITLAB_CONF_TEMPLATE_FILE).\n"
				     "concurrent = 5\n"));
	found = parsed();
	expected = file_read(TEST_DATA "/gitlabd/config.facts", 1 << 20, NULL, NULL);
	assert_non_null(expected);
	assert_string_equal(found, expected);
	free(expected);
	free(found);
	free(text);
}

/* ---- who is not in it ---- */

static void retire(struct farm *f)
{
	f->duts[0].available = false;
}

static void hide_entry(struct farm *f)
{
	f->entries[0][0].exposed = false;
}

static void lose_token(struct farm *f)
{
	f->entries[0][0].token = NULL;
}

static void hide_instance(struct farm *f)
{
	f->instances[1].expose_runners = false;
}

static void forget_instance(struct farm *f)
{
	f->instances[1].name = TEXT("other");
	f->gateway.instance = TEXT("other");
}

static void hide_gateway(struct farm *f)
{
	f->gateway.exposed = false;
}

static void lose_gateway_token(struct farm *f)
{
	f->gateway.token = NULL;
}

static void deny_only(struct farm *f)
{
	f->gateway.acl.v = &of_b;
}

static void no_gateway(struct farm *f)
{
	f->instances[1].gateway_runner.n = 0;
}

static void a_runner_that_is_not_to_be_used_is_not_in_it(void **state)
{
	static const struct {
		void (*change)(struct farm *f);
		const char *gone, *stays;
	} rows[] = {{retire, "glrt-a-work", "glrt-b-work"},
		    {hide_entry, "glrt-a-work", "glrt-a-home"},
		    {lose_token, "https://work.example/git/\"\n  token = \"glrt-a", "glrt-a-home"},
		    {hide_instance, "glrt-a-work", "glrt-a-home"},
		    {hide_instance, "glrt-gateway", "glrt-a-home"},
		    {forget_instance, "glrt-a-work", "glrt-a-home"},
		    {hide_gateway, "glrt-gateway", "glrt-a-work"},
		    {lose_gateway_token, "gateway\"", "glrt-a-work"},
		    {deny_only, "glrt-gateway", "glrt-a-work"},
		    {no_gateway, "glrt-gateway", "glrt-a-work"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct farm farm;
		char *before, *after;

		make_farm(&farm);
		before = updated(&farm);
		assert_non_null(strstr(before, rows[i].gone));
		rows[i].change(&farm);
		after = updated(&farm);
		assert_null(strstr(after, rows[i].gone));
		assert_non_null(strstr(after, rows[i].stays));
		assert_null(strstr(after, "glrt-c"));
		free(before);
		free(after);
	}
}

static void a_farm_without_runners_is_a_valid_file(void **state)
{
	struct farm farm;
	char *found;

	make_farm(&farm);
	farm.instances[0].expose_runners = farm.instances[1].expose_runners = false;
	free(updated(&farm));
	found = parsed();
	assert_string_equal(found, "concurrent 1\ncheck_interval 3\n");
	free(found);
}

/* What an admin wrote for runners of his own is not lost. */
static void a_file_from_before_us_is_kept_once(void **state)
{
	struct farm farm;
	struct gw_error err;
	bool written;

	make_farm(&farm);
	assert_true(file_save(in_dir("config.toml"), "# mine\n", 7, 0644, &err));
	free(updated(&farm));
	assert_true(file_has("config.toml.before-gitlabd", "# mine\n"));
	assert_true(file_save(in_dir("config.toml"), "# an edit\n", 10, 0644, &err)); /* of our file: it is made anew */
	assert_true(update(&farm, &written, &err));
	assert_true(written);
	assert_true(file_has("config.toml.before-gitlabd", "# mine\n"));
}

static void a_gateway_without_gitlab_touches_no_file(void **state)
{
	struct env env = {0};
	struct model model = {0};
	struct gw_error err = {0};
	bool written = true;

	assert_true(file_save(in_dir("config.toml"), "# mine\n", 7, 0644, &err));
	load_env(&env);
	assert_true(config_toml_update(&env, &host, &model, &written, &err));
	assert_false(written);
	assert_true(file_has("config.toml", "# mine\n"));
	env_finish(&env);
}

static void it_is_written_only_if_it_differs(void **state)
{
	struct farm farm;
	struct gw_error err;
	bool written;
	struct stat before, after;

	make_farm(&farm);
	assert_true(update(&farm, &written, &err));
	assert_true(written);
	assert_int_equal(stat(in_dir("config.toml"), &before), 0);
	assert_true(update(&farm, &written, &err));
	assert_false(written);
	assert_int_equal(stat(in_dir("config.toml"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	farm.duts[2].available = true;
	assert_true(update(&farm, &written, &err));
	assert_true(written);
	assert_int_equal(chmod(in_dir("config.toml"), 0644), 0); /* by somebody: tokens for all */
	assert_true(update(&farm, &written, &err));
	assert_true(written);
	assert_int_equal(stat(in_dir("config.toml"), &after), 0);
	assert_int_equal(after.st_mode & 07777, 0600);
}

static void count_in_config(const struct model *model, const char *text)
{
	size_t in = 0, shown = 0;

	for (size_t i = 0; i < model->n_instances; i++)
		for (size_t k = 0; k < model->instances[i]->gateway_runner.n; k++)
			in += model_in_config(model, model->instances[i], NULL, &model->instances[i]->gateway_runner.v[k]);
	for (size_t i = 0; i < model->n_duts; i++)
		for (size_t k = 0; k < model->duts[i]->gitlab.n; k++)
			in += model_in_config(model, model_instance(model, model->duts[i]->gitlab.v[k].instance), model->duts[i],
					      &model->duts[i]->gitlab.v[k]);
	for (const char *at = text; (at = strstr(at, "[[runners]]")); at++)
		shown++;
	assert_int_equal(shown, in);
}

/* `gitlab status` says what is in the file: each way to hide some, and all together. */
static void what_is_said_to_be_in_the_file_is(void **state)
{
	for (int bits = 0; bits < 64; bits++) {
		struct model model = {0};
		struct env env = {0};
		struct gw_error err = {0};
		struct farm farm;
		bool written;
		char *text;

		make_farm(&farm);
		farm.duts[0].available = bits & 1;
		farm.entries[0][0].exposed = bits & 2;
		farm.entries[1][0].token = bits & 4 ? farm.entries[1][0].token : NULL;
		farm.instances[0].expose_runners = bits & 8;
		farm.gateway.exposed = bits & 16;
		model_of(&model, &farm);
		if (bits & 32)
			model_add_elsewhere(&model, "glrt-a-home");
		load_env(&env);
		if (!config_toml_update(&env, &host, &model, &written, &err))
			fail_msg("%s", err.text);
		text = file_read(in_dir("config.toml"), 1 << 20, NULL, &err);
		assert_non_null(text);
		count_in_config(&model, text);
		free(text);
		env_finish(&env);
		model_finish(&model);
	}
}

/* ---- an admin's template ---- */

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void a_template_of_an_admin_sees_the_farm(void **state)
{
	struct farm farm;
	char *text;

	put("t",
	    "# {{ config.FARM_NAME }} {{ config.EXECUTOR_PORT }} {{ config.nothing }}| {{ cpu_count }} {{ ram_total_MB }}\n"
	    "{% for i in mars_db.gitlab.values() %}# {{ i.name }} {{ i.url }} {{ i.expose_runners }} {{ i.should_expose_gateway_runner }} "
	    "{{ i.gateway_runner.token }}\n{% endfor %}"
	    "{% for d in mars_db.duts.values() %}# {{ d.full_name }} {{ d.available }}{% for k, v in d.gitlab.items() %} {{ k }} {{ "
	    "v.exposed "
	    "}} {{ v.token }}{% endfor %}\n{% endfor %}"
	    "{% for k, v in config.job_environment_vars().items() if k != 'NASTY' %}{{ k }} = {{ v | tojson }}\n{% endfor %}");
	setenv("GITLAB_CONF_TEMPLATE_FILE", in_dir("t"), 1);
	make_farm(&farm);
	text = updated(&farm);
	assert_string_equal(text, "# lab 80 | 20 16000\n"
				  "# home https://home.example/ True False None\n"
				  "# work https://work.example/git/ True True glrt-gateway\n"
				  "# lab-gfx9-1 True work True glrt-a-work home True glrt-a-home\n"
				  "# lab-gfx9-2 True work True glrt-b-work home False None\n"
				  "# lab-gfx10-1 False work True glrt-c-work home True glrt-c-home\n"
				  "MINIO_URL = \"http://ci-gateway:9000\"\n"
				  "fdo_Proxy = \"http://10.0.0.1:8888/\"\n\n");
	free(text);
}

static void a_template_with_an_error_keeps_the_old_file(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {{"a = 1\n{% for %}", "t:2: "},
		    {"\n\n{{ 1 + 'a' }}", "t:3: "},
		    {"{{ mars_db.nothing.what | tojson }}", "t:1: tojson does not work with an undefined name"},
		    {"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
		     "t:1: the template takes too much work"},
		    {"a = 1\nb = \"\xff\"", "t:2: not UTF-8"},
		    {"a = 1\nb = {{ mars_db.nothing }}", "t: what it makes is not TOML: line 2: a value is missing"},
		    {NULL, "t: No such file or directory"}};
	struct gw_error no_error;
	struct farm farm;
	char *before;

	assert_true(check(&no_error));
	make_farm(&farm);
	before = updated(&farm);
	setenv("GITLAB_CONF_TEMPLATE_FILE", in_dir("t"), 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err;
		bool written = true;
		char *after, *says = gw_sprintf("%s/%s", dir, rows[i].says);

		if (rows[i].text)
			put("t", rows[i].text);
		else
			assert_int_equal(unlink(in_dir("t")), 0);
		assert_false(check(&err)); /* --check finds it without a farm */
		assert_int_equal(strncmp(err.text, says, strlen(says)), 0);
		assert_false(update(&farm, &written, &err));
		assert_false(written);
		if (strncmp(err.text, says, strlen(says)) != 0)
			fail_msg("%s is not %s", err.text, says);
		after = file_read(in_dir("config.toml"), 1 << 20, NULL, &err);
		assert_string_equal(before, after);
		free(after);
		free(says);
	}
	free(before);
}

static void promise_38_no_error_of_a_template_tells_a_token(void **state)
{
	static const char *const uses[] = {"1 + token",
					   "token()",
					   "token.x()",
					   "{}[token]()",
					   "1 | round(0, token)",
					   "token < 1",
					   "token | sum",
					   "token | int | abs()",
					   "range(token)",
					   "dict(token)",
					   "token",
					   "'x = ' ~ token",
					   "[token] | tojson",
					   "token.index('?')",
					   "'%d' | format(token)",
					   "[token, 1] | sort",
					   "token | attr('x') | tojson",
					   "token.split(token, token)"};
	struct farm farm;
	int failed = 0;

	make_farm(&farm);
	farm.entries[0][0].token = TEXT("CANARY");
	setenv("GITLAB_CONF_TEMPLATE_FILE", in_dir("t"), 1);
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		char *text = gw_sprintf("{%% set token = mars_db.duts.a.gitlab.work.token %%}{{ %s }}\n", uses[i]);
		struct gw_error err;
		bool written;

		put("t", text);
		failed += !update(&farm, &written, &err);
		assert_null(strstr(err.text, "CANARY"));
		free(text);
	}
	assert_true(failed > 10);
}

static void a_variable_for_jobs_that_no_toml_can_hold_is_an_error(void **state)
{
	struct farm farm;
	struct gw_error err;
	bool written;

	make_farm(&farm);
	setenv("EXECUTOR_JOB__BAD", "\xff", 1);
	assert_false(update(&farm, &written, &err));
	assert_string_equal(err.text, "EXECUTOR_JOB__BAD: not UTF-8, which config.toml must be");
	unsetenv("EXECUTOR_JOB__BAD");
}

/* ---- a large farm ---- */

#define LARGE 10000
static void ten_thousand_machines_on_three_instances_render(void **state)
{
	struct msg_gitlab_instance in[3] = {{.name = TEXT("i0")}, {.name = TEXT("i1")}, {.name = TEXT("i2")}};
	struct msg_gitlab_dut *duts = gw_calloc(LARGE, sizeof(*duts));
	struct msg_gitlab_configure all = {.instances = {in, 3}, .duts = {duts, LARGE}};
	struct msg_gitlab_entry entries[3] = {{.runner_id = 1}, {.runner_id = 1}, {.runner_id = 1}};
	struct model model = {0};
	struct env env = {0};
	struct gw_error err = {0};
	bool written;

	for (int i = 0; i < 3; i++) {
		in[i].url = TEXT("https://gitlab.example/");
		in[i].runner_type = TEXT("instance_type");
		in[i].maximum_timeout = 600;
		in[i].expose_runners = true;
		in[i].acl.v = &of_work;
		in[i].acl.n = 1;
		entries[i].instance = in[i].name;
		entries[i].token = TEXT("glrt-0123456789abcdefghij");
		entries[i].exposed = true;
	}
	for (int i = 0; i < LARGE; i++)
		duts[i] = (struct msg_gitlab_dut){
			.id = gw_sprintf("dut-%05d", i), .full_name = TEXT("lab-gfx9-1"), .available = true, .gitlab = {entries, 3}};
	load_env(&env);
	model_configure(&model, &all);
	if (!config_toml_update(&env, &host, &model, &written, &err))
		fail_msg("%s", err.text);
	model_finish(&model);
	env_finish(&env);
	for (int i = 0; i < LARGE; i++)
		free(duts[i].id);
	free(duts);
	char *count = gw_sprintf("grep -c '^concurrent = 30000\\|^check_interval = 3000\\|^  token = ' %s", in_dir("config.toml"));
	char *said = said_by(count);

	assert_string_equal(said, "30002\n");
	free(said);
	free(count);
}

/* ---- who may read it ---- */

static void promise_39_config_toml_is_its_owners_alone_from_the_first_byte(void **state)
{
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *command, *calls, *line;
	struct stat st;
	int created = 0, renamed = 0;

	assert_true(n > 0);
	self[n] = 0;
	put("config.toml.new", "left by a save that was killed");
	assert_int_equal(chmod(in_dir("config.toml.new"), 0666), 0);
	command = gw_sprintf(
		"ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o '%s' -e trace=file,fchmod,fchmodat,fchown '%s' --update && cat '%s'",
		in_dir("calls"), self, in_dir("calls"));
	calls = said_by(command);
	for (line = strtok(calls, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, "config.toml"))
			continue;
		if (strstr(line, "O_CREAT")) {
			assert_non_null(strstr(line, "/config.toml.new\", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = "));
			created++;
		}
		renamed += strstr(line, "rename(") != NULL && strstr(line, "/config.toml.new\", ") && strstr(line, "/config.toml\") = 0");
		assert_null(strstr(line, "chmod"));
		assert_null(strstr(line, "chown"));
	}
	assert_int_equal(created, 1);
	assert_int_equal(renamed, 1);
	assert_int_equal(stat(in_dir("config.toml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(in_dir("config.toml.new"), F_OK), -1);
	free(calls);
	free(command);
}

/* What runs under strace: the file is written once, by a process without a umask. */
static int update_once(void)
{
	struct env env = {0};
	struct farm farm;
	struct model model = {0};
	struct gw_error err = {0};
	bool ok, written = false;

	umask(0);
	load_env(&env);
	make_farm(&farm);
	model_of(&model, &farm);
	ok = config_toml_update(&env, &host, &model, &written, &err);
	model_finish(&model);
	env_finish(&env);
	return ok && written ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_runner_of_a_farm_is_in_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_said_to_be_in_the_file_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_runner_that_is_not_to_be_used_is_not_in_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_farm_without_runners_is_a_valid_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_from_before_us_is_kept_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_gateway_without_gitlab_touches_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_written_only_if_it_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(a_template_of_an_admin_sees_the_farm, setup, teardown),
		cmocka_unit_test_setup_teardown(a_template_with_an_error_keeps_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_38_no_error_of_a_template_tells_a_token, setup, teardown),
		cmocka_unit_test_setup_teardown(a_variable_for_jobs_that_no_toml_can_hold_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_thousand_machines_on_three_instances_render, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_39_config_toml_is_its_owners_alone_from_the_first_byte, setup, teardown),
	};

	if (argc == 2 && strcmp(argv[1], "--update") == 0)
		return update_once();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
