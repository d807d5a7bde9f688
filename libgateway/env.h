/* Configuration from the environment, from one table: options.def. The loader, --help, --check, the man pages and the README's table are
 * all made from it (`executorctl options` prints the table as Markdown).
 *
 * Threading: filled once at start, read-only afterwards. */
#ifndef LIBGATEWAY_ENV_H
#define LIBGATEWAY_ENV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "libgateway/error.h"

/* Who reads an option: a set of programs. */
enum env_reader {
	ENV_EXECUTORD = 1 << 0,
	ENV_JOBD = 1 << 1,
	ENV_BOOTSD = 1 << 2,
	ENV_PDUD = 1 << 3,
	ENV_SALADD = 1 << 4,
	ENV_ARTIFACTD = 1 << 5,
	ENV_GITLABD = 1 << 6,
	ENV_BUCKETD = 1 << 7,
	ENV_ALL = 0xff,
};

enum env_type {
	ENV_TEXT,
	ENV_INTEGER,
	ENV_NUMBER,
	ENV_BOOLEAN,
	ENV_PATH,
	ENV_HTTP_URL,
	ENV_PORT,
	ENV_HOST_PORT,
	ENV_REGEX,
	ENV_NOT_EMPTY,
	ENV_ADDRESS,
	ENV_NAME,
	ENV_LOG_LEVEL,
	ENV_LOG_FORMAT,
	ENV_SECRET /* a text that no message shows, and no template knows */
};

enum env_option {
#define OPTION(readers, name, type, dflt, min, max, meaning) OPT_##name,
#include "libgateway/options.def"
#undef OPTION
	ENV_OPTIONS
};

/* A program's own command line beside --help, --version and --check; NULL-terminated by name. */
struct env_flag {
	const char *name;    /* "--standalone" */
	const char *meaning; /* one sentence */
	bool *value;         /* set to true when given */
};

struct env_program {
	const char *name;    /* "bootsd" */
	const char *summary; /* one sentence */
	enum env_reader reader;
	const struct env_flag *flags; /* or NULL */
};

struct env {
	const struct env_program *program;
	char *text[ENV_OPTIONS];      /* owned; NULL: unset and without a default */
	int64_t integer[ENV_OPTIONS]; /* ENV_INTEGER, ENV_PORT, ENV_BOOLEAN */
	double number[ENV_OPTIONS];   /* ENV_NUMBER */
	bool given[ENV_OPTIONS];
	bool check_only; /* --check was given: load everything, print errors, exit */
	bool done;       /* --help or --version was answered: nothing is left to do */
};

/* Reads the command line and the environment. Returns false with GW_OK in `err` after --help, --version (printed to standard output) and
 * --ended (libgateway/ended.h),
 * or false with GW_BAD_INPUT that names the option, what was found and what is accepted. */
bool env_load(struct env *env, const struct env_program *program, int argc, char **argv, struct gw_error *err);
void env_finish(struct env *env); /* accepts zeroed memory */
/* gw_exit_code's; after --check each error is one of the configuration: 2. */
int env_exit_code(const struct env *env, const struct gw_error *err);

const char *env_text(const struct env *env, enum env_option option); /* borrowed; NULL if unset */
int64_t env_integer(const struct env *env, enum env_option option);
double env_number(const struct env *env, enum env_option option);
bool env_boolean(const struct env *env, enum env_option option);
bool env_given(const struct env *env, enum env_option option); /* set by the environment, not by its default */

/* "DIR/NAME" under EXECUTOR_RUNTIME_DIR or EXECUTOR_STATE_DIR. The caller frees. */
char *env_runtime_path(const struct env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *env_state_path(const struct env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The variables EXECUTOR_JOB__X of the environment: calls `each` with "X" (case kept) and its value, in sorted order. */
void env_job_variables(void (*each)(void *data, const char *name, const char *value), void *data);

/* Where a program's siblings and data lie: the build tree when it runs from there, else the installed places. Caller frees.
 * program_path("pdud", "pdud") -> build/pdud/pdud or /usr/libexec/executor/pdud; data_path("libjob/templates/x", "job_templates/x")
 * -> SOURCE/libjob/templates/x or /usr/share/executor/job_templates/x. */
char *env_program_path(const char *folder, const char *program);
char *env_data_path(const char *in_source, const char *installed);
char *env_built_path(const char *in_build, const char *installed); /* BUILD/x or /usr/share/executor/installed */

/* Each option there is but the secrets, whoever reads it: its text from the environment, or its default, or NULL. */
void env_each(void (*each)(void *data, const char *name, const char *text), void *data);

void env_print_markdown(FILE *out); /* the table for the README and the docs */

#endif
