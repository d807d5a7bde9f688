/* What templates know of image stores: how to mount one, and which images of the job are in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"

/* One way to mount a store, of a pool. */
struct mount {
	const char *type, *src; /* src: with the store's name */
	const struct bus_texts *opts;
};

static const struct value *to_b2c_filesystem(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
					     struct gw_error *err)
{
	const struct mount *mount = data;
	const char *name = n_args == 1 ? value_text(args[0], NULL) : NULL;
	const struct value *result;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!name) {
		gw_fail(err, GW_BAD_INPUT, "to_b2c_filesystem takes one string");
		return NULL;
	}
	out = open_memstream(&text, &size);
	gw_assert(out);
	fprintf(out, "b2c.filesystem=%s,type=%s,src=%s", name, mount->type, mount->src);
	for (size_t i = 0; i < mount->opts->n; i++)
		fprintf(out, "%s%s", i ? "|" : ",opts=", mount->opts->v[i]);
	fclose(out);
	result = value_string(pool, text);
	free(text);
	return result;
}

static const struct value *mount_dict(struct value_pool *pool, const struct msg_imagestore_mount *from, const char *store)
{
	struct mount *mount = value_pool_alloc(pool, sizeof(*mount));
	struct value *d = value_dict(pool), *opts = value_list(pool);
	char *src = gw_sprintf("%s/%s", from->src, store);
	const struct value *text = value_string(pool, src);

	free(src);
	for (size_t i = 0; i < from->opts.n; i++)
		value_append(pool, opts, value_string(pool, from->opts.v[i]));
	value_set(pool, d, "type", value_string(pool, from->type));
	value_set(pool, d, "src", text);
	value_set(pool, d, "opts", opts);
	if (!mount || !value_text(text, NULL))
		return d; /* the pool is full: that is an error of its own */
	*mount = (struct mount){from->type, value_text(text, NULL), &from->opts};
	value_set(pool, d, "to_b2c_filesystem", value_callable(pool, to_b2c_filesystem, mount));
	return d;
}

static const struct value *mounts(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args, struct gw_error *err)
{
	const struct msg_job_prepare *prepared = ((const struct names *)data)->prepared;
	const char *store = n_args == 1 ? value_text(args[0], NULL) : NULL;
	struct value *d = value_dict(pool);

	if (!store || strcmp(store, "public") != 0) {
		gw_fail(err, GW_BAD_INPUT, "imagestore.mount takes the name of a store; accepted: \"public\"");
		return NULL;
	}
	for (size_t i = 0; prepared && i < prepared->imagestore_mounts.n; i++)
		value_set(pool, d, prepared->imagestore_mounts.v[i].type, mount_dict(pool, &prepared->imagestore_mounts.v[i], store));
	return d;
}

const struct value *names_imagestore(struct names *names)
{
	struct value *d = value_dict(&names->pool);

	value_set(&names->pool, d, "mount", value_callable(&names->pool, mounts, names));
	return d;
}

/* "docker://" is how a job may write it, and no part of its name. */
static const char *without_transport(const char *image)
{
	return strncmp(image, "docker://", 9) == 0 ? image + 9 : image;
}

void names_set_images(struct jobd *j, const struct job_deployment *deployment)
{
	struct value_pool *pool = &j->names.pool;
	struct value *stores = value_dict(pool), *store = value_dict(pool);

	for (size_t i = 0; i < deployment->images.n; i++) {
		const struct job_image *image = &deployment->images.v[i];
		struct value *d = value_dict(pool);

		value_set(pool, d, "image_id", value_string(pool, images_id(j, image)));
		value_set(pool, d, "image_name", value_string(pool, without_transport(image->image)));
		value_set(pool, d, "platform", value_string(pool, image->platform));
		value_set(pool, store, image->name, d);
	}
	value_set(pool, stores, "public", store);
	value_set(pool, j->names.job, "imagestore", stores);
}
