#include "gitlabd/removals_journal.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/removals_file.h"
#include "libgateway/files.h"
#include "libgateway/json.h"
#include "libgateway/log.h"

enum { JOURNAL_FILE_MAX = 2 * REMOVALS_FILE_MAX };

/* ---- what changed ---- */

static void wipe(struct buffer *lines)
{
	if (lines->data)
		explicit_bzero(lines->data, lines->size);
	buffer_finish(lines);
}

/* Takes `what`. */
static void note(struct removals *removals, const char *kind, cJSON *what)
{
	cJSON *json = cJSON_CreateObject();
	char *line;

	cJSON_AddItemToObject(json, kind, what);
	line = gw_have(cJSON_PrintUnformatted(json));
	if (removals->journal.usable) /* else all of it is written next */
		buffer_printf(&removals->journal.lines, "%s\n", line);
	gw_free_secret(line);
	cJSON_Delete(json);
}

void removals_note_add(struct removals *removals, const struct removal *removal)
{
	note(removals, "add", removal_json(removal));
}

void removals_note_gone(struct removals *removals, const struct removal *removal)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "url", removal->url);
	cJSON_AddStringToObject(json, "token", removal->token);
	note(removals, "gone", json);
}

void removals_note_place(struct removals *removals, const struct place *place)
{
	note(removals, "instance", place_json(place));
}

/* ---- writing ---- */

static bool fits(const struct removals_journal *journal)
{
	size_t most = journal->whole > REMOVALS_JOURNAL_MIN ? journal->whole : REMOVALS_JOURNAL_MIN;

	return journal->usable && journal->size + journal->lines.len <= most;
}

static bool append(struct removals *removals, struct gw_error *err)
{
	struct removals_journal *journal = &removals->journal;
	bool anew = !journal->size;
	struct buffer text = {0};
	bool ok;

	if (!journal->lines.len)
		return true;
	if (anew)
		buffer_printf(&text, "{\"journal\":\"%s\"}\n", journal->name);
	buffer_add(&text, journal->lines.data, journal->lines.len);
	ok = file_append(journal->path, text.data, text.len, 0600, anew, err);
	journal->size += text.len;
	wipe(&text);
	return ok;
}

static bool write_whole(struct removals *removals, struct gw_error *err)
{
	struct removals_journal *journal = &removals->journal;
	char *text;

	file_make_version(journal->name);
	text = removals_encode(removals);
	journal->whole = strlen(text);
	journal->size = 0;
	journal->usable = file_save(removals->path, text, journal->whole, 0600, err);
	gw_free_secret(text);
	return journal->usable;
}

bool removals_write(struct removals *removals, struct gw_error *err)
{
	bool ok = fits(&removals->journal) && append(removals, NULL); /* if it fails, the journal may end anywhere */

	if (!ok)
		ok = write_whole(removals, err);
	wipe(&removals->journal.lines);
	return ok;
}

/* ---- reading ---- */

static bool take_line(struct removals *removals, const cJSON *json, struct gw_error *err)
{
	const cJSON *add = cJSON_GetObjectItemCaseSensitive(json, "add"), *gone = cJSON_GetObjectItemCaseSensitive(json, "gone"),
		    *place = cJSON_GetObjectItemCaseSensitive(json, "instance");

	if (add)
		return removals_take(removals, add, err);
	if (gone)
		return removals_take_gone(removals, gone, err);
	return place ? removals_take_place(removals, place, err) : gw_fail(err, GW_BAD_INPUT, "it says nothing of a runner or an instance");
}

static bool belongs(const struct removals *removals, const char *line, size_t len)
{
	cJSON *json = json_decode(line, len, NULL);
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "journal"));
	bool is = name && *name && strcmp(name, removals->journal.name) == 0;

	cJSON_Delete(json);
	return is;
}

static void read_lines(struct removals *removals, const char *text, size_t len)
{
	const char *at = text, *end;
	struct gw_error err = {0};

	for (size_t n = 1; (end = memchr(at, '\n', len - (size_t)(at - text))); at = end + 1, n++) {
		cJSON *json = n > 1 ? json_decode(at, (size_t)(end - at), &err) : NULL;
		bool ok = n > 1 ? json && take_line(removals, json, &err) : belongs(removals, at, (size_t)(end - at));

		cJSON_Delete(json);
		if (ok)
			continue;
		if (n > 1)
			log_warning("%s:%zu: %s; it is read up to there, and runners that were to be removed may stay on GitLab",
				    removals->journal.path, n, err.text);
		return;
	}
}

bool removals_load_journal(struct removals *removals, struct gw_error *err)
{
	size_t len;
	char *text = file_read(removals->journal.path, JOURNAL_FILE_MAX, &len, err);

	if (!text && err->kind == GW_NOT_FOUND) {
		*err = (struct gw_error){0};
		return true;
	}
	if (!text)
		return false;
	read_lines(removals, text, len);
	explicit_bzero(text, len);
	free(text);
	return true;
}

void removals_journal_finish(struct removals *removals)
{
	wipe(&removals->journal.lines);
	free(removals->journal.path);
}
