/* Full names: FARM-base_name-N, N counting the DUTs of the same base name by first_seen. Pure. */
#ifndef EXECUTORD_NAMES_H
#define EXECUTORD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct mars_change;
struct mars_db;

struct named {
	const char *base_name;
	const char *first_seen; /* as MarsDB has it, or NULL: after all that have one */
	size_t place;           /* in the file: decides where the dates are the same */
	unsigned number;        /* given by names_number: from 1 */
	double seconds;         /* names_number's own: first_seen, read */
};
void names_number(struct named *v, size_t n); /* sorts them too */
/* All DUTs of a database, numbered. They borrow of it until its next change; the caller frees the list. */
struct named *names_of(const struct mars_db *db, size_t *n);
char *names_full(const char *farm, const struct named *named); /* the caller frees */
bool names_touched(const struct mars_change *change);          /* whether it may give any DUT another name */

/* Seconds since the epoch of a MarsDB date ("2021-12-22 16:57:08.146275", "2021-12-22T16:57:08+01:00", "2021-12-22"; UTC without a zone).
 */
bool names_date(const char *text, double *seconds);

/* ISO 8601 with zone, as REST prints times: "2026-01-31T12:00:00.123+00:00". */
void names_date_text(double seconds, char out[40]);

#endif
