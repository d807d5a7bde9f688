#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "artifactd/store_internal.h"
#include "libgateway/log.h"

struct artifact {
	char name[STORE_NAME_MAX];
	int64_t size;
	struct timespec asked;
	bool used;
};
struct artifacts {
	struct artifact *v;
	size_t n;
	int64_t bytes;
};

static void list_artifact(struct store *store, const char *folder, const char *name, void *data)
{
	struct artifacts *all = data;
	char *path = gw_sprintf("%s/%s", folder, name);
	struct stat st;

	if (strncmp(name, STORE_PREFIX, strlen(STORE_PREFIX)) == 0 && strlen(name) < STORE_NAME_MAX && lstat(path, &st) == 0 &&
	    S_ISREG(st.st_mode)) {
		all->v = gw_realloc(all->v, (all->n + 1) * sizeof(*all->v));
		all->v[all->n] = (struct artifact){.size = st.st_size, .asked = st.st_mtim, .used = st.st_nlink > 1};
		snprintf(all->v[all->n++].name, STORE_NAME_MAX, "%s", name);
		all->bytes += st.st_size;
	}
	free(path);
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct artifact *)a)->asked, *y = &((const struct artifact *)b)->asked;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

void store_prune(struct store *store)
{
	struct artifacts all = {0};

	pthread_mutex_lock(&store->mutex);
	store_each_name(store, store->root, list_artifact, &all);
	if (all.bytes > store->max_bytes)
		qsort(all.v, all.n, sizeof(*all.v), by_age);
	for (size_t i = 0; i < all.n && all.bytes > store->max_bytes; i++) {
		if (all.v[i].used)
			continue;
		log_info("artifact %s (%lld bytes) is pruned", all.v[i].name, (long long)all.v[i].size);
		store_remove_file(store, store->root, all.v[i].name, NULL);
		all.bytes -= all.v[i].size;
	}
	pthread_mutex_unlock(&store->mutex);
	free(all.v);
}
