#include "libmars/nearest.h"

#include <stdint.h>
#include <string.h>

#define MAX_NAME 48 /* longer names are nobody's slip of the keyboard */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with swaps of neighbours counted as one ("optimal string alignment"). */
static size_t distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t d[MAX_NAME + 1][MAX_NAME + 1];

	if (an > MAX_NAME || bn > MAX_NAME)
		return SIZE_MAX;
	for (size_t i = 0; i <= an; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= bn; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= an; i++)
		for (size_t j = 1; j <= bn; j++) {
			d[i][j] = smaller(smaller(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = smaller(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[an][bn];
}

void nearest_try(struct nearest *best, const char *candidate, const char *name, size_t len)
{
	size_t d = distance(name, len, candidate, strlen(candidate));

	if (d <= 1 + smaller(len, strlen(candidate)) / 4 && (!best->name || d < best->distance))
		*best = (struct nearest){candidate, d};
}

const char *nearest_of(const char *const *names, const char *name, size_t len)
{
	struct nearest best = {0};

	for (; *names; names++)
		nearest_try(&best, *names, name, len);
	return best.name;
}
