/* Where a program's siblings and data lie. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/env.h"

/* The build tree's top, if this program runs from there (BUILD/folder/program); NULL if it is installed. Caller frees. */
static char *build_root(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *marker, *root;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	/* Programs lie one level down, tests two. */
	for (int level = 0; level < 3; level++) {
		char *slash = strrchr(self, '/');
		if (!slash || slash == self)
			return NULL;
		*slash = '\0';
		marker = gw_sprintf("%s/build.ninja", self);
		root = access(marker, F_OK) == 0 ? gw_strdup(self) : NULL;
		free(marker);
		if (root)
			return root;
	}
	return NULL;
}

char *env_program_path(const char *folder, const char *program)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s/%s", root, folder, program) : gw_sprintf("%s/%s", GW_LIBEXECDIR, program);

	free(root);
	return path;
}

char *env_data_path(const char *in_source, const char *installed)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s", GW_SOURCE_ROOT, in_source) : gw_sprintf("%s/%s", GW_DATADIR, installed);

	free(root);
	return path;
}

char *env_built_path(const char *in_build, const char *installed)
{
	char *root = build_root();
	char *path = root ? gw_sprintf("%s/%s", root, in_build) : gw_sprintf("%s/%s", GW_DATADIR, installed);

	free(root);
	return path;
}
