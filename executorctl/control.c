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

static int show_port(const struct ctl *ctl, const struct ctl_args *args, char *path, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", path, NULL, err);

	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer)
		show_object(answer, ctl->colour);
	return finish(answer, path, err);
}

static int switch_port(const struct ctl *ctl, const struct ctl_args *args, char *path, struct gw_error *err)
{
	cJSON *body = cJSON_CreateObject(), *answer;

	cJSON_AddStringToObject(body, "state", strcasecmp(args->operands[2], "on") == 0 ? "on" : "off");
	answer = rest_ask(ctl, "PATCH", path, body, err);
	cJSON_Delete(body);
	if (answer && ctl_given(args, 'J'))
		show_json(answer);
	else if (answer)
		printf("Port %s of %s is being switched %s.\n", args->operands[1], args->operands[0],
		       strcasecmp(args->operands[2], "on") == 0 ? "ON" : "OFF");
	return finish(answer, path, err);
}

int ctl_port(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *state = args->n_operands == 3 ? args->operands[2] : NULL;

	if (state && strcasecmp(state, "on") != 0 && strcasecmp(state, "off") != 0)
		return gw_fail(err, GW_BAD_INPUT, "port: '%.40s' is not a state; accepted: on, off", state), CTL_FAILED(err);
	return (state ? switch_port : show_port)(ctl, args, rest_path("pdu/%s/port/%s", (const char *const *)args->operands), err);
}

static bool parse_seconds(const char *text, double *seconds, struct gw_error *err)
{
	char *end;

	*seconds = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
	if (*seconds <= 0 || *seconds > 86400 || *end)
		return gw_fail(err, GW_BAD_INPUT, "discover: --timeout: '%.40s' is not a number of seconds; accepted: above 0, up to 86400",
			       text);
	return true;
}

int ctl_discover(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *timeout = ctl_value(args, 't');
	cJSON *body, *answer;
	double seconds = 150;

	if (timeout && !parse_seconds(timeout, &seconds, err))
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

int ctl_cancel(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s/cancel_job", (const char *const *)args->operands);
	cJSON *body = cJSON_CreateObject(), *answer = rest_ask(ctl, "POST", path, body, err);

	cJSON_Delete(body);
	if (answer)
		printf("The job on %s is being cancelled.\n", args->operands[0]);
	return finish(answer, path, err);
}
