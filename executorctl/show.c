#include "executorctl/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/table.h"
#include "libgateway/buffer.h"

/* cJSON escapes the control characters below a space; these stand in strings alone, where \u says the same. Takes `text`. */
static void print_json(char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == 0x7f)
			fputs("\\u007f", stdout);
		else if ((unsigned char)at[0] == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0)
			printf("\\u00%02x", (unsigned char)*++at);
		else
			putchar(*at);
	}
	putchar('\n');
	free(text);
}

void show_json(const cJSON *json)
{
	print_json(cJSON_Print(json));
}

void show_json_line(const cJSON *json)
{
	print_json(cJSON_PrintUnformatted(json));
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

/* --- duts --------------------------------------------------------------------------------------------------------------------------- */

enum dut_column { ID, NAME, STATE, TRAINING, JOB, READY, PORT, IP, TAGS, COMMENT, DUT_COLUMNS };

static const char *const dut_titles[] = {"ID", "NAME", "STATE", "TRAINING", "JOB", "READY", "PORT", "IP", "TAGS", "COMMENT"};

/* Without the jobs, the columns behind them move up. */
struct dut_table {
	struct table table;
	const cJSON *jobs; /* NULL: not shown */
};

static void put(struct dut_table *t, enum dut_column column, const char *text)
{
	if (t->jobs || column != JOB)
		table_set(&t->table, t->jobs || column < JOB ? column : column - 1, text);
}

static const char *job_of(const cJSON *jobs, const char *dut)
{
	const cJSON *job;

	cJSON_ArrayForEach(job, jobs)
	{
		const char *holder = text_of(job, "dut"), *name = text_of(job, "job_id");

		if (holder && dut && strcmp(holder, dut) == 0)
			return name ? name : job->string;
	}
	return NULL;
}

static void put_tags(struct dut_table *t, const cJSON *dut)
{
	struct buffer tags = {0};
	char *text;

	show_value(&tags, get(dut, "tags"));
	if (tags.len && cJSON_GetArraySize(get(dut, "manual_tags")))
		buffer_add(&tags, ", ", 2);
	show_value(&tags, get(dut, "manual_tags"));
	text = buffer_take(&tags);
	put(t, TAGS, text);
	free(text);
}

static void put_port(struct dut_table *t, const cJSON *pdu)
{
	const char *name = text_of(pdu, "name"), *port = text_of(pdu, "port_id");
	char *text = name && port ? gw_sprintf("%s/%s", name, port) : NULL;

	put(t, PORT, text);
	free(text);
}

static void add_dut(struct dut_table *t, const cJSON *dut)
{
	const cJSON *training = get(dut, "training"), *loops = get(training, "loops");
	const char *state = text_of(dut, "state");
	char progress[40] = "";

	if (state && strcmp(state, "TRAINING") == 0 && cJSON_IsNumber(get(training, "boot_loop_counts")))
		snprintf(progress, sizeof(progress), "loop %d of %d", cJSON_GetArraySize(loops),
			 get(training, "boot_loop_counts")->valueint);
	table_row(&t->table);
	put(t, ID, text_of(dut, "id"));
	put(t, NAME, text_of(dut, "full_name"));
	put(t, STATE, state);
	put(t, TRAINING, progress);
	put(t, JOB, job_of(t->jobs, text_of(dut, "id")));
	put(t, READY, yes(dut, "ready_for_service"));
	put_port(t, get(dut, "pdu"));
	put(t, IP, text_of(dut, "ip_address"));
	put_tags(t, dut);
	put(t, COMMENT, text_of(dut, "comment"));
}

void show_duts(FILE *out, const cJSON *duts, const cJSON *jobs, bool colour, size_t width)
{
	const char *titles[DUT_COLUMNS];
	struct dut_table t = {.jobs = jobs};
	const cJSON *dut;
	size_t n = 0;

	for (size_t c = 0; c < DUT_COLUMNS; c++)
		if (jobs || c != JOB)
			titles[n++] = dut_titles[c];
	table_init(&t.table, titles, n);
	cJSON_ArrayForEach(dut, duts) add_dut(&t, dut);
	table_print(&t.table, out, colour, width);
}

/* --- One object, a line a value ----------------------------------------------------------------------------------------------------- */

static void put_list(struct buffer *out, const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (item != list->child)
			buffer_add(out, ", ", 2);
		if (cJSON_IsObject(list))
			buffer_printf(out, "%s=", item->string);
		show_value(out, item);
	}
}

void show_value(struct buffer *out, const cJSON *item)
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

	show_value(&value, item);
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

void show_object(const struct ctl *ctl, const cJSON *object)
{
	static const char *const titles[] = {"FIELD", "VALUE"};
	struct table table;

	table_init(&table, titles, 2);
	add_lines(&table, "", object);
	table_print(&table, stdout, ctl->colour, 0); /* whole values: that is what it is asked for */
}

/* --- pdus --------------------------------------------------------------------------------------------------------------------------- */

/* An admin switched it ON by hand. */
static bool is_pinned(const cJSON *pinned_ports, const char *pdu, const char *port)
{
	const cJSON *at;

	cJSON_ArrayForEach(at, pinned_ports) if (text_of(at, "pdu") && strcmp(text_of(at, "pdu"), pdu) == 0 && text_of(at, "port_id") &&
						 strcmp(text_of(at, "port_id"), port) == 0) return true;
	return false;
}

static void set_state(struct table *table, size_t column, const char *state, bool pinned)
{
	char *text = state ? gw_sprintf("%s%s", state, pinned ? " (pinned)" : "") : NULL;

	table_set(table, column, text);
	free(text);
}

static void add_port(struct table *table, const cJSON *pdu, const cJSON *port, const cJSON *pinned_ports)
{
	char off[32] = "";

	if (cJSON_IsNumber(get(port, "min_off_time")))
		snprintf(off, sizeof(off), "%.15g s", get(port, "min_off_time")->valuedouble);
	table_row(table);
	table_set(table, 0, pdu->string);
	table_set(table, 1, port->string);
	table_set(table, 2, text_of(port, "label"));
	set_state(table, 3, text_of(port, "state"), is_pinned(pinned_ports, pdu->string, port->string));
	table_set(table, 4, yes(port, "reserved"));
	table_set(table, 5, off);
}

void show_pdus(FILE *out, const cJSON *pdus, const cJSON *pinned_ports, bool colour, size_t width)
{
	static const char *const titles[] = {"PDU", "PORT", "LABEL", "STATE", "RESERVED", "MIN OFF"};
	const cJSON *pdu, *port;
	struct table table;

	table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
	cJSON_ArrayForEach(pdu, pdus)
	{
		cJSON_ArrayForEach(port, get(pdu, "ports")) add_port(&table, pdu, port, pinned_ports);
		if (!cJSON_GetArraySize(get(pdu, "ports"))) { /* an ERROR, or not read yet: it shows all the same */
			table_row(&table);
			table_set(&table, 0, pdu->string);
			table_set(&table, 3, text_of(pdu, "state"));
		}
	}
	table_print(&table, out, colour, width);
	show_pdu_errors(out, pdus);
}

void show_pdu_errors(FILE *out, const cJSON *pdus)
{
	const cJSON *pdu;

	cJSON_ArrayForEach(pdu, pdus)
	{
		const char *error = text_of(pdu, "error"), *state = text_of(pdu, "state");
		char *line, *shown;

		if (!error || !*error)
			continue;
		line = gw_sprintf("%s is in state %s: %s", pdu->string, state ? state : "UNKNOWN", error);
		shown = printable(line);
		fprintf(out, "%s\n", shown);
		free(shown);
		free(line);
	}
}
