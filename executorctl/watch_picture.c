#include "executorctl/watch_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/show.h"
#include "executorctl/table.h"
#include "executorctl/width.h"

#define HOME        "\033[H"
#define END_OF_LINE "\033[K"
#define TO_THE_END  "\033[J"

enum { NOTES_LEAST = 4 }; /* lines that the last changes have, in a terminal that is high enough */

void picture_note(struct picture *picture, const char *line)
{
	char **place = &picture->notes[picture->n_notes++ % PICTURE_NOTES];

	free(*place);
	*place = gw_strdup(line);
}

void picture_finish(struct picture *picture)
{
	for (size_t i = 0; i < PICTURE_NOTES; i++)
		free(picture->notes[i]);
	*picture = (struct picture){0};
}

/* ---- pieces ---- */

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int count(const cJSON *duts, const char *state)
{
	const cJSON *dut;
	int n = 0;

	cJSON_ArrayForEach(dut, duts)
	{
		const char *is = cJSON_GetStringValue(get(dut, "state"));

		n += is && strcmp(is, state) == 0;
	}
	return n;
}

static void head(struct buffer *out, const cJSON *state)
{
	static const char *const states[] = {"IDLE", "QUEUED", "RUNNING", "TRAINING", "QUICK_CHECK", "WAIT_FOR_CONFIG", "RETIRED"};
	const cJSON *duts = get(state, "duts"), *discover = get(state, "discover");
	int n;

	buffer_printf(out, "%d machines", cJSON_GetArraySize(duts));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if ((n = count(duts, states[i])))
			buffer_printf(out, ", %d %s", n, states[i]);
	if (discover && discover->child)
		buffer_printf(out, "; discovering at %s/%s", cJSON_GetStringValue(get(discover, "pdu")),
			      cJSON_GetStringValue(get(discover, "port_id")));
}

static void problem(struct buffer *out, const cJSON *state, const char *lost)
{
	const char *error = cJSON_GetStringValue(get(get(state, "database"), "error"));

	if (lost)
		buffer_printf(out, "LOST: %s; trying again", lost);
	else if (error)
		buffer_printf(out, "The database is not in use as it is on disk: %s", error);
}

/* ---- the whole, line by line ---- */

struct page {
	struct buffer out;
	size_t lines, width, height;
};

/* Escape sequences of `text` are not counted: it fits already where it has any. */
static void add_line(struct page *page, const char *text, bool fits)
{
	char *cut = fits ? gw_strdup(text) : text_cut(text, page->width);

	if (page->lines < page->height) {
		buffer_printf(&page->out, "%s%s%s", page->lines ? "\n" : "", cut, END_OF_LINE);
		page->lines++;
	}
	free(cut);
}

static void add_text(struct page *page, struct buffer *raw)
{
	char *text = buffer_take(raw), *shown = printable(text);

	if (*shown)
		add_line(page, shown, false);
	free(text);
	free(shown);
}

static void add_alarms(struct page *page, const cJSON *state)
{
	struct buffer text = {0};
	const cJSON *alarm;

	cJSON_ArrayForEach(alarm, get(state, "alarms"))
	{
		const char *said = cJSON_GetStringValue(get(alarm, "text"));

		buffer_printf(&text, "ALARM: %s", said ? said : "");
		add_text(page, &text);
	}
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* As many lines as fit into `room`, the last one telling how many do not. */
static void add_table(struct page *page, char *text, size_t room)
{
	size_t total = lines_of(text), shown = total > room ? room - (room > 0) : total;
	char more[64], *rest = text, *line;

	for (size_t i = 0; i < shown && (line = strsep(&rest, "\n")); i++)
		add_line(page, line, true);
	if (total > shown && room) {
		snprintf(more, sizeof(more), "... and %zu more", total - shown);
		add_line(page, more, false);
	}
}

static void add_duts(struct page *page, const cJSON *state, bool colour)
{
	size_t size, room = page->height > page->lines + NOTES_LEAST ? page->height - page->lines - NOTES_LEAST : 1;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	gw_assert(out);
	if (cJSON_GetArraySize(get(state, "duts")))
		show_duts(out, get(state, "duts"), get(state, "jobs"), colour, page->width);
	show_pdu_errors(out, get(state, "pdus"));
	fclose(out);
	add_table(page, text, room);
	free(text);
}

static void add_notes(struct page *page, const struct picture *picture)
{
	size_t kept = picture->n_notes < PICTURE_NOTES ? picture->n_notes : PICTURE_NOTES;
	size_t room = page->height > page->lines + 1 ? page->height - page->lines - 1 : 0, n = kept < room ? kept : room;

	if (n)
		add_line(page, "", true);
	for (size_t i = picture->n_notes - n; i < picture->n_notes; i++)
		add_line(page, picture->notes[i % PICTURE_NOTES], false);
}

char *picture_draw(const struct picture *picture, const cJSON *state, const char *lost, bool colour, size_t width, size_t height)
{
	struct page page = {.width = width, .height = height};
	struct buffer text = {0};

	buffer_add(&page.out, HOME, strlen(HOME));
	head(&text, state);
	add_text(&page, &text);
	problem(&text, state, lost);
	add_text(&page, &text);
	add_alarms(&page, state);
	add_duts(&page, state, colour);
	add_notes(&page, picture);
	buffer_add(&page.out, TO_THE_END, strlen(TO_THE_END));
	return buffer_take(&page.out);
}
