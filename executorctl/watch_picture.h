/* The farm as a picture that fills a terminal: machines, ports that are ON, what has changed last. Pure. */
#ifndef EXECUTORCTL_WATCH_PICTURE_H
#define EXECUTORCTL_WATCH_PICTURE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#define PICTURE_NOTES 64

struct picture {
	char *notes[PICTURE_NOTES]; /* owned; a ring */
	size_t n_notes;             /* since the beginning */
};

/* The other screen, without a cursor, lines cut at its edge; and back. */
#define PICTURE_BEGIN "\033[?1049h\033[?25l\033[?7l"
#define PICTURE_END   "\033[?7h\033[?25h\033[?1049l"

void picture_note(struct picture *picture, const char *line); /* what has changed; copied */
/* Text that draws it anew: at most `height` lines of at most `width` columns. `lost`: why nothing is heard, NULL: all is well. The caller
 * frees. */
char *picture_draw(const struct picture *picture, const cJSON *state, const char *lost, bool colour, size_t width, size_t height);
void picture_finish(struct picture *picture);

#endif
