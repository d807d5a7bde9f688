/* executorctl: the client of a gateway. Talks to its REST API, and is called back by a job's jobd. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/ctl.h"
#include "executorctl/table.h"
#include "executorctl/terminal.h"

#define DEFAULT_URL "http://10.42.0.1/"

/* The options before the command. Returns the command's place in argv, 0 when nothing is left to do or `err` is set. */
static int parse_global(struct ctl *ctl, int argc, char **argv, struct gw_error *err)
{
	static const struct ctl_command before = {"executorctl", "COMMAND", 0, 0, NULL, NULL, ctl_global_options, NULL, NULL};
	struct ctl_args args;
	int n = 1;

	while (n < argc && argv[n][0] == '-')
		n += 1 + ctl_takes_value(&before, argv[n]);
	if (n > argc)
		n = argc;
	if (!ctl_args_parse(&args, &before, n - 1, argv + 1, err)) {
		if (err->kind == GW_OK)
			ctl_help();
		return 0;
	}
	if (ctl_given(&args, 'V'))
		return printf("executorctl %s\n", GW_VERSION), 0;
	if (ctl_given(&args, 'e'))
		ctl->url = ctl_value(&args, 'e'), ctl->url_given = true;
	if (!ctl_colour(ctl_value(&args, 'C'), &ctl->colour, err))
		return 0;
	if (n == argc)
		return gw_fail(err, GW_BAD_INPUT, "a command is missing; see executorctl --help");
	return n;
}

static int run_command(const struct ctl *ctl, int argc, char **argv, struct gw_error *err)
{
	const struct ctl_command *command = ctl_command_find(argv[0]);
	struct ctl_args args;

	if (!command)
		return gw_fail(err, GW_BAD_INPUT, "'%.100s' is not a command; see executorctl --help", argv[0]), gw_exit_code(err);
	if (ctl_args_parse(&args, command, argc - 1, argv + 1, err))
		return command->run(ctl, &args, err);
	if (err->kind == GW_OK)
		ctl_command_help(command);
	return gw_exit_code(err);
}

/* A full disk behind >, a reader that has gone: what was asked for was not told, so 0 would be a lie. */
static int end_output(int code)
{
	int why = ferror(stdout) ? EIO : 0; /* its own reason is lost by now, mostly */

	if (fflush(stdout) != 0)
		why = errno;
	if (!why)
		return code;
	if (why != EPIPE)
		fprintf(stderr, "executorctl: cannot write to standard output: %s\n", strerror(why));
	return code ? code : 1;
}

/* Much of a text may be a server's, or of a file that somebody sent. */
static void say(const struct gw_error *err)
{
	char *text = printable(err->text);

	fprintf(stderr, "executorctl: %s\n", text);
	free(text);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.url = DEFAULT_URL, .width = terminal_width()};
	struct gw_error err = {0};
	int at, code;

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	at = parse_global(&ctl, argc, argv, &err);
	code = at ? run_command(&ctl, argc - at, argv + at, &err) : gw_exit_code(&err);
	if (err.kind != GW_OK)
		say(&err);
	curl_global_cleanup();
	return end_output(code);
}
