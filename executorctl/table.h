/* Tables and colours for people. What a server said never reaches the terminal as control characters. */
#ifndef EXECUTORCTL_TABLE_H
#define EXECUTORCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 10
struct table {
	size_t columns, rows, room;
	char **cells; /* rows x columns, owned */
};

void table_init(struct table *table, const char *const *titles, size_t columns);
/* A new row of empty cells; then each cell by its column. NULL is shown as "-". */
void table_row(struct table *table);
void table_set(struct table *table, size_t column, const char *text);
/* Prints and frees it. States (IDLE, ON, ERROR, ...) are coloured by what they mean. `width`: the terminal's columns; the widest columns
 * of a table that does not fit are cut, with an ellipsis, but never below what their titles take; 0: nothing is cut. */
void table_print(struct table *table, FILE *out, bool colour, size_t width);
void table_finish(struct table *table); /* without printing it */

/* The escape sequence to begin with for a state's word, maybe with a remark in brackets behind it; "" for any other text. */
const char *colour_of(const char *text);
#define COLOUR_OFF "\033[0m"

char *printable(const char *text); /* control characters become `?`. The caller frees */

#endif
