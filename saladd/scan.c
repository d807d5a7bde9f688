#include "saladd/scan.h"

#include <string.h>

/* Both begin with the only S in them, so that a mismatch never has to go back over bytes. */
static const char *const words[] = {"SALAD.ping", "SALAD.machine_id="};
enum { WORD_PING, WORD_ID, WORDS };
#define ALL_WORDS ((1U << WORDS) - 1)

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum scan_event id_complete(struct scan *s)
{
	s->in_id = false;
	if (!s->id_len)
		return SCAN_NOTHING;
	s->id[s->id_len] = '\0';
	return s->bad ? SCAN_BAD_ID : SCAN_ID;
}

static enum scan_event id_byte(struct scan *s, char c)
{
	if (is_space(c))
		return id_complete(s);
	if (c < 0x21 || c > 0x7e || s->id_len == SCAN_ID_MAX)
		s->bad = true;
	if (s->id_len < SCAN_ID_MAX)
		s->id[s->id_len++] = c;
	return SCAN_NOTHING;
}

static unsigned fitting(unsigned candidates, size_t at, char c)
{
	unsigned fit = 0;

	for (unsigned w = 0; w < WORDS; w++)
		if ((candidates & 1U << w) && words[w][at] == c)
			fit |= 1U << w;
	return fit;
}

static enum scan_event word_complete(struct scan *s)
{
	bool ping = s->candidates == 1U << WORD_PING;

	s->at = 0;
	if (ping)
		return SCAN_PING;
	s->in_id = true;
	s->bad = false;
	s->id_len = 0;
	return SCAN_NOTHING;
}

static enum scan_event word_byte(struct scan *s, char c)
{
	unsigned fit = s->at ? fitting(s->candidates, s->at, c) : 0;

	if (fit) {
		s->at++;
	} else {
		fit = fitting(ALL_WORDS, 0, c);
		s->at = fit ? 1 : 0;
	}
	s->candidates = fit;
	for (unsigned w = 0; w < WORDS; w++)
		if (fit == 1U << w && !words[w][s->at])
			return word_complete(s);
	return SCAN_NOTHING;
}

size_t scan_bytes(struct scan *s, const char *bytes, size_t n, enum scan_event *event)
{
	*event = SCAN_NOTHING;
	for (size_t i = 0; i < n; i++) {
		if (!s->in_id && !s->at) { /* nothing has begun: on to the next S */
			const char *next = memchr(bytes + i, words[0][0], n - i);
			if (!next)
				return n;
			i = (size_t)(next - bytes);
		}
		*event = s->in_id ? id_byte(s, bytes[i]) : word_byte(s, bytes[i]);
		if (*event != SCAN_NOTHING)
			return i + 1;
	}
	return n;
}
