/* executorctl lint, render, simulate: a job's description before a gateway sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executorctl/input.h"
#include "executorctl/job_names.h"
#include "executorctl/replay.h"
#include "executorctl/table.h"
#include "libjob/job.h"
#include "libjob/template.h"

#define MACHINE_OPTIONS                                                                                                                    \
	{'i', "machine-id", "ID", "Render for this machine of the gateway, by its id or full name; default: one made up."},                \
		{'d', "set", "NAME=VALUE",                                                                                                 \
		 "A name of the template, as dut.base_name=gfx9; VALUE is JSON where it parses as that. May be given again."},

const struct ctl_option ctl_job_options[] = {MACHINE_OPTIONS{0}};
const struct ctl_option ctl_simulate_options[] = {
	MACHINE_OPTIONS{'q', "quiet", NULL, "Print the job's messages alone, not the console."},
	{0},
};

static void say_what_differs(const struct job_names *names)
{
	if (names->asked_proxy)
		fprintf(stderr, "executorctl: registry.to_local_proxy changes no name here; the gateway's REGISTRIES_CFG may\n");
}

static int say_errors(const char *name, const struct gw_errors *errs, struct gw_error *err)
{
	size_t n = errs->n + errs->left_out;

	for (size_t i = 0; i < errs->n; i++) {
		char *shown = printable(errs->v[i].text);

		fprintf(stderr, "%s\n", shown);
		free(shown);
	}
	if (errs->left_out)
		fprintf(stderr, "and %zu more errors\n", errs->left_out);
	gw_fail(err, GW_REFUSED, "%s is not valid: %zu error%s; their lines are those of executorctl render", name, n, n == 1 ? "" : "s");
	return CTL_FAILED(err);
}

/* Loads the job for its machine; its errors are printed, `err` counts them. */
static bool load(struct job *job, const char *path, const struct job_names *names, struct gw_error *err)
{
	struct job_options options = {.where = strcmp(path, "-") == 0 ? "standard input" : path,
				      .firmware_boot_time = names->firmware_boot_time,
				      .wall_now = time(NULL),
				      .target_in_metadata = true};
	struct gw_errors errs = {0};
	size_t len;
	char *text = input_read(path, &len, err);
	bool ok = text && job_load(job, text, len, names->all, &options, &errs);

	if (text && !ok)
		say_errors(options.where, &errs, err);
	say_what_differs(names);
	gw_errors_finish(&errs);
	free(text);
	return ok;
}

int ctl_lint(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *path = args->operands[0];
	struct job_names names = {0};
	struct job job = {0};
	struct run *run = NULL;
	struct run_options options = {.has_client = true};

	if (job_names_init(&names, ctl, args, err) && load(&job, path, &names, err)) {
		if (job.deadline_passed)
			fprintf(stderr, "%s: deadline: it has passed already\n", path);
		if (!job.has_target)
			fprintf(stderr, "%s: target: there is none; executorctl run needs -t or -i\n", path);
		if (run_create(&run, &job, &options, err)) /* patterns that do not compile */
			printf("%s is valid.\n", path);
		run_destroy(run);
		job_finish(&job);
	}
	job_names_finish(&names);
	return CTL_FAILED(err);
}

int ctl_render(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *path = args->operands[0];
	struct job_names names = {0};
	size_t len;
	char *text = input_read(path, &len, err), *out = NULL;

	if (text && job_names_init(&names, ctl, args, err) && template_render(path, text, len, names.all, &out, err))
		printf("%s%s", out, *out && out[strlen(out) - 1] != '\n' ? "\n" : "");
	say_what_differs(&names);
	job_names_finish(&names);
	free(out);
	free(text);
	return CTL_FAILED(err);
}

/* ---- simulate ---- */

struct showing {
	const struct ctl *ctl;
	bool quiet;
};

static void on_message(void *owner, int severity, const char *text)
{
	static const char *const colours[] = {"\033[90m", "\033[36m", "\033[33m", "\033[31m"};
	const struct showing *s = owner;
	size_t len = strcspn(text, "\n");

	printf("%s%.*s%s%s", s->ctl->colour ? colours[severity & 3] : "", (int)len, text, s->ctl->colour ? COLOUR_OFF : "", text + len);
}

static void on_console(void *owner, const char *bytes, size_t n)
{
	if (!((const struct showing *)owner)->quiet)
		fwrite(bytes, 1, n, stdout);
}

static void print_result(const struct ctl *ctl, const struct run_result *result)
{
	const char *status = run_status_names[result->status];

	fflush(stdout);
	fprintf(stderr, "executorctl: the job's status would be: %s%s%s: %s\n", ctl->colour ? colour_of(status) : "", status,
		ctl->colour ? COLOUR_OFF : "", result->reason ? result->reason : "no reason");
}

int ctl_simulate(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	struct showing showing = {ctl, ctl_given(args, 'q')};
	const struct replay_out out = {on_message, on_console, &showing};
	struct job_names names = {0};
	struct job job = {0};
	struct run *run = NULL;
	struct run_options options = {.firmware_boot_time = 0};
	size_t len = 0;
	char *log = NULL;
	int code;

	if (strcmp(args->operands[0], "-") == 0 && strcmp(args->operands[1], "-") == 0)
		gw_fail(err, GW_BAD_INPUT, "simulate: standard input cannot be both FILE and CONSOLE_LOG");
	else if (job_names_init(&names, ctl, args, err) && load(&job, args->operands[0], &names, err)) {
		options.firmware_boot_time = names.firmware_boot_time;
		log = input_read(args->operands[1], &len, err);
		if (log && run_create(&run, &job, &options, err))
			replay(run, log, len, &out);
	}
	code = run ? (int)run_result(run)->status : CTL_FAILED(err);
	if (run)
		print_result(ctl, run_result(run));
	run_destroy(run);
	job_finish(&job);
	job_names_finish(&names);
	free(log);
	return code;
}
