/* Whose console each serial port is, by its place: a machine does not say so again when its port was unplugged, its USB port reset, or
 * saladd started anew. Kept in the runtime folder. */
#ifndef SALADD_KNOWN_H
#define SALADD_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "saladd/place.h"
#include "saladd/scan.h"

#define KNOWN_MAX 1024 /* for one more, the one that was set longest ago is forgotten */

struct known_port {
	char key[PLACE_KEY_MAX + 1];
	char id[SCAN_ID_MAX + 1];
};

struct known {
	char *path; /* owned */
	struct known_port *v;
	size_t n;
};

void known_load(struct known *known, char *path);                     /* owns `path` */
void known_finish(struct known *known);                               /* accepts zeroed memory */
const char *known_find(const struct known *known, const char *key);   /* borrowed until the next known_set; NULL: nobody's */
void known_set(struct known *known, const char *key, const char *id); /* saved at once; a failure is logged */
void known_decode(struct known *known, const char *text, size_t n);   /* adds lines `KEY ID`; leaves out what is none */
void known_put(struct known *known, const char *key, const char *id); /* in memory alone */

#endif
