#include "bucketd/uploads.h"

#include <stdlib.h>
#include <string.h>

struct filling {
	struct uploads *uploads;
	struct store_upload made[UPLOADS_READY];
	unsigned wanted, n;
	struct s3_error err;
};

static void fill(void *data)
{
	struct filling *f = data;

	while (f->n < f->wanted && store_upload_begin(f->uploads->store, &f->made[f->n], &f->err))
		f->n++;
}

static void on_filled(void *data, bool done)
{
	struct filling *f = data;
	struct uploads *uploads = f->uploads;

	for (unsigned i = 0; i < f->n; i++)
		uploads->ready[uploads->n++] = f->made[i];
	uploads->err = f->err;
	uploads->filling = false;
	free(f);
}

static void fill_soon(struct uploads *uploads)
{
	struct filling *f;

	if (uploads->filling || uploads->n > UPLOADS_READY / 4 * 3)
		return;
	f = gw_calloc(1, sizeof(*f));
	f->uploads = uploads;
	f->wanted = UPLOADS_READY - uploads->n;
	uploads->filling = work_add(uploads->work, NULL, fill, on_filled, f);
	if (!uploads->filling)
		free(f);
}

void uploads_init(struct uploads *uploads, struct work *work, struct store *store)
{
	*uploads = (struct uploads){.work = work, .store = store};
	fill_soon(uploads);
}

bool uploads_take(struct uploads *uploads, struct store_upload *upload, struct s3_error *err)
{
	bool ok = uploads->n > 0;

	if (ok)
		*upload = uploads->ready[--uploads->n];
	else if (uploads->err.code != S3_OK)
		*err = uploads->err;
	else
		s3_fail(err, S3_BUSY, NULL);
	fill_soon(uploads);
	return ok;
}

struct drop {
	struct store *store;
	struct store_upload upload;
};

static void drop(void *data)
{
	struct drop *d = data;

	store_upload_drop(d->store, &d->upload);
}

static void on_dropped(void *data, bool done)
{
	if (!done)
		drop(data);
	free(data);
}

void uploads_drop(struct uploads *uploads, struct store_upload *upload)
{
	struct drop *d = gw_calloc(1, sizeof(*d));

	*d = (struct drop){uploads->store, *upload};
	*upload = (struct store_upload){0};
	if (!work_add(uploads->work, NULL, drop, on_dropped, d))
		on_dropped(d, false);
}

void uploads_finish(struct uploads *uploads)
{
	while (uploads->n)
		store_upload_drop(uploads->store, &uploads->ready[--uploads->n]);
}
