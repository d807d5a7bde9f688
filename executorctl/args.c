#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executorctl/ctl.h"

bool ctl_given(const struct ctl_args *args, char letter)
{
	size_t at = 0;

	return ctl_next_value(args, letter, &at) != NULL;
}

const char *ctl_value(const struct ctl_args *args, char letter)
{
	const char *value, *last = NULL;
	size_t at = 0;

	while ((value = ctl_next_value(args, letter, &at)))
		last = value;
	return last;
}

const char *ctl_next_value(const struct ctl_args *args, char letter, size_t *at)
{
	while (*at < args->n_given) {
		size_t i = (*at)++;

		if (args->given[i].letter == letter)
			return args->given[i].value;
	}
	return NULL;
}

static const struct ctl_option *find_letter(const struct ctl_option *options, char letter)
{
	for (; options && options->letter; options++)
		if (options->letter == letter)
			return options;
	return NULL;
}

static const struct ctl_option *find_name(const struct ctl_option *options, const char *name, size_t len)
{
	for (; options && options->letter; options++)
		if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
			return options;
	return NULL;
}

static bool refuse(const struct ctl_command *command, struct gw_error *err, const char *arg, const char *why)
{
	if (command->options == ctl_global_options)
		return gw_fail(err, GW_BAD_INPUT, "'%.100s' %s; see executorctl --help", arg, why);
	return gw_fail(err, GW_BAD_INPUT, "%s: '%.100s' %s; see executorctl %s --help", command->name, arg, why, command->name);
}

/* -x VALUE, -xVALUE, --name VALUE, --name=VALUE; flags as -x and --name. Moves *i over a value of its own. */
static bool take_option(struct ctl_args *args, const struct ctl_command *command, int argc, char **argv, int *i, struct gw_error *err)
{
	const char *arg = argv[*i], *value = NULL;
	bool is_long = arg[1] == '-';
	const char *equals = is_long ? strchr(arg, '=') : NULL;
	size_t len = equals ? (size_t)(equals - arg - 2) : strlen(arg + 1 + is_long);
	const struct ctl_option *option = is_long ? find_name(command->options, arg + 2, len) : find_letter(command->options, arg[1]);

	if (!option)
		return refuse(command, err, arg, command->options == ctl_global_options ? "is not an option" : "is not an option of it");
	if (equals)
		value = equals + 1;
	else if (!is_long && arg[2])
		value = arg + 2;
	if (!option->value && value)
		return refuse(command, err, arg, "takes no value");
	if (option->value && !value && ++*i == argc)
		return refuse(command, err, arg, "needs a value");
	if (args->n_given == CTL_GIVEN_MAX)
		return refuse(command, err, arg, "is one option too many");
	args->given[args->n_given].letter = option->letter;
	args->given[args->n_given++].value = !option->value ? "" : value ? value : argv[*i];
	return true;
}

/* "-", which is standard input, and numbers below 0. */
static bool is_plain(const char *arg)
{
	return !arg[1] || (arg[1] >= '0' && arg[1] <= '9');
}

bool ctl_args_parse(struct ctl_args *args, const struct ctl_command *command, int argc, char **argv, struct gw_error *err)
{
	bool only_operands = false;

	*args = (struct ctl_args){.operands = argv};
	for (int i = 0; i < argc; i++) {
		bool is_operand = only_operands || argv[i][0] != '-' || is_plain(argv[i]);

		if (!is_operand && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
			return false;
		if (!is_operand && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (is_operand)
			argv[args->n_operands++] = argv[i]; /* operands move to the front */
		else if (!take_option(args, command, argc, argv, &i, err))
			return false;
	}
	if (args->n_operands >= command->min && args->n_operands <= command->max)
		return true;
	return gw_fail(err, GW_BAD_INPUT, "usage: executorctl %s%s%s; see executorctl %s --help", command->name,
		       *command->operands ? " " : "", command->operands, command->name);
}

bool ctl_takes_value(const struct ctl_command *command, const char *arg)
{
	bool is_long = arg[0] == '-' && arg[1] == '-';
	const struct ctl_option *option = is_long             ? find_name(command->options, arg + 2, strlen(arg + 2))
					  : arg[1] && !arg[2] ? find_letter(command->options, arg[1])
							      : NULL;

	return option && option->value;
}

bool ctl_colour(const char *when, bool *colour, struct gw_error *err)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	*colour = when && strcmp(when, "always") == 0;
	if (!when || strcmp(when, "auto") == 0)
		*colour = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no && *no);
	else if (!*colour && strcmp(when, "never") != 0)
		return gw_fail(err, GW_BAD_INPUT, "--color: '%.40s' is not a choice; accepted: always, auto, never", when);
	return true;
}

static int name_width(const struct ctl_option *option)
{
	return (int)(strlen(option->name) + (option->value ? 1 + strlen(option->value) : 0));
}

void ctl_command_help(const struct ctl_command *command)
{
	int width = (int)strlen("help"), w;

	for (const struct ctl_option *o = command->options; o && o->letter; o++)
		width = (w = name_width(o)) > width ? w : width;
	printf("Usage: executorctl [OPTION]... %s%s%s%s\n\n%s\n", command->name, command->options ? " [OPTION]..." : "",
	       command->operands[0] ? " " : "", command->operands, command->meaning);
	if (command->details)
		printf("%s\n", command->details);
	printf("\n");
	for (const struct ctl_option *o = command->options; o && o->letter; o++)
		printf("  -%c, --%s%s%s%*s  %s\n", o->letter, o->name, o->value ? " " : "", o->value ? o->value : "", width - name_width(o),
		       "", o->meaning);
	printf("  -h, --help%*s  This text.\n", width - (int)strlen("help"), "");
}
