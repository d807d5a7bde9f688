/* The commands that only look: duts, dut, pdus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/table.h"
#include "libgateway/buffer.h"

void show_json(const cJSON *json)
{
	char *text = cJSON_Print(json);

	printf("%s\n", text);
	free(text);
}

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(get(object, name));
}

static const char *yes(const cJSON *object, const char *name)
{
	const cJSON *item = get(object, name);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) ? "yes" : "no" : NULL;
}

static void set_joined(struct table *table, size_t column, const char *a, const char *b)
{
	char *text = a && b ? gw_sprintf("%s/%s", a, b) : NULL;

	table_set(table, column, text);
	free(text);
}

/* --- duts --------------------------------------------------------------------------------------------------------------------------- */

static void add_dut(struct table *table, const cJSON *dut)
{
	const cJSON *training = get(dut, "training"), *pdu = get(dut, "pdu"), *loops = get(training, "loops");
	const char *state = text_of(dut, "state");
	char progress[40] = "";

	if (state && strcmp(state, "TRAINING") == 0 && cJSON_IsNumber(get(training, "boot_loop_counts")))
		snprintf(progress, sizeof(progress), "loop %d of %d", cJSON_GetArraySize(loops),
			 get(training, "boot_loop_counts")->valueint);
	table_row(table);
	table_set(table, 0, text_of(dut, "id"));
	table_set(table, 1, text_of(dut, "full_name"));
	table_set(table, 2, state);
	table_set(table, 3, progress);
	table_set(table, 4, yes(dut, "ready_for_service"));
	set_joined(table, 5, text_of(pdu, "name"), text_of(pdu, "port_id"));
	table_set(table, 6, text_of(dut, "ip_address"));
	table_set(table, 7, text_of(dut, "comment"));
}

/* The gateway goes on with what it had; whoever looks at the machines is told that their edit does not count. */
static void warn_of_database(const cJSON *state)
{
	const char *error = text_of(get(state, "database"), "error");
	char *shown = error ? printable(error) : NULL;

	if (shown)
		fprintf(stderr, "executorctl: the database is not in use as it is on disk: %s\n", shown);
	free(shown);
}

static void show_duts_json(const cJSON *duts)
{
	cJSON *page = cJSON_CreateObject();

	cJSON_AddItemReferenceToObject(page, "duts", (cJSON *)(uintptr_t)duts);
	show_json(page);
	cJSON_Delete(page);
}

int ctl_duts(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	static const char *const titles[] = {"ID", "NAME", "STATE", "TRAINING", "READY", "PORT", "IP", "COMMENT"};
	cJSON *answer = rest_ask(ctl, "GET", "full-state", NULL, err);
	const cJSON *duts = get(answer, "duts"), *dut;
	struct table table;

	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J')) {
		show_duts_json(duts);
	} else if (!cJSON_GetArraySize(duts)) {
		printf("There are no machines yet; `executorctl discover PDU PORT` adds one.\n");
	} else {
		table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
		cJSON_ArrayForEach(dut, duts) add_dut(&table, dut);
		table_print(&table, ctl->colour);
	}
	warn_of_database(answer);
	cJSON_Delete(answer);
	return 0;
}

/* --- One object, a line a value ----------------------------------------------------------------------------------------------------- */

static void put_value(struct buffer *out, const cJSON *item);

static void put_list(struct buffer *out, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (item != list->child)
			buffer_add(out, ", ", 2);
		if (cJSON_IsObject(list))
			buffer_printf(out, "%s=", item->string);
		put_value(out, item);
	}
}

static void put_value(struct buffer *out, const cJSON *item)
{
	if (cJSON_IsString(item))
		buffer_printf(out, "%s", item->valuestring);
	else if (cJSON_IsBool(item))
		buffer_printf(out, "%s", cJSON_IsTrue(item) ? "yes" : "no");
	else if (cJSON_IsNumber(item))
		buffer_printf(out, "%.15g", item->valuedouble);
	else if (!cJSON_IsNull(item))
		put_list(out, item);
}

static void add_line(struct table *table, const char *name, const cJSON *item)
{
	struct buffer value = {0};
	char *text;

	put_value(&value, item);
	text = buffer_take(&value);
	table_row(table);
	table_set(table, 0, name);
	table_set(table, 1, text);
	free(text);
}

static bool has_objects(const cJSON *item)
{
	return cJSON_IsArray(item) && cJSON_IsObject(item->child);
}

static void add_lines(struct table *table, const char *prefix, const cJSON *object)
{
	const cJSON *item;
	int i = 0;

	cJSON_ArrayForEach(item, object)
	{
		char *name = cJSON_IsArray(object) ? gw_sprintf("%s[%d]", prefix, i++)
						   : gw_sprintf("%s%s%s", prefix, *prefix ? "." : "", item->string);

		if ((cJSON_IsObject(item) && item->child && !cJSON_IsArray(object)) || has_objects(item))
			add_lines(table, name, item);
		else
			add_line(table, name, item);
		free(name);
	}
}

void show_object(const cJSON *object, bool colour)
{
	static const char *const titles[] = {"FIELD", "VALUE"};
	struct table table;

	table_init(&table, titles, 2);
	add_lines(&table, "", object);
	table_print(&table, colour);
}

int ctl_dut(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	char *path = rest_path("dut/%s", (const char *const *)args->operands);
	cJSON *answer = rest_ask(ctl, "GET", path, NULL, err);

	free(path);
	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J'))
		show_json(answer);
	else
		show_object(answer, ctl->colour);
	cJSON_Delete(answer);
	return 0;
}

/* --- pdus --------------------------------------------------------------------------------------------------------------------------- */

static void add_port(struct table *table, const cJSON *pdu, const cJSON *port)
{
	char off[32] = "";

	if (cJSON_IsNumber(get(port, "min_off_time")))
		snprintf(off, sizeof(off), "%.15g s", get(port, "min_off_time")->valuedouble);
	table_row(table);
	table_set(table, 0, pdu->string);
	table_set(table, 1, port->string);
	table_set(table, 2, text_of(port, "label"));
	table_set(table, 3, text_of(port, "state"));
	table_set(table, 4, yes(port, "reserved"));
	table_set(table, 5, off);
}

static void print_pdus(const cJSON *pdus, bool colour)
{
	static const char *const titles[] = {"PDU", "PORT", "LABEL", "STATE", "RESERVED", "MIN OFF"};
	const cJSON *pdu, *port;
	struct table table;

	table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
	cJSON_ArrayForEach(pdu, pdus)
	{
		cJSON_ArrayForEach(port, get(pdu, "ports")) add_port(&table, pdu, port);
		if (!cJSON_GetArraySize(get(pdu, "ports"))) { /* an ERROR, or not read yet: it shows all the same */
			table_row(&table);
			table_set(&table, 0, pdu->string);
			table_set(&table, 3, text_of(pdu, "state"));
		}
	}
	table_print(&table, colour);
	cJSON_ArrayForEach(pdu, pdus)
	{
		char *error = text_of(pdu, "error") ? printable(text_of(pdu, "error")) : NULL;

		if (error && *error)
			printf("%s is in state %s: %s\n", pdu->string, text_of(pdu, "state") ? text_of(pdu, "state") : "UNKNOWN", error);
		free(error);
	}
}

int ctl_pdus(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", "pdus", NULL, err);
	const cJSON *pdus = get(answer, "pdus");

	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J'))
		show_json(answer);
	else if (!cJSON_GetArraySize(pdus))
		printf("There are no PDUs; they are added to the gateway's mars_db.yaml.\n");
	else
		print_pdus(pdus, ctl->colour);
	cJSON_Delete(answer);
	return 0;
}
