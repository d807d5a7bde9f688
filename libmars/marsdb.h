/* MarsDB: the farm's database, one YAML file that admins edit while the farm runs. This header: load, validate, look up.
 *
 * A database is one immutable content (text, index, decoded entries) that mars_db_apply (save.h) and mars_db_reload (reload.h) replace as a
 * whole. Pointers into it are borrowed and valid until the next of these two; keep an id or a name across them, not a pointer.
 * One thread owns a struct mars_db. Errors are collected, each with "file:line:column: path: what was found; accepted: ...".
 */
#ifndef LIBMARS_MARSDB_H
#define LIBMARS_MARSDB_H

#include "libgateway/error.h"

#include <stdint.h>

#define MARS_MAX_SIZE     (64U << 20) /* bytes of a database */
#define MARS_MAX_DEPTH    32          /* mappings and lists in each other */
#define MARS_MAX_ALIASED  100000      /* nodes that aliases stand for, in all */
#define MARS_ALIASED_TEXT 64          /* bytes of a text that count as a node there */

struct mars_strings {
	char **v;
	size_t n;
};

struct mars_list { /* of decoded objects, in the file's order */
	void *v;
	size_t n;
};

struct mars_acl_rules {
	struct mars_strings users, projects, projects_in_groups;
};

struct mars_acl {
	struct mars_acl_rules deny, allow;
};

struct mars_dut_gitlab {
	char *name;  /* of the instance */
	char *token; /* NULL: none. Secret */
	bool exposed;
	int64_t runner_id; /* -1: none */
	struct mars_acl acl;
};

struct mars_dut {
	char *id;          /* its key in the file, as written there */
	char *base_name;   /* "unknown" if not given */
	char *mac_address; /* lower case with colons; from the id if not given; never NULL */
	char *ip_address;  /* NULL: none */
	struct mars_strings tags, manual_tags;
	char *local_tty_device;  /* NULL: none */
	struct mars_list gitlab; /* struct mars_dut_gitlab; only what the file has: see mars_dut_gitlab_find */
	char *pdu, *pdu_port_id; /* NULL: not assigned */
	double pdu_off_delay;    /* seconds */
	bool ready_for_service, is_retired;
	char *first_seen;           /* as written; NULL: not given */
	char *comment;              /* NULL: none */
	double firmware_boot_time;  /* seconds; -1: not learnt yet */
	double boot_sequence_power; /* watts; -1: not given (then DUT_DEFAULT_BOOT_SEQUENCE_POWER) */
};

struct mars_pdu {
	char *name;
	char *driver; /* one of mars_pdu_drivers */
	char *config; /* a JSON object as text. May hold secrets */
	struct mars_strings reserved_port_ids;
};

struct mars_gateway_runner {
	char *token; /* NULL: none. Secret */
	bool exposed;
	int64_t runner_id; /* -1: none */
	struct mars_acl acl;
	bool given; /* the file has a gateway_runner */
};

struct mars_gitlab {
	char *name, *url;
	char *registration_token, *access_token; /* NULL: none. Secret */
	char *runner_type;                       /* instance_type, group_type, project_type */
	int64_t group_id, project_id;            /* -1: none */
	bool expose_runners;
	int64_t maximum_timeout; /* seconds */
	struct mars_acl acl;
	struct mars_gateway_runner gateway_runner;
};

struct mars_root { /* the whole file, decoded */
	struct mars_list pdus, duts, gitlab;
};

struct mars_options {
	bool allow_insecure_urls; /* GITLAB_ALLOW_INSECURE: http:// is accepted too */
	const char *virtual_pdu;  /* DUTs may name it while the file has no PDU (EXECUTOR_VPDU_ENDPOINT); NULL: none. Borrowed for good */
};

struct mars_db;

/* Parses `text` (copied), `name` being what messages call it. NULL and at least one error, if it is not valid. NULL options: the defaults.
 */
struct mars_db *mars_db_parse(const char *text, size_t len, const char *name, const struct mars_options *options, struct gw_errors *errs);
/* Loads a file, which may be a symlink, after putting right what a save that was killed left behind (save.h). A file that does not exist is
 * an empty database, made at the first save. NULL if it is not valid, not readable, or could not be saved (its owner cannot be kept). */
struct mars_db *mars_db_open(const char *path, const struct mars_options *options, struct gw_errors *errs);
/* As mars_db_open, never writing anything: for `executorctl db check`. The file must exist. */
struct mars_db *mars_db_read(const char *path, const struct mars_options *options, struct gw_errors *errs);
void mars_db_destroy(struct mars_db *db); /* accepts NULL */

const char *mars_db_text(const struct mars_db *db, size_t *len); /* borrowed: the file as it was read */
const struct gw_errors *mars_db_warnings(const struct mars_db *db);
/* Why the file as it is now is not in use ("" if it is), and when the content in use was read (seconds since the epoch). */
const char *mars_db_error(const struct mars_db *db);
int64_t mars_db_loaded_at(const struct mars_db *db);

size_t mars_db_dut_count(const struct mars_db *db);
const struct mars_dut *mars_db_dut(const struct mars_db *db, size_t i); /* in the file's order */
const struct mars_dut *mars_db_find_dut(const struct mars_db *db, const char *id);
const struct mars_dut *mars_db_find_dut_by_mac(const struct mars_db *db, const char *mac); /* in any case */
const struct mars_dut *mars_db_find_dut_by_ip(const struct mars_db *db, const char *ip);
const struct mars_dut *mars_db_find_dut_by_port(const struct mars_db *db, const char *pdu, const char *port_id);
size_t mars_db_pdu_count(const struct mars_db *db);
const struct mars_pdu *mars_db_pdu(const struct mars_db *db, size_t i);
const struct mars_pdu *mars_db_find_pdu(const struct mars_db *db, const char *name);
size_t mars_db_gitlab_count(const struct mars_db *db);
const struct mars_gitlab *mars_db_gitlab(const struct mars_db *db, size_t i);
const struct mars_gitlab *mars_db_find_gitlab(const struct mars_db *db, const char *name);

/* The DUT's entry for an instance; NULL if the file has none: then it is exposed, without a token, an id or rules of its own. */
const struct mars_dut_gitlab *mars_dut_gitlab_find(const struct mars_dut *dut, const char *instance);
bool mars_pdu_port_reserved(const struct mars_pdu *pdu, const char *port_id);
bool mars_strings_have(const struct mars_strings *strings, const char *text);

/* What differs between two contents. */
enum mars_change_kind { MARS_ADDED, MARS_REMOVED, MARS_CHANGED };
enum mars_change_what { MARS_PDU, MARS_DUT, MARS_GITLAB };
struct mars_change {
	enum mars_change_what what;
	enum mars_change_kind kind;
	char *name;      /* the DUT's id, the PDU's or instance's name; owned */
	uint32_t fields; /* MARS_CHANGED: 1U << index of each field that differs (MARS_DUT_TAGS, ...) */
};
struct mars_changes { /* removals first, then PDUs, GitLab instances, DUTs; zeroed memory is none */
	struct mars_change *v;
	size_t n;
};
void mars_changes_finish(struct mars_changes *changes);
/* What turns `before` into `after`; added to `changes`. */
void mars_db_diff(const struct mars_db *before, const struct mars_db *after, struct mars_changes *changes);

/* Bits that REST and tests need too. */
bool mars_mac_decode(const char *text, size_t len, char mac[18]); /* xx:xx:xx:xx:xx:xx in any case -> lower case */
bool mars_acl_has_allow(const struct mars_acl *acl);
/* Whether a job of `user` from `project` (a full path) may run: the DUT's or gateway runner's rules first, then the instance's, deny before
 * allow; no rule anywhere: yes; rules, but none matches: no. Either may be NULL. */
bool mars_acl_allows(const struct mars_acl *own, const struct mars_acl *instance, const char *user, const char *project);

#endif
