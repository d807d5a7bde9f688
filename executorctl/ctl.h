/* What the commands of executorctl share: the command line as it was given, and where the gateway is. */
#ifndef EXECUTORCTL_CTL_H
#define EXECUTORCTL_CTL_H

#include <stddef.h>

#include "libgateway/error.h"

struct ctl_option {
	char letter;
	const char *name;    /* "machine-tag": --machine-tag */
	const char *value;   /* "TAG", as --help says it; NULL: it takes none */
	const char *meaning; /* one sentence */
};

#define CTL_GIVEN_MAX 256
struct ctl_args { /* borrows argv */
	struct {
		char letter;
		const char *value;
	} given[CTL_GIVEN_MAX]; /* options, in their order */
	size_t n_given;
	char **operands;
	int n_operands;
};

struct ctl {
	const char *url;  /* of the gateway */
	bool url_given;   /* by -e */
	bool colour;      /* standard output is to have colours */
	size_t width;     /* columns of standard output's terminal; 0: it is none */
	long patience_ms; /* for an answer of REST; 0: the usual; negative: it may take long, but not be silent for long */
};

struct ctl_command {
	const char *name;
	const char *operands;                                                                 /* "PDU PORT [on|off]" */
	int min, max;                                                                         /* how many operands */
	const char *meaning;                                                                  /* one sentence */
	const char *details;                                                                  /* more for its --help; or NULL */
	const struct ctl_option *options;                                                     /* ends with letter 0; or NULL */
	int (*run)(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err); /* the exit code; a set `err` is printed */
	const char *words; /* for the shell's completion: what each operand is, see complete.c; "DUT set,unset,remove FIELD" */
};
extern const struct ctl_command ctl_commands[]; /* ends with a NULL name */
extern const struct ctl_option ctl_global_options[];
const struct ctl_command *ctl_command_find(const char *name); /* NULL: none */
#define CTL_MANY 1000                                         /* operands, where there is no limit */

#define CTL_FAILED(err) gw_exit_code(err)

bool ctl_given(const struct ctl_args *args, char letter);
const char *ctl_value(const struct ctl_args *args, char letter);                  /* the last one given; NULL: none */
const char *ctl_next_value(const struct ctl_args *args, char letter, size_t *at); /* each in turn, *at from 0; NULL: no more */

/* Sorts what follows a command's name into `args`. False with GW_OK: --help was asked for. GW_BAD_INPUT: the command cannot be used so. */
bool ctl_args_parse(struct ctl_args *args, const struct ctl_command *command, int argc, char **argv, struct gw_error *err);
/* Whether `arg`, an option of the command, takes the next argument as its value. */
bool ctl_takes_value(const struct ctl_command *command, const char *arg);
void ctl_command_help(const struct ctl_command *command);

void ctl_help(void);

/* Which colours there are to be: `when` is always, auto or never (or NULL, auto). False: it is none of them. */
bool ctl_colour(const char *when, bool *colour, struct gw_error *err);

/* The commands, one function each. */
typedef int ctl_run_fn(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
ctl_run_fn ctl_run, ctl_duts, ctl_dut, ctl_pdus, ctl_retire, ctl_activate, ctl_quick_check, ctl_port, ctl_discover, ctl_cancel, ctl_watch,
	ctl_db, ctl_lint, ctl_render, ctl_simulate, ctl_complete, ctl_gitlab;

extern const struct ctl_option ctl_run_options[], ctl_db_options[], ctl_job_options[], ctl_simulate_options[], ctl_gitlab_options[];

#endif
