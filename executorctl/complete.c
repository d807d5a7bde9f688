#include "executorctl/complete.h"

#include <stdlib.h>
#include <string.h>

#include "executorctl/ctl.h"
#include "executorctl/rest.h"
#include "executorctl/table.h"
#include "libmars/fields.h"

enum { PATIENCE_MS = 1000 }; /* nobody waits longer for a tab key */

struct completing {
	FILE *out;
	const char *begun, *url; /* begun: of the word that is completed */
	const struct ctl_command *command;
	const char *operands[8]; /* before it */
	size_t n_operands;
	complete_ask *ask;
	void *data;
};

/* Names come from a gateway: one that is not plain text would do harm in a shell's line. */
static void offer(struct completing *c, const char *word)
{
	char *shown;

	if (!word || !*word || strncmp(word, c->begun, strlen(c->begun)) != 0)
		return;
	shown = printable(word);
	if (strcmp(shown, word) == 0 && !strpbrk(word, " '\"\\$`;&|<>()*?[]{}!#~"))
		fprintf(c->out, "%s\n", word);
	free(shown);
}

/* ---- names of the farm ---- */

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void offer_duts(struct completing *c, const cJSON *state)
{
	const cJSON *dut;

	cJSON_ArrayForEach(dut, get(state, "duts"))
	{
		offer(c, dut->string);
		offer(c, cJSON_GetStringValue(get(dut, "full_name")));
	}
}

static void offer_pdus(struct completing *c, const cJSON *state)
{
	const cJSON *pdu;

	cJSON_ArrayForEach(pdu, get(state, "pdus")) offer(c, pdu->string);
}

static void offer_ports(struct completing *c, const cJSON *state)
{
	const cJSON *port, *pdu = c->n_operands ? get(get(state, "pdus"), c->operands[c->n_operands - 1]) : NULL;

	cJSON_ArrayForEach(port, get(pdu, "ports")) offer(c, port->string);
}

static bool is_first(const cJSON *list, const cJSON *tag)
{
	const cJSON *other;

	cJSON_ArrayForEach(other, list) if (strcmp(other->string, tag->valuestring) == 0) return false;
	return true;
}

static void offer_tags(struct completing *c, const cJSON *state)
{
	static const char *const kinds[] = {"tags", "manual_tags"};
	cJSON *seen = cJSON_CreateObject();
	const cJSON *dut, *tag;

	cJSON_ArrayForEach(dut, get(state, "duts"))
	{
		for (size_t k = 0; k < 2; k++)
			cJSON_ArrayForEach(tag, get(dut, kinds[k])) if (cJSON_IsString(tag) && is_first(seen, tag))
			{
				cJSON_AddNullToObject(seen, tag->valuestring);
				offer(c, tag->valuestring);
			}
	}
	cJSON_Delete(seen);
}

static void offer_fields(struct completing *c, const cJSON *state)
{
	for (size_t i = 0; i < mars_dut_object.n; i++)
		if (mars_dut_object.fields[i].who & MARS_BY_PATCH)
			offer(c, mars_dut_object.fields[i].name);
}

static void offer_values(struct completing *c, const cJSON *state)
{
	const char *name = c->n_operands ? c->operands[c->n_operands - 1] : "";
	const struct mars_field *field = mars_field_find(&mars_dut_object, name, strlen(name));

	if (!field || field->type != MARS_BOOL)
		return;
	offer(c, "true");
	offer(c, "false");
}

static const struct {
	const char *kind;
	void (*offer)(struct completing *c, const cJSON *state);
	bool live;
} kinds[] = {
	{"DUT", offer_duts, true}, {"PDU", offer_pdus, true},      {"PORT", offer_ports, true},
	{"TAG", offer_tags, true}, {"FIELD", offer_fields, false}, {"VALUE", offer_values, false},
};

/* "PDU,cancel": a kind of names in capitals, or a word as it is. */
static void offer_kinds(struct completing *c, const char *list)
{
	char *copy = gw_strdup(list), *rest = copy, *item;

	while ((item = strsep(&rest, ","))) {
		size_t k = 0;
		cJSON *state = NULL;

		while (k < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[k].kind, item) != 0)
			k++;
		if (k < sizeof(kinds) / sizeof(kinds[0])) {
			if (kinds[k].live)
				state = c->ask(c->data, c->url);
			kinds[k].offer(c, state);
		} else if (strcmp(item, "FILE") != 0) {
			offer(c, item);
		}
		cJSON_Delete(state);
	}
	free(copy);
}

/* ---- places ---- */

static void offer_options(struct completing *c, const struct ctl_option *options)
{
	for (; options && options->letter; options++) {
		char *word = gw_sprintf("--%s", options->name);

		offer(c, word);
		free(word);
	}
	offer(c, "--help");
}

static void offer_commands(struct completing *c)
{
	for (const struct ctl_command *command = ctl_commands; command->name; command++)
		if (strcmp(command->name, "complete") != 0) /* for scripts alone */
			offer(c, command->name);
}

/* Of an option, by its name. */
static void offer_option_values(struct completing *c, const char *option)
{
	static const struct {
		const char *option, *kinds;
	} values[] = {{"--machine-id", "DUT"},    {"-i", "DUT"}, {"--machine-tag", "TAG"}, {"-t", "TAG"}, {"--color", "always,auto,never"},
		      {"-C", "always,auto,never"}};

	if (c->command && strcmp(option, "-C") == 0)
		return;
	if (c->command && strcmp(c->command->name, "discover") == 0)
		return; /* its -t is a time */
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(values[i].option, option) == 0)
			offer_kinds(c, values[i].kinds);
}

static void offer_operands(struct completing *c)
{
	char *copy = gw_strdup(c->command->words), *rest = copy, *item;
	size_t at = 0;

	while ((item = strsep(&rest, " ")) && at++ < c->n_operands)
		;
	if (item)
		offer_kinds(c, item);
	free(copy);
}

void complete_words(FILE *out, const char *const *words, size_t n, complete_ask *ask, void *data)
{
	static const struct ctl_command global = {"executorctl", "", 0, 0, NULL, NULL, ctl_global_options, NULL, NULL};
	struct completing c = {.out = out, .begun = n ? words[n - 1] : "", .ask = ask, .data = data};
	const char *option = NULL;

	for (size_t i = 0; i + 1 < n; i++) {
		const struct ctl_command *at = c.command ? c.command : &global;

		if (option) {
			if (!c.command && (strcmp(option, "-e") == 0 || strcmp(option, "--executor") == 0))
				c.url = words[i];
			option = NULL;
		} else if (words[i][0] == '-' && words[i][1]) {
			option = ctl_takes_value(at, words[i]) ? words[i] : NULL;
			if (!c.command && strncmp(words[i], "--executor=", 11) == 0)
				c.url = words[i] + 11;
		} else if (!c.command) {
			c.command = ctl_command_find(words[i]);
			if (!c.command)
				return;
		} else if (c.n_operands < sizeof(c.operands) / sizeof(c.operands[0])) {
			c.operands[c.n_operands++] = words[i];
		}
	}
	if (option)
		offer_option_values(&c, option);
	else if (c.begun[0] == '-')
		offer_options(&c, c.command ? c.command->options : ctl_global_options);
	else if (c.command)
		offer_operands(&c);
	else
		offer_commands(&c);
}

static cJSON *ask_gateway(void *data, const char *url)
{
	struct ctl ctl = *(const struct ctl *)data;
	struct gw_error ignored = {0};

	if (url)
		ctl.url = url;
	ctl.patience_ms = PATIENCE_MS;
	return rest_ask(&ctl, "GET", "full-state", NULL, &ignored);
}

int ctl_complete(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	complete_words(stdout, (const char *const *)args->operands, (size_t)args->n_operands, ask_gateway, (void *)ctl);
	return 0;
}
