#include "executorctl/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/width.h"
#include "libgateway/error.h"
#include "libgateway/utf8.h"

enum { GAP = 2, COLUMN_LEAST = 4 };

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

/* What stands in brackets behind the word is a remark: "ON (pinned)". */
const char *colour_of(const char *text)
{
	const char *remark = strstr(text, " (");
	size_t n = remark ? (size_t)(remark - text) : strlen(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n && memcmp(words[i].word, text, n) == 0)
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

/* An empty cell is shown as a dash, but for a title's. */
static const char *shown(const struct table *table, size_t cell)
{
	const char *text = table->cells[cell];

	return text ? text : cell < table->columns ? "" : "-";
}

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS])
{
	for (size_t i = 0; i < table->rows * table->columns; i++) {
		size_t width = text_width(shown(table, i));

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
}

static size_t least_of(const struct table *table, size_t column)
{
	size_t title = text_width(shown(table, column));

	return title < COLUMN_LEAST ? COLUMN_LEAST : title;
}

/* The widest column that can give something up; `columns`: none can. */
static size_t widest(const struct table *table, const size_t widths[TABLE_COLUMNS])
{
	size_t found = table->columns;

	for (size_t c = 0; c < table->columns; c++)
		if (widths[c] > least_of(table, c) && (found == table->columns || widths[c] >= widths[found]))
			found = c;
	return found;
}

static void fit(const struct table *table, size_t widths[TABLE_COLUMNS], size_t width)
{
	size_t total = (table->columns - 1) * GAP, column;

	for (size_t c = 0; c < table->columns; c++)
		total += widths[c];
	for (; total > width && (column = widest(table, widths)) < table->columns; total--)
		widths[column]--;
}

static void print_cell(const struct table *table, size_t cell, size_t width, FILE *out, bool colour)
{
	bool is_title = cell < table->columns, is_last = (cell + 1) % table->columns == 0;
	char *text = text_cut(shown(table, cell), width);
	const char *begin = !colour ? "" : is_title ? "\033[1m" : colour_of(shown(table, cell));

	fprintf(out, "%s%s%s", begin, text, *begin ? COLOUR_OFF : "");
	if (is_last)
		fputc('\n', out);
	else
		fprintf(out, "%*s", (int)(width - text_width(text) + GAP), "");
	free(text);
}

void table_print(struct table *table, FILE *out, bool colour, size_t width)
{
	size_t widths[TABLE_COLUMNS] = {0};

	measure(table, widths);
	if (width)
		fit(table, widths, width);
	for (size_t i = 0; i < table->rows * table->columns; i++)
		print_cell(table, i, widths[i % table->columns], out, colour);
	table_finish(table);
}

void table_finish(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){0};
}
