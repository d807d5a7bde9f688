#include "libgateway/env.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/ended.h"
#include "libgateway/env_internal.h"
#include "libgateway/log.h"

#define ENV_TEXT_MAX 4096

extern char **environ;

static const struct env_row rows[ENV_OPTIONS] = {
#define OPTION(readers, name, type, dflt, min, max, meaning) [OPT_##name] = {#name, readers, type, dflt, min, max, meaning},
#include "libgateway/options.def"
#undef OPTION
};

/* An option set to nothing is unset, as in an env file that clears a line; but a list may be empty. */
static const char *value_of(int o)
{
	const char *text = getenv(rows[o].name);

	if (text && (*text || o == OPT_EXECUTOR_ARTIFACT_DENY))
		return text;
	return rows[o].dflt;
}

static bool load_option(struct env *env, int o, struct gw_errors *errs)
{
	const char *text = value_of(o);
	struct env_value value = {0};
	struct gw_error err = {0};

	if (!text)
		return true;
	if (strlen(text) > ENV_TEXT_MAX) {
		gw_errors_add(errs, GW_BAD_INPUT, "%s: more than %d bytes", rows[o].name, ENV_TEXT_MAX);
		return false;
	}
	if (!env_value_read(&rows[o], text, &value, &err)) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	env->integer[o] = value.integer;
	env->number[o] = value.number;
	env->text[o] = gw_strdup(text);
	env->given[o] = text != rows[o].dflt;
	return true;
}

static void print_help(const struct env_program *program)
{
	printf("%s: %s\n\nUsage: %s [--help] [--version] [--check]", program->name, program->summary, program->name);
	for (const struct env_flag *f = program->flags; f && f->name; f++)
		printf(" [%s]", f->name);
	printf("\n\n  --help     this text\n  --version  the version\n  --check    load everything, print every error, open nothing, "
	       "exit\n"
	       "  --ended    for its unit's ExecStopPost=: note how it ended, and wait while it ends early again and again\n");
	for (const struct env_flag *f = program->flags; f && f->name; f++)
		printf("  %s  %s\n", f->name, f->meaning);
	printf("\nConfiguration, from the environment:\n");
	for (int o = 0; o < ENV_OPTIONS; o++)
		if (rows[o].readers & program->reader)
			printf("  %s (%s; default: %s)\n      %s\n", rows[o].name, env_type_name(rows[o].type),
			       rows[o].dflt ? rows[o].dflt : "none", rows[o].meaning);
	printf("\nExit codes: 0 done or stopped, 1 failed, 2 bad usage or configuration.\n");
}

static bool take_flag(struct env *env, const char *arg, struct gw_error *err)
{
	if (strcmp(arg, "--check") == 0) {
		env->check_only = true;
		return true;
	}
	for (const struct env_flag *f = env->program->flags; f && f->name; f++) {
		if (strcmp(f->name, arg) == 0) {
			*f->value = true;
			return true;
		}
	}
	return gw_fail(err, GW_BAD_INPUT, "'%.100s' is not an option of %s; see %s --help", arg, env->program->name, env->program->name);
}

bool env_load(struct env *env, const struct env_program *program, int argc, char **argv, struct gw_error *err)
{
	struct gw_errors errs = {0};
	bool ok;

	env->program = program;
	if (argc == 2 && strcmp(argv[1], "--ended") == 0) { /* whatever the rest of the configuration is like */
		env->done = true;
		ended_of_unit(value_of(OPT_EXECUTOR_RUNTIME_DIR), program->name, err);
		return false;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0) {
			if (argv[i][2] == 'h')
				print_help(program);
			else
				printf("%s %s\n", program->name, GW_VERSION);
			env->done = true;
			return false;
		}
		if (!take_flag(env, argv[i], err))
			return false;
	}
	for (int o = 0; o < ENV_OPTIONS; o++)
		if (rows[o].readers & program->reader)
			load_option(env, o, &errs);
	log_init(program->name, env->text[OPT_LOG_LEVEL]);
	log_format(env->text[OPT_LOG_FORMAT]);
	for (size_t i = 0; env->check_only && i < errs.n; i++)
		fprintf(stderr, "%s\n", errs.v[i].text);
	ok = gw_errors_none(&errs, err);
	gw_errors_finish(&errs);
	return ok;
}

int env_exit_code(const struct env *env, const struct gw_error *err)
{
	const struct gw_error bad = {.kind = GW_BAD_INPUT};

	return gw_exit_code(env->check_only && err->kind != GW_OK ? &bad : err);
}

void env_finish(struct env *env)
{
	for (int o = 0; o < ENV_OPTIONS; o++)
		free(env->text[o]);
	*env = (struct env){0};
}

/* A program that asks for an option that its row does not name would get nothing for ever: our own mistake. */
static void check_reader(const struct env *env, enum env_option option)
{
	gw_assert(rows[option].readers & env->program->reader);
}

const char *env_text(const struct env *env, enum env_option option)
{
	check_reader(env, option);
	return env->text[option];
}

int64_t env_integer(const struct env *env, enum env_option option)
{
	check_reader(env, option);
	return env->integer[option];
}

double env_number(const struct env *env, enum env_option option)
{
	check_reader(env, option);
	return env->number[option];
}

bool env_boolean(const struct env *env, enum env_option option)
{
	check_reader(env, option);
	return env->integer[option] != 0;
}

bool env_given(const struct env *env, enum env_option option)
{
	check_reader(env, option);
	return env->given[option];
}

static char *path_under(const char *dir, const char *fmt, va_list ap)
{
	char *name = NULL, *path;

	gw_assert(vasprintf(&name, fmt, ap) >= 0);
	path = gw_sprintf("%s/%s", dir, name);
	free(name);
	return path;
}

char *env_runtime_path(const struct env *env, const char *fmt, ...)
{
	va_list ap;
	char *path;

	va_start(ap, fmt);
	path = path_under(env_text(env, OPT_EXECUTOR_RUNTIME_DIR), fmt, ap);
	va_end(ap);
	return path;
}

char *env_state_path(const struct env *env, const char *fmt, ...)
{
	va_list ap;
	char *path;

	va_start(ap, fmt);
	path = path_under(env_text(env, OPT_EXECUTOR_STATE_DIR), fmt, ap);
	va_end(ap);
	return path;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void env_job_variables(void (*each)(void *data, const char *name, const char *value), void *data)
{
	static const char prefix[] = "EXECUTOR_JOB__";
	char **found = NULL;
	size_t n = 0;

	for (char **e = environ; *e; e++) {
		if (strncmp(*e, prefix, sizeof(prefix) - 1) != 0 || !strchr(*e, '='))
			continue;
		found = gw_realloc(found, (n + 1) * sizeof(*found));
		found[n++] = *e;
	}
	if (n)
		qsort(found, n, sizeof(*found), by_name);
	for (size_t i = 0; i < n; i++) {
		const char *start = found[i] + sizeof(prefix) - 1, *equals = strchr(start, '=');
		char *name = gw_strndup(start, (size_t)(equals - start));
		each(data, name, equals + 1);
		free(name);
	}
	free(found);
}

void env_each(void (*each)(void *data, const char *name, const char *text), void *data)
{
	for (int o = 0; o < ENV_OPTIONS; o++)
		if (rows[o].type != ENV_SECRET)
			each(data, rows[o].name, value_of(o));
}

void env_print_markdown(FILE *out)
{
	static const char *const programs[] = {"executord", "jobd", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};

	fprintf(out, "| option | default | read by | meaning |\n|---|---|---|---|\n");
	for (int o = 0; o < ENV_OPTIONS; o++) {
		const char *between = "";
		fprintf(out, "| `%s` | %s%s%s | ", rows[o].name, rows[o].dflt ? "`" : "", rows[o].dflt ? rows[o].dflt : "none",
			rows[o].dflt ? "`" : "");
		if (rows[o].readers == ENV_ALL) {
			fprintf(out, "all");
		} else {
			for (int p = 0; p < 8; p++) {
				if (rows[o].readers & (1U << p)) {
					fprintf(out, "%s%s", between, programs[p]);
					between = ", ";
				}
			}
		}
		fprintf(out, " | %s |\n", rows[o].meaning);
	}
}
