/* Edits by path on the text of a database: only the bytes of changed values change, so comments, order and quoting stay the admin's.
 *
 * An edit that would not read back as what was meant is refused. Pure: no files here (save.h). Any thread.
 */
#ifndef LIBMARS_EDIT_H
#define LIBMARS_EDIT_H

#include "libgateway/error.h"

#include <stdint.h>

struct mars_strings;

enum mars_value_type {
	MARS_VALUE_NULL,
	MARS_VALUE_BOOL,
	MARS_VALUE_INTEGER,
	MARS_VALUE_NUMBER,
	MARS_VALUE_TEXT,
	MARS_VALUE_DATE, /* a text that is written without quotes, as PyYAML writes dates */
	MARS_VALUE_TEXTS,
	MARS_VALUE_MAPPING
};

struct mars_member;
struct mars_value { /* borrows all it points to */
	enum mars_value_type type;
	bool boolean;
	int64_t integer;
	double number;
	const char *text;                  /* UTF-8 */
	const char *const *texts;          /* n of them */
	const struct mars_member *members; /* n of them, written in this order */
	size_t n;
};
struct mars_member {
	const char *name;
	struct mars_value value;
};

#define MARS_V_NULL              ((struct mars_value){.type = MARS_VALUE_NULL})
#define MARS_V_BOOL(b)           ((struct mars_value){.type = MARS_VALUE_BOOL, .boolean = (b)})
#define MARS_V_INTEGER(i)        ((struct mars_value){.type = MARS_VALUE_INTEGER, .integer = (i)})
#define MARS_V_NUMBER(d)         ((struct mars_value){.type = MARS_VALUE_NUMBER, .number = (d)})
#define MARS_V_TEXT(s)           ((struct mars_value){.type = MARS_VALUE_TEXT, .text = (s)})
#define MARS_V_DATE(s)           ((struct mars_value){.type = MARS_VALUE_DATE, .text = (s)})
#define MARS_V_TEXTS(v, count)   ((struct mars_value){.type = MARS_VALUE_TEXTS, .texts = (v), .n = (count)})
#define MARS_V_MAPPING(m, count) ((struct mars_value){.type = MARS_VALUE_MAPPING, .members = (m), .n = (count)})

#define MARS_PATH_MAX 8
enum mars_edit_op {
	MARS_SET,    /* the value at path: replaced, or inserted with the mappings on the way to it that are missing */
	MARS_INSERT, /* as MARS_SET; refused if there is one already */
	MARS_REMOVE  /* the key and its value; it is fine if there is none */
};
struct mars_edit { /* borrows all it points to */
	enum mars_edit_op op;
	const char *path[MARS_PATH_MAX]; /* {"duts", "52:54:00:11:22:0a", "comment"}; NULL-terminated if shorter */
	struct mars_value value;
	bool over_others;  /* save.h: applied even if the file's value meanwhile became another than the one in memory */
	unsigned existing; /* so many names of the path must be there already, else GW_NOT_FOUND: who was removed does not come back */
};

/* The text after the edits, malloc'ed, in *out. `name` is what messages call it. False, and nothing in *out, if the text does not parse, an
 * edit cannot be made (a path through an alias or a scalar), or the outcome would not read back as intended. The fields' rules are not
 * checked here. */
bool mars_edit_text(const char *text, size_t len, const char *name, const struct mars_edit *edits, size_t n, char **out, size_t *out_len,
		    struct gw_error *err);

#endif
