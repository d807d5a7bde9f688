#include "executorctl/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"
#include "libgateway/utf8.h"

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define BLUE   "\033[34m"
#define GREY   "\033[90m"

static const struct {
	const char *word, *colour;
} words[] = {
	{"IDLE", GREEN},
	{"OK", GREEN},
	{"ON", GREEN},
	{"PASS", GREEN},
	{"COMPLETE", GREEN},
	{"RUNNING", BLUE},
	{"QUEUED", BLUE},
	{"REBOOT", BLUE},
	{"TRAINING", YELLOW},
	{"QUICK_CHECK", YELLOW},
	{"WAIT_FOR_CONFIG", YELLOW},
	{"WARN", YELLOW},
	{"UNKNOWN", YELLOW},
	{"ERROR", RED},
	{"FAIL", RED},
	{"INCOMPLETE", RED},
	{"SETUP_FAIL", RED},
	{"OFF", GREY},
	{"RETIRED", GREY},
	{"-", GREY},
};

const char *colour_of(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].colour;
	return "";
}

char *printable(const char *text)
{
	char *copy = gw_strdup(text);
	size_t left = strlen(copy), n;

	for (char *at = copy; left; at += n, left -= n) {
		n = utf8_sequence(at, left);
		if (n == 0 || (unsigned char)*at < 0x20 || *at == 0x7f) {
			*at = '?';
			n = 1;
		} else if (n == 2 && (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] < 0xa0) { /* the 8-bit control characters */
			at[0] = at[1] = '?';
		}
	}
	return copy;
}

void table_init(struct table *table, const char *const *titles, size_t columns)
{
	*table = (struct table){.columns = columns};
	table_row(table);
	for (size_t c = 0; c < columns; c++)
		table_set(table, c, titles[c]);
}

void table_row(struct table *table)
{
	if (table->rows == table->room) {
		table->room = table->room ? table->room * 2 : 16;
		table->cells = gw_realloc(table->cells, table->room * table->columns * sizeof(*table->cells));
	}
	memset(table->cells + table->rows++ * table->columns, 0, table->columns * sizeof(*table->cells));
}

void table_set(struct table *table, size_t column, const char *text)
{
	char **cell = &table->cells[(table->rows - 1) * table->columns + column];

	free(*cell);
	*cell = text && *text ? printable(text) : NULL;
}

/* Columns on the screen, nearly: wide characters are taken for one. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; text && *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return text ? width : 1;
}

static void print_cell(const char *text, size_t width, bool last, bool colour, bool title)
{
	const char *shown = text ? text : title ? "" : "-", *begin = colour ? title ? "\033[1m" : colour_of(shown) : "";

	printf("%s%s%s", begin, shown, *begin ? COLOUR_OFF : "");
	if (!last)
		printf("%*s", (int)(width - width_of(text) + 2), "");
}

void table_print(struct table *table, bool colour)
{
	size_t widths[TABLE_COLUMNS] = {0};

	for (size_t i = 0; i < table->rows * table->columns; i++)
		if (width_of(table->cells[i]) > widths[i % table->columns])
			widths[i % table->columns] = width_of(table->cells[i]);
	for (size_t i = 0; i < table->rows * table->columns; i++) {
		size_t column = i % table->columns;
		bool last = column + 1 == table->columns;

		print_cell(table->cells[i], widths[column], last, colour, i < table->columns);
		if (last)
			printf("\n");
		free(table->cells[i]);
	}
	free(table->cells);
	*table = (struct table){0};
}
