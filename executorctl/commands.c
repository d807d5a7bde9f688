/* The table of commands: --help, the man page and the shells' completion all go by it. */
#include <stdio.h>
#include <string.h>

#include "executorctl/ctl.h"
#include "libgateway/env.h"

static int print_options(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	env_print_markdown(stdout);
	return 0;
}

const struct ctl_option ctl_global_options[] = {
	{'e', "executor", "URL", "Where the gateway is; default: http://10.42.0.1/"},
	{'C', "color", "WHEN", "Colours: always, never, or auto (the default): on terminals, unless NO_COLOR is set."},
	{'V', "version", NULL, "The version."},
	{0},
};

static const struct ctl_option json_options[] = {{'J', "json", NULL, "The gateway's answer as JSON."}, {0}};
static const struct ctl_option check_options[] = {
	{'w', "wait", NULL, "Wait until the check is over; the exit code is 0 if it passed, 1 if it failed."},
	{0},
};
static const struct ctl_option watch_options[] = {
	{'J', "json", NULL, "Each event as a line of JSON, as the gateway tells it."},
	{0},
};
static const struct ctl_option discover_options[] = {
	{'t', "timeout", "SECONDS", "How long to wait for a machine; the gateway's default is 150."},
	{'J', "json", NULL, "The gateway's answer as JSON."},
	{0},
};

const struct ctl_command ctl_commands[] = {
	{"run", "FILE", 1, 1, "Runs a job and shows its console; the exit code is the job's status.",
	 "FILE is the job's description, a template as it is; - is standard input. On a terminal what is typed goes to the machine, byte "
	 "by\n"
	 "byte: CTRL+A then CTRL+C leaves, which ends the job; CTRL+A twice sends one CTRL+A.\n"
	 "Exit codes: 0 PASS, 1 WARN (also: it passed, but its bucket could not be fetched), 2 COMPLETE (or bad usage), 3 FAIL,\n"
	 "4 INCOMPLETE (also: left, connection lost), 5 UNKNOWN, 6 SETUP_FAIL (also: it never started).",
	 ctl_run_options, ctl_run, "FILE"},
	{"duts", "", 0, 0, "Lists the machines.", NULL, json_options, ctl_duts, ""},
	{"dut", "ID [set FIELD VALUE...|unset FIELD|remove]", 1, CTL_MANY, "Shows all about one machine, changes or removes it.",
	 "ID is its id or its full name. Fields that can be set: comment (a text), firmware_boot_time and pdu_off_delay (seconds), "
	 "is_retired\n"
	 "and ready_for_service (true or false), manual_tags (each VALUE is one; `unset` leaves none).",
	 json_options, ctl_dut, "DUT set,unset,remove FIELD VALUE"},
	{"retire", "ID", 1, 1, "Takes a machine out of service, once its job has ended.", NULL, NULL, ctl_retire, "DUT"},
	{"activate", "ID", 1, 1, "Puts a retired machine into service again; it is checked first.", NULL, NULL, ctl_activate, "DUT"},
	{"quick-check", "ID", 1, 1, "Queues a check of a machine: one boot that must pass.", "A machine that fails is trained anew.",
	 check_options, ctl_quick_check, "DUT"},
	{"cancel", "ID", 1, 1, "Cancels the job that runs on a machine.", NULL, NULL, ctl_cancel, "DUT"},
	{"pdus", "", 0, 0, "Lists the power delivery units and their ports.", NULL, json_options, ctl_pdus, ""},
	{"port", "PDU PORT [on|off|reserve|unreserve|min-off SECONDS]", 2, 4, "Shows a port, switches or reserves it.",
	 "A port that is switched on by hand stays on until it is switched off. A reserved port is never touched. min-off sets how long "
	 "it\n"
	 "must have been off before it is switched on again.",
	 json_options, ctl_port, "PDU PORT on,off,reserve,unreserve,min-off"},
	{"discover", "[PDU PORT|cancel]", 0, 2, "Switches a port on and adds the machine that boots from the network then.",
	 "Returns once the discovery has begun; `executorctl watch` shows the machine when it was seen. Without operands: shows the "
	 "discovery\n"
	 "that goes on.",
	 discover_options, ctl_discover, "PDU,cancel PORT"},
	{"watch", "", 0, 0, "Shows states, jobs and ports live, as they change.",
	 "On a terminal the picture is redrawn, until q or CTRL+C. Elsewhere each change is a line; a lost gateway ends it with exit code "
	 "1.",
	 watch_options, ctl_watch, ""},
	{"db", "check FILE|diff", 1, 2, "Checks a database; tells what an edit would do.",
	 "check FILE prints every error of FILE with its line, and its warnings. With -e URL or --gateway, that gateway checks it and "
	 "tells\n"
	 "what would happen if FILE became its database: what is added, removed, trained, cancelled, switched. Nothing is changed.\n"
	 "diff shows what the gateway has loaded against what its file on disk says: why an edit is not in use, or what it would do.\n"
	 "Without a gateway, GITLAB_ALLOW_INSECURE and EXECUTOR_VPDU_ENDPOINT count as for executord. Secrets are never shown.\n"
	 "Exit codes: 0 valid, 1 errors or no answer.",
	 ctl_db_options, ctl_db, "check,diff FILE"},
	{"gitlab", "status|prune", 1, 1, "Shows the GitLab runners; removes those that no machine has.",
	 "status shows each runner: whether gitlab-runner's config.toml has it, what GitLab last said of its token, and what is wrong.\n"
	 "prune removes the runners on GitLab that are named as this farm's and that no machine has, and says which they were.\n"
	 "Exit codes: 0 done, 1 no answer, or some could not be removed.",
	 ctl_gitlab_options, ctl_gitlab, "status,prune"},
	{"lint", "FILE", 1, 1, "Checks a job's description: every error at once. Needs no gateway.", NULL, ctl_job_options, ctl_lint,
	 "FILE"},
	{"render", "FILE", 1, 1, "Prints a job's description as a machine's jobd would render it.", NULL, ctl_job_options, ctl_render,
	 "FILE"},
	{"simulate", "FILE CONSOLE_LOG", 2, 2, "Replays a console's log: what matches, which timeouts fire, the status.",
	 "Times are taken from lines that begin as `+12.345s: ` (as `run` prints) or `[   12.345678] ` (a kernel's); the prefix `+12.345s: "
	 "` is\n"
	 "not part of the line. Other lines follow 10 ms after one another. Then the console is silent, and timeouts fire as they are due. "
	 "-\n"
	 "is standard input. The exit code is the job's status, as that of `run`.",
	 ctl_simulate_options, ctl_simulate, "FILE FILE"},
	{"options", "", 0, 0, "Prints the table of all configuration options as Markdown. Needs no gateway.", NULL, NULL, print_options,
	 ""},
	{"complete", "WORD...", 0, CTL_MANY, "Prints what may stand for the last WORD, for the shells' completion.",
	 "The words are those of the command line behind `executorctl`, the last one (maybe empty) being completed.", NULL, ctl_complete,
	 ""},
	{0},
};

const struct ctl_command *ctl_command_find(const char *name)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void print_global(const struct ctl_option *o)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	printf("  -%c, --%-14s  %s\n", o->letter, name, o->meaning);
}

void ctl_help(void)
{
	printf("executorctl: the client of a gateway to a farm of test machines.\n\n"
	       "Usage: executorctl [OPTION]... COMMAND [OPTION]... [OPERAND]...\n\nCommands; executorctl COMMAND --help says more:\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		printf("  %-11s  %s\n", c->name, c->meaning);
	printf("\nOptions, before the command:\n");
	for (const struct ctl_option *o = ctl_global_options; o->letter; o++)
		print_global(o);
	printf("  -h, --help            This text; after a command, the command's.\n"
	       "\nExit codes: 0 done, 1 failed or refused, 2 bad usage; those of `run` are the job's, see executorctl run --help.\n");
}
