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
	const char *url; /* of the gateway */
	bool url_given;  /* by -e */
	bool colour;     /* standard output is a terminal that wants colours */
};

struct ctl_command {
	const char *name;
	const char *operands;                                                                 /* "PDU PORT [on|off]" */
	int min, max;                                                                         /* how many operands */
	const char *meaning;                                                                  /* one sentence */
	const char *details;                                                                  /* more for its --help; or NULL */
	const struct ctl_option *options;                                                     /* ends with letter 0; or NULL */
	int (*run)(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err); /* the exit code; a set `err` is printed */
};

#define CTL_FAILED(err) gw_exit_code(err)

bool ctl_given(const struct ctl_args *args, char letter);
const char *ctl_value(const struct ctl_args *args, char letter);                  /* the last one given; NULL: none */
const char *ctl_next_value(const struct ctl_args *args, char letter, size_t *at); /* each in turn, *at from 0; NULL: no more */

/* Sorts what follows a command's name into `args`. False with GW_OK: --help was asked for. GW_BAD_INPUT: the command cannot be used so. */
bool ctl_args_parse(struct ctl_args *args, const struct ctl_command *command, int argc, char **argv, struct gw_error *err);
void ctl_command_help(const struct ctl_command *command);

/* The commands, one function each. */
int ctl_run(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_duts(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_dut(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_pdus(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_port(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_discover(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_db(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);
int ctl_cancel(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err);

extern const struct ctl_option ctl_run_options[], ctl_db_options[];

#endif
