#include "libgateway/env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libgateway/log.h"
#include "libgateway/url.h"

#define ENV_TEXT_MAX 4096

extern char **environ;

static const struct option_row {
	const char *name;
	unsigned readers;
	enum env_type type;
	const char *dflt;
	double min, max;
	const char *meaning;
} rows[ENV_OPTIONS] = {
#define OPTION(readers, name, type, dflt, min, max, meaning) [OPT_##name] = {#name, readers, type, dflt, min, max, meaning},
#include "libgateway/options.def"
#undef OPTION
};

static bool take_integer(struct env *env, int o, const char *text, struct gw_error *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || errno || (double)value < rows[o].min || (double)value > rows[o].max)
		return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a whole number; accepted: %.0f to %.0f", rows[o].name, text, rows[o].min,
			       rows[o].max);
	env->integer[o] = value;
	return true;
}

static bool take_number(struct env *env, int o, const char *text, struct gw_error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= rows[o].min && value <= rows[o].max))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a number; accepted: %g to %g", rows[o].name, text, rows[o].min,
			       rows[o].max);
	env->number[o] = value;
	return true;
}

static bool take_boolean(struct env *env, int o, const char *text, struct gw_error *err)
{
	static const char *const yes[] = {"true", "enabled", "1", "yes"}, *const no[] = {"false", "disabled", "0", "no"};

	for (int i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			env->integer[o] = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return gw_fail(err, GW_BAD_INPUT, "%s: '%s' is not a boolean; accepted: true, enabled, 1, yes, false, disabled, 0, no",
		       rows[o].name, text);
}

static bool take_url(struct env *env, int o, const char *text, struct gw_error *err)
{
	struct url_host host;
	struct gw_error why = {0};

	if (!url_host_of(text, &host, &why))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.200s' is not a URL; accepted: http://HOST[:PORT] or https://HOST[:PORT]",
			       rows[o].name, text);
	return true;
}

static bool take_host_port(struct env *env, int o, const char *text, struct gw_error *err)
{
	const char *colon = strrchr(text, ':');
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!colon || colon == text || end == colon + 1 || *end || port < 1 || port > 65535)
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.200s' is not a place to connect to; accepted: HOST:PORT", rows[o].name, text);
	return true;
}

static bool take_text(struct env *env, int o, const char *text, struct gw_error *err)
{
	if (rows[o].max > 0 && (strlen(text) < (size_t)rows[o].min || strlen(text) > (size_t)rows[o].max))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' has %zu bytes; accepted: %.0f to %.0f", rows[o].name, text, strlen(text),
			       rows[o].min, rows[o].max);
	return true;
}

static bool take_any(struct env *env, int o, const char *text, struct gw_error *err)
{
	return true;
}

static const struct {
	bool (*take)(struct env *env, int o, const char *text, struct gw_error *err);
	const char *name;
} types[] = {
	[ENV_TEXT] = {take_text, "text"},
	[ENV_INTEGER] = {take_integer, "whole number"},
	[ENV_NUMBER] = {take_number, "number"},
	[ENV_BOOLEAN] = {take_boolean, "boolean"},
	[ENV_PATH] = {take_any, "path"},
	[ENV_HTTP_URL] = {take_url, "URL"},
	[ENV_PORT] = {take_integer, "port"},
	[ENV_HOST_PORT] = {take_host_port, "host:port"},
	[ENV_REGEX] = {take_any, "regular expression"},
	[ENV_NOT_EMPTY] = {take_any, "text"},
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
	struct gw_error err = {0};

	if (!text)
		return true;
	if (strlen(text) > ENV_TEXT_MAX) {
		gw_errors_add(errs, GW_BAD_INPUT, "%s: more than %d bytes", rows[o].name, ENV_TEXT_MAX);
		return false;
	}
	if (!types[rows[o].type].take(env, o, text, &err)) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
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
	       "exit\n");
	for (const struct env_flag *f = program->flags; f && f->name; f++)
		printf("  %s  %s\n", f->name, f->meaning);
	printf("\nConfiguration, from the environment:\n");
	for (int o = 0; o < ENV_OPTIONS; o++)
		if (rows[o].readers & program->reader)
			printf("  %s (%s; default: %s)\n      %s\n", rows[o].name, types[rows[o].type].name,
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
	for (size_t i = 0; env->check_only && i < errs.n; i++)
		fprintf(stderr, "%s\n", errs.v[i].text);
	ok = gw_errors_none(&errs, err);
	gw_errors_finish(&errs);
	return ok;
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

/* The build tree's top, if this program runs from there (BUILD/folder/program); NULL if it is installed. Caller frees. */
static char *build_root(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *marker, *root;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	/* Programs lie one level down, tests two. */
	for (int level = 0; level < 3; level++) {
		char *slash = strrchr(self, '/');
		if (!slash || slash == self)
			return NULL;
		*slash = '\0';
		marker = gw_sprintf("%s/build.ninja", self);
		root = access(marker, F_OK) == 0 ? gw_strdup(self) : NULL;
		free(marker);
		if (root)
			return root;
	}
	return NULL;
}

char *env_program_path(const char *folder, const char *program)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s/%s", root, folder, program) : gw_sprintf("%s/%s", GW_LIBEXECDIR, program);

	free(root);
	return path;
}

char *env_data_path(const char *in_source, const char *installed)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s", GW_SOURCE_ROOT, in_source) : gw_sprintf("%s/%s", GW_DATADIR, installed);

	free(root);
	return path;
}

char *env_built_path(const char *in_build, const char *installed)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s", root, in_build) : gw_sprintf("%s/%s", GW_DATADIR, installed);

	free(root);
	return path;
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
