/* The commands about one machine: dut, retire, activate, quick-check. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "executorctl/dut.h"
#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/stream.h"
#include "executorctl/table.h"

/* ---- values, as they are typed ---- */

static bool refuse(const struct mars_field *field, const char *value, const char *accepted, struct gw_error *err)
{
	return gw_fail(err, GW_BAD_INPUT, "dut: %s: '%.100s' is not %s", field->name, value, accepted);
}

static bool take_bool(const struct mars_field *field, const char *const *values, size_t n, cJSON **json, struct gw_error *err)
{
	static const char *const words[] = {"false", "no", "true", "yes"};
	size_t i = 0;

	while (n == 1 && i < 4 && strcasecmp(values[0], words[i]) != 0)
		i++;
	if (n != 1 || i == 4)
		return refuse(field, values[n - 1], "one of true, false", err);
	*json = cJSON_CreateBool(i >= 2);
	return true;
}

static bool take_number(const struct mars_field *field, const char *const *values, size_t n, cJSON **json, struct gw_error *err)
{
	char *end = NULL;
	double number = strtod(values[0], &end);

	if (n != 1 || end == values[0] || *end || !isfinite(number))
		return refuse(field, values[n - 1], "a number of seconds", err);
	*json = cJSON_CreateNumber(number);
	return true;
}

/* GitLab parts tags by commas, so none has one. */
static bool take_tags(const struct mars_field *field, const char *const *values, size_t n, cJSON **json, struct gw_error *err)
{
	*json = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++) {
		char *copy = gw_strdup(values[i]), *rest = copy, *tag;

		while ((tag = strsep(&rest, ",")))
			if (*tag)
				cJSON_AddItemToArray(*json, cJSON_CreateString(tag));
		free(copy);
	}
	return true;
}

static bool take_text(const struct mars_field *field, const char *const *values, size_t n, cJSON **json, struct gw_error *err)
{
	struct buffer text = {0};
	char *joined;

	for (size_t i = 0; i < n; i++)
		buffer_printf(&text, "%s%s", i ? " " : "", values[i]);
	joined = buffer_take(&text);
	*json = cJSON_CreateString(joined);
	free(joined);
	return true;
}

static void list_fields(char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < mars_dut_object.n && used < size; i++)
		if (mars_dut_object.fields[i].who & MARS_BY_PATCH)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", mars_dut_object.fields[i].name);
}

const struct mars_field *dut_field(const char *name, struct gw_error *err)
{
	const struct mars_field *field = mars_field_find(&mars_dut_object, name, strlen(name));
	char accepted[400] = "";

	if (field && field->who & MARS_BY_PATCH)
		return field;
	list_fields(accepted, sizeof(accepted));
	gw_fail(err, GW_BAD_INPUT, "dut: '%.64s' is not a field that can be set; accepted: %s", name, accepted);
	return NULL;
}

cJSON *dut_change(const char *name, const char *const *values, size_t n, struct gw_error *err)
{
	const struct mars_field *field = dut_field(name, err);
	cJSON *json = NULL, *body;
	bool ok;

	if (!field)
		return NULL;
	if (n == 0) /* unset: none, as far as the field may have none */
		ok = field->type == MARS_TAGS ? take_tags(field, NULL, 0, &json, err) : (json = cJSON_CreateNull()) != NULL;
	else
		ok = (field->type == MARS_BOOL      ? take_bool
		      : field->type == MARS_SECONDS ? take_number
		      : field->type == MARS_TAGS    ? take_tags
						    : take_text)(field, values, n, &json, err);
	if (!ok)
		return NULL;
	body = cJSON_CreateObject();
	cJSON_AddItemToObject(body, name, json);
	return body;
}

/* ---- what is asked for ---- */

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* For people; what is not there is a dash. The caller frees. */
static char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(get(object, name));

	return printable(text ? text : "-");
}

static int show(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s", (const char *const *)args->operands);
	cJSON *answer = rest_ask(ctl, "GET", path, NULL, err);

	free(path);
	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J'))
		show_json(answer);
	else
		show_object(ctl, answer);
	cJSON_Delete(answer);
	return 0;
}

/* Takes `body`, NULL where it could not be made. The machine as it is now; NULL: refused. */
static cJSON *patch(const struct ctl *ctl, const char *id, cJSON *body, struct gw_error *err)
{
	char *path = rest_path("dut/%s", &id);
	cJSON *answer = body ? rest_ask(ctl, "PATCH", path, body, err) : NULL;

	free(path);
	cJSON_Delete(body);
	return answer;
}

static int set(const struct ctl *ctl, const struct ctl_args *args, size_t values, struct gw_error *err)
{
	const char *field = args->operands[2];
	cJSON *body = dut_change(field, (const char *const *)args->operands + 3, values, err);
	cJSON *answer = patch(ctl, args->operands[0], body, err);
	struct buffer value = {0};
	char *text, *name;

	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J')) {
		show_json(answer);
	} else {
		show_value(&value, get(answer, field));
		text = buffer_take(&value);
		name = printable(text);
		printf("%s of %s: %s\n", field, args->operands[0], *name ? name : "-");
		free(name);
		free(text);
	}
	cJSON_Delete(answer);
	return 0;
}

static int remove_dut(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s", (const char *const *)args->operands);
	cJSON *body = cJSON_CreateObject(), *answer = rest_ask(ctl, "DELETE", path, body, err);

	if (answer)
		printf("%s is no machine of the farm any more.\n", args->operands[0]);
	free(path);
	cJSON_Delete(body);
	cJSON_Delete(answer);
	return CTL_FAILED(err);
}

int ctl_dut(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *what = args->n_operands > 1 ? args->operands[1] : NULL;

	if (!what)
		return show(ctl, args, err);
	if (strcmp(what, "set") == 0 && args->n_operands > 3)
		return set(ctl, args, (size_t)args->n_operands - 3, err);
	if (strcmp(what, "unset") == 0 && args->n_operands == 3)
		return set(ctl, args, 0, err);
	if (strcmp(what, "remove") == 0 && args->n_operands == 2)
		return remove_dut(ctl, args, err);
	gw_fail(err, GW_BAD_INPUT, "usage: executorctl dut ID [set FIELD VALUE...|unset FIELD|remove]; see executorctl dut --help");
	return CTL_FAILED(err);
}

/* ---- in and out of service ---- */

static int set_retired(const struct ctl *ctl, const struct ctl_args *args, bool retired, struct gw_error *err)
{
	cJSON *body = cJSON_CreateObject(), *answer;
	char *state;

	cJSON_AddBoolToObject(body, "is_retired", retired);
	answer = patch(ctl, args->operands[0], body, err);
	if (!answer)
		return CTL_FAILED(err);
	state = text_of(answer, "state");
	if (retired && strcmp(state, "RETIRED") != 0)
		printf("%s retires once it is free; it is %s.\n", args->operands[0], state);
	else
		printf("%s is %s.\n", args->operands[0], state);
	free(state);
	cJSON_Delete(answer);
	return 0;
}

int ctl_retire(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	return set_retired(ctl, args, true, err);
}

int ctl_activate(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	return set_retired(ctl, args, false, err);
}

/* ---- quick-check ---- */

/* 0 or 1 once a step of the machine tells how it ended; -1: not yet. */
static int verdict(const struct event *event, const char *id)
{
	const char *dut = cJSON_GetStringValue(get(event->data, "dut")), *name = cJSON_GetStringValue(get(event->data, "full_name"));
	const char *from = cJSON_GetStringValue(get(event->data, "from")), *to = cJSON_GetStringValue(get(event->data, "to"));

	if (strcmp(event->name, "step") != 0 || !dut || !name || !from || !to || (strcasecmp(dut, id) != 0 && strcmp(name, id) != 0))
		return -1;
	if (strcmp(from, "QUICK_CHECK") != 0 || strcmp(to, "QUICK_CHECK") == 0)
		return -1;
	return strcmp(to, "IDLE") == 0 ? 0 : 1;
}

static int await_check(struct stream *stream, const char *id, struct gw_error *err)
{
	struct event event = {0};
	int code = -1;

	while (code < 0 && stream_next(stream, &event, -1, -1, err) == STREAM_EVENT) {
		code = verdict(&event, id);
		if (strcmp(event.name, "gap") == 0) {
			gw_fail(err, GW_UNREACHABLE, "quick-check: events were lost, the check's end maybe among them");
			code = 1;
		} else if (code >= 0) {
			printf("The check of %s has %s.\n", id, code ? "failed" : "passed");
		}
		event_finish(&event);
	}
	return code < 0 ? CTL_FAILED(err) : code;
}

int ctl_quick_check(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s/quick_check", (const char *const *)args->operands);
	struct stream *stream = ctl_given(args, 'w') ? stream_open(ctl, err) : NULL; /* before the check can begin */
	cJSON *body = cJSON_CreateObject();
	cJSON *answer = err->kind == GW_OK ? rest_ask(ctl, "POST", path, body, err) : NULL;
	int code;

	if (answer) {
		printf("A check of %s is queued.\n", args->operands[0]);
		fflush(stdout);
	}
	code = answer && stream ? await_check(stream, args->operands[0], err) : CTL_FAILED(err);
	stream_close(stream);
	free(path);
	cJSON_Delete(body);
	cJSON_Delete(answer);
	return code;
}
