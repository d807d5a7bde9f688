#include "jobd/images.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

struct image_want {
	struct jobd *j;
	const struct job_image *of; /* borrowed from the job */
	struct ask *ask;            /* under way */
	char *id;                   /* owned; NULL: not there */
};

static bool same_image(const struct job_image *a, const struct job_image *b)
{
	return strcmp(a->store, b->store) == 0 && strcmp(a->image, b->image) == 0 && strcmp(a->platform, b->platform) == 0 &&
	       a->tls_verify == b->tls_verify && strcmp(a->pull, b->pull) == 0;
}

static struct image_want *find(const struct images *all, const struct job_image *image)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_image(all->v[i].of, image))
			return &all->v[i];
	return NULL;
}

static void on_got(void *data, const void *answer, const struct gw_error *why)
{
	struct image_want *w = data;
	struct jobd *j = w->j;
	const struct msg_artifact_image *image = answer;
	struct gw_error err = {0};

	w->ask = NULL;
	if (!image) {
		gw_fail(&err, why->kind, "%s: %s", w->of->where, why->text);
		artifacts_changed(j, &err);
		return;
	}
	w->id = gw_strdup(image->image_id);
	log_info("job=%s image %s: %s, %s", j->go->job, w->of->image, w->id, image->pulled ? "pulled" : "was there");
	j->images.had++;
	artifacts_changed(j, &err);
}

static void want_all(struct jobd *j, const struct job_images *images)
{
	for (size_t i = 0; i < images->n; i++)
		if (!find(&j->images, &images->v[i]))
			j->images.v[j->images.n++] = (struct image_want){.j = j, .of = &images->v[i]};
}

void images_fetch(struct jobd *j)
{
	images_finish(j);
	j->images.v = gw_calloc(j->job.start.images.n + j->job.next.images.n + 1, sizeof(*j->images.v));
	want_all(j, &j->job.start.images);
	want_all(j, &j->job.next.images);
	for (size_t i = 0; i < j->images.n; i++) {
		const struct job_image *image = j->images.v[i].of;
		struct msg_artifact_image_get get = {.capability = j->go->capability,
						     .store = (char *)image->store,
						     .image = image->image,
						     .tls_verify = image->tls_verify,
						     .platform = image->platform,
						     .pull = (char *)image->pull};

		j->images.v[i].ask = ask_start(&j->asks, "artifactd", MSG_ARTIFACT_IMAGE, &get, on_got, &j->images.v[i]);
	}
}

void images_name_awaited(const struct jobd *j, struct progress_names *names)
{
	for (size_t i = 0; i < j->images.n; i++)
		if (!j->images.v[i].id)
			progress_name(names, j->images.v[i].of->where);
}

void images_give_up(struct jobd *j)
{
	for (size_t i = 0; i < j->images.n; i++)
		ask_cancel(&j->images.v[i].ask);
}

const char *images_id(const struct jobd *j, const struct job_image *image)
{
	const struct image_want *w = find(&j->images, image);

	gw_assert(w && w->id);
	return w->id;
}

void images_finish(struct jobd *j)
{
	images_give_up(j);
	for (size_t i = 0; i < j->images.n; i++)
		free(j->images.v[i].id);
	free(j->images.v);
	j->images = (struct images){0};
}
