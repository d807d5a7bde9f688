/* executorctl: the client of a gateway. Talks to its REST API, and is called back by a job's jobd. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executorctl/ctl.h"
#include "libgateway/env.h"

#define DEFAULT_URL "http://10.42.0.1/"

static int print_options(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	env_print_markdown(stdout);
	return 0;
}

static const struct ctl_option json_options[] = {{'J', "json", NULL, "The gateway's answer as JSON."}, {0}};
static const struct ctl_option discover_options[] = {
	{'t', "timeout", "SECONDS", "How long to wait for a machine; the gateway's default is 150."},
	{'J', "json", NULL, "The gateway's answer as JSON."},
	{0},
};

static const struct ctl_command commands[] = {
	{"run", "FILE", 1, 1, "Runs a job and shows its console; the exit code is the job's status.",
	 "FILE is the job's description, a template as it is; - is standard input. On a terminal what is typed goes to the machine, byte "
	 "by\n"
	 "byte: CTRL+A then CTRL+C leaves, which ends the job; CTRL+A twice sends one CTRL+A.\n"
	 "Exit codes: 0 PASS, 1 WARN, 2 COMPLETE (or bad usage), 3 FAIL, 4 INCOMPLETE (also: left, connection lost), 5 UNKNOWN,\n"
	 "6 SETUP_FAIL (also: it never started).",
	 ctl_run_options, ctl_run},
	{"duts", "", 0, 0, "Lists the machines.", NULL, json_options, ctl_duts},
	{"dut", "ID", 1, 1, "Shows all about one machine, by its id or full name.", NULL, json_options, ctl_dut},
	{"pdus", "", 0, 0, "Lists the power delivery units and their ports.", NULL, json_options, ctl_pdus},
	{"port", "PDU PORT [on|off]", 2, 3, "Shows a port, or switches it.", NULL, json_options, ctl_port},
	{"discover", "PDU PORT", 2, 2, "Switches a port on and adds the machine that boots from the network then.",
	 "Returns once the discovery has begun; `executorctl duts` shows the machine when it was seen.", discover_options, ctl_discover},
	{"cancel", "ID", 1, 1, "Cancels the job that runs on a machine.", NULL, NULL, ctl_cancel},
	{"db", "check FILE|diff", 1, 2, "Checks a database; tells what an edit would do.",
	 "check FILE prints every error of FILE with its line, and its warnings. With -e URL or --gateway, that gateway checks it and "
	 "tells what\n"
	 "would happen if FILE became its database: what is added, removed, trained, cancelled, switched. Nothing is changed.\n"
	 "diff shows what the gateway has loaded against what its file on disk says: why an edit is not in use, or what it would do.\n"
	 "Without a gateway, GITLAB_ALLOW_INSECURE and EXECUTOR_VPDU_ENDPOINT count as for executord. Secrets are never shown.\n"
	 "Exit codes: 0 valid, 1 errors or no answer.",
	 ctl_db_options, ctl_db},
	{"options", "", 0, 0, "Prints the table of all configuration options as Markdown. Needs no gateway.", NULL, NULL, print_options},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("executorctl: the client of a gateway to a farm of test machines.\n\nUsage: executorctl [-e URL] COMMAND "
	       "...\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-9s %-18s %s\n", commands[i].name, commands[i].operands, commands[i].meaning);
	printf("\nOptions, before the command:\n"
	       "  -e, --executor URL  Where the gateway is; default: " DEFAULT_URL "\n"
	       "  -h, --help          This text; after a command, the command's.\n"
	       "      --version       The version.\n"
	       "\nExit codes: 0 done, 1 failed or refused, 2 bad usage; those of `run` are the job's, see executorctl run --help.\n");
}

static const struct ctl_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* The options before the command. Returns the command's place in argv, 0 when nothing is left to do or `err` is set. */
static int parse_global(struct ctl *ctl, int argc, char **argv, struct gw_error *err)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *arg = argv[i];
		bool is_executor = strcmp(arg, "-e") == 0 || strcmp(arg, "--executor") == 0;

		if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
			return print_help(), 0;
		if (strcmp(arg, "--version") == 0)
			return printf("executorctl %s\n", GW_VERSION), 0;
		if (is_executor && i + 1 < argc)
			ctl->url = argv[++i], ctl->url_given = true;
		else if (strncmp(arg, "--executor=", 11) == 0)
			ctl->url = arg + 11, ctl->url_given = true;
		else
			return gw_fail(err, GW_BAD_INPUT,
				       is_executor ? "'%.100s' needs a URL" : "'%.100s' is not an option; see executorctl --help", arg);
	}
	if (i == argc)
		return gw_fail(err, GW_BAD_INPUT, "a command is missing; see executorctl --help");
	return i;
}

static int run_command(const struct ctl *ctl, int argc, char **argv, struct gw_error *err)
{
	const struct ctl_command *command = find_command(argv[0]);
	struct ctl_args args;

	if (!command)
		return gw_fail(err, GW_BAD_INPUT, "'%.100s' is not a command; see executorctl --help", argv[0]), gw_exit_code(err);
	if (ctl_args_parse(&args, command, argc - 1, argv + 1, err))
		return command->run(ctl, &args, err);
	if (err->kind == GW_OK)
		ctl_command_help(command);
	return gw_exit_code(err);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.url = DEFAULT_URL, .colour = wants_colour()};
	struct gw_error err = {0};
	int at, code;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	at = parse_global(&ctl, argc, argv, &err);
	code = at ? run_command(&ctl, argc - at, argv + at, &err) : gw_exit_code(&err);
	if (err.kind != GW_OK)
		fprintf(stderr, "executorctl: %s\n", err.text);
	curl_global_cleanup();
	if (fflush(stdout) != 0 && code == 0)
		code = 1; /* a full disk behind > */
	return code;
}
