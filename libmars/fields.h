/* The fields of every object of MarsDB, one table each. Validation, decoding, defaults, REST's rights and the schema page all read them.
 *
 * The tables are made from fields.def. Everything here is constant. Needs libc alone; any thread.
 */
#ifndef LIBMARS_FIELDS_H
#define LIBMARS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mars_type {
	MARS_TEXT,     /* char *, one line; "" is refused where min is 1, else kept */
	MARS_NAME,     /* likewise, without `/`: URLs are made of it */
	MARS_LINES,    /* as MARS_TEXT, of any number of lines */
	MARS_SECRET,   /* char *, never shown in a message; "<invalid default>" is none */
	MARS_BOOL,     /* bool */
	MARS_INTEGER,  /* int64_t; -1 where none is given */
	MARS_SECONDS,  /* double; -1 where none is given */
	MARS_WATTS,    /* double; -1 where none is given */
	MARS_MAC,      /* char *, lower case with colons */
	MARS_IPV4,     /* char *, as inet_ntop prints it */
	MARS_DATE,     /* char *, as written */
	MARS_URL,      /* char * */
	MARS_PORT_ID,  /* char *; an integer or a string in the file */
	MARS_CHOICE,   /* char *, one of `accepted` */
	MARS_TEXTS,    /* struct mars_strings */
	MARS_TAGS,     /* struct mars_strings; no commas (GitLab splits there), not empty */
	MARS_PORT_IDS, /* struct mars_strings */
	MARS_CONFIG,   /* char *: any mapping, as JSON text */
	MARS_OBJECT,   /* the struct of `object`, in place */
	MARS_OBJECTS,  /* struct mars_list of the structs of `object`, each under its name */
	MARS_UNUSED,   /* known, not read: a warning */
	MARS_TYPES
};

/* Who may set a field. MANUAL: an admin, in the file. AUTO: the gateway itself. */
#define MARS_BY_MANUAL (1U << 0)
#define MARS_BY_AUTO   (1U << 1)
#define MARS_BY_CREATE (1U << 2) /* POST or PUT /dut/ */
#define MARS_BY_PATCH  (1U << 3) /* PATCH */

struct mars_object;
struct mars_field {
	const char *name;
	enum mars_type type;
	size_t offset;               /* in the struct that the object is decoded into */
	double min, max;             /* of a number; of a text's length in bytes; of a list's items */
	const char *fallback;        /* the default, as it would be written; NULL: none */
	const char *const *accepted; /* MARS_CHOICE: a NULL-terminated list */
	const struct mars_object *object;
	unsigned who; /* MARS_BY_... */
	bool required;
	const char *meaning; /* one sentence */
};

struct mars_object {
	const char *name; /* "DUT", as a message says it */
	const struct mars_field *fields;
	size_t n;    /* at most 32: changes are masks of field indices */
	size_t size; /* of the decoded struct */
	bool named;  /* its struct begins with `char *`, the key it stands under */
};

extern const struct mars_object mars_pdu_object, mars_dut_object, mars_dut_gitlab_object, mars_gitlab_object, mars_gateway_runner_object,
	mars_acl_object, mars_acl_rules_object, mars_root_object;
extern const char *const mars_pdu_drivers[]; /* NULL-terminated */

/* Indices into mars_dut_object.fields, mars_pdu_object.fields, ...: MARS_DUT_TAGS is the index of `tags`, 1U << it its bit in a change. */
#define MARS_FIELD_INDEX(object, NAME, ...) MARS_##object##_##NAME,
#define PDU_FIELD(NAME, ...)                MARS_FIELD_INDEX(PDU, NAME)
#define DUT_FIELD(NAME, ...)                MARS_FIELD_INDEX(DUT, NAME)
#define DUT_UNUSED(NAME, name)              MARS_FIELD_INDEX(DUT, NAME)
#define GITLAB_FIELD(NAME, ...)             MARS_FIELD_INDEX(GITLAB, NAME)
enum {
#define MARS_WANT_PDU
#include "libmars/fields.def"
	MARS_PDU_FIELDS
};
enum {
#define MARS_WANT_DUT
#include "libmars/fields.def"
	MARS_DUT_FIELDS
};
enum {
#define MARS_WANT_GITLAB
#include "libmars/fields.def"
	MARS_GITLAB_FIELDS
};
#undef PDU_FIELD
#undef DUT_FIELD
#undef DUT_UNUSED
#undef GITLAB_FIELD

const struct mars_field *mars_field_find(const struct mars_object *object, const char *name, size_t len); /* borrowed, or NULL */
/* The nearest of the object's field names, near enough to be a slip of the keyboard, or NULL. */
const char *mars_field_nearest(const struct mars_object *object, const char *name, size_t len);
/* The nearest of a NULL-terminated list, or NULL. */
const char *mars_nearest(const char *const *names, const char *name, size_t len);
/* "a number of seconds": what a value of this type is, as a message says it. */
const char *mars_type_name(enum mars_type type);

#endif
