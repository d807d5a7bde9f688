/* The commands that change something at once: port, discover, cancel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "executorctl/rest.h"
#include "executorctl/show.h"

static int finish(cJSON *answer, char *path, const struct gw_error *err)
{
	cJSON_Delete(answer);
	free(path);
	return CTL_FAILED(err);
}

/* `above`: whether 0 is none of them. */
static bool parse_seconds(const char *what, const char *text, bool above, double most, double *seconds, struct gw_error *err)
{
	char *end = NULL;

	*seconds = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
	if (!end || *end || *seconds < 0 || *seconds > most || (above && *seconds <= 0))
		return gw_fail(err, GW_BAD_INPUT, "%s: '%.40s' is not a number of seconds; accepted: %s %.0f", what, text,
			       above ? "above 0, up to" : "0 to", most);
	return true;
}

/* ---- port ---- */

static const struct {
	const char *word, *field, *value; /* of the PATCH; NULL: a number of seconds, which is given */
	const char *done;                 /* "Port 3 of APC is ..." */
} port_changes[] = {
	{"on", "state", "on", "being switched ON"},
	{"off", "state", "off", "being switched OFF"},
	{"reserve", "reserved", "true", "reserved: it is never touched"},
	{"unreserve", "reserved", "false", "not reserved"},
	{"min-off", "min_off_time", NULL, "off for that long at least, from now on"},
};
#define PORT_CHANGES (sizeof(port_changes) / sizeof(port_changes[0]))

static int show_port(const struct ctl *ctl, const struct ctl_args *args, char *path, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", path, NULL, err);

	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer)
		show_object(ctl, answer);
	return finish(answer, path, err);
}

static cJSON *port_body(size_t change, double seconds)
{
	cJSON *body = cJSON_CreateObject();

	if (!port_changes[change].value)
		cJSON_AddNumberToObject(body, port_changes[change].field, seconds);
	else if (strcmp(port_changes[change].field, "state") == 0)
		cJSON_AddStringToObject(body, "state", port_changes[change].value);
	else
		cJSON_AddBoolToObject(body, port_changes[change].field, strcmp(port_changes[change].value, "true") == 0);
	return body;
}

static int change_port(const struct ctl *ctl, const struct ctl_args *args, size_t change, double seconds, struct gw_error *err)
{
	char *path = rest_path("pdu/%s/port/%s", (const char *const *)args->operands);
	cJSON *body = port_body(change, seconds), *answer = rest_ask(ctl, "PATCH", path, body, err);

	cJSON_Delete(body);
	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer)
		printf("Port %s of %s is %s.\n", args->operands[1], args->operands[0], port_changes[change].done);
	return finish(answer, path, err);
}

/* PORT_CHANGES: it is none. */
static size_t change_of(const char *word)
{
	size_t i = 0;

	while (i < PORT_CHANGES && strcasecmp(word, port_changes[i].word) != 0)
		i++;
	return i;
}

/* `port on APC 3`, `port APC on 3`: where the PDU or the port should be. */
static size_t early_word(const struct ctl_args *args)
{
	size_t i = change_of(args->operands[0]);

	return i < PORT_CHANGES ? i : change_of(args->operands[1]);
}

int ctl_port(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *word = args->n_operands > 2 ? args->operands[2] : NULL;
	double seconds = 0;
	size_t i, early;

	if (!word)
		return show_port(ctl, args, rest_path("pdu/%s/port/%s", (const char *const *)args->operands), err);
	i = change_of(word);
	if (i == PORT_CHANGES && (early = early_word(args)) < PORT_CHANGES)
		gw_fail(err, GW_BAD_INPUT, "port: '%s' comes last: executorctl port PDU PORT %s%s", port_changes[early].word,
			port_changes[early].word, port_changes[early].value ? "" : " SECONDS");
	else if (i == PORT_CHANGES)
		gw_fail(err, GW_BAD_INPUT, "port: '%.40s' is not a state; accepted: on, off, reserve, unreserve, min-off SECONDS", word);
	else if ((args->n_operands == 4) != !port_changes[i].value)
		gw_fail(err, GW_BAD_INPUT, "usage: executorctl port PDU PORT %s%s; see executorctl port --help", port_changes[i].word,
			port_changes[i].value ? "" : " SECONDS");
	else if (port_changes[i].value || parse_seconds("port: min-off", args->operands[3], false, 3600, &seconds, err))
		return change_port(ctl, args, i, seconds, err);
	return CTL_FAILED(err);
}

/* ---- discover ---- */

static int show_discovery(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", "dut/discover", NULL, err);

	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer && answer->child)
		show_object(ctl, answer);
	else if (answer)
		printf("No discovery goes on.\n");
	return finish(answer, NULL, err);
}

static int cancel_discovery(const struct ctl *ctl, struct gw_error *err)
{
	cJSON *body = cJSON_CreateObject(), *answer = rest_ask(ctl, "DELETE", "dut/discover", body, err);

	if (answer)
		printf("No discovery goes on any more.\n");
	cJSON_Delete(body);
	return finish(answer, NULL, err);
}

static int begin_discovery(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *timeout = ctl_value(args, 't');
	cJSON *body, *answer;
	double seconds = 150;

	if (timeout && !parse_seconds("discover: --timeout", timeout, true, 86400, &seconds, err))
		return CTL_FAILED(err);
	body = cJSON_CreateObject();
	cJSON_AddStringToObject(body, "pdu", args->operands[0]);
	cJSON_AddStringToObject(body, "port_id", args->operands[1]);
	if (timeout)
		cJSON_AddNumberToObject(body, "timeout", seconds);
	answer = rest_ask(ctl, "POST", "dut/discover", body, err);
	cJSON_Delete(body);
	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer)
		printf("Discovering the machine at port %s of %s, for up to %.15g s.\n", args->operands[1], args->operands[0], seconds);
	return finish(answer, NULL, err);
}

int ctl_discover(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	if (args->n_operands == 0)
		return show_discovery(ctl, args, err);
	if (args->n_operands == 2)
		return begin_discovery(ctl, args, err);
	if (strcmp(args->operands[0], "cancel") == 0)
		return cancel_discovery(ctl, err);
	gw_fail(err, GW_BAD_INPUT, "usage: executorctl discover [PDU PORT|cancel]; see executorctl discover --help");
	return CTL_FAILED(err);
}

int ctl_cancel(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s/cancel_job", (const char *const *)args->operands);
	cJSON *body = cJSON_CreateObject(), *answer = rest_ask(ctl, "POST", path, body, err);

	cJSON_Delete(body);
	if (answer)
		printf("The job on %s is being cancelled.\n", args->operands[0]);
	return finish(answer, path, err);
}
