#include "libmars/marsdb.h"

#include "libmars/db.h"
#include "libmars/decode.h"
#include "libmars/exchange.h"
#include "libmars/file.h"
#include "libmars/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct mars_db *create(const char *path, const char *name, const struct mars_options *options, struct content *content)
{
	struct mars_db *db = gw_calloc(1, sizeof(*db));

	db->name = gw_strdup(name);
	db->path = gw_strdup(path);
	db->options = options ? *options : (struct mars_options){0};
	db->content = content;
	db->loaded_at = time(NULL);
	return db;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

struct mars_db *mars_db_parse(const char *text, size_t len, const char *name, const struct mars_options *options, struct gw_errors *errs)
{
	char *copy = gw_calloc(len + 1, 1);
	struct content *content;

	if (len)
		memcpy(copy, text, len);
	content = content_create(copy, len, name, options, NULL, errs);
	return content ? create(NULL, name, options, content) : NULL;
}

static struct mars_db *load(const char *path, const struct mars_options *options, bool must_exist, struct gw_errors *errs)
{
	struct gw_error err = {0};
	struct content *content;
	size_t len;
	char *text = must_exist ? mars_file_read(path, &len, &err) : mars_file_read_awaited(path, &len, &err);

	if (!text && err.kind == GW_NOT_FOUND && !must_exist) {
		text = gw_strdup("");
		len = 0;
	} else if (!text) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return NULL;
	}
	content = content_create(text, len, last_part(path), options, NULL, errs);
	return content ? create(path, last_part(path), options, content) : NULL;
}

struct mars_db *mars_db_read(const char *path, const struct mars_options *options, struct gw_errors *errs)
{
	return load(path, options, true, errs);
}

struct mars_db *mars_db_open(const char *path, const struct mars_options *options, struct gw_errors *errs)
{
	struct gw_error err = {0};
	struct mars_db *db = NULL;
	char *kept = NULL;

	if (!mars_save_recover(path, &kept, &err))
		gw_errors_add(errs, err.kind, "%s", err.text);
	else
		db = load(path, options, false, errs);
	if (db)
		mars_db_add_kept(db, kept);
	free(kept);
	return db;
}

void mars_db_destroy(struct mars_db *db)
{
	if (!db)
		return;
	gw_assert(!db->busy && !db->waiting);
	content_release(db->content);
	free(db->name);
	free(db->path);
	free(db->kept);
	free(db);
}

void mars_db_replace(struct mars_db *db, struct content *content, struct mars_changes *changes)
{
	content_diff(db->content, content, changes);
	content_release(db->content);
	db->content = content;
	db->error[0] = '\0';
	db->loaded_at = time(NULL);
}

void mars_db_add_kept(struct mars_db *db, const char *kept)
{
	char *before = db->kept;

	if (!kept)
		return;
	db->kept = gw_sprintf("%s%s%s", before ? before : "", before ? ", " : "", kept);
	free(before);
}

char *mars_db_take_kept(struct mars_db *db)
{
	char *kept = db->kept;

	db->kept = NULL;
	return kept;
}

const char *mars_db_text(const struct mars_db *db, size_t *len)
{
	*len = db->content->len;
	return db->content->text;
}

const struct gw_errors *mars_db_warnings(const struct mars_db *db)
{
	return &db->content->warnings;
}

const char *mars_db_error(const struct mars_db *db)
{
	return db->error;
}

int64_t mars_db_loaded_at(const struct mars_db *db)
{
	return db->loaded_at;
}

static const void *find(const struct mars_db *db, enum mars_change_what what, const char *name)
{
	const struct entry *found = name ? index_find(&db->content->sections[what].by_name, name, NULL) : NULL;

	return found ? found->decoded : NULL;
}

size_t mars_db_dut_count(const struct mars_db *db)
{
	return db->content->sections[MARS_DUT].n;
}

const struct mars_dut *mars_db_dut(const struct mars_db *db, size_t i)
{
	return content_decoded(&db->content->sections[MARS_DUT], i);
}

const struct mars_dut *mars_db_find_dut(const struct mars_db *db, const char *id)
{
	return find(db, MARS_DUT, id);
}

const struct mars_dut *mars_db_find_dut_by_mac(const struct mars_db *db, const char *mac)
{
	char lower[18];

	return mac && mars_mac_decode(mac, strlen(mac), lower) ? index_find(&db->content->by_mac, lower, NULL) : NULL;
}

const struct mars_dut *mars_db_find_dut_by_ip(const struct mars_db *db, const char *ip)
{
	return ip ? index_find(&db->content->by_ip, ip, NULL) : NULL;
}

const struct mars_dut *mars_db_find_dut_by_port(const struct mars_db *db, const char *pdu, const char *port_id)
{
	return pdu && port_id ? index_find(&db->content->by_port, pdu, port_id) : NULL;
}

size_t mars_db_pdu_count(const struct mars_db *db)
{
	return db->content->sections[MARS_PDU].n;
}

const struct mars_pdu *mars_db_pdu(const struct mars_db *db, size_t i)
{
	return content_decoded(&db->content->sections[MARS_PDU], i);
}

const struct mars_pdu *mars_db_find_pdu(const struct mars_db *db, const char *name)
{
	return find(db, MARS_PDU, name);
}

size_t mars_db_gitlab_count(const struct mars_db *db)
{
	return db->content->sections[MARS_GITLAB].n;
}

const struct mars_gitlab *mars_db_gitlab(const struct mars_db *db, size_t i)
{
	return content_decoded(&db->content->sections[MARS_GITLAB], i);
}

const struct mars_gitlab *mars_db_find_gitlab(const struct mars_db *db, const char *name)
{
	return find(db, MARS_GITLAB, name);
}

void mars_db_diff(const struct mars_db *before, const struct mars_db *after, struct mars_changes *changes)
{
	content_diff(before->content, after->content, changes);
}

const struct mars_dut_gitlab *mars_dut_gitlab_find(const struct mars_dut *dut, const char *instance)
{
	const struct mars_dut_gitlab *v = dut->gitlab.v;

	for (size_t i = 0; i < dut->gitlab.n; i++)
		if (strcmp(v[i].name, instance) == 0)
			return &v[i];
	return NULL;
}

bool mars_strings_have(const struct mars_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->n; i++)
		if (strcmp(strings->v[i], text) == 0)
			return true;
	return false;
}

bool mars_pdu_port_reserved(const struct mars_pdu *pdu, const char *port_id)
{
	return mars_strings_have(&pdu->reserved_port_ids, port_id);
}
