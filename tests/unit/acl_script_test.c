/* The ACL's script against libmars' function, by the shells there are. */
#include "gitlabd/acl_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/buffer.h"
#include "libmars/marsdb.h"

/* bash as jobs have it, dash and busybox as in small images. */
static const char *const shells[] = {"dash", "bash", "bash --posix", "busybox sh", "LANG=C.UTF-8 LC_ALL=C.UTF-8 bash"};
#define SHELLS (sizeof(shells) / sizeof(shells[0]))

#define MAX_VALUES 3
struct rules { /* of both libraries, with the same texts */
	char *text[3][MAX_VALUES];
	size_t n[3];
};

static struct mars_acl_rules for_mars(struct rules *r)
{
	return (struct mars_acl_rules){{r->text[0], r->n[0]}, {r->text[1], r->n[1]}, {r->text[2], r->n[2]}};
}

static struct msg_gitlab_rules for_script(struct rules *r)
{
	return (struct msg_gitlab_rules){
		.users = {r->text[0], r->n[0]}, .projects = {r->text[1], r->n[1]}, .projects_in_groups = {r->text[2], r->n[2]}};
}

/* Runs `program` with `shell`; what it printed, standard error too. Its exit code is the last line. */
static char *run(const char *shell, const char *flags, const char *program)
{
	char path[] = "/tmp/acl_script_test.XXXXXX";
	char *command;
	struct buffer out = {0};
	char bytes[4096];
	size_t n;
	FILE *pipe;
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, program, strlen(program)) == (ssize_t)strlen(program));
	close(fd);
	command = gw_sprintf("%s %s %s 2>&1", shell, flags, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((n = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
		buffer_add(&out, bytes, n);
	buffer_printf(&out, "exit %d", WEXITSTATUS(pclose(pipe)));
	unlink(path);
	free(command);
	return buffer_take(&out);
}

/* A variable's value, quoted in another way than the script quotes. */
static void set_variable(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, "%s=\"", name);
	for (; *value; value++)
		buffer_printf(out, strchr("\"\\$`", *value) ? "\\%c" : "%c", *value);
	buffer_printf(out, "\"\n");
}

/* ---- thousands of random ACLs ---- */

static unsigned long seed = 20261125;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

static char *random_text(void)
{
	static const char nasty[] =
		"aab/*?[]!^-'\"\\$`(){}<>|;&#~ \t\n\r=%,.:@+\x01\x02\x1b\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\xc3\xa9\xff";
	size_t n = below(5);
	char *text = gw_calloc(1, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = nasty[below(sizeof(nasty) - 1)];
	return text;
}

static void random_rules(struct rules *r)
{
	for (int kind = 0; kind < 3; kind++) {
		r->n[kind] = below(3) ? 0 : 1 + below(MAX_VALUES);
		for (size_t i = 0; i < r->n[kind]; i++)
			r->text[kind][i] = random_text();
	}
}

static void free_rules(struct rules *r)
{
	for (int kind = 0; kind < 3; kind++)
		for (size_t i = 0; i < r->n[kind]; i++)
			free(r->text[kind][i]);
}

/* Often one of a rule's own texts, bare or with something behind it. */
static char *random_subject(struct rules *r, size_t n_rules)
{
	struct rules *of = &r[below((unsigned)n_rules)];
	int kind = (int)below(3);
	char *more = random_text(), *text;

	if (!of->n[kind] || below(4) == 0)
		return more;
	text = gw_sprintf("%s%s%s", of->text[kind][below((unsigned)of->n[kind])], below(2) ? "/" : "", below(2) ? more : "");
	free(more);
	return text;
}

/* `text` with each `from` replaced. */
static char *replaced(const char *text, const char *from, const char *to)
{
	struct buffer out = {0};
	const char *at;

	for (; (at = strstr(text, from)); text = at + strlen(from)) {
		buffer_add(&out, text, (size_t)(at - text));
		buffer_printf(&out, "%s", to);
	}
	buffer_printf(&out, "%s", text);
	return buffer_take(&out);
}

/* The script with its subshell as a loop and its ends as ends of that loop: a fork less for each, so that thousands are quick. */
static char *without_fork(const char *script)
{
	static const char *const steps[][2] = {{"( # May", "yes=+; while :; do # May"},
					       {"\texit 0 ;;", "\tbreak ;;"},
					       {"\trefuse \"", "\tyes=-; break; : \""},
					       {"refuse \"no rule", "yes=-; break; : \"no rule"},
					       {"\n) || exit 1\n", "\ndone; printf %s \"$yes\"\n"}};
	char *text = gw_strdup(*script ? script : "printf +\n");

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char *next = replaced(text, steps[i][0], steps[i][1]);

		free(text);
		text = next;
	}
	return text;
}

static char *with_fork(const char *script)
{
	return *script ? replaced(script, "\n) || exit 1\n", "\n) 2>/dev/null && printf + || printf %s -\n") : gw_strdup("printf +\n");
}

/* Adds an ACL, with three users and projects, to the program. */
static int add_random_case(struct buffer *program, struct buffer *expected, char *(*form)(const char *script))
{
	struct rules r[4] = {0}; /* own deny, own allow, the instance's */
	struct msg_gitlab_rules m[4];
	struct msg_gitlab_acl levels[2] = {0};
	struct mars_acl mars[2];
	char *script, *text;
	int allowed = 0;

	for (int k = 0; k < 4; k++) {
		if (below(2))
			random_rules(&r[k]);
		m[k] = for_script(&r[k]);
	}
	for (int k = 0; k < 2; k++) {
		mars[k] = (struct mars_acl){for_mars(&r[2 * k]), for_mars(&r[2 * k + 1])};
		levels[k].deny.v = &m[2 * k];
		levels[k].allow.v = &m[2 * k + 1];
		levels[k].deny.n = levels[k].allow.n = 1;
	}
	script = acl_script(&levels[0], &levels[1]);
	text = form(script);
	for (int k = 0; k < 3; k++) {
		char *user = random_subject(r, 4), *project = random_subject(r, 4);
		bool yes = mars_acl_allows(&mars[0], &mars[1], user, project);

		set_variable(program, "GITLAB_USER_LOGIN", user);
		set_variable(program, "CI_PROJECT_PATH", project);
		buffer_add(program, text, strlen(text));
		buffer_add(expected, yes ? "+" : "-", 1);
		allowed += yes;
		free(user);
		free(project);
	}
	for (int k = 0; k < 4; k++)
		free_rules(&r[k]);
	free(script);
	free(text);
	return allowed;
}

static void check_random_cases(const char *shell, int cases, char *(*form)(const char *script))
{
	struct buffer program = {0}, expected = {0};
	int allowed = 0;
	char *said;

	for (int i = 0; i < cases; i++)
		allowed += add_random_case(&program, &expected, form);
	assert_in_range(allowed, cases / 4, cases * 3 - cases / 4); /* both answers are tried */
	said = run(shell, "-eu", program.data);
	buffer_printf(&expected, "exit 0");
	assert_string_equal(said, expected.data);
	free(said);
	buffer_finish(&program);
	buffer_finish(&expected);
}

static void the_script_answers_as_the_function_whatever_the_bytes(void **state)
{
	for (size_t s = 0; s < SHELLS; s++) {
		check_random_cases(shells[s], 1000, without_fork);
		check_random_cases(shells[s], 20, with_fork);
	}
}

/* ---- the sentences of the manual ---- */

/* One rule of each kind at most; NULL: none. */
struct row {
	const char *what;
	const char *own_deny_user, *own_allow_user, *own_allow_group, *deny_user, *deny_project, *allow_project, *allow_group;
	const char *user, *project;
	const char *refused; /* NULL: it may run */
};

static void add_one(struct rules *r, int kind, const char *text)
{
	r->text[kind][r->n[kind]] = gw_strdup(text);
	r->n[kind] += text != NULL;
}

static const struct row rows[] = {
	{.what = "no rule anywhere: no restriction", .user = "anybody", .project = "any/thing"},
	{.what = "deny is looked at before allow",
	 .own_deny_user = "bob",
	 .own_allow_user = "bob",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "this runner's rules deny the user"},
	{.what = "deny is looked at before allow, with different kinds of rules",
	 .own_deny_user = "bob",
	 .own_allow_group = "g",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "this runner's rules deny the user"},
	{.what = "the runner's own level comes first: it allows what the instance denies",
	 .own_allow_user = "bob",
	 .deny_user = "bob",
	 .user = "bob",
	 .project = "g/p"},
	{.what = "the runner's own level comes first: it denies what the instance allows",
	 .own_deny_user = "bob",
	 .allow_group = "g",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "this runner's rules deny the user"},
	{.what = "the instance's level counts if no rule of the runner matches: allow",
	 .own_deny_user = "eve",
	 .allow_group = "g",
	 .user = "bob",
	 .project = "g/p"},
	{.what = "the instance's level counts if no rule of the runner matches: deny",
	 .own_allow_user = "eve",
	 .deny_project = "g/p",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "this farm's rules deny the project"},
	{.what = "a rule, but none that matches: denied",
	 .own_allow_user = "eve",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "no rule allows it"},
	{.what = "a deny rule alone, but none that matches: denied",
	 .deny_user = "eve",
	 .user = "bob",
	 .project = "g/p",
	 .refused = "no rule allows it"},
	{.what = "a group's subgroups are its own", .allow_group = "g", .user = "bob", .project = "g/sub/p"},
	{.what = "a group is not a prefix of a name", .allow_group = "g", .user = "bob", .project = "gg/p", .refused = "no rule allows it"},
	{.what = "a group is no project", .allow_group = "g/p", .user = "bob", .project = "g/p", .refused = "no rule allows it"},
	{.what = "a project is one project", .allow_project = "g/p", .user = "bob", .project = "g/p"},
	{.what = "a project is not a prefix", .allow_project = "g/p", .user = "bob", .project = "g/p/q", .refused = "no rule allows it"},
	{.what = "a user is no pattern", .own_allow_user = "*", .user = "bob", .project = "g/p", .refused = "no rule allows it"},
	{.what = "a user's case counts", .own_allow_user = "Bob", .user = "bob", .project = "g/p", .refused = "no rule allows it"},
	{.what = "quotes and commands are letters",
	 .own_allow_user = "'; echo x; '$(echo y)`echo z`",
	 .user = "'; echo x; '$(echo y)`echo z`",
	 .project = "g/p"},
	{.what = "quotes and commands of a job are letters",
	 .own_allow_user = "eve",
	 .user = "';echo x$(echo y)`echo z`\\",
	 .project = "g/p",
	 .refused = "no rule allows it"},
	{.what = "what is not set is empty", .allow_group = "g", .refused = "no rule allows it"},
};

/* What gitlab-runner makes of it: its own head, the script, the job's. */
static char *job_of(const struct row *row, const char *script)
{
	struct buffer program = {0};

	buffer_printf(&program, "set -eu\nunset GITLAB_USER_LOGIN CI_PROJECT_PATH\nrefuse() { :; }\n");
	if (row->user)
		set_variable(&program, "GITLAB_USER_LOGIN", row->user);
	if (row->project)
		set_variable(&program, "CI_PROJECT_PATH", row->project);
	buffer_printf(&program, "LC_ALL=POSIX\n%s\n", script);
	buffer_printf(&program, "refuse\necho \"the job runs, LC_ALL=$LC_ALL\"\n");
	return buffer_take(&program);
}

static void check_row(const struct row *row)
{
	struct rules r[4] = {0};
	struct msg_gitlab_rules m[4];
	struct msg_gitlab_acl own = {0}, instance = {0};
	struct mars_acl mars[2];
	char *script, *program, *wanted;

	add_one(&r[0], 0, row->own_deny_user);
	add_one(&r[1], 0, row->own_allow_user);
	add_one(&r[1], 2, row->own_allow_group);
	add_one(&r[2], 0, row->deny_user);
	add_one(&r[2], 1, row->deny_project);
	add_one(&r[3], 1, row->allow_project);
	add_one(&r[3], 2, row->allow_group);
	for (int k = 0; k < 4; k++)
		m[k] = for_script(&r[k]);
	own.deny.v = &m[0], own.allow.v = &m[1], own.deny.n = own.allow.n = 1;
	instance.deny.v = &m[2], instance.allow.v = &m[3], instance.deny.n = instance.allow.n = 1;
	mars[0] = (struct mars_acl){for_mars(&r[0]), for_mars(&r[1])};
	mars[1] = (struct mars_acl){for_mars(&r[2]), for_mars(&r[3])};
	assert_int_equal(mars_acl_allows(&mars[0], &mars[1], row->user ? row->user : "", row->project ? row->project : ""), !row->refused);
	script = acl_script(&own, &instance);
	program = job_of(row, script);
	wanted = row->refused ? gw_sprintf("Refused: a job of user '%s' in project '%s': %s.\nexit 1", row->user ? row->user : "",
					   row->project ? row->project : "", row->refused)
			      : gw_strdup("the job runs, LC_ALL=POSIX\nexit 0");
	for (size_t s = 0; s < SHELLS - 1; s++) {
		char *said = run(shells[s], strncmp(shells[s], "bash", 4) == 0 ? "-o pipefail" : "", program);

		if (strcmp(said, wanted) != 0)
			fail_msg("%s, %s:\n%s\nis not\n%s\n%s", row->what, shells[s], said, wanted, program);
		free(said);
	}
	for (int k = 0; k < 4; k++)
		free_rules(&r[k]);
	free(script);
	free(program);
	free(wanted);
}

static void each_sentence_of_the_manual_holds(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void no_rule_is_no_script(void **state)
{
	struct msg_gitlab_rules none = {0};
	struct msg_gitlab_acl empty = {.deny = {&none, 1}}, emptier = {0};
	char *a = acl_script(NULL, NULL), *b = acl_script(&empty, &emptier);

	assert_string_equal(a, "");
	assert_string_equal(b, "");
	free(a);
	free(b);
}

static void the_script_is_as_written(void **state)
{
	char *users[] = {(char *)(uintptr_t) "o'brien", (char *)(uintptr_t) "eve"}, *groups[] = {(char *)(uintptr_t) "gfx-ci"};
	struct msg_gitlab_rules deny = {.users = {users, 2}}, allow = {.projects_in_groups = {groups, 1}};
	struct msg_gitlab_acl own = {.deny = {&deny, 1}}, instance = {.allow = {&allow, 1}};
	char *script = acl_script(&own, &instance);

	assert_string_equal(
		script, "( # May this job run here?\n"
			"LC_ALL=C\n"
			"refuse() {\n"
			"\tprintf '%s\\n' \"Refused: a job of user '${GITLAB_USER_LOGIN-}' in project '${CI_PROJECT_PATH-}': $1.\" >&2\n"
			"\texit 1\n"
			"}\n"
			"case \"${GITLAB_USER_LOGIN-}\" in\n"
			"'o'\\''brien' | \\\n"
			"'eve')\n"
			"\trefuse \"this runner's rules deny the user\" ;;\n"
			"esac\n"
			"case \"${CI_PROJECT_PATH-}\" in\n"
			"'gfx-ci'/*)\n"
			"\texit 0 ;;\n"
			"esac\n"
			"refuse \"no rule allows it\"\n"
			") || exit 1\n");
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_answers_as_the_function_whatever_the_bytes),
		cmocka_unit_test(each_sentence_of_the_manual_holds),
		cmocka_unit_test(no_rule_is_no_script),
		cmocka_unit_test(the_script_is_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
