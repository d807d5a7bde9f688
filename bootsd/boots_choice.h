/* What a machine's requests of one kind lead to by the boots DB, beside its job. */
#ifndef BOOTSD_BOOTS_CHOICE_H
#define BOOTSD_BOOTS_CHOICE_H

#include "bootsd/deployment.h"
#include "libjob/boots_db.h"

struct boots_choice {
	char *key; /* owned: of the request and of the texts */
	size_t key_n;
	char *entry; /* its name; NULL: none matches */
	struct dhcp_rules dhcp;
	struct boot_file **files; /* one reference each */
	size_t n_files;
};

/* Whether an entry is for requests of this kind. GW_BAD_INPUT: its match is no match, `err` says why. */
bool boots_entry_matches(const struct boots_db_entry *entry, const struct dhcp_class *class, struct mac mac, struct gw_error *err);
/* The entry's defaults without the categories that the deployment has of its own. NULL, with what is wrong with which option. */
struct boots_choice *boots_choice_create(const struct boots_db_entry *entry, const struct deployment *deployment, struct gw_error *err);
void boots_choice_destroy(struct boots_choice *choice);                                              /* NULL is fine */
struct boot_file *boots_choice_file(const struct boots_choice *choice, const char *path, bool tftp); /* borrowed; NULL: none */

#endif
