/* `timeouts` of a job: durations that add up, retries, watchdogs' ones, and what there is when none are given. */
#include "libjob/job_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS      86400000.0
#define LONGEST_MS  (366 * DAY_MS)
#define OVERALL_MS  (6 * 3600 * 1000)
#define RETRIES_MAX 1000000

struct given { /* of one timeout, as written */
	double ms[5];
	bool has_ms[5];
	int retries;
};

/* A plain decimal number: no exponent, no hexadecimal, no sign. */
static bool number(const struct tree_node *node, double *out)
{
	const struct tree_node *scalar = tree_resolve(node);
	char text[32];
	size_t whole;

	if (scalar->kind != TREE_SCALAR || !scalar->len || scalar->len >= sizeof(text))
		return false;
	memcpy(text, scalar->text, scalar->len);
	text[scalar->len] = '\0';
	whole = strspn(text, "0123456789");
	if (!whole || (text[whole] && (text[whole] != '.' || strspn(text + whole + 1, "0123456789") + whole + 1 != scalar->len)))
		return false;
	*out = strtod(text, NULL);
	return true;
}

static void read_duration(struct reader *r, const struct tree_node *node, const struct tree_path *path, struct given *given, int unit,
			  double unit_ms)
{
	double n;

	if (!number(node, &n) || n * unit_ms > LONGEST_MS)
		return reader_refuse(r, node, path, "a duration", "a number from 0 to what makes 366 days");
	given->ms[unit] = n * unit_ms;
	given->has_ms[unit] = true;
}

static void read_days(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_duration(r, node, path, out, 0, DAY_MS);
}

static void read_hours(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_duration(r, node, path, out, 1, 3600 * 1000);
}

static void read_minutes(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_duration(r, node, path, out, 2, 60 * 1000);
}

static void read_seconds(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_duration(r, node, path, out, 3, 1000);
}

static void read_milliseconds(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_duration(r, node, path, out, 4, 1);
}

static void read_retries(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct given *given = out;
	double n;

	if (!number(node, &n) || n > RETRIES_MAX || n != floor(n))
		return reader_refuse(r, node, path, "a number of retries", "0 to 1000000");
	given->retries = (int)n;
}

static const struct reader_field timeout_fields[] = {
	{"days", read_days},
	{"hours", read_hours},
	{"minutes", read_minutes},
	{"seconds", read_seconds},
	{"milliseconds", read_milliseconds},
	{"retries", read_retries},
	{NULL},
};

static bool read_timeout(struct reader *r, const struct tree_node *node, const struct tree_path *path, struct job_timeout *out)
{
	struct given given = {0};
	double ms = 0;
	bool has = false;

	if (!reader_map(r, node, path, "a timeout", timeout_fields, &given))
		return false;
	for (int i = 0; i < 5; i++) {
		ms += given.ms[i];
		has |= given.has_ms[i];
	}
	if (has)
		out->ms = (int64_t)llround(ms);
	out->retries = given.retries;
	out->given = true;
	return true;
}

static void read_fixed(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	read_timeout(r, node, path, out);
}

static void read_without_retries(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct job_timeout *timeout = out;

	if (read_timeout(r, node, path, timeout) && timeout->retries)
		reader_complain(r, node, path, "retries: this timeout has none; leave them out");
}

static void read_watchdogs(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct job_watchdog *dog;

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "watchdogs' timeouts", "a mapping of names to timeouts");
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		dog = tree_is_null(value) ? NULL : reader_watchdog(r, out, value, &here);
		if (dog)
			read_timeout(r, value, &here, &dog->timeout);
	}
}

static const struct reader_field timeouts_fields[] = {
	{"overall", read_without_retries, offsetof(struct job, timeouts[JOB_OVERALL])},
	{"infra_setup", read_fixed, offsetof(struct job, timeouts[JOB_INFRA_SETUP])},
	{"infra_teardown", read_without_retries, offsetof(struct job, timeouts[JOB_INFRA_TEARDOWN])},
	{"boot_cycle", read_fixed, offsetof(struct job, timeouts[JOB_BOOT_CYCLE])},
	{"console_activity", read_fixed, offsetof(struct job, timeouts[JOB_CONSOLE_ACTIVITY])},
	{"first_console_activity", read_fixed, offsetof(struct job, timeouts[JOB_FIRST_CONSOLE_ACTIVITY])},
	{"firmware_boot", read_fixed, offsetof(struct job, timeouts[JOB_FIRMWARE_BOOT])},
	{"watchdogs", read_watchdogs},
	{NULL},
};

void read_timeouts(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_map(r, node, path, "timeouts", timeouts_fields, out);
}

/* Before reading: a timeout without a duration keeps what is here. */
void timeouts_set_defaults(struct job *job, const struct job_options *options)
{
	double boot = options->firmware_boot_time;

	for (int i = 0; i < JOB_TIMEOUTS; i++)
		job->timeouts[i] = (struct job_timeout){.ms = -1};
	job->timeouts[JOB_OVERALL].ms = OVERALL_MS;
	if (boot > 0)
		job->timeouts[JOB_FIRMWARE_BOOT] = (struct job_timeout){
			.ms = (int64_t)(fmin(fmax(5, 2.5 * boot), LONGEST_MS / 1000) * 1000), .retries = 3};
}

/* After reading: those of the infrastructure are a quarter of the whole. */
void timeouts_derive(struct job *job)
{
	struct job_timeout *t = job->timeouts;

	if (t[JOB_INFRA_SETUP].ms < 0)
		t[JOB_INFRA_SETUP].ms = t[JOB_OVERALL].ms / 4;
	if (t[JOB_INFRA_TEARDOWN].ms < 0)
		t[JOB_INFRA_TEARDOWN].ms = t[JOB_OVERALL].ms / 4;
}
