#include "saladd/kept.h"

#include <string.h>

static void drop(struct kept *kept, size_t n)
{
	unsigned gone = 0;

	buffer_drop(&kept->bytes, n);
	while (gone < kept->parts && kept->part[gone].n <= n)
		n -= kept->part[gone++].n;
	kept->parts -= gone;
	memmove(kept->part, kept->part + gone, kept->parts * sizeof(kept->part[0]));
	if (kept->parts)
		kept->part[0].n -= n;
}

static void begin_part(struct kept *kept, uint64_t era)
{
	if (kept->parts && kept->part[kept->parts - 1].era == era)
		return;
	if (kept->parts == KEPT_PARTS)
		drop(kept, kept->part[0].n);
	kept->part[kept->parts++] = (struct kept_part){era, 0};
}

void kept_add(struct kept *kept, const char *bytes, size_t n, uint64_t era)
{
	if (!n)
		return;
	begin_part(kept, era);
	buffer_add(&kept->bytes, bytes, n);
	kept->part[kept->parts - 1].n += n;
	if (kept->bytes.len > KEPT_MAX)
		drop(kept, kept->bytes.len - KEPT_MAX);
}

const char *kept_since(const struct kept *kept, uint64_t era, size_t *n)
{
	size_t older = 0;

	for (unsigned i = 0; i < kept->parts && kept->part[i].era < era; i++)
		older += kept->part[i].n;
	*n = kept->bytes.len - older;
	return *n ? kept->bytes.data + older : "";
}

void kept_finish(struct kept *kept)
{
	buffer_finish(&kept->bytes);
	*kept = (struct kept){0};
}
